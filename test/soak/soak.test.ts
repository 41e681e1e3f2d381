import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { GateProcess } from '../support/gate-process.ts'
import { Chance } from '../support/virtual-world.ts'
import { PACE, startPacedBackend } from './backend.ts'
import { SoakBuyer } from './buyer.ts'

const STREAMS = Number(process.env.SOAK_STREAMS ?? 200)
const SECONDS = Number(process.env.SOAK_SECONDS ?? 60)
const SEED = Number(process.env.SOAK_SEED ?? Date.now() % 1_000_000)
/** msat for a token. */
const TOKEN = 1_000
/**
 * Tokens of one stream that a kill may give away (`docs/failure.md`): the journal is about a second
 * old, and what was journalled may wait for its commit. A busy machine needs a little longer.
 */
const LOST = (4 * 1_000) / PACE
/**
 * MB by which the memory of a gate may grow between the second and the last third of its life, and the
 * s that a life must have for this to tell anything: in its first minutes V8 lets its heap grow.
 */
const GROWTH = 40
const LONG = 240
/** MB that a gate never takes. */
const MOST = 600

const residentMb = (pid: number | undefined): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024
}

const median = (figures: readonly number[]): number =>
  [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN

/** Notes the memory once a second until `seconds` have passed, and checks that it does not grow. */
async function watchMemory(gate: GateProcess, seconds: number): Promise<string> {
  const figures: number[] = []
  for (let second = 0; second < seconds; second += 1) {
    await pause(1_000)
    figures.push(residentMb(gate.pid))
  }
  const third = Math.floor(figures.length / 3)
  const middle = median(figures.slice(third, 2 * third))
  const last = median(figures.slice(2 * third))
  const all = `MB, second by second: ${figures.map(Math.round)}`
  expect(Math.max(...figures), all).toBeLessThan(MOST)
  if (seconds >= LONG) expect(last, all).toBeLessThan(middle + GROWTH)
  return `${Math.round(middle)} → ${Math.round(last)} MB`
}

it.runIf(process.platform === 'linux')(
  `${STREAMS} streams for ${SECONDS} s whose buyers come, leave, stall and pay, and a kill -9 in the middle (seed ${SEED})`,
  { timeout: (SECONDS + 180) * 1_000 },
  async () => {
    const backend = await startPacedBackend()
    const gate = new GateProcess({
      upstream: backend.url,
      wallet: 'play',
      pricing: { default: { input: 0, output: 1_000 } },
      limits: { invoicesPerClient: 1_000_000, invoicesTotal: 1_000_000 },
      capacity: { maxConcurrent: 2 * STREAMS },
    })
    const chance = new Chance(SEED)
    let up: GateProcess | null = null
    const buyers = Array.from(
      { length: STREAMS },
      (_, n) =>
        new SoakBuyer(
          `buyer ${n}`,
          () => up,
          () => chance.fraction(),
        ),
    )
    try {
      up = await gate.start()
      let over = false
      const running = Promise.all(buyers.map((buyer) => buyer.run(() => over)))
      const half = Math.floor(SECONDS / 2)
      const first = await Promise.race([watchMemory(gate, half), running])
      up = null
      const cutBefore = buyers.reduce((sum, { cut }) => sum + cut, 0)
      expect(cutBefore, 'streams that were cut before the kill').toBe(0)
      await gate.kill9()
      up = await gate.start()
      const recovered = gate
        .events('problem')
        .filter(({ what }) => what === 'holds_recovered')
        .map(({ holds }) => holds)
      const second = await Promise.race([watchMemory(gate, half), running])
      over = true
      await running
      let [charged, received, free] = [0, 0, 0]
      for (const buyer of buyers) {
        if (buyer.paid === 0) continue
        const { balance_msat, held_msat, owed_msat = 0 } = await buyer.balance(gate)
        expect(held_msat).toBe(0)
        expect(owed_msat).toBe(0)
        const paid = buyer.paid * 1_000 - balance_msat
        // A stream that its buyer left is counted by the gate in pieces, which may count a little more.
        expect(paid, `${buyer.name} pays for no more than was made`).toBeLessThanOrEqual(
          (1.05 * backend.made(buyer.name) + 10) * TOKEN,
        )
        expect(
          1.05 * paid + buyer.cut * LOST * TOKEN,
          `${buyer.name} pays for what it received`,
        ).toBeGreaterThanOrEqual(buyer.received * TOKEN)
        charged += paid
        received += buyer.received
        free += Math.max(0, buyer.received * TOKEN - paid)
      }
      const cut = buyers.reduce((sum, buyer) => sum + buyer.cut, 0)
      expect(cut).toBeGreaterThan(0)
      expect(gate.events('problem').filter(({ what }) => what === 'fatal')).toEqual([])
      await gate.stop()
      const verdict = await gate.command('ledger', 'verify')
      expect(verdict).toMatchObject({ balanced: true, open_holds: 0 })
      const habits = Object.keys(buyers[0]?.counts ?? {}).map((habit) => {
        const times = buyers.reduce((sum, { counts }) => sum + (Reflect.get(counts, habit) ?? 0), 0)
        return `${habit} ${times}`
      })
      console.log(
        [
          `memory ${first}, after the kill ${second}`,
          `${received} tokens received, ${charged / TOKEN} charged, ${free / TOKEN} free`,
          `${cut} streams cut by the kill, ${recovered} holds recovered`,
          habits.join(', '),
        ].join('; '),
      )
    } finally {
      up = null
      await gate.remove()
      await backend.close()
    }
  },
)
