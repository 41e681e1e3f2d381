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
import { MONEY, PRICING } from './settings-money.ts'

const MOST_TOKENS = 10_000_000

const SERVING = {
  upstream: setting({
    read: upstream,
    standard: null,
    example: 'http://localhost:11434',
    doc: 'The backend that is paid for. A path that names a version stands as it is (`/api/paas/v4`); to any other `/v1` is added. If its certificate is signed by itself, start satgate with `NODE_EXTRA_CA_CERTS=/path/to/ca.pem`. Unset: looks for Ollama, vLLM, LM Studio and llama.cpp on their usual ports. Of a list `[{ name, url, key, models, weight }]` only the first is used yet',
    flag: { name: '--upstream', kind: 'text', value: 'URL' },
    structured: true,
    later: (node) => (node.is === 'list' ? 'is a list, of which only the first is used yet' : null),
  }),
  upstreamKey: setting({
    read: secretLine,
    standard: null,
    example: '{ env: OPENAI_API_KEY }',
    doc: 'The key that the backend wants, sent to it as Bearer',
    flag: { name: '--upstream-key-file', kind: 'file', value: 'PATH' },
    secret: true,
  }),
  port: setting({
    read: wholeNumber(0, 65_535),
    standard: '3000',
    example: '3000',
    doc: 'Where to listen; 0 takes a free one. Taken: the default moves on to the next, one that was asked for fails',
    flag: { name: '--port', kind: 'text', value: 'PORT' },
  }),
  host: setting({
    read: host,
    standard: '127.0.0.1',
    example: '127.0.0.1',
    doc: 'The address to listen on; `0.0.0.0` is every one of this machine',
    flag: { name: '--host', kind: 'text', value: 'HOST' },
  }),
  publicUrl: setting({
    read: originUrl,
    standard: null,
    example: 'https://llm.example.com',
    doc: 'How buyers reach this gate, for the links in its answers',
    flag: { name: '--public-url', kind: 'text', value: 'URL' },
  }),
  tunnel: setting({
    read: oneOf('true', 'false', 'auto'),
    standard: 'auto',
    example: 'auto',
    doc: 'A public address through Cloudflare. auto: where a cloudflared is there, money is real, nothing is free, there is no publicUrl and `host` is this machine alone. true: with test money too, and asks to install cloudflared where it is missing. Never with play money',
    flag: { name: '--tunnel', kind: 'switch' },
  }),
  dataDir: setting({
    read: folder,
    standard: '~/.satgate',
    example: '~/.satgate',
    doc: 'Ledger and root key. With the play wallet the default is `~/.satgate-play`',
    flag: { name: '--data-dir', kind: 'text', value: 'PATH' },
  }),
  mode: setting({
    read: oneOf('charge', 'control', 'observe'),
    standard: 'charge',
    example: 'charge',
    doc: 'charge: who has no credit is asked to pay. control and observe have no effect yet',
    flag: { name: '--mode', kind: 'text', value: 'MODE' },
    later: (node) =>
      node.is === 'text' && node.text !== 'charge'
        ? `${node.text} has no effect yet: this gate charges`
        : null,
  }),
}

const RUNNING = {
  'capacity.maxConcurrent': setting({
    read: wholeNumber(0, 100_000),
    standard: null,
    example: '4',
    doc: 'Requests at the backend at a time; unset or 0: no limit',
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
    doc: 'How long they may',
    later: noEffectYet,
  }),
  'billing.onUpstreamFailure': setting({
    read: oneOf('used', 'release'),
    standard: 'used',
    example: 'used',
    doc: 'An answer that the backend broke off midway: used charges what was delivered, release nothing',
  }),
  'timeouts.firstByte': setting({
    read: duration,
    standard: '5m',
    example: '5m',
    doc: 'How long the backend may take to begin its answer. One that is not streamed has to be whole by then, so its length is bounded by the speed of its model',
  }),
  'timeouts.idle': setting({
    read: duration,
    standard: '2m',
    example: '2m',
    doc: 'How long an answer may be silent once it began, and a buyer may read nothing',
  }),
  'timeouts.shutdown': setting({
    read: duration,
    standard: '30s',
    example: '30s',
    doc: 'How long running answers may take to end when the gate is stopped',
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
    doc: 'The longest answer that may be bought, whatever the price',
  }),
  'limits.invoicesPerClient': setting({
    read: wholeNumber(1, 1_000_000),
    standard: '20',
    example: '20',
    doc: 'Unpaid invoices with a secret that one client may have open',
  }),
  'limits.invoicesTotal': setting({
    read: wholeNumber(1, 10_000_000),
    standard: '10000',
    example: '10000',
    doc: 'Unpaid invoices that all clients together may have open, shared ones too',
  }),
  'limits.requestFields': setting({
    read: listOf(requestField),
    standard: '[]',
    example: '[guidance_scale]',
    doc: 'Fields of a request that pass to the backend besides the usual ones. What is left out is named in `X-Satgate-Ignored`',
    structured: true,
  }),
  metrics: setting({
    read: hostPort,
    standard: null,
    example: '127.0.0.1:9464',
    doc: 'Prometheus metrics, on a listener of their own; unset: none',
  }),
  trustedProxies: setting({
    read: listOf(network),
    standard: '[]',
    example: '[10.0.0.0/8]',
    doc: 'Proxies whose word on where a request came from is believed',
    structured: true,
  }),
  cors: setting({
    read: listOf(corsOrigin),
    standard: '["*"]',
    example: '["https://chat.example.com"]',
    doc: 'Web origins that may call. What needs no credential answers no other origin unless it is named here',
    structured: true,
  }),
  'log.format': setting({
    read: oneOf('auto', 'text', 'json'),
    standard: 'auto',
    example: 'auto',
    doc: 'auto: lines for people on a terminal, JSON otherwise',
    flag: { name: '--json', kind: 'switch', means: 'json' },
  }),
  'log.level': setting({
    read: oneOf('error', 'warn', 'info', 'debug'),
    standard: 'info',
    example: 'info',
    doc: 'How much is said: error, warn, info or debug',
    flag: { name: '--verbose', kind: 'switch', means: 'debug' },
  }),
}

/** Every setting there is, in the order in which people read them. */
const SETTINGS = { ...SERVING, ...PRICING, ...MONEY, ...RUNNING }

export type Key = keyof typeof SETTINGS
export type Values = { readonly [K in Key]: ValueOf<(typeof SETTINGS)[K]> }

/** The same by name, for what comes from outside: `__proto__` is no setting. */
export const BY_KEY: ReadonlyMap<string, Setting<unknown>> = new Map(Object.entries(SETTINGS))

/** Groups that may be written as one word, and the setting that it means. */
export const SHORT: ReadonlyMap<string, Key> = new Map([['wallet', 'wallet.kind']])
