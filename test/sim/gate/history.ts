import { sleep } from '../../../src/floor/world.ts'
import { Chance, VirtualWorld } from '../../support/virtual-world.ts'
import { SimBuyer } from './buyer.ts'
import { SimChain } from './chain.ts'
import { violations } from './checks.ts'
import { SimGate } from './gate.ts'
import { SimMint } from './mint.ts'
import type { Plant } from './plants.ts'
import { SimUpstream } from './upstream.ts'
import { SimWallets } from './wallets.ts'

/** ms. Longer than every outage, every late settlement and every waiting time of the gate. */
const CALM = 75_000
const GIVEN_UP = 600_000

/** The result of a history. */
export interface Told {
  /** Empty if the gate did everything right. */
  readonly wrong: readonly string[]
  /** The ends of requests, and the statuses that buyers saw. */
  readonly seen: ReadonlySet<string>
}

/**
 * Plays one history of a whole gate, with buyers, a backend and wallets that misbehave, with
 * crashes, and with a clock that jumps. Returns what is wrong at its end, when nothing runs any
 * more. One seed always gives the same history.
 */
export async function playHistory(seed: number, plant?: Plant, count = 1): Promise<Told> {
  const world = new VirtualWorld(seed)
  const { chance } = world
  // A choice of its own, so that the histories without a mint stay those that they were.
  const kind = new Chance(seed * 7 + 5)
  const mint = kind.percent(60) ? new SimMint(world) : null
  const hasTiers = mint !== null && kind.percent(50)
  const chain = kind.percent(20) ? new SimChain(world, kind.percent(70)) : null
  const wallets = new SimWallets(world, count, mint !== null)
  const upstream = new SimUpstream(world)
  const store = chance.percent(8) ? 'sqlite' : 'memory'
  const isCalm = () => upstream.calm
  const gate = new SimGate({
    world,
    wallets,
    mint,
    chain,
    hasTiers,
    upstream,
    store,
    isCalm,
    ...(plant ? { plant } : {}),
  })
  if (chain !== null) {
    chain.onAsk = () => void watchDollars(gate, chain).catch(() => {})
  }
  await gate.start()
  const buyers = Array.from(
    { length: chance.from(1, 3) },
    (_, i) => new SimBuyer(`b${i}`, { world, gate, wallets, mint, chain }),
  )
  const wrong: string[] = []
  upstream.onRequest = (id) => {
    const payment = buyers.flatMap(({ asked }) => asked).find((one) => one.id === id)?.payment
    // With that pass a crash now would let its payment buy the same once more.
    if (typeof payment === 'string' && gate.isOnDisk(payment) === false)
      wrong.push(`request ${id} is served before payment ${payment} is on disk`)
  }
  let living = buyers.length
  const lives = buyers.map((buyer) =>
    buyer
      .live(chance.from(3, 9))
      .catch((error) => wrong.push(`a buyer failed: ${error}`))
      .finally(() => {
        living -= 1
      }),
  )
  const noStart = (error: unknown) => wrong.push(`the gate did not start again: ${error}`)
  const restarts = new Restarts(world, { gate, buyers, noStart })
  const trouble = troubles(world, { wallets, mint, chain, restarts }).catch(noStart)
  if (mint !== null || chain !== null) dieAtSteps(world, { wallets, mint, chain, restarts })
  const failing = wallets.fail(world)
  for (let waited = 0; living > 0 && waited < GIVEN_UP; waited += 5_000) await world.pass(5_000)
  if (living > 0) {
    return { wrong: [...wrong, 'a buyer waits for ever'], seen: seenIn(gate, buyers) }
  }
  await world.until(Promise.all([...lives, trouble]))
  restarts.over = true
  await world.until(restarts.running)
  wallets.calm()
  await world.until(failing)
  wallets.calm()
  mint?.calm()
  chain?.calm()
  upstream.calm = true
  if (gate.composed === null) await gate.start()
  await world.pass(CALM)
  // What nobody answers is asked again ever more slowly, until it is no longer valid.
  for (let left = 20; left > 0 && chain?.rows.isOpen === true; left--) await world.pass(60_000)
  wrong.push(
    ...(await world.until(
      violations({ world, gate, wallets, mint, chain, hasTiers, upstream, buyers }),
    )),
  )
  await world.until(gate.stop())
  await gate.close()
  return { wrong, seen: seenIn(gate, buyers) }
}

/** Notes how many dollars the gate has and owes now. */
async function watchDollars({ books }: SimGate, chain: SimChain): Promise<void> {
  const sum = chain.rows.settling() + (await books.ledger.outstandingUsd())
  if (sum > chain.mostOutstanding) chain.mostOutstanding = sum
}

function seenIn({ events }: SimGate, buyers: readonly SimBuyer[]): ReadonlySet<string> {
  const ends = events.flatMap((event) => (event.event === 'request' ? [event.end] : []))
  const fates = buyers.flatMap(({ asked }) => asked.map(({ reply }) => reply.fate))
  const statuses = buyers.flatMap(({ asked }) => asked.map(({ reply }) => `${reply.status}`))
  const money = buyers.flatMap(({ dollars, spending }) => [
    ...(spending?.seen ?? []),
    ...(dollars?.seen ?? []),
  ])
  return new Set([...ends, ...fates, ...statuses, ...money])
}

interface Restarted {
  readonly gate: SimGate
  readonly buyers: readonly SimBuyer[]
  readonly noStart: (error: unknown) => void
}

/** Ends a gate and starts it again, one after the other. */
class Restarts {
  readonly #world: VirtualWorld
  readonly #about: Restarted
  /** If true, none begins any more. */
  over = false
  running: Promise<unknown> = Promise.resolve()

  constructor(world: VirtualWorld, about: Restarted) {
    this.#world = world
    this.#about = about
  }

  /** Ends the gate at once. Does nothing while no gate runs. */
  begin(how: 'kill' | 'stop'): Promise<unknown> {
    if (this.over || this.#about.gate.composed === null) return this.running
    this.running = this.#restart(how).catch(this.#about.noStart)
    return this.running
  }

  async #restart(how: 'kill' | 'stop'): Promise<void> {
    const { buyers, gate } = this.#about
    const lost = how === 'kill' ? gate.kill() : new Set<string>()
    if (how === 'stop') await gate.stop()
    lose(buyers, lost)
    await sleep(this.#world, this.#world.chance.one([0, 300, 4_000]))
    await gate.start()
  }
}

/** The troubles around the gate: it is killed or stopped, a wallet or the mint fails, the clock jumps. */
async function troubles(
  world: VirtualWorld,
  about: {
    readonly wallets: SimWallets
    readonly mint: SimMint | null
    readonly chain: SimChain | null
    readonly restarts: Restarts
  },
): Promise<void> {
  const { chance } = world
  const { wallets, mint, chain, restarts } = about
  for (let left = chance.from(0, 3); left > 0; left--) {
    await sleep(world, chance.from(100, 9_000))
    const what = chance.one(['kill', 'kill', 'stop', 'wallet', 'clock'] as const)
    if (chain !== null && chance.percent(50)) chain.moveRate()
    if (what === 'clock') world.jump(chance.one([-3_600_000, -2_000, 1_500, 90_000, 3_600_000]))
    else if (what === 'wallet') {
      const [first] = wallets.all
      const settling = mint !== null && chance.percent(60) ? mint : first
      const away = chain !== null && chance.percent(50) ? chain : settling
      if (away !== undefined) away.up = false
      await sleep(world, chance.one([500, 6_000, 25_000]))
      if (away !== undefined) away.up = true
    } else await restarts.begin(what)
  }
}

/** Kills the gate at some of the steps at which money moves. */
function dieAtSteps(
  { chance }: VirtualWorld,
  about: {
    readonly wallets: SimWallets
    readonly mint: SimMint | null
    readonly chain: SimChain | null
    readonly restarts: Restarts
  },
): void {
  const { chain, mint, restarts, wallets } = about
  let left = chance.from(0, 2)
  const step = () => {
    if (left === 0 || !chance.percent(12)) return
    left -= 1
    restarts.begin('kill').catch(() => {})
  }
  const payers = wallets.all.flatMap(({ payer }) => payer ?? [])
  for (const one of [mint, mint?.payer, chain, ...payers]) if (one) one.onStep = step
}

/** Breaks the connections of a gate that is gone. `lost`: ended, and perhaps not settled on disk. */
function lose(buyers: readonly SimBuyer[], lost: ReadonlySet<string>): void {
  for (const { asked } of buyers) {
    for (const one of asked) {
      const isOpen = one.reply.fate === 'open' || one.reply.ends === 0
      if (isOpen || lost.has(one.id)) one.killed = true
      one.reply.lose()
    }
  }
}
