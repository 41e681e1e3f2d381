import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MemoryStore } from '../../src/ledger/memory-store.ts'
import { msat } from '../../src/money/msat.ts'
import { openMemoryBooks } from '../support/memory-books.ts'
import { charge, deposit, hold } from '../unit/ledger/use.ts'

/**
 * A thief's ledger: whatever somebody does with one account, in whatever order, no more comes out than
 * went in. The rules are not repeated here. Only sums that an outsider can know are compared.
 */

const sources = fc.constantFrom('lnd', 'ecash https://mint.example')
const amounts = fc.integer({ min: 1, max: 3_000 })
const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('pay' as const),
      source: sources,
      amount: amounts,
      percent: fc.integer({ min: 0, max: 120 }),
    }),
    fc.record({ do: fc.constant('gift' as const), amount: amounts }),
    fc.record({ do: fc.constant('hold' as const), amount: amounts }),
    fc.record({ do: fc.constant('settle' as const), amount: amounts, which: fc.nat(5) }),
    fc.record({ do: fc.constant('release' as const), which: fc.nat(5) }),
    fc.record({
      do: fc.constant('withdraw' as const),
      source: sources,
      amount: amounts,
      all: fc.boolean(),
      fee: fc.nat(50),
    }),
    fc.record({ do: fc.constant('sent' as const), fee: fc.nat(50) }),
    fc.record({ do: fc.constant('failed' as const) }),
  ),
  { minLength: 5, maxLength: 40 },
)
type Steps = typeof steps extends fc.Arbitrary<infer T> ? T : never

async function play(script: Steps) {
  const store = new MemoryStore()
  const books = openMemoryBooks('play', { store })
  const { ledger, withdrawals } = books
  const paid = new Map<string, bigint>()
  const out = new Map<string, bigint>()
  const sums = { gifts: 0n, charged: 0n }
  let holds: string[] = []
  let open: { id: string; source: string; amount: bigint; fee: bigint } | null = null
  let serial = 0
  const may = async (source: string) =>
    (await withdrawals.withdrawable('ann'))?.find((one) => one.source === source)?.amount ?? 0n

  const begin = async (source: string, amount: bigint, fee: bigint) => {
    serial += 1
    const id = `w${serial}`
    const about = { account: 'ann', source, kind: 'lightning', at: serial }
    if (amount <= 0n) return
    const done = await withdrawals.withdraw({ ...about, id, amount: msat(amount), fee: msat(fee) })
    if (done.ok) open = { id, source, amount, fee }
  }
  const close = async (fee: bigint | null) => {
    if (open === null) return
    const { amount, id, source } = open
    open = null
    const how =
      fee === null
        ? ({ is: 'failed', reason: 'no' } as const)
        : ({ is: 'sent', fee: msat(fee) } as const)
    const done = await withdrawals.closeWithdrawal(id, { ...how, at: serial })
    expect(done.ok).toBe(true)
    if (fee !== null) out.set(source, (out.get(source) ?? 0n) + amount + fee)
  }

  const check = () => {
    const lost = [...store.withdrawals.values()].reduce((sum, one) => sum + one.overrun, 0n)
    let bonuses = 0n
    for (const one of store.deposits.values()) {
      if (one.credit === 'usd') continue
      bonuses += ((one.bonus ?? 0n) * (one.amount - one.withdrawn)) / one.amount
    }
    const all = (map: Map<string, bigint>) => [...map.values()].reduce((sum, one) => sum + one, 0n)
    for (const [source, sats] of out) expect(sats - lost <= (paid.get(source) ?? 0n)).toBe(true)
    expect(all(out) - lost + sums.charged <= all(paid) + sums.gifts + bonuses).toBe(true)
    return { all, lost }
  }

  for (const step of script) {
    serial += 1
    if (step.do === 'pay') {
      const { source } = step
      const amount = BigInt(step.amount)
      const bonus = msat((amount * BigInt(step.percent)) / 100n)
      await ledger.deposit(deposit({ payment: `p${serial}`, amount: msat(amount), source, bonus }))
      paid.set(source, (paid.get(source) ?? 0n) + amount)
    } else if (step.do === 'gift') {
      const amount = msat(BigInt(step.amount))
      await ledger.deposit(
        deposit({ payment: `p${serial}`, amount, credit: 'bonus', rail: 'gift' }),
      )
      sums.gifts += amount
    } else if (step.do === 'hold') {
      const id = `h${serial}`
      const held = await ledger.hold(
        hold({ id, most: step.amount, price: { base: 0n, each: 1_000_000n } }),
      )
      if (held.ok) holds.push(id)
    } else if (step.do === 'settle' || step.do === 'release') {
      const id = holds[step.which % Math.max(1, holds.length)]
      if (id === undefined) continue
      holds = holds.filter((one) => one !== id)
      const before = await ledger.balance('ann')
      if (step.do === 'release') await ledger.release(id, 'stopped', serial)
      else {
        // As the gate does: never more than what the account has, so no charge is a loss.
        const most = before === null || before.owed > 0n ? 0n : before.available
        const amount = BigInt(step.amount) > most ? most : BigInt(step.amount)
        const done = await ledger.settle(id, charge(amount))
        if (done.ok) sums.charged += amount
      }
    } else if (step.do === 'withdraw') {
      const fee = BigInt(step.fee)
      const most = (await may(step.source)) - fee
      if (open === null) await begin(step.source, step.all ? most : BigInt(step.amount), fee)
    } else await close(step.do === 'sent' ? BigInt(step.fee) : null)
    check()
  }
  for (const id of holds) await ledger.settle(id, charge(0n))
  await close(null)
  for (const source of paid.keys()) {
    await begin(source, await may(source), 0n)
    await close(0n)
  }
  const { all, lost } = check()
  if (sums.charged === 0n && lost === 0n) expect(all(out)).toBe(all(paid))
  expect(await books.statement.verify()).toMatchObject({ ok: true })
}

it('I1 L9 L10 L11 whatever is done, no more leaves than was paid in and not spent, and all of it may', async () => {
  await fc.assert(fc.asyncProperty(steps, play), { numRuns: Number(process.env.RUNS ?? 300) })
})
