import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FakeChain, V1_NETWORKS } from './fake-chain.ts'
import {
  askIn,
  type FacilitatorAsk,
  refusalOf,
  type Said,
  sayNotSettled,
  saySettled,
  sayVerified,
  WORDS,
} from './fake-facilitator-words.ts'

export type FacilitatorRoute = 'verify' | 'settle' | 'supported'

/**
 * What a facilitator can do wrong. Those with `After` have settled the payment by then, the others have
 * not. `liesValid` belongs to /verify; the last group belongs to /settle.
 */
export type FacilitatorFault =
  | 'dropBefore'
  | 'dropAfter'
  | 'hang'
  | 'hangAfter'
  /** Single bytes: never idle for long, never at an end. */
  | 'trickleAfter'
  /** 302 to a place that the gate must not follow to. */
  | 'redirect'
  | 'garbage'
  | 'html'
  | 'list'
  /** More than a megabyte. */
  | 'oversize'
  | 'status500'
  | 'status500After'
  | 'status429'
  | 'status401'
  | 'liesValid'
  /** `isValid: false` or `success: false` without a reason. */
  | 'refuses'
  | 'noTransaction'
  | 'noTransactionAfter'
  /** It has no money for gas, and says so as the reference does. */
  | 'outOfGas'
  /** It sent the transfer, and saw no receipt in time: `success: false`, but the money has moved. */
  | 'noReceiptAfter'
  /** It says so although nothing was sent. */
  | 'saysUsed'

export interface Fault {
  readonly is: FacilitatorFault
  /** How many of the next requests have the fault. */
  times: number
}

export interface FakeFacilitator {
  /** Without a slash at its end. `/verify`, `/settle` and `/supported` follow. */
  readonly url: string
  readonly chain: FakeChain
  readonly faults: Partial<Record<FacilitatorRoute, Fault>>
  /** The number of requests for each route, also of those that failed. */
  readonly counts: Record<FacilitatorRoute, number>
  /** The headers and the body of every request, in order. */
  readonly heard: {
    readonly route: FacilitatorRoute
    readonly headers: IncomingMessage['headers']
    // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
    readonly json: any
  }[]
  /** Called before each answer. A test may wait in it. */
  before: (route: FacilitatorRoute) => Promise<void> | void
  /** Whether a request waits for an answer that never comes to its end. */
  waits(): boolean
  stop(): Promise<void>
  /** Starts again at the same address, with the same chain. */
  restart(): Promise<void>
}

/**
 * A facilitator over HTTP on loopback, for payments of both versions, with a chain in memory. Without a
 * fault it answers as the reference does. The test must stop it.
 */
export async function startFakeFacilitator(chain = new FakeChain()): Promise<FakeFacilitator> {
  const waiting = new Set<ServerResponse>()
  const server = createServer((request, response) => {
    response.on('close', () => waiting.delete(response))
    void answer(facilitator, waiting, request, response)
  })
  const port = await listen(server, 0)
  const stop = () => {
    server.closeAllConnections()
    return new Promise<void>((then) => server.close(() => then()))
  }
  const facilitator: FakeFacilitator = {
    url: `http://127.0.0.1:${port}`,
    chain,
    faults: {},
    counts: { verify: 0, settle: 0, supported: 0 },
    heard: [],
    before: () => {},
    waits: () => waiting.size > 0,
    stop,
    restart: async () => {
      if (server.listening) await stop()
      await listen(server, port)
    },
  }
  return facilitator
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((then) => server.listen(port, '127.0.0.1', then))
  return (server.address() as AddressInfo).port
}

async function answer(
  facilitator: FakeFacilitator,
  waiting: Set<ServerResponse>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  // A caller who leaves in the middle is not answered.
  const whole = await (async () => {
    for await (const chunk of request) chunks.push(chunk)
    return true
  })().catch(() => false)
  const route = ROUTES[`${request.method} ${request.url}`]
  if (!whole) return
  if (route === undefined) return send(response, { status: 404, body: { error: 'no such path' } })
  const json = parsed(Buffer.concat(chunks).toString())
  facilitator.counts[route] += 1
  facilitator.heard.push({ route, headers: request.headers, json })
  await facilitator.before(route)
  const fault = takeFault(facilitator.faults, route)
  const said = () => speak(facilitator.chain, route, json)
  if (fault === null) send(response, said())
  else spoil(fault, { chain: facilitator.chain, route, json, said, response, waiting })
}

const ROUTES: Readonly<Record<string, FacilitatorRoute>> = {
  'POST /verify': 'verify',
  'POST /settle': 'settle',
  'GET /supported': 'supported',
}

function takeFault(
  faults: FakeFacilitator['faults'],
  route: FacilitatorRoute,
): FacilitatorFault | null {
  const fault = faults[route]
  if (fault === undefined || fault.times === 0) return null
  fault.times -= 1
  return fault.is
}

/** What an honest facilitator answers, after it has done what is asked. */
function speak(chain: FakeChain, route: FacilitatorRoute, json: unknown): Said {
  if (route === 'supported') return { status: 200, body: supported(chain) }
  if (json === undefined) return { status: 400, body: { error: 'Unexpected end of JSON input' } }
  const ask = tried(json)
  if (ask === null) {
    const error = "Cannot read properties of undefined (reading 'x402Version')"
    return { status: 500, body: { error } }
  }
  if (ask.caip2 !== chain.network) {
    const error = `No facilitator registered for scheme: exact and network: ${ask.network}`
    return { status: 500, body: { error } }
  }
  const refusal = refusalOf(chain, ask)
  if (route === 'verify') return sayVerified(refusal, ask)
  if (refusal !== null) return sayNotSettled(refusal, ask)
  const sent = chain.send(ask.asset, ask.authorization, ask.signature)
  if (typeof sent === 'string') return sayNotSettled(WORDS[sent], ask)
  return saySettled(sent.hash, ask)
}

const supported = ({ network }: FakeChain) => ({
  kinds: [
    { x402Version: 2, scheme: 'exact', network },
    ...Object.entries(V1_NETWORKS).flatMap(([name, caip2]) =>
      caip2 === network ? [{ x402Version: 1, scheme: 'exact', network: name }] : [],
    ),
  ],
  extensions: [],
  signers: { 'eip155:*': ['0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'] },
})

interface Spoiled {
  readonly chain: FakeChain
  readonly route: FacilitatorRoute
  readonly json: unknown
  readonly said: () => Said
  readonly response: ServerResponse
  readonly waiting: Set<ServerResponse>
}

/** Answers wrongly, or not at all. */
function spoil(fault: FacilitatorFault, at: Spoiled): void {
  const { response, route, waiting } = at
  const ask = tried(at.json)
  const said = fault.endsWith('After') ? at.said() : null
  switch (fault) {
    case 'dropBefore':
    case 'dropAfter':
      response.destroy()
      return
    case 'hang':
    case 'hangAfter':
      waiting.add(response)
      return
    case 'trickleAfter':
      waiting.add(response)
      trickle(response, JSON.stringify(said?.body))
      return
    case 'oversize':
      send(response, { status: 200, body: { ...GOOD[route], padding: 'a'.repeat(1_100_000) } })
      return
    case 'liesValid':
      if (ask !== null) send(response, sayVerified(null, ask))
      return
    case 'noTransaction':
    case 'noTransactionAfter':
      if (ask !== null) send(response, saySettled('', ask))
      return
    case 'outOfGas':
    case 'noReceiptAfter':
      if (ask !== null) send(response, sayNotSettled(WORDS.failed, ask))
      return
    case 'saysUsed':
      if (ask === null) return
      send(response, (route === 'verify' ? sayVerified : sayNotSettled)(WORDS.used, ask))
      return
    default: {
      const [status, type, text] = PAGES[fault] ?? [200, 'application/json', '']
      const headers = { 'content-type': type, location: 'http://127.0.0.1:1/', 'retry-after': '7' }
      response.writeHead(status, headers).end(text)
    }
  }
}

const GOOD: Readonly<Record<FacilitatorRoute, object>> = {
  verify: { isValid: true },
  settle: { success: true, transaction: `0x${'0'.repeat(64)}` },
  supported: { kinds: [] },
}

const json = (status: number, body: object) =>
  [status, 'application/json', JSON.stringify(body)] as const

const PAGES: Partial<Record<FacilitatorFault, readonly [number, string, string]>> = {
  garbage: [200, 'application/json', '{"success": true, "trans'],
  html: [200, 'text/html', '<html>hello</html>'],
  list: json(200, []),
  redirect: json(302, {}),
  status500: json(500, { error: 'internal error' }),
  status500After: json(500, { error: 'internal error' }),
  status429: json(429, { error: 'slowly' }),
  status401: json(401, { error: 'who are you' }),
  refuses: json(200, { isValid: false, success: false }),
}

function trickle(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  let at = 0
  const timer = setInterval(() => {
    response.write(text.slice(at, at + 1))
    at = Math.min(at + 1, text.length - 2)
  }, 20)
  response.on('close', () => clearInterval(timer))
}

function send(response: ServerResponse, { status, body }: Said): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function tried(json: unknown): FacilitatorAsk | null {
  try {
    return askIn(json)
  } catch {
    return null
  }
}
