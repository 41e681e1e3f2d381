import type { Envelope } from '../dialects/dialect.ts'
import { unitOf } from '../money/unit.ts'
import { fenced, sh } from './fenced.ts'
import { otherRails } from './llms-rails.ts'
import type { ForSale, Selling } from './selling.ts'

/**
 * The literal requests of `/llms.txt`, in the order in which an agent needs them. A test runs each
 * of them against a real gate. No line begins with `#`: readers of llms.txt take it for a heading.
 */
export function literalRequests(selling: Selling): string {
  const { origin, terms } = selling
  const unit = unitOf(terms.money)
  const model = exampleModel(selling.models)
  const unnamed = model === null ? ' MODEL stands for a name from that list.' : ''
  const { path, request, type, errors } = exampleRequest(selling, model ?? 'MODEL')
  const key = `-H 'Authorization: Bearer MACAROON:PREIMAGE'`
  const json = `-H 'Content-Type: ${type}'`
  const list = sh(`curl -s ${origin}/v1/models`)
  const send = sh(`curl -s ${origin}${path} ${json} ${key} -d '${request}'`)
  const balance = sh(`curl -s ${origin}/v1/balance ${key}`)
  if (!terms.sells) {
    return [
      `Ask the operator for a pass. It is \`MACAROON:PREIMAGE\` in these requests. In an OpenAI SDK, \`base_url\` is \`${origin}/v1\` and \`api_key\` is the pass.`,
      `The models, with their prices.${unnamed}`,
      list,
      'A request with the pass.',
      send,
      'What is left on the pass.',
      balance,
      `If you need it: ${NARROWER}`,
      sh(NARROW),
    ].join('\n\n')
  }
  const step = counted()
  const listed = [`${step()}. List the models with their prices.${unnamed}`, list]
  const asked = sh(`curl -s -i ${origin}${path} ${json} -d '${request}'`)
  const where = { url: `${origin}${path}`, json, request }
  const lightning = terms.methods.includes('l402') || terms.methods.length === 0
  if (!lightning) {
    return [
      'How to pay. Words in capitals stand for values that you fill in.',
      ...listed,
      `${step()}. Ask without a key. The answer has the status 402, and says what this request needs.`,
      asked,
      `${step()}. Pay, in one of these ways.`,
      ...otherRails(selling, where),
      `${step()}. Send the next request with the pass of \`X-Satgate-Pass\`. In an OpenAI SDK, \`base_url\` is \`${origin}/v1\` and \`api_key\` is the pass, MACAROON:PREIMAGE in these requests.`,
      send,
      `${step()}. Keep the pass. \`X-Credit-Balance\` in each answer says what is left. \`GET /v1/balance\` says it exactly:`,
      balance,
      `${step()}, if you need it. ${NARROWER}`,
      sh(NARROW),
      ...(terms.cashuMints === null ? [] : [leaving(step()), takeOut(origin, json, key)]),
    ].join('\n\n')
  }
  return [
    'How to pay, with any Lightning wallet. Words in capitals stand for values that you fill in.',
    ...listed,
    `${step()}. Ask without a key.`,
    asked,
    `The answer has the status 402 and this form, shortened here. The header \`WWW-Authenticate: L402 macaroon="…", invoice="…"\` says the same.`,
    fenced('json', shapeOf402(errors, origin)),
    `${step()}. Pay \`l402.invoice\` with your wallet. Paying it gives you the preimage of the invoice: 64 hex digits. A person can pay at \`pay_at\`.${playPay(selling)}`,
    'If your wallet does not show the preimage, ask for it until `paid` is true. Then `preimage` or `token_suffix` is in the answer; either one is good in the place of PREIMAGE. PAYMENT_HASH is `l402.payment_hash` and STATUS_TOKEN is `l402.status_token`, and `payment_url` is this same path with both filled in. A 402 without a `payment_url` has an invoice that other people are shown too: pay it only with a wallet that shows the preimage.',
    sh(`curl -s '${origin}/invoice-status/PAYMENT_HASH?token=STATUS_TOKEN'`),
    `${step()}. Send the same request again with the pass, which is \`MACAROON:PREIMAGE\`: the macaroon of the 402, a colon and the preimage. \`Authorization: L402 MACAROON:PREIMAGE\` is good too. In an OpenAI SDK, \`base_url\` is \`${origin}/v1\` and \`api_key\` is the pass.`,
    send,
    `${step()}. Keep the pass. What a request did not cost stays on it, and \`X-Credit-Balance\` in each answer says what is left, in whole sats. \`GET /v1/balance\` says it to the thousandth:`,
    balance,
    `${step()}. Top the pass up before it is empty. Pay \`invoice\` of the answer; then the same pass has more credit. Without the Authorization header this buys a new pass. An invoice asks for at most ${terms.mostSats.toLocaleString('en')} ${unit}.`,
    sh(`curl -s ${origin}/create-invoice ${json} ${key} -d '{"amountSats":1000}'`),
    `${step()}, if you need it. ${NARROWER}`,
    sh(NARROW),
    leaving(step()),
    takeOut(origin, json, key),
    ...otherRails(selling, where),
  ].join('\n\n')
}

/** Numbers the steps: `Step 1`, `Step 2`. */
function counted(): () => string {
  let at = 0
  return () => {
    at += 1
    return `Step ${at}`
  }
}

const leaving = (step: string): string =>
  `${step}, when you leave. What was paid in and not spent goes back: to an invoice of your own wallet, or as a Cashu token with the body \`{"ecash":true}\` where the answer of \`/v1/balance\` has a mint in \`withdrawable\`. An invoice asks for at most the \`invoice_sats\` of one source there, and the rest pays the fee. Send the same request again if you get no answer: nothing is sent twice. Only the root pass may do this, not a narrowed one.`

const takeOut = (origin: string, json: string, key: string): string =>
  sh(`curl -s ${origin}/v1/withdraw ${json} ${key} -d '{"invoice":"YOUR_INVOICE"}'`)

/** What `GET /` answers to programs. */
export function greeting(selling: Selling): string {
  const { origin, terms } = selling
  const by = terms.operator.name === 'satgate' ? '' : ` of ${terms.operator.name}`
  const money = { real: '', test: ' Its money is test money.', play: ' Its money is play money.' }
  const [sold, pay] = terms.sells
    ? [' that is paid by the token', ' and how to pay']
    : ['; its operator gives out the passes', '']
  return `This is satgate${by}: an OpenAI-compatible API${sold}.${money[terms.money]}

${origin}/llms.txt         how to use it${pay}, with a literal request for each step
${origin}/v1/models        the models and their prices
${origin}/openapi.json     every endpoint
${origin}/                 the same for people, in a browser

In an OpenAI SDK, base_url is ${origin}/v1 and api_key is a pass: <macaroon>:<preimage>.
`
}

/** The first dialect that has an example, with that example. */
function exampleRequest({ terms }: Selling, model: string) {
  for (const { path, docs, wire } of terms.routes) {
    const body = docs.example(model)
    if (body === null) continue
    return { path, request: JSON.stringify(body), type: docs.request.type, errors: wire.errors }
  }
  return { path: '/', request: '{}', type: 'application/json', errors: terms.errors }
}

/** Names that need no escaping inside JSON inside single quotes of a shell. */
const PLAIN_NAME = /^[A-Za-z0-9][\w.:/@+-]{0,79}$/
/** Names that models that cannot chat usually have. */
const NO_CHAT = /embed|rerank|\bbge\b|whisper|tts/i

/** A model for an example. Null if no model has a plain name. */
function exampleModel(models: readonly ForSale[]): string | null {
  const plain = models.map(({ id }) => id).filter((id) => PLAIN_NAME.test(id))
  return plain.find((id) => !NO_CHAT.test(id)) ?? plain[0] ?? null
}

/** A 402 in the envelope of the dialect, shortened. */
function shapeOf402(errors: Envelope, origin: string): string {
  const message = 'Insufficient credits: …'
  const problem = { status: 402, code: 'insufficient_credits', message, param: null }
  const error = JSON.stringify(errors.error(problem, null), null, 1)
    .replace(/\n */g, ' ')
    .replace(/\{ /g, '{')
    .replace(/ \}/g, '}')
  return `${error.slice(0, -1)},
 "l402": {"invoice": "lnbc…", "macaroon": "AgEH…", "payment_hash": "…", "amount_sats": 10, "status_token": "…"},
 "payment_url": "/invoice-status/…?token=…", "pay_at": "${origin}/invoice-status/…?token=…",
 "pass_format": "<macaroon>:<preimage>"}`
}

function playPay({ origin, terms }: Selling): string {
  if (terms.money !== 'play') return ''
  const pay = sh(
    `curl -s ${origin}/play/pay -H 'Content-Type: application/json' -d '{"invoice":"INVOICE"}'`,
  )
  return ` Here the money is play money, and the gate itself pays with it, if it is asked from its own machine. The answer has the \`preimage\`:\n\n${pay}`
}

const NARROWER =
  'Make a narrower pass out of yours, for a tool or another agent that you do not fully trust. Into the settings of an app belongs a spending key, the pass with the caveat `only = spend`: whoever reads it there can spend, and cannot take money out. This needs no request: it adds caveats to the macaroon and signs them. The new pass spends from the same credit and never more than its caveats allow. Other caveats are `expires = 2030-12-31T00:00:00Z`, `spend <= 50 / day` (sats), `calls <= 100` and `model = NAME`.'

/**
 * Does the same as `satgate pass narrow`: a macaroon in V2 format ends with 00 06 20 and its
 * signature.
 */
const NARROW = `python3 - 'MACAROON:PREIMAGE' 'spend <= 5' <<'END'
import base64, hmac, secrets, sys
macaroon, preimage = sys.argv[1].split(":")
raw = base64.b64decode(macaroon)
for caveat in ["id = " + secrets.token_hex(8)] + sys.argv[2:]:
    text = caveat.encode()
    signature = hmac.digest(raw[-32:], text, "sha256")
    raw = raw[:-35] + bytes([2, len(text)]) + text + bytes([0, 0, 6, 32]) + signature
print(base64.b64encode(raw).decode() + ":" + preimage)
END`
