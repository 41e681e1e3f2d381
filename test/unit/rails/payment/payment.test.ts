import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { challengeOf } from '../../../../src/rails/payment/charge.ts'
import { challengesIn, receiptIn, requestIn } from '../../../support/payment-client.ts'
import { want } from '../rail.ts'
import { headersOf, paymentBed } from './bed.ts'

const refusedAs = (code: string, more: object = {}) => ({
  ok: false,
  error: expect.objectContaining({ code, ...more }),
})
const typed = (name: string) => ({
  fields: expect.objectContaining({ type: `https://paymentauth.org/problems/${name}` }),
})

describe('the challenge of a 402', () => {
  it('L4 charges the invoice that L402 offers in the same 402, and one place of the quota', async () => {
    const { asks, challenged } = paymentBed()
    const { challenge, invoice, hash } = await challenged()
    expect(asks.filter(({ asker }) => asker !== 'shared')).toHaveLength(1)
    expect(challenge).toMatchObject({
      realm: 'gate.example',
      method: 'lightning',
      intent: 'charge',
    })
    expect(Object.keys(challenge)).toEqual([
      ...['id', 'realm', 'method', 'intent', 'request', 'expires'],
    ])
    expect(requestIn(challenge)).toEqual({
      ...{ amount: '10', currency: 'sat' },
      methodDetails: { invoice, network: 'regtest', paymentHash: hash },
    })
  })

  it('expires with its invoice, and not a moment later', async () => {
    const { challenged, store } = paymentBed()
    const { challenge, hash } = await challenged()
    const until = (await store.get(hash))?.expiresAt ?? 0
    const expires = Date.parse(challenge.expires ?? '')
    expect(challenge.expires).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(until - expires).toBeGreaterThanOrEqual(0)
    expect(until - expires).toBeLessThan(1000)
  })

  it('says the type of the problem beside the error', async () => {
    const { payment } = paymentBed()
    const offer = await payment.offer(want())
    expect(offer).toMatchObject({ value: { body: { status: 402, title: 'Payment Required' } } })
  })

  it.each([
    ['lightning/charge;q=0', false],
    ['*/*;q=0', false],
    ['evm/charge', true],
    ['lightning/*', true],
    ['lightning/*;q=0, lightning/charge;q=0.5', true],
    ['*/*;q=1, lightning/charge;q=0.000', false],
    ['lightning/charge;q=2', true],
    ['nonsense', true],
    ['', true],
  ])('Accept-Payment: %s', async (acceptPayment, offered) => {
    const { payment } = paymentBed()
    expect((await payment.offer({ ...want(), acceptPayment })).ok).toBe(offered)
  })

  it('is left out while the wallet is down', async () => {
    const { payment, state, wallets } = paymentBed()
    state.down = true
    expect(await payment.offer(want())).toMatchObject({ error: { why: 'wallet_unreachable' } })
    expect(wallets.up).toBe(false)
  })

  it.each([
    ['lnbc', 'mainnet'],
    ['lnbcrt', 'regtest'],
    ['lntbs', 'signet'],
    ['lntb', null],
    ['lnsb', null],
  ])('an invoice of %s is charged on %s', async (prefix, network) => {
    const { challenged, store } = paymentBed()
    const row = await store.get((await challenged()).hash)
    if (row === null) throw new Error('no row')
    const made = { key: new Uint8Array(32), realm: 'gate.example', tokenId: null }
    const challenge = challengeOf({ ...row, bolt11: `${prefix}100n1p` }, made)
    const { request = null } = challenge ?? {}
    expect(request && requestIn({ request }).methodDetails.network).toBe(network)
  })
})

describe('C6 a credential', () => {
  it('pays for one request, and its answer has the receipt and the pass of the invoice', async () => {
    const { authenticate, challenged, credit, pay, take } = paymentBed()
    const { challenge, hash, macaroon } = await challenged()
    const preimage = await pay(hash)
    const taken = await take(challenge, preimage)
    if (!taken.ok) throw new Error('not taken')
    const { 'payment-receipt': receipt = '', 'x-satgate-pass': pass } = headersOf(taken.value)
    expect(pass).toBe(`${macaroon}:${preimage}`)
    expect(receiptIn(receipt)).toEqual({
      ...{ status: 'success', method: 'lightning', timestamp: expect.stringMatching(/Z$/) },
      ...{ reference: hash, challengeId: challenge.id },
    })
    expect(taken.value).toMatchObject({ payment: `ln:${hash}`, pays: true, rail: 'payment' })
    expect(await credit(String(taken.value.account))).toBe(10_000)
    expect(await authenticate(macaroon, preimage)).toMatchObject({
      value: { account: taken.value.account },
    })
  })

  it('is good once, and shows its pass again until that was used', async () => {
    const { authenticate, challenged, pay, restarted, presented, take } = paymentBed()
    const { challenge, hash, macaroon } = await challenged()
    const preimage = await pay(hash)
    await take(challenge, preimage)
    const again = {
      headers: { 'x-satgate-pass': `${macaroon}:${preimage}` },
      ...{ status: 402, offersNothing: true, ...typed('verification-failed') },
    }
    expect(await take(challenge, preimage)).toEqual(refusedAs('payment_used', again))
    const later = await restarted().redeem(presented(challenge, preimage), {
      ...{ path: '/', method: 'POST', model: null, client: 'b', account: null },
      ...{ origin: '', body: { empty: true, hash: () => '' }, short: () => null },
    })
    expect(later).toEqual(refusedAs('payment_used', again))
    await authenticate(macaroon, preimage)
    const refused = await take(challenge, preimage)
    expect(refused).toEqual(refusedAs('payment_used'))
    expect(!refused.ok && refused.error).not.toHaveProperty('headers')
  })

  it('of fifty copies at once one is taken', async () => {
    const { challenged, credit, pay, take } = paymentBed()
    const { challenge, hash } = await challenged()
    const preimage = await pay(hash)
    const all = await Promise.all(Array.from({ length: 50 }, () => take(challenge, preimage)))
    const taken = all.flatMap((one) => (one.ok ? [one.value] : []))
    expect(taken).toHaveLength(1)
    expect(await credit(String(taken[0]?.account))).toBe(10_000)
    for (const one of all) if (!one.ok) expect(one).toEqual(refusedAs('payment_used'))
  })

  it('whose deposit failed can be shown its pass', async () => {
    const { challenged, pay, redeem } = paymentBed()
    const { challenge, hash, macaroon } = await challenged()
    const preimage = await pay(hash)
    expect((await redeem(challenge, preimage)).ok).toBe(true)
    // Nothing was credited, so nothing is written down.
    const headers = { 'x-satgate-pass': `${macaroon}:${preimage}` }
    expect(await redeem(challenge, preimage)).toEqual(refusedAs('payment_used', { headers }))
  })

  it('L4 of an invoice whose pass was used is refused, and nothing is credited twice', async () => {
    const { authenticate, challenged, credit, pay, take } = paymentBed()
    const { challenge, hash, macaroon } = await challenged()
    const preimage = await pay(hash)
    const used = await authenticate(macaroon, preimage)
    if (!used.ok) throw new Error('not used')
    expect(await take(challenge, preimage)).toEqual(refusedAs('payment_used'))
    expect(await credit(used.value.account)).toBe(10_000)
  })

  it('L4 and its pass at the same time are one credit', async () => {
    const { authenticate, challenged, credit, pay, take } = paymentBed()
    const { challenge, hash, macaroon } = await challenged()
    const preimage = await pay(hash)
    const [used] = await Promise.all([authenticate(macaroon, preimage), take(challenge, preimage)])
    if (!used.ok) throw new Error('not used')
    expect(await credit(used.value.account)).toBe(10_000)
  })
})

describe('a credential that is not taken', () => {
  const altered = (text = '') => `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`

  it.each(['id', 'realm', 'request', 'expires'])('its %s was changed', async (slot) => {
    const { challenged, pay, redeem } = paymentBed()
    const { challenge, hash } = await challenged()
    const changed = { ...challenge, [slot]: altered(challenge[slot]) }
    const refused = refusedAs('payment_invalid_challenge', typed('invalid-challenge'))
    expect(await redeem(changed, await pay(hash))).toEqual(refused)
  })

  it('C8 its challenge is of another gate', async () => {
    const [here, elsewhere] = [paymentBed(), paymentBed()]
    const { challenge, hash } = await elsewhere.challenged()
    const refused = refusedAs('payment_invalid_challenge')
    expect(await here.redeem(challenge, await elsewhere.pay(hash))).toEqual(refused)
  })

  it('it has the preimage of another invoice', async () => {
    const { challenged, pay, redeem } = paymentBed()
    const [one, other] = [await challenged(), await challenged(want('b'))]
    const refused = await redeem(one.challenge, await pay(other.hash))
    expect(refused).toEqual(refusedAs('payment_verification_failed', typed('verification-failed')))
    expect(!refused.ok && refused.error).not.toHaveProperty('offersNothing')
  })

  it('C1 the wallet does not say that the invoice is paid', async () => {
    const { challenged, pay, redeem, state } = paymentBed()
    const { challenge, hash } = await challenged()
    const preimage = await pay(hash)
    state.is = { is: 'open' }
    expect(await redeem(challenge, preimage)).toEqual({ ok: false, error: 'pending' })
    state.down = true
    expect(await redeem(challenge, preimage)).toEqual({ ok: false, error: 'unreachable' })
    state.is = null
    state.down = false
    expect((await redeem(challenge, preimage)).ok).toBe(true)
  })

  it('C8 it comes too late: it is credit, and its pass is shown', async () => {
    const { advance, authenticate, challenged, credit, pay, redeem } = paymentBed()
    const { challenge, hash, macaroon } = await challenged()
    const preimage = await pay(hash)
    advance(700_000)
    const pass = `${macaroon}:${preimage}`
    const headers = { 'x-satgate-pass': pass }
    const late = { headers, offersNothing: true, ...typed('payment-expired') }
    expect(await redeem(challenge, preimage)).toEqual(refusedAs('payment_expired', late))
    const used = await authenticate(macaroon, preimage)
    if (!used.ok) throw new Error('not used')
    expect(await credit(used.value.account)).toBe(10_000)
  })

  it('I8 it does not pay for the request: it is not used up', async () => {
    const { challenged, pay, redeem } = paymentBed()
    const { challenge, hash } = await challenged()
    const preimage = await pay(hash)
    const short = { short: (sat: number) => (sat < 30 ? 30 : null) }
    const refused = refusedAs('payment_insufficient', typed('payment-insufficient'))
    expect(await redeem(challenge, preimage, short)).toEqual(refused)
    expect((await redeem(challenge, preimage)).ok).toBe(true)
  })

  it('is no key to the balance', async () => {
    const { challenged, pay, redeem } = paymentBed()
    const { challenge, hash } = await challenged()
    const preimage = await pay(hash)
    expect(await redeem(challenge, preimage, null)).toEqual(refusedAs('payment_is_no_key'))
    expect((await redeem(challenge, preimage)).ok).toBe(true)
  })

  it('is of another method', async () => {
    const { challenged, redeem } = paymentBed()
    const { challenge } = await challenged()
    const other = await redeem({ ...challenge, method: 'evm' }, 'x')
    const refused = { status: 400, ...typed('method-unsupported') }
    expect(other).toEqual(refusedAs('payment_method_unsupported', refused))
  })
})

describe('C12 a root key that was rotated', () => {
  it('still signs the challenges of before, and no new ones', async () => {
    const { challenged, pay, presented, restarted } = paymentBed()
    const { challenge, hash } = await challenged()
    const after = restarted(new Uint8Array(randomBytes(32)))
    const offer = await after.offer(want('b'))
    const [newer] = offer.ok ? challengesIn(...offer.value.challenges) : []
    expect(newer?.id).not.toBe(challenge.id)
    const call = { ...want(), client: 'a', account: null, model: null, short: () => null }
    expect((await after.redeem(presented(challenge, await pay(hash)), call)).ok).toBe(true)
  })
})

describe('L16 a credential and a pass', () => {
  const owner = { is: 'owner', account: 'a'.repeat(32) } as const
  const ROTATED = { generation: 1, pass: null, from: 0, at: 1, key: null, usedAt: null }
  const spender = { is: 'spender', account: 'b'.repeat(32) } as const

  it('tops up the account of the pass beside it', async () => {
    const { challenged, credit, pay, take } = paymentBed()
    const { challenge, hash } = await challenged(want(spender))
    const { account } = spender
    const taken = await take(challenge, await pay(hash), { account })
    expect(taken).toMatchObject({ ok: true, value: { account } })
    expect(await credit(account)).toBe(10_000)
  })

  it('of a spending key buys nothing without that key, and is not used up', async () => {
    const { challenged, pay, redeem } = paymentBed()
    const { challenge, hash } = await challenged(want(spender))
    const preimage = await pay(hash)
    const refused = { offersNothing: true, status: 402 }
    expect(await redeem(challenge, preimage)).toEqual(refusedAs('payment_tops_up', refused))
    expect((await redeem(challenge, preimage, { account: spender.account })).ok).toBe(true)
  })

  it('of a root pass pays alone too, until its account is rotated', async () => {
    const { challenged, pay, redeem, revocations } = paymentBed()
    const [one, other] = [await challenged(want(owner)), await challenged(want(owner))]
    expect((await redeem(one.challenge, await pay(one.hash))).ok).toBe(true)
    await revocations.rotate({ ...ROTATED, account: owner.account })
    const refused = await redeem(other.challenge, await pay(other.hash))
    expect(refused).toEqual(refusedAs('payment_tops_up'))
  })

  it('beside the pass of another account is refused before it is used', async () => {
    const { challenged, pay, redeem } = paymentBed()
    const { challenge, hash } = await challenged()
    const preimage = await pay(hash)
    const beside = { account: 'c'.repeat(32) }
    const refused = refusedAs('payment_elsewhere', { status: 400 })
    expect(await redeem(challenge, preimage, beside)).toEqual(refused)
    expect((await redeem(challenge, preimage)).ok).toBe(true)
  })
})

describe('J6 a shared invoice', () => {
  it('has a challenge for each client, and belongs to the first that proves the payment', async () => {
    const { challenged, pay, take, authenticate } = paymentBed({ perClient: 0 })
    const [one, other] = [await challenged(want('a')), await challenged(want('b'))]
    expect(one.hash).toBe(other.hash)
    expect(one.challenge.id).not.toBe(other.challenge.id)
    const preimage = await pay(one.hash)
    const taken = await take(one.challenge, preimage)
    if (!taken.ok) throw new Error('not taken')
    const pass = headersOf(taken.value)['x-satgate-pass']
    expect(pass).toBe(`${one.macaroon}:${preimage}`)
    // The preimage is no longer a secret, and still nobody else learns the pass.
    expect(await take(other.challenge, preimage)).toEqual(refusedAs('payment_invalid_challenge'))
    expect((await authenticate(other.macaroon, preimage)).ok).toBe(false)
    const again = refusedAs('payment_used', { headers: { 'x-satgate-pass': pass } })
    expect(await take(one.challenge, preimage)).toEqual(again)
    expect((await authenticate(one.macaroon, preimage)).ok).toBe(true)
  })
})
