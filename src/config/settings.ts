import { contact, shortLine, urlOrText } from './read-operator.ts'
import { folder, secretLine } from './read-secret.ts'
import { upstream } from './read-upstream.ts'
import {
  corsOrigin,
  duration,
  host,
  hostPort,
  listOf,
  network,
  oneOf,
  originUrl,
  requestField,
  size,
  wholeNumber,
} from './reader.ts'
import { noEffectYet, type Setting, setting, type ValueOf } from './setting.ts'
import { APIS } from './settings-apis.ts'
import { MONEY, PRICING } from './settings-money.ts'

const MOST_TOKENS = 10_000_000

const SERVING = {
  upstream: setting({
    read: upstream,
    standard: null,
    example: 'http://localhost:11434',
    doc: 'The backend whose answers are sold. If the path of the URL ends in a version (`/api/paas/v4`), it is used as it is; otherwise `/v1` is added. If the backend has a self-signed certificate, start satgate with `NODE_EXTRA_CA_CERTS=/path/to/ca.pem`. Unset: satgate looks for Ollama, vLLM, LM Studio and llama.cpp on their usual ports',
    flag: {
      name: '--upstream',
      kind: 'text',
      value: 'URL',
      help: [
        'Backend',
        'the backend whose answers are sold; without it satgate looks for Ollama, vLLM, LM Studio and llama.cpp on their usual ports',
      ],
    },
    structured: true,
    later: (node) => (node.is === 'list' ? 'is a list, of which only the first is used yet' : null),
  }),
  upstreamKey: setting({
    read: secretLine,
    standard: null,
    example: '{ env: OPENAI_API_KEY }',
    doc: 'The API key of the backend; satgate sends it as `Authorization: Bearer`',
    flag: {
      name: '--upstream-key-file',
      kind: 'file',
      value: 'PATH',
      help: ['Backend', 'a file with the API key of the backend'],
    },
    secret: true,
  }),
  port: setting({
    read: wholeNumber(0, 65_535),
    standard: '3000',
    example: '3000',
    doc: 'The port to listen on; 0 takes any free port. If the default port is taken, satgate takes the next free one; if a port that you chose is taken, satgate does not start',
    flag: {
      name: '--port',
      kind: 'text',
      value: 'PORT',
      help: [
        'Reach',
        'the port to listen on; 0 takes any free one (default: 3000, or the next free one)',
      ],
    },
  }),
  host: setting({
    read: host,
    standard: '127.0.0.1',
    example: '127.0.0.1',
    doc: 'The address to listen on; `0.0.0.0` means every address of this machine',
    flag: {
      name: '--host',
      kind: 'text',
      value: 'HOST',
      help: ['Reach', 'the address to listen on (default: 127.0.0.1, this machine only)'],
    },
  }),
  publicUrl: setting({
    read: originUrl,
    standard: null,
    example: 'https://llm.example.com',
    doc: 'The address under which buyers reach this gate. Links in its answers begin with it',
    flag: {
      name: '--public-url',
      kind: 'text',
      value: 'URL',
      help: ['Reach', 'the address under which buyers reach the gate, for links in its answers'],
    },
  }),
  tunnel: setting({
    read: oneOf('true', 'false', 'auto'),
    standard: 'auto',
    example: 'auto',
    doc: 'A public address through Cloudflare. auto: if `cloudflared` is installed, the money is real, no model is free, `publicUrl` is unset and `host` is a loopback address; on a terminal satgate asks you the first time. true: with test money too, and satgate asks to install `cloudflared` if it is missing. Never with play money',
    flag: {
      name: '--tunnel',
      kind: 'switch',
      help: [
        'Reach',
        'a public address through Cloudflare, or none (default: asks the first time, if cloudflared is installed and the money is real)',
      ],
    },
  }),
  dataDir: setting({
    read: folder,
    standard: '~/.satgate',
    example: '~/.satgate',
    doc: 'The folder of the ledger, the root key and the ecash wallet. With play money the default is `~/.satgate-play`',
    flag: { name: '--data-dir', kind: 'text', value: 'PATH' },
  }),
  mode: setting({
    read: oneOf('charge', 'control', 'observe'),
    standard: 'charge',
    example: 'charge',
    doc: 'What a request without credit gets. charge: 402 with an invoice. control: 402 without one, because the operator gives out the passes. observe: it is served, nobody is charged, and the log says what would have been charged or refused; without a pass from this machine alone',
    flag: { name: '--mode', kind: 'text', value: 'MODE' },
  }),
}

const OPERATOR = {
  'operator.name': setting({
    read: shortLine,
    standard: null,
    example: 'Example Models',
    doc: 'Who runs this gate. Buyers read it on the page, in `/llms.txt`, `/.well-known/l402` and `/openapi.json`. Unset: satgate',
  }),
  'operator.contact': setting({
    read: contact,
    standard: null,
    example: 'help@example.com',
    doc: 'How buyers reach the operator: an e-mail address, a URL or a Nostr key (`npub1…`)',
  }),
  'operator.terms': setting({
    read: urlOrText,
    standard: null,
    example: 'https://example.com/terms',
    doc: 'Under which terms you sell: a URL, or a text of at most 200 characters',
  }),
}

const RUNNING = {
  'capacity.maxConcurrent': setting({
    read: wholeNumber(0, 100_000),
    standard: null,
    example: '4',
    doc: 'How many requests may be at the backend at the same time; unset or 0: no limit',
  }),
  'capacity.queue': setting({
    read: wholeNumber(0, 100_000),
    standard: null,
    example: '16',
    doc: 'Requests that may wait for their turn',
    later: noEffectYet,
  }),
  'capacity.wait': setting({
    read: duration,
    standard: null,
    example: '30s',
    doc: 'How long a request may wait for its turn',
    later: noEffectYet,
  }),
  'billing.onUpstreamFailure': setting({
    read: oneOf('used', 'release'),
    standard: 'used',
    example: 'used',
    doc: 'What is charged if the backend breaks off in the middle of an answer. used: what was delivered; release: nothing',
  }),
  'timeouts.firstByte': setting({
    read: duration,
    standard: '5m',
    example: '5m',
    doc: 'How long the backend may take to begin its answer. An answer that is not streamed must be complete within this time, so the speed of the model limits its length',
  }),
  'timeouts.idle': setting({
    read: duration,
    standard: '2m',
    example: '2m',
    doc: 'How long the backend may send nothing after its answer began, and how long a buyer may read nothing',
  }),
  'timeouts.shutdown': setting({
    read: duration,
    standard: '30s',
    example: '30s',
    doc: 'How long running answers may go on after the gate is told to stop',
  }),
  'limits.body': setting({
    read: size,
    standard: '10mb',
    example: '10mb',
    doc: 'The largest request',
  }),
  'limits.outputTokens': setting({
    read: wholeNumber(1, MOST_TOKENS),
    standard: '32768',
    example: '32768',
    doc: 'The longest answer that a buyer can buy, in tokens',
  }),
  'limits.invoicesPerClient': setting({
    read: wholeNumber(1, 1_000_000),
    standard: '20',
    example: '20',
    doc: 'How many unpaid invoices one client may have open. Beyond it, the client gets invoices that are shared with others',
  }),
  'limits.invoicesTotal': setting({
    read: wholeNumber(1, 10_000_000),
    standard: '10000',
    example: '10000',
    doc: 'How many unpaid invoices all clients together may have open, shared invoices included',
  }),
  'limits.requestFields': setting({
    read: listOf(requestField),
    standard: '[]',
    example: '[guidance_scale]',
    doc: 'Request fields that are sent to the backend in addition to the usual ones. The header `X-Satgate-Ignored` names the fields that were left out',
    structured: true,
  }),
  ...APIS,
  metrics: setting({
    read: hostPort,
    standard: null,
    example: '127.0.0.1:9464',
    doc: 'Address and port of a separate listener for Prometheus metrics; unset: no metrics',
  }),
  trustedProxies: setting({
    read: listOf(network),
    standard: '[]',
    example: '[10.0.0.0/8]',
    doc: 'Addresses or networks of the proxies in front whose `X-Forwarded-*` headers are believed',
    structured: true,
  }),
  cors: setting({
    read: listOf(corsOrigin),
    standard: '["*"]',
    example: '["https://chat.example.com"]',
    doc: 'Web origins whose pages may call the gate with a pass. Answers without a pass (free models) go only to the origins named here; `*` does not count for them',
    structured: true,
  }),
  'log.format': setting({
    read: oneOf('auto', 'text', 'json'),
    standard: 'auto',
    example: 'auto',
    doc: 'auto: lines for people on a terminal, JSON otherwise. text and json: always that',
    flag: {
      name: '--json',
      kind: 'switch',
      means: 'json',
      help: ['Log', 'one JSON object a line (default if stdout is not a terminal)'],
    },
  }),
  'log.level': setting({
    read: oneOf('error', 'warn', 'info', 'debug'),
    standard: 'info',
    example: 'info',
    doc: 'How much is logged: error, warn, info or debug',
    flag: {
      name: '--verbose',
      kind: 'switch',
      means: 'debug',
      help: ['Log', 'say more about each request'],
    },
  }),
}

/** All settings, in the order in which people read them. */
const SETTINGS = { ...SERVING, ...PRICING, ...MONEY, ...OPERATOR, ...RUNNING }

export type Key = keyof typeof SETTINGS
export type Values = { readonly [K in Key]: ValueOf<(typeof SETTINGS)[K]> }

/** The same by name, for names that come from outside. A map has no entry for `__proto__`. */
export const BY_KEY: ReadonlyMap<string, Setting<unknown>> = new Map(Object.entries(SETTINGS))

/** Groups that may be written as one word, and the setting that this word sets. */
export const SHORT: ReadonlyMap<string, Key> = new Map([
  ['wallet', 'wallet.kind'],
  ['rails.cashu', 'rails.cashu.on'],
])
