import { describe, expect, it, vi } from 'vitest'
import { readIdentifier } from '../../../src/passes/identifier.ts'
import { settlementSecret, statusToken } from '../../../src/passes/keys.ts'
import { parse } from '../../../src/passes/macaroon.ts'
import type { IssuedInvoice } from '../../../src/rails/lightning/invoicing.ts'
import type { LightningOffers } from '../../../src/rails/lightning/lightning-offers.ts'
import type { PlayWallet } from '../../../src/wallets/play/play.ts'
import { offered, rail, want } from './rail.ts'

async function created(lightning: LightningOffers, client = 'a', sat = 10): Promise<IssuedInvoice> {
  const made = await lightning.create(want(client, sat))
  if (!made.ok) throw new Error(made.error.why)
  return made.value
}

/** Pays an invoice now. Returns the preimage. */
async function preimage(play: PlayWallet, hash: unknown): Promise<string> {
  const paid = await play.pay(String(hash))
  if (!paid.ok) throw new Error(paid.error)
  return paid.value
}

/** The payment hash and the token id in a macaroon. */
function namedBy(macaroon: string) {
  const parsed = parse(Buffer.from(macaroon, 'base64'))
  const named = parsed.ok ? readIdentifier(parsed.value.identifier) : null
  if (named === null) throw new Error('no macaroon')
  return named
}

describe('offers', () => {
  it('the row is on disk before the offer is sent', async () => {
    const { promise: written, resolve: write } = Promise.withResolvers<void>()
    const { l402 } = rail({ invoices: { put: () => written } })
    const left = vi.fn()
    const offer = Promise.resolve(l402.offer(want())).then(left)
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
    expect((await offered(l402)).body.payment_url).toBeDefined()
  })

  it('macaroon and invoice come first and adjacent in the challenge', async () => {
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
    expect(a.body.payment_url).not.toBe(b.body.payment_url)
  })

  it('while the wallet is down there is none', async () => {
    const { l402, lightning, state } = rail()
    state.down = true
    expect(await l402.offer(want())).toEqual({ ok: false, error: { why: 'wallet_unreachable' } })
    expect(lightning.up).toBe(false)
    expect(lightning.open).toBe(0)
  })
})

describe('I2 two_clients_one_nat_share_no_secret', () => {
  it('beyond the bound an offer is shared, and contains no secret', async () => {
    const { l402, passes } = rail({ perClient: 1 })
    const own = await offered(l402)
    const [first, second] = [await offered(l402), await offered(l402)]
    expect(second.body.payment_hash).toBe(first.body.payment_hash)
    expect(first.body.payment_hash).not.toBe(own.body.payment_hash)
    expect(first.body.payment_url).toBeUndefined()
    const shown = JSON.stringify({ ...first, body: first.body, copy: first.copy?.own })
    expect(shown).not.toMatch(/token=[0-9a-f]{64}|status_token|payment_url/)
    expect(await passes.get(String(first.body.payment_hash))).toMatchObject({ shared: true })
  })

  it('a shared invoice has neither a status token nor a settlement secret', async () => {
    const { l402, lightning, play, master, authenticate } = rail({ perClient: 0 })
    const { body } = await offered(l402)
    const { macaroon } = body.l402 as { macaroon: string }
    const named = namedBy(macaroon)
    const settlement = settlementSecret(master, named)
    const right = await preimage(play, named.hash)
    const unpaid = { ok: false, error: { why: 'unpaid' } }
    expect(await authenticate(macaroon, settlement)).toMatchObject(unpaid)
    expect(await authenticate(macaroon, right)).toMatchObject({ ok: true })
    // Not even after somebody has paid. For an invoice of one's own the same secrets work.
    const notIts = { ok: false, error: { why: 'bad_secret' } }
    expect(await authenticate(macaroon, settlement)).toEqual(notIts)
    expect(await lightning.status(named.hash, statusToken(master, named))).toBeNull()
  })

  it('a pass of a shared invoice belongs to its payer: only the preimage opens it', async () => {
    const { l402, play, authenticate } = rail({ perClient: 0 })
    const [mine, other] = [await offered(l402), await offered(l402)].map(
      ({ body }) => body.l402 as { macaroon: string; payment_hash: string },
    )
    const right = await preimage(play, mine?.payment_hash)
    const wrong = await authenticate(mine?.macaroon, '0'.repeat(64))
    expect(wrong).toMatchObject({ error: { why: 'unpaid' } })
    expect(await authenticate(mine?.macaroon, right)).toMatchObject({ ok: true })
    expect(await authenticate(other?.macaroon, right)).toMatchObject({ error: { why: 'unknown' } })
  })

  it('D1 many at once beyond the bound make one invoice', async () => {
    const { l402 } = rail({ perClient: 0 })
    const all = await Promise.all(Array.from({ length: 50 }, () => offered(l402)))
    expect(new Set(all.map(({ body }) => body.payment_hash)).size).toBe(1)
  })
})

describe('D1 and D2 bounds', () => {
  it('create is refused beyond the bound of a client, and of all', async () => {
    const { lightning } = rail({ perClient: 2, total: 3 })
    await created(lightning, 'a')
    await created(lightning, 'a')
    expect(await lightning.create(want('a'))).toMatchObject({ error: { why: 'too_many_open' } })
    await created(lightning, 'b')
    expect(await lightning.create(want('c'))).toMatchObject({ error: { why: 'too_many_open' } })
    expect(lightning.open).toBe(3)
  })

  it('D2 a burst evicts no row: an offer past its expiry is still credited', async () => {
    const { l402, lightning, play, advance, authenticate } = rail({ perClient: 2 })
    const made = await created(lightning)
    const right = await preimage(play, made.row.hash)
    for (let i = 0; i < 30; i += 1) await l402.offer(want('a', 10 + i))
    advance(3_600_000)
    for (let i = 0; i < 30; i += 1) await l402.offer(want('a', 10 + i))
    expect(await authenticate(made.macaroon, right)).toMatchObject({ ok: true })
  })

  it('a paid one frees its place', async () => {
    const { lightning, play, authenticate } = rail({ perClient: 1 })
    const made = await created(lightning)
    await authenticate(made.macaroon, await preimage(play, made.row.hash))
    expect((await lightning.create(want())).ok).toBe(true)
  })
})

describe('C8 only settled counts', () => {
  it('the right preimage of an unpaid invoice is worth nothing', async () => {
    const { l402, lightning, play, state, presented } = rail()
    const made = await created(lightning)
    const pass = presented(made.macaroon, await preimage(play, made.row.hash))
    expect(pass.opens).toBe('preimage')
    for (const is of ['open', 'dead', 'unknown'] as const) {
      state.is = { is }
      expect(await l402.redeem(pass)).toEqual({ ok: false, error: 'pending' })
    }
    state.is = null
    expect(await l402.redeem(pass)).toMatchObject({ ok: true })
  })

  it('C1 a wallet that is down fails closed, and a settled invoice is never asked for again', async () => {
    const { l402, lightning, play, state, lookup, presented, authenticate } = rail()
    const made = await created(lightning)
    const right = await preimage(play, made.row.hash)
    const pass = presented(made.macaroon, right)
    state.down = true
    expect(await l402.redeem(pass)).toEqual({ ok: false, error: 'unreachable' })
    state.down = false
    expect(await authenticate(made.macaroon, right)).toMatchObject({ ok: true })
    state.down = true
    lookup.mockClear()
    expect(await authenticate(made.macaroon, right)).toMatchObject({ ok: true })
    expect(await l402.redeem(pass)).toMatchObject({ ok: true, value: { record: null } })
    expect(lookup).not.toHaveBeenCalled()
  })

  it.each([
    { why: 'more was paid: all of it is credited', received: 12_345n, credited: 12_345n },
    { why: 'less arrived: no more than that is credited', received: 9_999n, credited: 9_999n },
  ])('$why', async ({ received, credited }) => {
    const { l402, lightning, state, presented } = rail()
    const made = await created(lightning)
    state.is = { is: 'settled', preimage: null, receivedMsat: received }
    expect(await l402.redeem(presented(made.macaroon, '0'.repeat(64)))).toMatchObject({
      value: { amount: credited, payment: `ln:${made.row.hash}` },
    })
  })

  it('settled, and nothing arrived, is not paid', async () => {
    const { l402, lightning, state, presented } = rail()
    const made = await created(lightning)
    state.is = { is: 'settled', preimage: null, receivedMsat: 0n }
    expect(await l402.redeem(presented(made.macaroon, '0'.repeat(64)))).toMatchObject({
      error: 'pending',
    })
    expect(made.row.settledAt).toBeNull()
  })

  it('a secret is compared only with its own invoice', async () => {
    const { lightning, play, authenticate } = rail()
    const [a, b] = [await created(lightning), await created(lightning)]
    const right = await preimage(play, a.row.hash)
    await preimage(play, b.row.hash)
    expect(await authenticate(b.macaroon, right)).toMatchObject({ error: { why: 'unpaid' } })
    expect(await lightning.status(b.row.hash, a.statusToken ?? '')).toBeNull()
  })
})

describe('C9 the status token', () => {
  const statusOf = (lightning: LightningOffers, { row, statusToken: token }: IssuedInvoice) =>
    lightning.status(row.hash, token ?? '')

  /** The status once the invoice is paid. */
  async function paidStatus(lightning: LightningOffers, made: IssuedInvoice) {
    const status = await statusOf(lightning, made)
    if (status === null || status.used || status.paid === null) throw new Error('not paid')
    return status.paid
  }

  it('tells what the pass needs once it is paid, and nothing before', async () => {
    const { lightning, play, store, authenticate } = rail()
    const made = await created(lightning)
    expect(await statusOf(lightning, made)).toMatchObject({ used: false, paid: null })
    const right = await preimage(play, made.row.hash)
    expect(await statusOf(lightning, made)).toMatchObject({ used: false, paid: null })
    await store.markSettled(made.row.hash, 1)
    const paid = await paidStatus(lightning, made)
    expect(paid.preimage).toBe(right)
    expect(await authenticate(made.macaroon, paid.settlementSecret)).toMatchObject({ ok: true })
    expect(await statusOf(lightning, made)).toEqual({ used: true })
  })

  it('a wallet that shows no preimage still sells: the settlement secret opens the pass', async () => {
    const { lightning, state, store, authenticate } = rail()
    const made = await created(lightning)
    state.is = { is: 'settled', preimage: null, receivedMsat: 10_000n }
    await store.markSettled(made.row.hash, 1)
    const paid = await paidStatus(lightning, made)
    expect(paid.preimage).toBeNull()
    expect(await authenticate(made.macaroon, paid.settlementSecret)).toMatchObject({ ok: true })
  })

  it('is 64 hex digits, compared in whole', async () => {
    const { lightning } = rail()
    const made = await created(lightning)
    const { row, statusToken: token } = made
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    for (const wrong of ['', 'x', token?.slice(1), `${token}0`, '0'.repeat(64)]) {
      expect(await lightning.status(row.hash, wrong ?? '')).toBeNull()
    }
    expect(await statusOf(lightning, made)).not.toBeNull()
  })

  it('J5 status_page_costs_the_mint_nothing: the wallet is not asked, paid or not', async () => {
    const { l402, lightning, play, store, lookup, presented } = rail()
    const made = await created(lightning)
    for (let poll = 0; poll < 20; poll += 1) await statusOf(lightning, made)
    expect(lookup).not.toHaveBeenCalled()
    const right = await preimage(play, made.row.hash)
    expect(await l402.redeem(presented(made.macaroon, right))).toMatchObject({ ok: true })
    await store.markSettled(made.row.hash, 1)
    lookup.mockClear()
    for (let poll = 0; poll < 20; poll += 1) {
      expect(await paidStatus(lightning, made)).toMatchObject({ preimage: right })
    }
    expect(lookup).not.toHaveBeenCalled()
  })

  it('J5 a preimage that an earlier process learnt is asked for once', async () => {
    const { lightning, play, store, lookup } = rail()
    const made = await created(lightning)
    await preimage(play, made.row.hash)
    await store.markSettled(made.row.hash, 1)
    for (let poll = 0; poll < 20; poll += 1) await statusOf(lightning, made)
    expect(lookup).toHaveBeenCalledOnce()
  })
})
