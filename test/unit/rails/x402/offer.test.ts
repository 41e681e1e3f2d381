import { DEFAULT_ASSETS, getDefaultAsset } from '@x402/evm'
import { describe, expect, it } from 'vitest'
import { microUsd } from '../../../../src/money/usd.ts'
import { NETWORKS } from '../../../../src/rails/x402/networks.ts'
import { amountOf } from '../../../../src/rails/x402/offer.ts'
import { PAY_TO, rateOf, wantOf, X402Bed } from '../../../support/x402-bed.ts'
import { read402 } from '../../../support/x402-buyer.ts'

describe('an offer of dollars', () => {
  it('is PAYMENT-REQUIRED of version 2, in padded base64', async () => {
    const bed = new X402Bed()
    const { headers, challenges } = await bed.offer()
    const text = headers['payment-required'] ?? ''
    expect(text).toMatch(/^[A-Za-z0-9+/]+={0,2}$/)
    expect(text.length % 4).toBe(0)
    expect([challenges, Object.keys(headers)]).toEqual([[], ['payment-required']])
    expect(read402(text)).toEqual({
      x402Version: 2,
      error: 'payment required',
      resource: {
        url: 'https://gate.example/v1/chat/completions',
        description: 'Credit for this request and the next',
        mimeType: 'application/json',
      },
      accepts: [
        {
          ...{ scheme: 'exact', network: 'eip155:84532', amount: '21000', payTo: PAY_TO },
          asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
          maxTimeoutSeconds: 300,
          extra: { name: 'USDC', version: '2', offer: expect.stringMatching(/^[\w-]{72}$/) },
        },
      ],
    })
  })

  it('is an entry of accepts that every client of version 1 takes', async () => {
    const { accepts } = await new X402Bed().offer()
    expect(accepts).toEqual([
      {
        ...{ scheme: 'exact', network: 'base-sepolia', maxAmountRequired: '21000', payTo: PAY_TO },
        resource: 'https://gate.example/v1/chat/completions',
        description: 'Credit for this request and the next',
        mimeType: 'application/json',
        maxTimeoutSeconds: 300,
        asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
        extra: { name: 'USDC', version: '2' },
      },
    ])
    expect((await new X402Bed({ network: 'arbitrum' }).offer()).accepts).toEqual([])
  })

  it('L5 says what it costs in dollars, and at which rate', async () => {
    const bed = new X402Bed({ rate: '87654.32' })
    const { body, say } = await bed.offer()
    expect(body.x402).toEqual({
      ...{ amount_usd: '0.018408', usd_per_btc: '87654.32', credit_sats: 21, amount: '18408' },
      ...{ network: 'eip155:84532', asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e' },
      pay_to: PAY_TO,
      expires_at: expect.stringMatching(/^20.*Z$/),
    })
    const { expires_at } = body.x402 as { expires_at: string }
    expect(Math.abs(Date.parse(expires_at) - bed.world.now() - 120_000)).toBeLessThan(60_000)
    expect(say).toContain('0.018408 dollars by x402: USDC on Base Sepolia, at 87654.32 dollars')
  })

  it('differs each time, because its id is random', async () => {
    const bed = new X402Bed()
    const offers = await Promise.all([bed.offer(), bed.offer()])
    const ids = offers.map(
      (offer) => read402(offer.headers['payment-required']).accepts[0].extra.offer,
    )
    expect(new Set(ids).size).toBe(2)
  })

  it('asks for as much as the facilitator settles, in both versions and in the documents', async () => {
    const bed = new X402Bed()
    bed.facilitator.least = microUsd(30_000n)
    const { accepts, body, headers } = await bed.offer({ sat: 21 })
    expect(accepts).toMatchObject([{ maxAmountRequired: '30000' }])
    expect(read402(headers['payment-required']).accepts).toMatchObject([{ amount: '30000' }])
    expect(body.x402).toMatchObject({ amount_usd: '0.03', credit_sats: 30 })
    expect(bed.rail.amountOf(21)).toBe(30_000n)
  })

  it('leaves itself out if no rate is known, or if the request costs more than is taken', async () => {
    const bed = new X402Bed({ maxPayment: 20_000n })
    expect(await bed.rail.offer(wantOf({ sat: 100, least: 21 }))).toEqual({
      ok: false,
      error: { why: 'amount_refused', least: null, most: 20 },
    })
    bed.rate = null
    expect(await bed.rail.offer(wantOf())).toMatchObject({ error: { why: 'rate_unavailable' } })
    expect([bed.rail.up, bed.rail.amountOf(10)]).toEqual([false, null])
  })
})

const bounds = (maxPayment: bigint, leastPayment = 0n) => ({
  ...{ leastPayment: microUsd(leastPayment), maxPayment: microUsd(maxPayment) },
})

describe('the amount of an offer, in micro-dollars', () => {
  /** At 100,000 dollars for a bitcoin a sat is 1,000 micro-dollars. */
  it.each([
    ['what the sats cost', 21, 10, 1_000_000n, 21_000n],
    ['no more than version 1 pays, if that is enough', 500, 100, 1_000_000n, 100_000n],
    ['what is needed, if that is more', 500, 300, 1_000_000n, 300_000n],
    ['more than any client pays by itself, if it is needed', 5_000, 1_500, 2_000_000n, 1_500_000n],
    ['no more than the operator takes at once', 90, 20, 50_000n, 50_000n],
    ['what is needed of it', 90, 50, 50_000n, 50_000n],
    ['at least something', 0, 0, 1_000_000n, 1_000n],
  ])('is %s', (_, sat, least, most, amount) => {
    expect(amountOf({ sat, least }, rateOf('100000'), bounds(most))).toEqual({
      ok: true,
      value: amount,
    })
  })

  it.each([
    ['more than what the sats cost', 21, 10, 30_000n, 30_000n],
    ['more than version 1 pays', 21, 10, 150_000n, 150_000n],
    ['no bound, if the sats cost more', 90, 20, 30_000n, 90_000n],
    ['no bound, if version 1 pays more', 500, 20, 30_000n, 100_000n],
  ])('is what the facilitator settles at least: %s', (_, sat, least, leastPayment, amount) => {
    const asked = amountOf({ sat, least }, rateOf('100000'), bounds(1_000_000n, leastPayment))
    expect(asked).toEqual({ ok: true, value: amount })
  })

  it('is nothing if the facilitator settles nothing so small as the operator takes', () => {
    const asked = amountOf({ sat: 21, least: 10 }, rateOf('100000'), bounds(20_000n, 20_001n))
    expect(asked).toMatchObject({ error: { why: 'amount_refused' } })
  })

  it('is rounded up', () => {
    const amount = amountOf({ sat: 1, least: 1 }, rateOf('33333.33'), bounds(1_000_000n))
    expect(amount).toEqual({ ok: true, value: 334n })
  })
})

describe('the networks', () => {
  it('and their tokens are those of the reference library, where it knows them', () => {
    const known = NETWORKS.filter(({ network }) => network in DEFAULT_ASSETS)
    expect(known.length).toBeGreaterThanOrEqual(12)
    for (const { network, asset, decimals, domain } of known) {
      const { name, version, ...token } = getDefaultAsset(network as `eip155:${number}`)
      const found = { asset: token.asset.toLowerCase(), decimals: token.decimals, name, version }
      expect([network, found]).toEqual([network, { asset, decimals, ...domain }])
      expect(token).not.toHaveProperty('assetTransferMethod')
    }
  })

  it('are each named once, and their tokens are written as the chain sees them', () => {
    for (const key of ['network', 'name', 'title'] as const) {
      expect(new Set(NETWORKS.map((one) => one[key])).size).toBe(NETWORKS.length)
    }
    for (const { asset, network, name, v1 } of NETWORKS) {
      expect(asset).toMatch(/^0x[0-9a-f]{40}$/)
      expect(network).toMatch(/^eip155:\d+$/)
      expect([null, name]).toContain(v1)
    }
  })
})
