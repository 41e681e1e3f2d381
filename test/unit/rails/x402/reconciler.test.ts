import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Background } from '../../../../src/floor/background.ts'
import type { AccountId, PaymentId } from '../../../../src/ledger/ledger.ts'
import { x402PaymentId } from '../../../../src/rails/x402/payment.ts'
import type { X402Row } from '../../../../src/rails/x402/payments.ts'
import { Reconciler } from '../../../../src/rails/x402/reconciler.ts'
import { SqliteX402Payments } from '../../../../src/rails/x402/sqlite-payments.ts'
import { FakeChain } from '../../../support/fake-chain.ts'
import { MemoryFacilitator } from '../../../support/memory-facilitator.ts'
import { VirtualWorld } from '../../../support/virtual-world.ts'
import { aPayment, aRequirement, PAYER, TRANSACTION } from '../../../support/x402-payment.ts'

const ACCOUNT = 'account' as AccountId
const SECOND = 1_000
const MINUTE = 60 * SECOND

describe('the reconciler', () => {
  let world: VirtualWorld
  let facilitator: MemoryFacilitator
  let payments: SqliteX402Payments
  let running: { stop(): Promise<void> }
  const busy = new Set<PaymentId>()
  const lost: X402Row[] = []
  const reported: X402Row[] = []
  const troubles: string[] = []
  let fails = 0

  beforeEach(() => {
    world = new VirtualWorld(1)
    facilitator = new MemoryFacilitator(new FakeChain({ now: world.now }))
    facilitator.chain.give(PAYER.address, 1_000_000n)
    payments = new SqliteX402Payments(':memory:')
    for (const list of [lost, reported, troubles]) list.length = 0
    busy.clear()
    fails = 0
    const background = new Background(world, ({ solved, reason }) =>
      troubles.push(solved ? 'solved' : reason),
    )
    const onLost = (row: X402Row) => lost.push(row)
    running = new Reconciler({ payments, facilitator, world, background, onLost }).start({
      async settled(row) {
        reported.push(row)
        if (fails-- > 0) throw new Error('the ledger is away')
        payments.credited(row.id, { account: ACCOUNT, given: false })
      },
      busy: (id) => busy.has(id),
    })
  })
  afterEach(async () => {
    await running.stop()
    payments.close()
  })

  /** A payment that was sent, and of which nobody knows whether it is settled. */
  function unknown(): X402Row {
    const requirement = aRequirement()
    const payment = aPayment({ now: world.now() })
    const row: X402Row = {
      ...{ id: x402PaymentId(requirement, payment.authorization), payment, requirement },
      ...{ account: null, rate: 60_000n * 10n ** 8n, offer: null, body: '' },
      ...{ state: 'settling', transaction: null, at: world.now() },
    }
    payments.begin(row)
    return row
  }
  const settles = () => facilitator.heard.length
  const never = () => {
    for (let n = 0; n < 1_000; n++) facilitator.faults.settle.push({ is: 'unknown', after: false })
  }
  const stateOf = ({ id }: X402Row) => payments.get(id)?.state

  it('F3 settles what nobody answered again, and reports it with its transaction', async () => {
    const row = unknown()
    facilitator.faults.settle.push({ is: 'unknown', after: false })
    await world.pass(30 * SECOND)
    expect(settles()).toBe(2)
    const [transaction] = facilitator.chain.transactions
    expect(reported).toEqual([{ ...row, state: 'settled', transaction: transaction?.hash }])
    expect(stateOf(row)).toBe('credited')
    await world.pass(MINUTE)
    expect(settles()).toBe(2)
  })

  it('asks ever more slowly', async () => {
    unknown()
    never()
    await world.pass(MINUTE)
    expect(settles()).toBeGreaterThanOrEqual(3)
    expect(settles()).toBeLessThanOrEqual(5)
  })

  it('leaves what a request settles at this moment to it', async () => {
    const row = unknown()
    busy.add(row.id)
    await world.pass(MINUTE)
    expect(settles()).toBe(0)
    busy.clear()
    await world.pass(10 * SECOND)
    expect(stateOf(row)).toBe('credited')
  })

  it('reports again what could not be credited, and what was settled before a crash', async () => {
    const row = unknown()
    payments.settled(row.id, TRANSACTION)
    fails = 2
    await world.pass(MINUTE)
    expect(reported.map(({ transaction }) => transaction)).toEqual(Array(3).fill(TRANSACTION))
    expect(stateOf(row)).toBe('credited')
    expect(troubles).toHaveLength(2)
    expect(troubles[1]).toBe('solved')
    expect(settles()).toBe(0)
  })

  it('L15 a payment that is used is never credited by it, and is said to be lost at its end', async () => {
    const row = unknown()
    // Its money arrived, but not by a transaction that our own settlement returned.
    never()
    facilitator.chain.send(row.requirement.asset, row.payment.authorization, row.payment.signature)
    await world.pass(3 * MINUTE)
    expect(stateOf(row)).toBe('settling')
    expect(payments.outstanding()).toBe(row.requirement.amount)
    await world.pass(5 * MINUTE)
    expect(stateOf(row)).toBe('lost')
    expect(lost.map(({ id }) => id)).toEqual([row.id])
    expect(payments.outstanding()).toBe(0n)
    expect(reported).toEqual([])
    const asked = settles()
    await world.pass(60 * MINUTE)
    expect(settles()).toBe(asked)
  })

  it('L15 what the operator confirms meanwhile counts, and is reported at the next round', async () => {
    const seen = `0x${'7'.repeat(64)}`
    const rows = [unknown(), unknown(), unknown()]
    const [asked, waits, gone] = rows
    if (asked === undefined || waits === undefined || gone === undefined) expect.unreachable()
    let go = () => {}
    const until = new Promise<void>((resolve) => {
      go = resolve
    })
    // The facilitator is asked about the first one while the operator confirms it.
    facilitator.faults.settle.push({ is: 'waits', after: true, until })
    never()
    await world.pass(6 * SECOND)
    expect(settles()).toBe(1)
    payments.confirm(asked.id, seen, { write: true })
    go()
    await world.pass(10 * SECOND)
    expect(reported.map(({ id, transaction }) => [id, transaction])).toEqual([[asked.id, seen]])
    // Of the second one it waits for minutes to ask again.
    await world.pass(2 * MINUTE)
    payments.confirm(waits.id, `0x${'8'.repeat(64)}`, { write: true })
    await world.pass(6 * SECOND)
    expect(stateOf(waits)).toBe('credited')
    await world.pass(6 * MINUTE)
    expect(stateOf(gone)).toBe('lost')
    payments.confirm(gone.id, `0x${'9'.repeat(64)}`, { write: true })
    await world.pass(6 * SECOND)
    expect(reported.map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
    await world.pass(60 * MINUTE)
    expect(reported).toHaveLength(3)
    expect(troubles).toEqual([])
  })

  it('what certainly was not settled is refused at its end, and may be presented again', async () => {
    const row = unknown()
    facilitator.faults.settle.push({ is: 'refused', after: false })
    await world.pass(10 * SECOND)
    expect(stateOf(row)).toBe('refused')
    expect(lost).toEqual([])
  })

  it('F10 does not ask a facilitator that is down, and waits a day for it', async () => {
    const row = unknown()
    facilitator.up = false
    await world.pass(60 * MINUTE)
    expect(settles()).toBe(0)
    expect(stateOf(row)).toBe('settling')
    await world.pass(24 * 60 * MINUTE)
    expect(stateOf(row)).toBe('lost')
  })
})
