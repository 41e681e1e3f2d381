import { describe, expect, it, vi } from 'vitest'
import { paymentText } from '../../../../src/rails/x402/row-text.ts'
import {
  type Asking,
  callOf,
  PAY_TO,
  PAYER,
  rateOf,
  STRANGER,
  X402Bed,
} from '../../../support/x402-bed.ts'
import type { Otherwise } from '../../../support/x402-buyer.ts'
import { read402 } from '../../../support/x402-buyer.ts'

const BOTH = [1, 2] as const

/** A refusal with that code. */
const refused = (code: string, status = 402) => ({ ok: false, error: { code, status } })

describe.each(BOTH)('a payment of version %d', (version) => {
  it('is settled before its receipt, which names it and the rate of its offer', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    const receipt = await bed.taken(paying)
    const { from, nonce, value } = paying.authorization
    expect(receipt).toMatchObject({
      payment: `x402:eip155:84532:0x036cbd53842c5426634e7929541ec2318f3dcf7e:${from}:${nonce}`,
      ...{ account: { opens: [] }, decided: true, rail: 'x402' },
      ...{ credit: 'usd', amount: 21_000n, rate: rateOf('100000') },
      native: { amount: '21000', unit: 'usdc', rate: '100000' },
    })
    expect(value).toBe(21_000n)
    expect(receipt).not.toHaveProperty('repeat')
    expect(bed.chain.balance(PAY_TO)).toBe(21_000n)
  })

  it('F6 has its transaction in the header of its version, before anything is served', async () => {
    const bed = new X402Bed()
    const { headers } = await bed.taken(await bed.pay(version))
    const name = version === 1 ? 'x-payment-response' : 'payment-response'
    expect(bed.rail.writes).toContain(name)
    expect(read402(headers?.[name])).toEqual({
      ...{ success: true, transaction: bed.chain.transactions[0]?.hash, payer: PAYER.address },
      // L5: the rate of the offer stands in the receipt too.
      ...{ amount: '21000', usd_per_btc: '100000' },
      network: version === 1 ? 'base-sepolia' : 'eip155:84532',
    })
  })

  it('F1 fifty copies at once are settled once, and credited once', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    const copies = await Promise.all(Array.from({ length: 50 }, () => bed.redeem(paying.headers)))
    expect([bed.asked('verify'), bed.asked('settle')]).toEqual([1, 1])
    const receipts = copies.flatMap((one) => (one.ok ? [one.value] : []))
    expect(receipts).toHaveLength(50)
    expect(new Set(receipts.map(({ payment }) => payment)).size).toBe(1)
    const repeats = receipts.map(({ repeat }) => repeat)
    expect(repeats.filter((repeat) => repeat === undefined)).toHaveLength(1)
    expect(new Set(repeats.slice(1))).toEqual(new Set([version === 1 ? 'answer' : 'pass']))
  })

  it('F1 its row is on disk before it is sent, and nothing is sent without one', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    bed.payments.full = Object.assign(new Error('full'), { code: 'ENOSPC' })
    expect(await bed.redeem(paying.headers)).toMatchObject(refused('x402_busy', 503))
    expect(bed.asked('settle')).toBe(0)
    bed.payments.full = null
    expect((await bed.redeem(paying.headers)).ok).toBe(true)
  })

  it('F1 a row that two processes want to begin is begun by one', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    const other = bed.reopened()
    bed.payments.begin = () => false
    expect(await bed.redeem(paying.headers, callOf(), other)).toMatchObject(
      refused(version === 1 ? 'x402_offer' : 'x402_busy', version === 1 ? 402 : 503),
    )
    expect(bed.asked('settle')).toBe(0)
  })

  it('F3 a settlement that nobody answered is unknown: do not pay again, and no offer', async () => {
    const bed = new X402Bed()
    const learned = bed.learning()
    const paying = await bed.pay(version)
    bed.facilitator.faults.settle.push({ is: 'unknown', after: true })
    const first = await bed.redeem(paying.headers)
    expect(first).toMatchObject(refused('x402_pending', 503))
    expect(first).toMatchObject({
      error: { soon: true, message: expect.stringContaining('Do not pay again') },
    })
    expect(await bed.redeem(paying.headers)).toMatchObject(refused('x402_pending', 503))
    expect(bed.asked('settle')).toBe(1)
    expect(learned).toEqual([])
  })

  it('F3 what turned out to be settled later is answered as if it had come now', async () => {
    const bed = new X402Bed()
    const learned = bed.learning()
    const paying = await bed.pay(version)
    bed.facilitator.faults.settle.push({ is: 'unknown', after: false })
    await bed.redeem(paying.headers)
    await bed.reconciler.tend()
    expect(learned).toMatchObject([{ unpresented: true, amount: 21_000n, credit: 'usd' }])
    bed.world.advance(600_000)
    const receipt = await bed.credited(paying)
    expect(receipt).not.toHaveProperty('repeat')
    expect(receipt).not.toHaveProperty('known')
    expect(receipt.account).toEqual({ opens: [] })
    const again = await bed.taken(paying)
    expect(again).toMatchObject({ known: true, repeat: version === 1 ? 'answer' : 'pass' })
  })

  it('L15 what the operator confirms is credited once, and its buyer alone gets the pass', async () => {
    const bed = new X402Bed()
    const learned = bed.learning()
    const paying = await bed.pay(version)
    bed.facilitator.faults.settle.push({ is: 'unknown', after: true })
    await bed.redeem(paying.headers)
    const [row] = bed.payments.unknown(1)
    const seen = `0x${'5'.repeat(64)}`
    const confirm = (write: boolean) => bed.rail.confirm(row?.id ?? '', seen, { write })
    bed.payments.lost(row?.id ?? '')
    expect(await bed.redeem(paying.headers)).toMatchObject(refused('x402_unknown'))
    expect([confirm(false), bed.payments.get(row?.id ?? '')?.state]).toEqual(['confirmed', 'lost'])
    expect([confirm(true), confirm(true)]).toEqual(['confirmed', 'not_unknown'])
    await bed.reconciler.tend()
    await bed.reconciler.tend()
    expect(learned).toMatchObject([{ unpresented: true, amount: 21_000n, credit: 'usd' }])
    const { authorization, signature } = paying
    const rebuilt = await bed.pay(version, { signed: { authorization, signature } })
    const stranger = version === 2 ? rebuilt.headers : paying.headers
    const elsewhere = callOf({ body: '{"prompt":"mine"}' })
    expect(await bed.redeem(stranger, elsewhere)).toMatchObject(refused('x402_paid'))
    const receipt = await bed.credited(paying)
    expect(receipt).not.toHaveProperty('repeat')
    expect(read402(Object.values(receipt.headers ?? {})[0])).toMatchObject({ transaction: seen })
    expect(bed.asked('settle')).toBe(1)
  })

  it('L15 a payment that a request presents just now cannot be confirmed', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    let go = () => {}
    const until = new Promise<void>((resolve) => {
      go = resolve
    })
    bed.facilitator.faults.settle.push({ is: 'waits', after: true, until })
    const taken = bed.redeem(paying.headers)
    await vi.waitFor(() => expect(bed.payments.unknown(1)).toHaveLength(1))
    const id = bed.payments.unknown(1)[0]?.id ?? ''
    const seen = `0x${'5'.repeat(64)}`
    expect(bed.rail.confirm(id, seen, { write: true })).toBe('busy')
    go()
    expect((await taken).ok).toBe(true)
    expect(bed.payments.get(id)?.transaction).toBe(bed.chain.transactions[0]?.hash)
  })

  it('F3 what turned out not to be settled may be presented again by its buyer alone', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    bed.facilitator.faults.settle.push({ is: 'refused', after: false })
    expect(await bed.redeem(paying.headers)).toMatchObject(refused('x402_refused'))
    const { authorization, signature } = paying
    const rebuilt = await bed.pay(version, { signed: { authorization, signature } })
    const elsewhere = callOf({ body: '{"prompt":"mine"}' })
    const stolen = version === 2 ? rebuilt.headers : paying.headers
    expect(await bed.redeem(stolen, elsewhere)).toMatchObject(refused('x402_used'))
    expect((await bed.redeem(paying.headers)).ok).toBe(true)
  })

  it('F3 a transaction that cannot be written down is not lost, and not asked for again', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    const full = Object.assign(new Error('full'), { code: 'ENOSPC' })
    const { settled } = bed.payments
    let times = 0
    bed.payments.settled = (...args) => {
      times += 1
      if (times < 3) throw full
      settled.apply(bed.payments, args)
    }
    const learned = bed.learning()
    expect(await bed.redeem(paying.headers)).toMatchObject(refused('x402_pending', 503))
    await bed.reconciler.tend()
    expect(bed.asked('settle')).toBe(1)
    await bed.world.until(() => bed.payments.open(1)[0]?.state === 'settled')
    expect((await bed.taken(paying)).amount).toBe(21_000n)
    expect(learned).toEqual([])
  })

  it('F10 nothing is offered and nothing taken while the facilitator is away', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    bed.facilitator.up = false
    expect(await bed.redeem(paying.headers)).toMatchObject(refused('facilitator_unreachable', 503))
    expect([bed.asked('verify'), bed.payments.rows.size]).toEqual([0, 0])
    await expect(bed.offer()).rejects.toThrow('facilitator_unreachable')
    bed.facilitator.up = true
    bed.facilitator.faults.verify.push({ is: 'unknown', after: false })
    expect(await bed.redeem(paying.headers)).toMatchObject(refused('facilitator_unreachable', 503))
    expect([bed.asked('settle'), bed.payments.rows.size]).toEqual([0, 0])
    expect((await bed.redeem(paying.headers)).ok).toBe(true)
  })

  it('L1 what everybody can read on the chain buys nothing, and is told no pass', async () => {
    const bed = new X402Bed()
    await bed.credited(await bed.pay(version))
    const { authorization, signature } = bed.chain.transactions[0] ?? {}
    if (authorization === undefined || signature === undefined) throw new Error('nothing was sent')
    const mine = callOf({ body: '{"prompt":"mine"}' })
    for (const rebuilt of BOTH) {
      const signed = { authorization, signature }
      const { headers } = await bed.pay(rebuilt, { signed }, { body: '{"prompt":"mine"}' })
      const redeemed = await bed.redeem(headers, mine)
      expect(redeemed).toMatchObject(refused('x402_paid'))
      expect(redeemed).toMatchObject({ error: { offersNothing: true } })
      expect(await bed.redeem(headers, null)).toEqual({ ok: false, error: 'unknown' })
    }
    expect(bed.asked('settle')).toBe(1)
  })

  it('L15 what somebody else sent to the chain is refused, and credited to nobody', async () => {
    const bed = new X402Bed()
    const learned = bed.learning()
    const paying = await bed.pay(version)
    bed.chain.send(bed.chain.asset, paying.authorization, paying.signature)
    expect(await bed.redeem(paying.headers)).toMatchObject(refused('x402_used'))
    // A facilitator that does not look says so when it settles.
    bed.facilitator.faults.verify.push({ is: 'lies' })
    expect(await bed.redeem(paying.headers)).toMatchObject(refused('x402_used'))
    await bed.reconciler.tend()
    expect(learned).toEqual([])
    expect(bed.payments.outstanding()).toBe(0n)
  })

  it('L16 beside a pass it tops the account of the pass up, also if another is named later', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    const account = 'c'.repeat(32)
    expect((await bed.taken(paying, callOf({ account }))).account).toBe(account)
    const repeated = await bed.taken(paying, callOf({ account: 'd'.repeat(32) }))
    expect([repeated.account, repeated.decided]).toEqual([account, true])
    repeated.credited?.(account)
    const later = await bed.taken(paying, callOf({ account: 'd'.repeat(32) }))
    expect([later.account, later.known, later.repeat]).toEqual([account, true, undefined])
  })

  it('L16 whoever has another pass gets nothing of it before its buyer does', async () => {
    const bed = new X402Bed()
    bed.learning()
    bed.facilitator.faults.settle.push({ is: 'unknown', after: false })
    const { authorization, headers, signature } = await bed.pay(version)
    await bed.redeem(headers)
    await bed.reconciler.tend()
    const mine: Asking = { body: '{"prompt":"mine"}', account: 'd'.repeat(32) }
    const stolen = await bed.pay(version, { signed: { authorization, signature } }, mine)
    expect(await bed.redeem(stolen.headers, callOf(mine))).toMatchObject(refused('x402_paid'))
    expect((await bed.taken({ headers })).account).toEqual({ opens: [] })
  })

  it('I8 what does not admit the request is refused before anybody is asked', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    const asked: number[] = []
    const short = (sat: number) => {
      asked.push(sat)
      return 42
    }
    const redeemed = await bed.redeem(paying.headers, callOf({ short }))
    expect(redeemed).toMatchObject(refused('x402_amount'))
    expect(redeemed).toMatchObject({ error: { message: expect.stringContaining('0.042 dollars') } })
    expect([asked, bed.asked('verify'), bed.payments.rows.size]).toEqual([[21], 0, 0])
  })

  it('L5 is credited at the rate of its offer for two minutes, however the rate moves', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    bed.rate = rateOf('200000')
    bed.world.advance(110_000)
    const receipt = await bed.taken(paying)
    expect(receipt).toMatchObject({ amount: 21_000n, rate: rateOf('100000') })
  })

  it('L5 is refused later, with nothing taken', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    bed.world.advance(125_000)
    expect(await bed.redeem(paying.headers)).toMatchObject(refused('x402_offer'))
    expect(bed.asked('verify')).toBe(0)
  })

  it('L5 dollars that buyers have are bounded, those under way too', async () => {
    const bed = new X402Bed({ maxOutstanding: 50_000n })
    const payings = await Promise.all([1, 2, 3].map(() => bed.pay(version)))
    const redeemed = await Promise.all(payings.map(({ headers }) => bed.redeem(headers)))
    expect(redeemed.filter(({ ok }) => ok)).toHaveLength(2)
    expect(redeemed.find(({ ok }) => !ok)).toMatchObject(refused('x402_full'))
    await expect(bed.offer()).rejects.toThrow('dollars_full')
    expect(bed.asked('settle')).toBe(2)
    bed.payments.rows.clear()
    bed.owed = 40_000n
    await expect(bed.offer()).rejects.toThrow('dollars_full')
    bed.owed = 0n
    expect((await bed.offer()).say).toContain('0.021 dollars')
  })

  it('says why the chain did not take it, in the header too, and offers anew', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    bed.facilitator.faults.settle.push({ is: 'refused', after: false })
    const redeemed = await bed.redeem(paying.headers)
    expect(redeemed).toMatchObject(refused('x402_refused'))
    if (redeemed.ok || typeof redeemed.error === 'string') throw new Error('it was taken')
    const [[name, text] = ['', '']] = Object.entries(redeemed.error.headers ?? {})
    expect(name).toBe(version === 1 ? 'x-payment-response' : 'payment-response')
    expect(read402(text)).toMatchObject({
      success: false,
      transaction: '',
      errorReason: 'x402_refused',
    })
    expect(redeemed.error.offersNothing).toBeUndefined()
  })

  it('D5 a client whose payments are refused all the time is not passed on', async () => {
    const bed = new X402Bed()
    for (let times = 0; times < 30; times += 1) {
      const { headers } = await bed.pay(version, { signer: STRANGER.key })
      expect(await bed.redeem(headers)).toMatchObject(refused('x402_signature'))
    }
    const { headers } = await bed.pay(version)
    const redeemed = await bed.redeem(headers)
    expect(redeemed).toMatchObject(refused('too_many_payments', 429))
    expect(redeemed).toMatchObject({ error: { retryAfterSeconds: expect.any(Number) } })
    expect((await bed.redeem(headers, callOf({ client: 'b' }))).ok).toBe(true)
  })

  it('D5 many at once of a client that was refused before are not passed on either', async () => {
    const bed = new X402Bed()
    const bad = async () => {
      const { headers } = await bed.pay(version, { signer: STRANGER.key })
      return () => bed.redeem(headers)
    }
    for (let times = 0; times < 30; times += 1) await (await bad())()
    const asked = bed.asked('verify')
    bed.world.advance(4_000)
    const many = await Promise.all(Array.from({ length: 90 }, bad))
    await Promise.all(many.map((send) => send()))
    // One comes back every two seconds.
    expect(bed.asked('verify') - asked).toBe(2)
  })

  it('a look at the balance takes nothing, and tells its buyer alone', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(version)
    expect(await bed.redeem(paying.headers, null)).toEqual({ ok: false, error: 'unknown' })
    expect(bed.asked('verify')).toBe(0)
    const account = 'e'.repeat(32)
    await bed.credited(paying, callOf(), account)
    const look = await bed.redeem(paying.headers, null)
    if (version === 1) expect(look).toEqual({ ok: false, error: 'unknown' })
    else expect(look).toMatchObject({ ok: true, value: { account, known: true, repeat: 'pass' } })
  })
})

describe('L1 a repeat', () => {
  it('of version 2 gets the pass again if it knows the id of the offer', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(2)
    const account = 'f'.repeat(32)
    await bed.credited(paying, callOf(), account)
    bed.world.advance(86_400_000)
    const other = callOf({ body: '{"prompt":"another"}', path: '/v1/embeddings' })
    expect(await bed.taken(paying, other)).toMatchObject({ account, known: true, repeat: 'pass' })
  })

  it('of version 1 gets the answer of before if it has the same body, and an empty one is none', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(1)
    await bed.credited(paying)
    expect(await bed.taken(paying)).toMatchObject({ known: true, repeat: 'answer' })
    const other = callOf({ body: '{"prompt":"another"}' })
    expect(await bed.redeem(paying.headers, other)).toMatchObject(refused('x402_paid'))
    const empty = await bed.pay(1, {}, { body: '' })
    await bed.credited(empty, callOf({ body: '' }))
    expect(await bed.redeem(empty.headers, callOf({ body: '' }))).toMatchObject(
      refused('x402_paid'),
    )
  })

  it('is the same payment in both versions, and gets no more in the other', async () => {
    const bed = new X402Bed()
    const { authorization, headers, signature } = await bed.pay(2)
    await bed.credited({ headers })
    const other = await bed.pay(1, { signed: { authorization, signature } })
    expect(await bed.redeem(other.headers)).toMatchObject(refused('x402_paid'))
    expect(bed.asked('settle')).toBe(1)
  })

  it('J12 what a client writes beside its offer is not kept, however deep it is', async () => {
    const bed = new X402Bed()
    const { headers } = await bed.pay(2)
    const text = JSON.stringify(read402(headers['payment-signature']))
    const deep = `"a":${'['.repeat(5_000)}${']'.repeat(5_000)}`
    const whole = text.replace('"scheme":"exact"', `"scheme":"exact",${deep}`)
    const header = Buffer.from(whole).toString('base64')
    await bed.taken({ headers: { 'payment-signature': header } })
    const [row] = bed.payments.rows.values()
    expect(row === undefined ? null : paymentText(row.payment).length).toBeLessThan(1_000)
  })

  it('the id of an offer reaches neither the facilitator nor the rows', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(2)
    await bed.taken(paying)
    const { offer } = read402(paying.headers['payment-signature']).accepted.extra
    expect(offer).toMatch(/^[\w-]{72}$/)
    const bigint = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)
    const kept = JSON.stringify([bed.facilitator.heard, [...bed.payments.rows.values()]], bigint)
    expect(kept).toContain(paying.authorization.nonce)
    expect(kept).not.toContain(offer)
    expect(kept).not.toContain(offer.slice(0, 22))
  })
})

describe('L5 a payment of version 1', () => {
  it('I12 gets no rate of a day that the clock was set back from', async () => {
    const bed = new X402Bed({ rate: '50000' })
    bed.world.advance(86_400_000)
    await bed.offer()
    bed.world.advance(-86_400_000)
    bed.rate = rateOf('100000')
    expect(await bed.taken(await bed.pay(1))).toMatchObject({ rate: rateOf('100000') })
  })

  it('gets the best rate that was offered in the last two minutes', async () => {
    const bed = new X402Bed()
    await bed.offer()
    bed.rate = rateOf('80000')
    bed.world.advance(30_000)
    await bed.offer()
    bed.rate = rateOf('120000')
    bed.world.advance(30_000)
    expect(await bed.taken(await bed.pay(1))).toMatchObject({ rate: rateOf('80000') })
    bed.world.advance(95_000)
    expect(await bed.taken(await bed.pay(1))).toMatchObject({ rate: rateOf('120000') })
  })

  it('may be more than was asked for, and not less than was ever asked for', async () => {
    const bed = new X402Bed()
    expect(await bed.taken(await bed.pay(1, { amount: 50_000n }))).toMatchObject({
      amount: 50_000n,
    })
    const { headers } = await bed.pay(1, { amount: 20_999n })
    expect(await bed.redeem(headers, callOf({ account: 'a'.repeat(32) }))).toMatchObject(
      refused('x402_amount'),
    )
  })
})

const USDC_OF_BASE = '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913'
const seconds = (bed: X402Bed, more: number) => BigInt(Math.floor(bed.world.now() / 1000) + more)

/** What a payer does otherwise, the refusal, and the versions in which it can be done. */
const BAD: readonly (readonly [
  string,
  string,
  readonly (1 | 2)[],
  Otherwise | ((bed: X402Bed) => Otherwise),
  Asking?,
])[] = [
  ['another scheme', 'x402_scheme', BOTH, { scheme: 'upto' }],
  ['another network of v2', 'x402_network', [2], { network: 'eip155:8453' }],
  ['another network of v1', 'x402_network', [1], { network: 'base' }],
  ['a network of another kind', 'x402_network', BOTH, { network: 'solana' }],
  ['another token', 'x402_asset', [2], { asset: USDC_OF_BASE }],
  ['another token, signed only', 'x402_signature', [1], { asset: USDC_OF_BASE }],
  ['another payee', 'x402_payee', BOTH, { payTo: STRANGER.address }],
  [
    'a payee that only the offer names',
    'x402_payee',
    [2],
    { accepted: { payTo: STRANGER.address } },
  ],
  ['too little', 'x402_amount', BOTH, { amount: 20_000n }],
  ['nothing', 'x402_amount', BOTH, { amount: 0n }],
  ['too much for the offer', 'x402_amount', [2], { amount: 22_000n }],
  [
    'another amount, with an offer that says so',
    'x402_amount',
    [2],
    { amount: 22_000n, accepted: { amount: '22000' } },
  ],
  [
    'more than is taken at once',
    'x402_amount',
    BOTH,
    { amount: 1_000_001n, accepted: { amount: '1000001' } },
  ],
  ['another resource', 'x402_resource', [2], { resource: 'https://gate.example/v1/embeddings' }],
  ['another gate', 'x402_resource', [2], { resource: 'https://other.example/v1/chat/completions' }],
  ['no offer', 'x402_offer', [2], { offer: null }],
  ['an offer that was made up', 'x402_offer', [2], { offer: 'A'.repeat(72) }],
  ['the offer of another body', 'x402_offer', [2], {}, { body: '{"prompt":"long"}' }],
  ['the offer of another method', 'x402_offer', [2], {}, { method: 'PUT' }],
  ['expired', 'x402_expired', BOTH, (bed) => ({ validBefore: seconds(bed, -1) })],
  ['expiring', 'x402_expired', BOTH, (bed) => ({ validBefore: seconds(bed, 5) })],
  [
    'valid for longer than an hour',
    'x402_valid_too_long',
    BOTH,
    (bed) => ({ validBefore: seconds(bed, 3_602) }),
  ],
  ['not yet valid', 'x402_not_yet_valid', BOTH, (bed) => ({ validAfter: seconds(bed, 60) })],
  ['signed by another', 'x402_signature', BOTH, { signer: STRANGER.key }],
  ['a signature of nonsense', 'x402_signature', BOTH, { signature: '0x1234' }],
]

describe('F4 a payment that does not fit is refused by name, and nothing is sent', () => {
  const rows = BAD.flatMap(([title, code, versions, how, asking]) =>
    versions.map((version) => ({ title, code, version, how, asking })),
  )

  it.each(rows)('$title, version $version: $code', async ({ code, version, how, asking }) => {
    const bed = new X402Bed()
    const otherwise = typeof how === 'function' ? how(bed) : how
    const { headers } = await bed.pay(version, otherwise)
    const redeemed = await bed.redeem(headers, callOf(asking))
    expect(redeemed).toMatchObject(refused(code))
    expect(redeemed).toMatchObject({
      error: { message: expect.stringMatching(/^Insufficient credits: .*Nothing was taken\.$/) },
    })
    expect([bed.asked('settle'), bed.payments.rows.size, bed.chain.transactions]).toEqual([
      0,
      0,
      [],
    ])
    expect((await bed.redeem((await bed.pay(version)).headers)).ok).toBe(true)
  })

  it('of an empty account: x402_funds', async () => {
    const bed = new X402Bed()
    bed.chain.give(PAYER.address, -100_000_000n)
    expect(await bed.redeem((await bed.pay(2)).headers)).toMatchObject(refused('x402_funds'))
  })

  it('cancelled by its payer: x402_used', async () => {
    const bed = new X402Bed()
    const { authorization, headers } = await bed.pay(2)
    bed.chain.cancel(authorization.from, authorization.nonce)
    expect(await bed.redeem(headers)).toMatchObject(refused('x402_used'))
  })

  it('C12 an offer that an older root key signed is good after a rotation', async () => {
    const bed = new X402Bed()
    const paying = await bed.pay(2)
    const other = new X402Bed()
    expect(await other.redeem(paying.headers)).toMatchObject(refused('x402_offer'))
    expect((await bed.redeem(paying.headers, callOf(), bed.reopened(rotated))).ok).toBe(true)
  })
})

/** A new root key before those of the gate. */
const rotated = (keys: readonly Uint8Array[]): readonly Uint8Array[] => [
  new Uint8Array(32).fill(5),
  ...keys,
]
