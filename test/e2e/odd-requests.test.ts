import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { bearer } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'
import { RawClient } from '../support/serve.ts'

/**
 * Some hundred requests as bytes, most of them odd, and what the gate answers to each: status, headers
 * and body. How a request reaches a route may change; what it is answered may not.
 */

interface Odd {
  readonly method?: string
  readonly target?: string
  readonly version?: string
  /** Null sends none. */
  readonly host?: string | null
  readonly headers?: readonly string[]
  readonly body?: string
  /** Whether the body goes out as one chunk. */
  readonly chunked?: boolean
  readonly paid?: boolean
}

const CHAT = '/v1/chat/completions'
const HI = '{"model":"fake","messages":[{"role":"user","content":"hi"}]}'
const STREAM = HI.replace('{', '{"stream":true,')
const JSON_TYPE = 'content-type: application/json'

const TARGETS = [
  ...[CHAT, '/v1/completions', '/v1/embeddings', '/v1/models', '/', '/create-invoice', '/nothing'],
  ...[
    `${CHAT}/`,
    `/${CHAT}`,
    '/V1/chat/completions',
    '/v1/./chat/completions',
    '/v1/chat%2Fcompletions',
  ],
  ...[
    `${CHAT}?x=1`,
    `${CHAT}?`,
    `${CHAT}?a=%00&b=\\`,
    `${CHAT}#x`,
    `http://else.example${CHAT}`,
    '*',
    'v1',
  ],
  ...[
    '/v1\\chat\\completions',
    '/v1/chat',
    '/invoice-status/x',
    '/play/pay',
    '/health',
    '/assets/x',
  ],
  ...['/v1/balance', '/v1/usage?limit=0', '/llms.txt?x', '/v1/models/none', '/v1/messages'],
]
/** `<pass>` stands for the pass that is paid for. */
const KEY_PATHS = [
  ...[
    '/k',
    '/k/',
    '/k//api/chat',
    '/k/x',
    '/k/x/',
    `/k/x${CHAT}`,
    `/k/x/${CHAT}`,
    '/k/x?y',
    '/K/x/y',
  ],
  ...[
    '<pass>',
    '<pass>/',
    `<pass>${CHAT}`,
    `<pass>${CHAT}?x=1`,
    `<pass>/${CHAT}`,
    '<pass>/k/x/v1/x',
  ],
  ...[`<pass>/..${CHAT}`, `/k/${'A'.repeat(90)}:${'0'.repeat(64)}${CHAT}`],
].map((target) => target.replace('<pass>', '/k/<pass>'))
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND']
const HOSTS = [
  ...[
    'gate.example',
    'gate.example:3000',
    'gate.example:80',
    'GATE.example',
    '[::1]:3000',
    '256.1.1.1:80',
  ],
  ...[
    '256.1.1.1',
    'gate.example:99999',
    'a b',
    'user@gate.example',
    'user:pw@x:1',
    'gäte.example',
    '',
  ],
  null,
]

/** Each with a title that names what is odd about it. */
function* odd(): Generator<readonly [string, Odd]> {
  for (const target of TARGETS) {
    yield [`POST ${target}`, { target }]
    yield [`POST ${target}, paid`, { target, paid: true }]
  }
  for (const target of [CHAT, '/v1/models', '/nothing', '/create-invoice']) {
    for (const method of METHODS) yield [`${method} ${target}`, { method, target, body: '' }]
  }
  for (const host of HOSTS) {
    yield [`host ${host}`, { host }]
    yield [`host ${host}, paid`, { host, paid: true }]
  }
  for (const origin of [
    'https://page.example',
    'https://own.example',
    'null',
    'http://127.0.0.1:1',
  ]) {
    const headers = [`origin: ${origin}`, JSON_TYPE]
    const asks = 'access-control-request-method: POST'
    yield [`origin ${origin}`, { headers }]
    yield [`origin ${origin}, paid`, { headers, paid: true }]
    yield [`origin ${origin}, free model`, { headers, body: HI.replace('fake', 'free-one') }]
    yield [`preflight of ${origin}`, { method: 'OPTIONS', headers: [...headers, asks], body: '' }]
  }
  for (const paid of [false, true]) {
    const how = paid ? ', paid' : ''
    const post = (title: string, more: Odd) => [`${title}${how}`, { paid, ...more }] as const
    yield post('no body', { body: '' })
    yield post('in chunks', { chunked: true })
    yield post('a stream', { body: STREAM })
    yield post('a stream, HTTP/1.0', { body: STREAM, version: '1.0' })
    yield post('HTTP/1.0', { version: '1.0' })
    yield post('HTTP/1.0 kept', { version: '1.0', headers: ['connection: keep-alive'] })
    yield post('closing', { headers: ['connection: close'] })
    yield post('not JSON', { body: '{"model"' })
    yield post('an array', { body: '[1]' })
    yield post('a number of bytes too many', { body: HI + ' '.repeat(3_000) })
    yield post('a number of bytes too many, in chunks', {
      body: HI + ' '.repeat(3_000),
      chunked: true,
    })
    yield post('gzip', { headers: ['content-encoding: gzip'] })
    yield post('identity', { headers: ['content-encoding: identity'] })
    yield post('another coding', { headers: ['transfer-encoding: gzip, chunked'], body: '' })
    yield post('100-continue', { headers: ['expect: 100-continue'] })
    yield post('100-continue, too large', {
      headers: ['expect: 100-continue'],
      body: ' '.repeat(3_000),
    })
    yield post('another expectation', { headers: ['expect: 200-ok'] })
    yield post('two lengths', { headers: ['content-length: 1'] })
    yield post('length and chunks', { headers: ['content-length: 1'], chunked: true })
    yield post('an upgrade', { headers: ['connection: upgrade', 'upgrade: websocket'] })
    yield post('text', { headers: ['content-type: text/plain'] })
    yield post('another model', { body: HI.replace('fake', 'none') })
    yield post('a folded header', { headers: ['x-a: b\r\n c'] })
    yield post('a path of another method, GET', { method: 'GET' })
    yield post('a body with GET', { method: 'GET', body: HI })
  }
  yield ['a wrong key', { headers: ['authorization: Bearer sk-nothing'] }]
  yield ['two keys', { headers: ['x-api-key: other'], paid: true }]
  yield ['half a key', { headers: ['authorization: L402 abc:def'] }]
  for (const target of KEY_PATHS) {
    yield [`POST ${target}`, { target }]
    yield [`POST ${target}, paid`, { target, paid: true }]
  }
}

it('each odd request gets the answer that it always got', async () => {
  const gate = await startGate({
    settings: {
      limits: { body: '2kb', invoicesPerClient: 10_000 },
      pricing: { default: 1, models: { 'free-*': 'free' } },
      cors: ['https://own.example', '*'],
      dialects: { keyPath: true },
    },
    script: { deltas: [' a', ' b'], models: [{ id: 'fake' }, { id: 'free-one' }] },
  })
  const pass = await gate.buy(1_000_000)
  const blocks: string[] = []
  for (const [title, one] of odd()) {
    const answer = await ask(gate, bytesOf(one, pass.text))
    blocks.push(`=== ${title}\n${plain(answer, gate)}\n`)
  }
  expect(blocks.length).toBeGreaterThan(150)
  await expect(blocks.join('\n')).toMatchFileSnapshot('../golden/http/odd-requests.txt')
})

function bytesOf(one: Odd, pass: string): string {
  const { method = 'POST', target = CHAT, version = '1.1', host = 'gate.example' } = one
  const { headers = [], body = HI, chunked = false, paid = false } = one
  const length = chunked ? 'transfer-encoding: chunked' : `content-length: ${body.length}`
  const lines = [
    `${method} ${target.replace('<pass>', pass)} HTTP/${version}`,
    ...(host === null ? [] : [`host: ${host}`]),
    ...headers,
    ...(headers.some((line) => line.startsWith('transfer-encoding')) ? [] : [length]),
    ...(paid ? [`authorization: ${bearer(pass).authorization}`] : []),
  ]
  const sent = chunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body
  return `${lines.join('\r\n')}\r\n\r\n${sent}`
}

/** Sends the bytes on a connection of their own. Then asks for something that closes it. */
async function ask(gate: TestGate, bytes: string): Promise<string> {
  const client = new RawClient(gate.port)
  client.send(bytes)
  await client.until(/(?:^|\r\n\r\n)HTTP\/1\.1 [2-5]\d\d /)
  client.send('GET /assets/end HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  return client.untilClosed()
}

/** The answer without what differs from run to run, its headers in the order of their names. */
function plain(answer: string, gate: TestGate): string {
  const masked = answer
    .replaceAll(`127.0.0.1:${gate.port}`, '<gate>')
    .replaceAll(new RegExp(`(?<![0-9a-f])${gate.fake.port}(?![0-9a-f])`, 'g'), '<backend>')
    .replace(/Date: [^\r]*\r\n/g, '')
    .replace(/\blnbc\w{60,}/g, '<invoice>')
    .replace(/[\w+/=-]{100,}/g, '<macaroon>')
    .replace(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replace(/\b0[0-9a-f]{23}\b/g, '<id>')
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/(x-credit-balance(?:-msat)?): \d+/gi, '$1: <balance>')
    .replace(/"(created|created_at|expires_at)":\d+/g, '"$1":0')
  return masked
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .map(onePlain)
    .join('\n---\n')
}

function onePlain(answer: string): string {
  const [head = '', ...rest] = answer.split('\r\n\r\n')
  const [status, ...lines] = head.split('\r\n')
  const headers = lines.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()))
  const chunked = headers.includes('transfer-encoding: chunked')
  const text = rest.join('\r\n\r\n')
  const body = chunked ? withoutChunks(text) : text
  const kept = headers.filter((line) => !/^content-length: \d\d/.test(line))
  return [status, ...kept.sort(), '', short(body)].join('\n').trim()
}

/** The bodies of the chunks, and the trailer. */
const withoutChunks = (text: string): string => text.replace(/(^|\r\n)[0-9a-f]+\r\n/g, '')

const short = (body: string): string =>
  body.length <= 400
    ? body
    : `${body.slice(0, 200)} … ${createHash('sha256').update(body).digest('hex').slice(0, 16)}`
