import type { GateEvent } from '../../../src/gate/ports.ts'
import type { Entry, Posting } from '../../../src/ledger/entry.ts'
import type { Limit } from '../../../src/ledger/ledger.ts'
import { credentialOf } from '../../../src/passes/pair.ts'
import { makeVerifier } from '../../../src/passes/verify.ts'
import type { VirtualWorld } from '../../support/virtual-world.ts'
import { type Asked, PATH, type SimBuyer } from './buyer.ts'
import type { SimChain } from './chain.ts'
import { payments, topUps } from './credits.ts'
import { dollars } from './dollar-checks.ts'
import { KEYS, PRICE, type SimGate, SLOTS } from './gate.ts'
import type { SimMint } from './mint.ts'
import { moneyOut } from './money-out.ts'
import type { SimUpstream } from './upstream.ts'
import type { SimWallets } from './wallets.ts'

export interface Played {
  readonly world: VirtualWorld
  readonly gate: SimGate
  readonly wallets: SimWallets
  readonly mint: SimMint | null
  readonly chain: SimChain | null
  readonly hasTiers: boolean
  readonly upstream: SimUpstream
  readonly buyers: readonly SimBuyer[]
}

type RequestEvent = Extract<GateEvent, { event: 'request' }>

/** What the backend sent for one request, by its own count. */
interface Given {
  readonly words: number
  readonly limit: number
  readonly reported: number
  readonly prompt: number
}

/** The content of the books, added up here from the single postings. */
export interface Sums {
  readonly entries: readonly Entry[]
  /** By hold: the price that its close posted, whether it was paid or not. */
  readonly price: ReadonlyMap<string, bigint>
  readonly drawers: ReadonlyMap<string, bigint>
}

const ALL = 100_000

/**
 * What is wrong at the end of a history. The sums are made here: from single postings, from the
 * payments to the wallet, from what the backend sent, and from what the buyers received.
 */
export async function violations(played: Played): Promise<readonly string[]> {
  const { statement } = played.gate.books
  const sums = addUp(await statement.entries(ALL))
  const proof = await statement.verify()
  const open = await statement.holds(ALL)
  return [
    ...(proof.ok ? [] : proof.error.map((doubt) => `the books do not balance: ${doubt}`)),
    ...open.map(({ id }) => `the hold of ${id} is open and nothing runs`),
    ...(await balances(played, sums)),
    ...payments(played, sums),
    ...topUps(played, sums),
    ...slots(played),
    ...requests(played, sums),
    ...(await meters(played, sums)),
    ...(await moneyOut(played, sums)),
    ...(await dollars(played, sums)),
    ...played.buyers.flatMap(({ wrong }) => wrong),
  ]
}

function addUp(entries: readonly Entry[]): Sums {
  const price = new Map<string, bigint>()
  const drawers = new Map<string, bigint>()
  const add = (to: Map<string, bigint>, key: string, amount: bigint) =>
    to.set(key, (to.get(key) ?? 0n) + amount)
  for (const { why, ref, postings } of entries) {
    for (const { debit, credit, amount } of postings as readonly Posting[]) {
      add(drawers, debit, -amount)
      add(drawers, credit, amount)
      if (why === 'collect') continue
      if (credit.startsWith('revenue:')) add(price, ref, amount)
      if (debit.startsWith('revenue:')) add(price, ref, -amount)
    }
  }
  return { entries, price, drawers }
}

/** No account is negative, and the balance that the gate tells is the sum of the account's postings. */
async function balances({ gate }: Played, { drawers }: Sums): Promise<string[]> {
  const wrong: string[] = []
  for (const [drawer, sum] of drawers) {
    const [kind, account = ''] = drawer.split(':')
    if (kind === 'held' && sum !== 0n) wrong.push(`${drawer} holds ${sum} and nothing runs`)
    if (kind === 'owed' && sum !== 0n) wrong.push(`${drawer} is ${sum} and nothing runs`)
    if (kind !== 'paid') continue
    if (sum < 0n) wrong.push(`${drawer} is below zero: ${sum}`)
    const said = await gate.books.ledger.balance(account)
    if (said?.paid !== sum) wrong.push(`${drawer} says ${said?.paid}, its postings say ${sum}`)
  }
  return wrong
}

/** Nothing runs, so every slot of the backend is free. */
function slots({ gate }: Played): string[] {
  const found = gate.composed?.inside.routes.find('POST', PATH)
  if (found?.is !== 'route') return ['the gate has no route']
  const { targets } = found.route
  const taken = Array.from({ length: SLOTS }, () => targets.take()).filter((slot) => slot !== null)
  for (const slot of taken) slot.letGo()
  return taken.length === SLOTS ? [] : [`${SLOTS - taken.length} slots are taken and nothing runs`]
}

/** Every request has one end and one event, and its price is that of what its buyer received. */
function requests({ gate, buyers, upstream }: Played, { price }: Sums): string[] {
  const events = new Map<string, RequestEvent[]>()
  for (const event of gate.events) {
    if (event.event !== 'request') continue
    events.set(event.id, [...(events.get(event.id) ?? []), event])
  }
  const given = new Map<string, Given>()
  for (const { id, words, limit, reported } of upstream.work) {
    const before = given.get(id) ?? { words: 0, limit: 0, reported: 0, prompt: 0 }
    given.set(id, {
      words: before.words + words,
      limit: Math.max(before.limit, limit),
      reported: Math.max(before.reported, reported?.completion ?? 0),
      prompt: Math.max(before.prompt, reported?.prompt ?? 0),
    })
  }
  /** Whether another request with the same payment and body was charged for that many words. */
  const wasBought = ({ body, id, reply, x402 }: Asked): boolean =>
    buyers.some(({ asked }) =>
      asked.some(
        (other) =>
          other.id !== id &&
          other.x402?.id === x402?.id &&
          other.body === body &&
          (price.get(other.id) ?? 0n) > 0n &&
          (given.get(other.id)?.words ?? 0) >= reply.words,
      ),
    )
  return buyers.flatMap(({ asked }) =>
    asked.flatMap((one) => {
      const ofOne = events.get(one.id) ?? []
      const isStored = ofOne[0]?.reason === 'stored_answer'
      if (isStored && !wasBought(one)) return [`request ${one.id} got an answer that nobody bought`]
      const about = { events: ofOne, given: given.get(one.id), isStored }
      return requestIsWrong(one, about, price.get(one.id) ?? 0n).map(
        (what) =>
          `request ${one.id} (${one.reply.fate}, ${one.reply.status}): ${what}: ${JSON.stringify(about)}`,
      )
    }),
  )
}

function requestIsWrong(
  { reply, forged, pass, token, x402, charge, revoked, killed, bug }: Asked,
  about: {
    readonly events: readonly RequestEvent[]
    readonly given: Given | undefined
    /** It got the answer of an earlier request again. */
    readonly isStored: boolean
  },
  price: bigint,
): string[] {
  const { events, given, isStored } = about
  const [event] = events
  const wrong: string[] = []
  if (bug !== null) wrong.push(`the gate failed: ${bug}`)
  if (reply.ends > 1) wrong.push(`${reply.ends} ends`)
  if (reply.fate === 'open') wrong.push('it has no end')
  if (reply.fate === 'ended' || reply.fate === 'left') {
    if (events.length !== 1 && !killed) wrong.push(`${events.length} events`)
  } else if (events.length > 1) wrong.push(`${events.length} events`)
  const { words } = reply
  if (revoked && words > 0) wrong.push('it was served with a pass that has ended')
  const paysNothing = pass === null && token === null && x402 === null && charge === null
  if ((forged || paysNothing) && words > 0) wrong.push(`${words} words for nobody's money`)
  // A stop gives some output away, and so does a crash less than a second after the last journal
  // entry, as docs/failure.md says.
  const free = killed || isStored || event?.end === 'stopped'
  // Our own count is never charged above the requested limit.
  const counted = event?.usage === 'counted' ? Math.min(words, given?.limit ?? 0) : words
  const worth = BigInt(counted) * PRICE.output
  if (!free && words > 0 && price < worth) wrong.push(`${words} words for ${price} msat`)
  const most = mostOf(given, event)
  if (price > most) wrong.push(`it costs ${price} msat, and at most ${most} are due`)
  const held = BigInt(event?.held_msat ?? 0)
  if (event?.usage === 'counted' && price > held) {
    wrong.push(`it costs ${price} msat by the gate's own count, and ${held} were held`)
  }
  if (events.length === 1 && event !== undefined && !killed) {
    // Losses of earlier requests are reported with the request whose end made them certain.
    const said = BigInt((event.charged_msat ?? 0) + (event.owed_msat ?? 0))
    const lost = BigInt(event.overrun_msat ?? 0)
    if (price < said || price > said + lost) {
      wrong.push(`it costs ${price} msat, its event says ${said} and ${lost} lost`)
    }
  }
  return wrong
}

/** The most that a request may cost: the words that the backend sent or reported, and its prompt. */
function mostOf(given: Given | undefined, event: RequestEvent | undefined): bigint {
  if (given === undefined) return 0n
  const held = BigInt(event?.held_msat ?? 0)
  const prompt = BigInt(Math.max(given.prompt, 90)) * PRICE.input
  const flowed = BigInt(Math.max(given.words, given.reported)) * PRICE.output + prompt
  // A buyer who leaves a buffered answer pays all that was held.
  return event?.end === 'client_left' && held > flowed ? held : flowed
}

/** The room of every limit is its maximum less what its holds in that window used. */
async function meters({ gate, buyers, world }: Played, { price }: Sums): Promise<string[]> {
  const verify = makeVerifier({ keys: [KEYS.current], remember: 1_000 })
  const { ledger } = gate.books
  const wrong: string[] = []
  const events = new Map<string, RequestEvent>()
  for (const event of gate.events) if (event.event === 'request') events.set(event.id, event)
  for (const { asked, passes } of buyers) {
    for (const text of passes) {
      const [macaroon = '', secret = ''] = text.split(':')
      const verified = verify(credentialOf(Buffer.from(macaroon, 'base64'), secret))
      if (!verified.ok) continue
      const own = asked.filter(({ pass, forged }) => pass === text && !forged)
      for (const limit of verified.value.pass.limits) {
        const used = usedOf(limit, own, { price, events, now: world.now() })
        if (used === null) continue
        const left = await ledger.left(limit, world.now())
        const due = used > limit.max ? 0n : limit.max - used
        if (left !== due) {
          wrong.push(`${limit.unit}/${limit.window} leaves ${left}, its charges leave ${due}`)
        }
      }
    }
  }
  return wrong
}

/** Null if it cannot be known from outside: after a crash, or for a request at the edge of a window. */
function usedOf(
  limit: Limit,
  own: readonly Asked[],
  about: {
    readonly price: ReadonlyMap<string, bigint>
    readonly events: ReadonlyMap<string, RequestEvent>
    readonly now: number
  },
): bigint | null {
  const length = { total: Number.POSITIVE_INFINITY, hour: 3_600_000, day: 86_400_000 }[
    limit.window as 'total' | 'hour' | 'day'
  ]
  if (length === undefined) return null
  const windowOf = (at: number) =>
    length === Number.POSITIVE_INFINITY ? 0 : Math.floor(at / length)
  let used = 0n
  for (const { id, at, killed } of own) {
    const event = about.events.get(id)
    if (killed && limit.unit !== 'spend') return null
    // A request may wait half a minute for its payment and for money before it is held.
    if (windowOf(at) !== windowOf(at + 45_000)) return null
    if (windowOf(at) !== windowOf(about.now)) continue
    if (limit.unit === 'spend') used += about.price.get(id) ?? 0n
    else if (event?.usage !== undefined && event.usage !== 'none') {
      const tokens = (event.prompt_tokens ?? 0) + (event.completion_tokens ?? 0)
      used += limit.unit === 'calls' ? 1n : BigInt(tokens)
    }
  }
  return used
}
