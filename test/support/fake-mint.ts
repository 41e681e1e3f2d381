import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Bank, type BankMemory, type BankOptions } from './fake-mint-bank.ts'
import { MintNo } from './fake-mint-coins.ts'
import { type Fault, isLie, lie, type Route, spoil } from './fake-mint-faults.ts'
import { type MintSockets, serveSockets, type Welcome } from './fake-mint-socket.ts'

export interface FakeMintOptions extends Partial<BankOptions> {
  /** Whether it tells of payments (NUT-17). The default is true. */
  readonly sockets?: boolean
  /** It continues as the mint that has this memory. */
  readonly remembers?: BankMemory
}

/**
 * A Cashu mint over HTTP on loopback. It is strict and honest, and a test can ask it for faults.
 */
export interface FakeMint {
  readonly url: string
  /** Pays an invoice of the mint. Returns the preimage in hex. */
  pay(bolt11: string): string
  /** Makes an invoice of somebody else, which the mint can pay. */
  invoice(sat: number): string
  /** The payments that it made to others, in order. */
  readonly payouts: readonly { readonly bolt11: string; readonly sat: number }[]
  /** How payments will end from now on. */
  meltsEnd: 'paid' | 'failed' | 'pending'
  /** How much of the fee reserve a payment really costs, in sats. */
  routeSat: number
  /** Decides how the payments end that are under way. */
  resolveMelts(how: 'paid' | 'failed'): void
  /** The sats of all coins that were signed and not spent. */
  issuedSat(): number
  /** Makes a new active keyset and returns its id. */
  rotate(feePpk?: number): string
  /** The content of its info, which a test may change (NUT-06). */
  readonly nuts: Record<string, unknown>
  readonly faults: Partial<Record<Route, Fault>>
  /** The number of requests for each route, also of those that failed. */
  readonly counts: Record<Route, number>
  /** What it knows, to be given to `remembers`. */
  memory(): BankMemory
  /** The headers and the body of every request. */
  readonly heard: { readonly headers: IncomingMessage['headers']; readonly body: string }[]
  readonly sockets: MintSockets
  /** How it answers those who want to be told of payments. */
  welcome: Welcome
  stop(): Promise<void>
  /** Starts again at the same address, with everything that it knew. */
  restart(): Promise<void>
}

/** Starts a mint on a free port. The test must stop it. */
export async function startFakeMint(options: FakeMintOptions = {}): Promise<FakeMint> {
  const { sockets: tells = true, remembers, ...rest } = options
  const settings: BankOptions = { ...HONEST, ...rest }
  const bank = new Bank(settings)
  if (remembers !== undefined) bank.remember(remembers)
  const nuts = nutsOf(settings, tells)
  const faults: FakeMint['faults'] = {}
  const counts = { ...NOTHING }
  const heard: FakeMint['heard'] = []
  const work = (call: Call) => answer(bank, nuts, call)
  const server = createServer((request, response) => {
    void serve(request, response, { faults, counts, heard, work })
  })
  const sockets = serveSockets(
    server,
    (quote) => bank.quoteState(quote),
    () => {
      counts.ws += 1
      return mint.welcome
    },
  )
  bank.onState = sockets.told
  const port = await listen(server, 0)
  const mint: FakeMint = {
    url: `http://127.0.0.1:${port}`,
    pay: (bolt11) => bank.pay(bolt11),
    invoice: (sat) => bank.foreignInvoice(sat),
    payouts: bank.payouts,
    get meltsEnd() {
      return bank.meltsEnd
    },
    set meltsEnd(how) {
      bank.meltsEnd = how
    },
    get routeSat() {
      return bank.routeSat
    },
    set routeSat(sat) {
      bank.routeSat = sat
    },
    resolveMelts: (how) => bank.resolveMelts(how),
    issuedSat: () => bank.coins.out(),
    rotate: (feePpk = settings.feePpk) => bank.coins.rotate(feePpk),
    memory: () => bank.memory(),
    nuts,
    faults,
    counts,
    heard,
    sockets,
    welcome: 'yes',
    stop: () => stop(server, sockets),
    restart: async () => {
      if (server.listening) await stop(server, sockets)
      await listen(server, port)
    },
  }
  return mint
}

const HONEST: BankOptions = {
  states: 'state',
  feePpk: 0,
  version: 1,
  locks: 'today',
  leastSat: null,
  mostSat: null,
  refuses: () => null,
  quoteSeconds: 3600,
  now: Date.now,
  network: 'bcrt',
}

const NOTHING: Record<Route, number> = {
  info: 0,
  keysets: 0,
  keys: 0,
  quote: 0,
  quoteState: 0,
  mint: 0,
  swap: 0,
  restore: 0,
  checkstate: 0,
  meltQuote: 0,
  melt: 0,
  meltState: 0,
  ws: 0,
}

function nutsOf(
  { leastSat, mostSat, locks }: BankOptions,
  tells: boolean,
): Record<string, unknown> {
  const limits = {
    ...(leastSat === null ? {} : { min_amount: leastSat }),
    ...(mostSat === null ? {} : { max_amount: mostSat }),
  }
  const bolt11 = { method: 'bolt11', unit: 'sat' }
  const commands = ['bolt11_mint_quote', 'bolt11_melt_quote', 'proof_state']
  return {
    4: { methods: [{ ...bolt11, ...limits, options: { description: true } }], disabled: false },
    5: { methods: [bolt11], disabled: false },
    7: { supported: true },
    8: { supported: true },
    9: { supported: true },
    12: { supported: true },
    17: { supported: tells ? [{ ...bolt11, commands }] : [] },
    20: { supported: locks !== 'none' },
  }
}

interface Call {
  readonly route: Route
  readonly id: string
  readonly body: never
}

function answer(bank: Bank, nuts: object, { route, id, body }: Call): object {
  switch (route) {
    case 'info':
      return { name: 'fake', version: 'fake/1', nuts }
    case 'keysets':
      return keysetsBody(bank)
    case 'keys':
      return { keysets: [{ id, unit: 'sat', keys: bank.coins.keyset(id).publicKeys }] }
    case 'quoteState':
      return bank.quoteState(id)
    case 'meltState':
      return bank.meltState(id)
    case 'ws':
      throw new MintNo(0, 'a socket')
    default:
      return bank[route](body)
  }
}

function keysetsBody(bank: Bank) {
  const ours = bank.coins.keysets().map(({ id, active, feePpk }) => {
    return { id, unit: 'sat', active, input_fee_ppk: feePpk }
  })
  return { keysets: [...ours, { id: `01${'cd'.repeat(32)}`, unit: 'usd', active: true }] }
}

const ROUTES: readonly (readonly [string, RegExp, Route])[] = [
  ['GET', /^\/v1\/info$/, 'info'],
  ['GET', /^\/v1\/keysets$/, 'keysets'],
  ['GET', /^\/v1\/keys\/([0-9a-f]+)$/, 'keys'],
  ['POST', /^\/v1\/mint\/quote\/bolt11$/, 'quote'],
  ['GET', /^\/v1\/mint\/quote\/bolt11\/([^/]+)$/, 'quoteState'],
  ['POST', /^\/v1\/mint\/bolt11$/, 'mint'],
  ['POST', /^\/v1\/swap$/, 'swap'],
  ['POST', /^\/v1\/restore$/, 'restore'],
  ['POST', /^\/v1\/checkstate$/, 'checkstate'],
  ['POST', /^\/v1\/melt\/quote\/bolt11$/, 'meltQuote'],
  ['GET', /^\/v1\/melt\/quote\/bolt11\/([^/]+)$/, 'meltState'],
  ['POST', /^\/v1\/melt\/bolt11$/, 'melt'],
]

interface Behind extends Pick<FakeMint, 'faults' | 'counts' | 'heard'> {
  work(call: Call): object
}

async function serve(request: IncomingMessage, response: ServerResponse, behind: Behind) {
  const text = await textOf(request)
  behind.heard.push({ headers: request.headers, body: text })
  const path = request.url ?? ''
  const found = ROUTES.find(([method, pattern]) => method === request.method && pattern.test(path))
  if (found === undefined) return reply(response, 404, { detail: 'Not Found' })
  const [, pattern, route] = found
  behind.counts[route] += 1
  const fault = behind.faults[route]
  const wrong = fault !== undefined && fault.times > 0 ? fault.is : null
  if (fault !== undefined && wrong !== null) fault.times -= 1
  const id = pattern.exec(path)?.[1] ?? ''
  const work = () =>
    behind.work({ route, id, body: (text === '' ? {} : JSON.parse(text)) as never })
  try {
    if (wrong !== null && !isLie(wrong)) return spoil(wrong, response, work)
    const body = work()
    reply(response, 200, wrong === null ? body : lie(wrong, { ...body }))
  } catch (error) {
    if (!(error instanceof MintNo)) throw error
    reply(response, 400, { detail: error.message, code: error.code })
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((then) => server.listen(port, '127.0.0.1', then))
  return (server.address() as AddressInfo).port
}

function stop(server: Server, sockets: MintSockets): Promise<void> {
  sockets.hangUp()
  server.closeAllConnections()
  return new Promise((then) => server.close(() => then()))
}
