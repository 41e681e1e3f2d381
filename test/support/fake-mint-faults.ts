import type { ServerResponse } from 'node:http'

/** What a mint can do wrong, in its HTTP and in its answers. */

export type Route =
  | 'info'
  | 'keysets'
  | 'keys'
  | 'quote'
  | 'quoteState'
  | 'mint'
  | 'swap'
  | 'restore'
  | 'checkstate'
  | 'meltQuote'
  | 'melt'
  | 'meltState'
  | 'ws'

/**
 * Faults in place of an answer. With all of them except `dropAfter` and `trickle` the mint does not
 * act.
 */
export type WireFault =
  | 'dropBefore'
  | 'dropAfter'
  | 'hang'
  | 'trickle'
  | 'endless'
  | 'garbage'
  | 'list'
  | 'html'
  | 'html404'
  | 'redirect'
  | 'status500'
  | 'status429'
  | 'status422'
  | 'code0'
  | 'code50000'
  | 'code20004'
  | 'code20005'
  | 'code20006'
  | 'code11000'
  | 'code11004'

/** Faults in an answer: the mint acts, and answers something false. */
export type LieFault = keyof typeof LIES

export interface Fault {
  readonly is: WireFault | LieFault
  /** How many of the next requests have the fault. */
  times: number
}

type Body = Record<string, unknown>
type Signature = { id: string; amount: number; C_: string; dleq?: { e: string; s: string } }

/** Answers wrongly, or not at all. */
export function spoil(fault: WireFault, response: ServerResponse, work: () => object): void {
  const [status, type, text] = PAGES[fault] ?? [200, 'application/json', '']
  const headers = { 'content-type': type, location: 'http://127.0.0.1:1/', 'retry-after': '7' }
  switch (fault) {
    case 'hang':
      keep(response)
      return
    case 'dropBefore':
      response.destroy()
      return
    case 'dropAfter':
      work()
      response.destroy()
      return
    case 'trickle':
      response.writeHead(200, headers)
      keep(response)
      trickle(response, JSON.stringify(work()))
      return
    case 'endless':
      response.writeHead(200, headers).end(JSON.stringify({ a: 'a'.repeat(1_100_000) }))
      return
    default:
      response.writeHead(status, headers).end(text)
  }
}

const json = (status: number, body: object) =>
  [status, 'application/json', JSON.stringify(body)] as const

const PAGES: Partial<Record<WireFault, readonly [number, string, string]>> = {
  garbage: [200, 'application/json', '{"quote": "abc'],
  list: json(200, []),
  html: [200, 'text/html', '<html>hello</html>'],
  html404: [404, 'text/html', '<html>not here</html>'],
  redirect: json(302, {}),
  status500: json(500, { detail: 'oh', code: 11001 }),
  status429: json(429, { detail: 'slowly' }),
  status422: [422, 'text/plain', 'Failed to deserialize the JSON body'],
  code0: json(400, { detail: 'All connection attempts failed', code: 0 }),
  code50000: json(400, { detail: 'Unknown', code: 50000 }),
  code20004: json(400, { detail: 'Lightning payment failed', code: 20004 }),
  code11004: json(400, { detail: 'outputs are pending', code: 11004 }),
  code20005: json(400, { detail: 'quote is pending', code: 20005 }),
  code20006: json(400, { detail: 'invoice already paid', code: 20006 }),
  code11000: json(400, { detail: 'transaction error', code: 11000 }),
}

const kept = new Set<ServerResponse>()

/** Whether somebody waits for an answer that never comes to its end. */
export const keepsWaiting = (): boolean => kept.size > 0

function keep(response: ServerResponse): void {
  kept.add(response)
  response.on('close', () => kept.delete(response))
}

/** Sends single bytes: it is never idle for long, and never ends. */
function trickle(response: ServerResponse, text: string): void {
  let at = 0
  const timer = setInterval(() => {
    response.write(text.slice(at, at + 1))
    at = Math.min(at + 1, text.length - 2)
  }, 20)
  response.on('close', () => clearInterval(timer))
}

export function isLie(fault: WireFault | LieFault): fault is LieFault {
  return fault in LIES
}

/** Puts the lie into the answer. */
export function lie(fault: LieFault, body: Body): Body {
  const copy: Body = JSON.parse(JSON.stringify(body))
  LIES[fault](copy)
  return copy
}

const LIES = {
  wrongUnit: (body: Body) => {
    body.unit = 'usd'
  },
  wrongQuote: (body: Body) => {
    body.quote = 'another'
  },
  walkingQuote: (body: Body) => {
    body.quote = '..'
  },
  emptyRestore: (body: Body) => {
    Object.assign(body, { outputs: [], signatures: [] })
  },
  sayPaid: (body: Body) => {
    body.state = 'PAID'
  },
  sayIssued: (body: Body) => {
    body.state = 'ISSUED'
  },
  wrongState: (body: Body) => {
    body.state = 'PERHAPS'
  },
  wrongAmount: (body: Body) => {
    const first = signaturesIn(body)[0]
    if (first === undefined) body.amount = Number(body.amount) + 1
    else first.amount *= 2
  },
  negativeAmount: (body: Body) => {
    body.amount = -1
  },
  wrongInvoice: (body: Body) => {
    body.request = 'lnbcrt1notaninvoice'
  },
  dearInvoice: (body: Body) => {
    // An example of BOLT 11, over 2500 uBTC.
    body.request = DEAR
  },
  noLock: (body: Body) => {
    body.pubkey = null
  },
  badDleq: (body: Body) => {
    const proof = signaturesIn(body)[0]?.dleq
    if (proof !== undefined) proof.e = `${proof.e.startsWith('0') ? '1' : '0'}${proof.e.slice(1)}`
  },
  noDleq: (body: Body) => {
    delete signaturesIn(body)[0]?.dleq
  },
  unsigned: (body: Body) => {
    const first = signaturesIn(body)[0]
    // A valid point, but not a signature of anybody.
    if (first !== undefined) first.C_ = `02${'79be667ef9dcbbac55a06295ce870b07'}${GENERATOR_END}`
  },
  noPoint: (body: Body) => {
    const first = signaturesIn(body)[0]
    if (first !== undefined) first.C_ = `02${'f'.repeat(64)}`
  },
  otherKeyset: (body: Body) => {
    const first = signaturesIn(body)[0]
    if (first !== undefined) first.id = `01${'ab'.repeat(32)}`
  },
  fewer: (body: Body) => {
    signaturesIn(body).pop()
  },
  more: (body: Body) => {
    const list = signaturesIn(body)
    for (let count = list.length; count >= 0; count -= 1) list.push(list[0] as Signature)
  },
  noChange: (body: Body) => {
    delete body.change
  },
  strangers: (body: Body) => {
    const B_ = `02${'1'.repeat(64)}`
    if (Array.isArray(body.outputs)) body.outputs = body.outputs.map((one) => ({ ...one, B_ }))
    if (Array.isArray(body.states)) body.states = body.states.map((one) => ({ ...one, Y: B_ }))
  },
  noList: (body: Body) => {
    for (const name of ['signatures', 'change', 'states', 'keysets']) {
      if (name in body) body[name] = 'none'
    }
  },
  otherKeys: (body: Body) => {
    const keyset = (body.keysets as { keys: Record<string, string> }[])[0]
    if (keyset !== undefined)
      [keyset.keys[1], keyset.keys[2]] = [keyset.keys[2] ?? '', keyset.keys[1] ?? '']
  },
  noKeys: (body: Body) => {
    body.keysets = []
  },
  moreFee: (body: Body) => {
    for (const keyset of body.keysets as Body[]) keyset.input_fee_ppk = 999
  },
  negativeFee: (body: Body) => {
    for (const keyset of body.keysets as Body[]) keyset.input_fee_ppk = -1
  },
  oldIds: (body: Body) => {
    for (const keyset of body.keysets as Body[]) keyset.id = 'I2yN+iRYfkzT'
  },
} satisfies Record<string, (body: Body) => void>

const DEAR =
  'lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh'
const GENERATOR_END = '029bfcdb2dce28d959f2815b16f81798'

function signaturesIn(body: Body): Signature[] {
  return (body.signatures ?? body.change ?? []) as Signature[]
}
