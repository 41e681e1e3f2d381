import { describe, expect, it, vi } from 'vitest'
import type { InvoiceRow, Invoices } from '../../../src/ledger/invoices.ts'
import type { L402 } from '../../../src/rails/l402.ts'
import type { Made } from '../../../src/rails/made.ts'
import { offered, rail, want } from './rail.ts'

async function created(l402: L402, client = 'a', sat = 10): Promise<Made> {
  const made = await l402.create(want(client, sat))
  if (!made.ok) throw new Error(made.error.why)
  return made.value
}

const rowOf = async (store: Invoices, hash: unknown): Promise<InvoiceRow> => {
  const row = await store.get(String(hash))
  if (row === null) throw new Error('no row')
  return row
}

describe('offers', () => {
  it('the row is on disk before the offer leaves', async () => {
    const { promise: written, resolve: write } = Promise.withResolvers<void>()
    const { l402 } = rail({ invoices: { put: () => written } })
    const left = vi.fn()
    const offer = l402.offer(want()).then(left)
    await new Promise((then) => setTimeout(then, 20))
    expect(left).not.toHaveBeenCalled()
    write()
    await offer
    expect(left).toHaveBeenCalledOnce()
  })

  it('a store that fails makes no offer, and the place is free again', async () => {
    const put = vi.fn().mockRejectedValueOnce(new Error('disk')).mockResolvedValue(undefined)
    const { l402 } = rail({ perClient: 1, invoices: { put } })
    await expect(l402.offer(want())).rejects.toThrow('disk')
    expect((await offered(l402)).paymentUrl).not.toBe(null)
  })

  it('macaroon and invoice stand first and adjacent in the challenge', async () => {
    const { l402 } = rail()
    const { challenges, body } = await offered(l402)
    expect(challenges).toHaveLength(1)
    expect(challenges[0]).toMatch(
      /^L402 macaroon="[A-Za-z0-9+/]+={0,2}", invoice="lnbcrt[a-z0-9]+", version="0", token="[A-Za-z0-9+/]+={0,2}"$/,
    )
    expect(body).toMatchObject({ amount_sats: 10, l402: { scheme: 'L402', amount_sats: 10 } })
  })

  it('two offers to one client are two invoices: each has its own secret', async () => {
    const { l402 } = rail()
    const [a, b] = [await offered(l402), await offered(l402)]
    expect(a.body.payment_hash).not.toBe(b.body.payment_hash)
    expect(a.paymentUrl).not.toBe(b.paymentUrl)
  })

  it('while the wallet is down there is none', async () => {
    const { l402, state } = rail()
    state.down = true
    expect(await l402.offer(want())).toEqual({ ok: false, error: { why: 'wallet_unreachable' } })
    expect(l402.up).toBe(false)
    expect(l402.open).toBe(0)
  })
})

describe('I2 two_clients_one_nat_share_no_secret', () => {
  it('past the bound an offer is shared, and nothing secret comes with it', async () => {
    const { l402, store } = rail({ perClient: 1 })
    const own = await offered(l402)
    const [first, second] = [await offered(l402), await offered(l402)]
    expect(second.body.payment_hash).toBe(first.body.payment_hash)
    expect(first.body.payment_hash).not.toBe(own.body.payment_hash)
    expect(first.paymentUrl).toBe(null)
    expect(JSON.stringify(first)).not.toMatch(/token=[0-9a-f]{64}|status_token|payment_url/)
    expect(await rowOf(store, first.body.payment_hash)).toMatchObject({ exclusive: false })
  })

  it('a shared invoice has neither a status token nor a settlement secret', async () => {
    const { l402, store } = rail({ perClient: 0 })
    const { body } = await offered(l402)
    const row = await rowOf(store, body.payment_hash)
    // Not even when it is somebody's. The very same secrets open an invoice of one's own.
    const claimed = { ...row, tokenId: 'ab'.repeat(32), settledAt: 1 }
    const own = { ...claimed, exclusive: true }
    const status = await l402.status(own)
    if (!status.paid || status.settlementSecret === null) throw new Error('no secret')
    for (const one of [row, claimed]) {
      expect(await l402.redeem(one, status.settlementSecret)).toMatchObject({ error: 'bad_secret' })
      expect(await l402.status(one)).not.toMatchObject({ settlementSecret: expect.any(String) })
    }
    expect(await l402.redeem(own, status.settlementSecret)).toMatchObject({ ok: true })
  })

  it('a pass of a shared invoice is its payer’s alone: only the preimage opens it', async () => {
    const { l402, store, play } = rail({ perClient: 0 })
    const { body } = await offered(l402)
    const row = await rowOf(store, body.payment_hash)
    const paid = await play.pay(row.hash)
    if (!paid.ok) throw new Error(paid.error)
    expect(await l402.redeem(row, '0'.repeat(64))).toMatchObject({ error: 'bad_secret' })
    expect(await l402.redeem(row, paid.value)).toMatchObject({ ok: true })
  })

  it('D1 many at once past the bound make one invoice', async () => {
    const { l402 } = rail({ perClient: 0 })
    const all = await Promise.all(Array.from({ length: 50 }, () => offered(l402)))
    expect(new Set(all.map(({ body }) => body.payment_hash)).size).toBe(1)
  })
})

describe('D1 and D2 bounds', () => {
  it('create is refused past the bound of a client, and of all', async () => {
    const { l402 } = rail({ perClient: 2, total: 3 })
    await created(l402, 'a')
    await created(l402, 'a')
    expect(await l402.create(want('a'))).toMatchObject({ error: { why: 'too_many_open' } })
    await created(l402, 'b')
    expect(await l402.create(want('c'))).toMatchObject({ error: { why: 'too_many_open' } })
    expect(l402.open).toBe(3)
  })

  it('D2 a burst evicts no row: an offer past its time is credited all the same', async () => {
    const { l402, play, store, advance } = rail({ perClient: 2 })
    const made = await created(l402)
    const paid = await play.pay(made.bolt11)
    for (let i = 0; i < 30; i += 1) await l402.offer(want('a', 10 + i))
    advance(3_600_000)
    for (let i = 0; i < 30; i += 1) await l402.offer(want('a', 10 + i))
    if (!paid.ok) throw new Error(paid.error)
    const row = await rowOf(store, made.row.hash)
    expect(await l402.redeem(row, paid.value)).toMatchObject({ ok: true, value: { fresh: true } })
  })

  it('a paid one frees its place', async () => {
    const { l402, play } = rail({ perClient: 1 })
    const made = await created(l402)
    await play.pay(made.bolt11)
    await l402.settlement(made.row)
    expect((await l402.create(want())).ok).toBe(true)
  })
})

describe('C8 only settled counts', () => {
  it('the right preimage of an unpaid invoice is worth nothing', async () => {
    const { l402, play, state } = rail()
    const made = await created(l402)
    const paid = await play.pay(made.bolt11)
    if (!paid.ok) throw new Error(paid.error)
    for (const is of ['open', 'dead', 'unknown'] as const) {
      state.is = { is }
      expect(await l402.redeem(made.row, paid.value)).toEqual({ ok: false, error: 'pending' })
    }
    state.is = null
    expect(await l402.redeem(made.row, paid.value)).toMatchObject({ ok: true })
  })

  it('C1 a wallet that is down fails closed, and settled once is never asked again', async () => {
    const { l402, play, state, lookup } = rail()
    const made = await created(l402)
    const paid = await play.pay(made.bolt11)
    if (!paid.ok) throw new Error(paid.error)
    state.down = true
    expect(await l402.redeem(made.row, paid.value)).toEqual({ ok: false, error: 'unreachable' })
    lookup.mockClear()
    const settled = { ...made.row, settledAt: 1 }
    expect(await l402.redeem(settled, paid.value)).toMatchObject({
      ok: true,
      value: { fresh: false },
    })
    expect(lookup).not.toHaveBeenCalled()
  })

  it.each([
    { why: 'more was paid: all of it is credited', received: 12_345n, credited: 12_345n },
    {
      why: 'the wallet says less: it settled, so what was asked is credited',
      received: 1n,
      credited: 10_000n,
    },
  ])('$why', async ({ received, credited }) => {
    const { l402, state } = rail()
    const made = await created(l402)
    state.is = { is: 'settled', preimage: null, receivedMsat: received }
    expect(await l402.settlement(made.row)).toMatchObject({
      value: { receipt: { amount: credited, payment: `l402:${made.row.hash}` } },
    })
  })

  it('a secret is compared with its own invoice alone', async () => {
    const { l402, play } = rail()
    const [a, b] = [await created(l402), await created(l402)]
    const paid = await play.pay(a.bolt11)
    await play.pay(b.bolt11)
    if (!paid.ok) throw new Error(paid.error)
    expect(await l402.redeem(b.row, paid.value)).toMatchObject({ error: 'bad_secret' })
    expect(l402.tokenFits(b.row, a.statusToken ?? '')).toBe(false)
  })
})

describe('C9 the status token', () => {
  it('tells what the pass needs once it is paid, and nothing before', async () => {
    const { l402, play } = rail()
    const made = await created(l402)
    expect(await l402.status(made.row)).toEqual({ paid: false })
    const paid = await play.pay(made.bolt11)
    if (!paid.ok) throw new Error(paid.error)
    const settled = { ...made.row, settledAt: 1 }
    const status = await l402.status(settled)
    expect(status).toMatchObject({ paid: true, preimage: paid.value })
    if (!status.paid) throw new Error('not paid')
    expect(await l402.redeem(settled, status.settlementSecret ?? '')).toMatchObject({ ok: true })
  })

  it('a wallet that shows no preimage still sells: the settlement secret opens the pass', async () => {
    const { l402, state } = rail()
    const made = await created(l402)
    state.is = { is: 'settled', preimage: null, receivedMsat: 10_000n }
    const status = await l402.status({ ...made.row, settledAt: 1 })
    expect(status).toMatchObject({ paid: true, preimage: null })
    if (!status.paid) throw new Error('not paid')
    expect(await l402.redeem(made.row, status.settlementSecret ?? '')).toMatchObject({ ok: true })
  })

  it('is 64 hex digits, compared in whole', async () => {
    const { l402 } = rail()
    const { row, statusToken: token } = await created(l402)
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    const wrong = ['', 'x', token?.slice(1), `${token}0`, '0'.repeat(64)]
    expect(wrong.map((one) => l402.tokenFits(row, one ?? ''))).toEqual(wrong.map(() => false))
    expect(l402.tokenFits(row, token ?? '')).toBe(true)
  })

  it('J5 status_page_costs_the_mint_nothing: the wallet is not asked, paid or not', async () => {
    const { l402, play, lookup } = rail()
    const made = await created(l402)
    for (let poll = 0; poll < 20; poll += 1) await l402.status(made.row)
    expect(lookup).not.toHaveBeenCalled()
    await play.pay(made.bolt11)
    await l402.settlement(made.row)
    lookup.mockClear()
    const settled = { ...made.row, settledAt: 1 }
    for (let poll = 0; poll < 20; poll += 1) {
      expect(await l402.status(settled)).toMatchObject({ paid: true, preimage: expect.any(String) })
    }
    expect(lookup).not.toHaveBeenCalled()
  })

  it('J5 a preimage that an earlier process learned is asked for once', async () => {
    const { l402, play, lookup } = rail()
    const made = await created(l402)
    await play.pay(made.bolt11)
    for (let poll = 0; poll < 20; poll += 1) await l402.status({ ...made.row, settledAt: 1 })
    expect(lookup).toHaveBeenCalledOnce()
  })
})
