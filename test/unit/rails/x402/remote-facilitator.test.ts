import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FacilitatorOutage } from '../../../../src/rails/x402/health.ts'
import { meaningOf } from '../../../../src/rails/x402/reasons.ts'
import {
  RemoteFacilitator,
  type RemoteFacilitatorParts,
} from '../../../../src/rails/x402/remote-facilitator.ts'
import { facilitatorContract } from '../../../contract/facilitator.ts'
import { unheard } from '../../../support/background.ts'
import { FAKE_NETWORK } from '../../../support/fake-chain.ts'
import {
  type FacilitatorFault,
  type FacilitatorRoute,
  type FakeFacilitator,
  startFakeFacilitator,
} from '../../../support/fake-facilitator.ts'
import { TestWorld } from '../../../support/world.ts'
import { aPayment, aRequirement, PAYER } from '../../../support/x402-payment.ts'

const waiting = async (so: () => boolean): Promise<void> => {
  while (!so()) await new Promise((resolve) => setTimeout(resolve, 5))
}

const DOLLARS = 1_000_000_000n

facilitatorContract('a remote facilitator', async () => {
  const fake = await startFakeFacilitator()
  fake.chain.give(PAYER.address, DOLLARS)
  const { facilitator, stop } = open(fake)
  await waiting(() => facilitator.up)
  return {
    ...{ facilitator, requirement: aRequirement(), payer: PAYER },
    balance: async (address) => fake.chain.balance(address),
    give: async (address, amount) => fake.chain.give(address, amount),
    cancel: async ({ authorization: { from, nonce } }) => fake.chain.cancel(from, nonce),
    sendAsStranger: async ({ authorization, signature }) =>
      void fake.chain.send(aRequirement().asset, authorization, signature),
    async cleanup() {
      await stop()
      await fake.stop()
    },
  }
})

function open(fake: Pick<FakeFacilitator, 'url'>, more: Partial<RemoteFacilitatorParts> = {}) {
  const world = new TestWorld()
  const told: string[] = []
  const outage: FacilitatorOutage = {
    gone: (name, reason) => told.push(`gone ${name}: ${reason}`),
    back: (name) => told.push(`back ${name}`),
  }
  const facilitator = new RemoteFacilitator({
    ...{ url: fake.url, headers: {}, network: FAKE_NETWORK, world, background: unheard, outage },
    ...more,
  })
  const started = facilitator.start()
  return { facilitator, world, told, stop: () => started.stop() }
}

describe('a remote facilitator', () => {
  let fake: FakeFacilitator
  let opened: ReturnType<typeof open>
  const once = (route: FacilitatorRoute, is: FacilitatorFault) => {
    fake.faults[route] = { is, times: 1 }
  }

  beforeEach(async () => {
    fake = await startFakeFacilitator()
    fake.chain.give(PAYER.address, DOLLARS)
    opened = open(fake)
    await waiting(() => opened.facilitator.up)
  })
  afterEach(async () => {
    await opened.stop()
    await fake.stop()
  })

  /** What one settlement ends with, if the answer of the facilitator has that fault. */
  async function settledWith(is: FacilitatorFault) {
    const { facilitator, world } = opened
    once('settle', is)
    const work = facilitator.settle(aPayment(), aRequirement())
    await waiting(() => fake.counts.settle > 0)
    return await world.hurry(work, () => fake.waits())
  }

  it.each<[FacilitatorFault, 'unknown' | 'unreachable', RegExp]>([
    ['dropBefore', 'unknown', /hung up/],
    ['dropAfter', 'unknown', /hung up/],
    ['hang', 'unknown', /no answer in 30000 ms/],
    ['hangAfter', 'unknown', /no answer in 30000 ms/],
    ['trickleAfter', 'unknown', /no answer in 30000 ms/],
    ['redirect', 'unknown', /redirects \(HTTP 302\)/],
    ['garbage', 'unknown', /cannot be read/],
    ['html', 'unknown', /cannot be read/],
    ['list', 'unknown', /cannot be read/],
    ['oversize', 'unknown', /more than an answer can be/],
    ['status500', 'unknown', /HTTP 500/],
    ['status500After', 'unknown', /HTTP 500/],
    ['status429', 'unreachable', /HTTP 429/],
    ['status401', 'unreachable', /HTTP 401/],
    ['refuses', 'unknown', /no_reason/],
    ['noTransaction', 'unknown', /names no transaction/],
    ['noTransactionAfter', 'unknown', /names no transaction/],
    ['outOfGas', 'unreachable', /no money for gas/],
  ])('F2, F3, F9: a settlement that ends with %s is %s', async (fault, is, reason) => {
    const settlement = await settledWith(fault)
    expect(settlement).toEqual({ is, reason: expect.stringMatching(reason) })
  })

  it('F2 an answer without success is not paid: it is refused only if nothing was sent', async () => {
    const settlement = await settledWith('saysUsed')
    expect(settlement).toEqual({ is: 'refused', reason: 'invalid_exact_evm_nonce_already_used' })
    const { facilitator } = opened
    once('settle', 'saysUsed')
    // An earlier call may have used it.
    expect((await facilitator.settle(aPayment(), aRequirement(), 'again')).is).toBe('unknown')
  })

  it.each<[FacilitatorFault]>([
    ['dropBefore'],
    ['redirect'],
    ['garbage'],
    ['oversize'],
    ['status500'],
    ['hang'],
  ])('F9 a check that ends with %s is no word about the payment', async (fault) => {
    const { facilitator, world } = opened
    once('verify', fault)
    const work = facilitator.verify(aPayment(), aRequirement())
    await waiting(() => fake.counts.verify > 0)
    const verified = await world.hurry(work, () => fake.waits())
    expect(verified.is).toBe('unreachable')
  })

  it('F3 what nobody answered is settled by asking again, and moves its money once', async () => {
    const { facilitator } = opened
    const [payment, requirement] = [aPayment(), aRequirement()]
    once('settle', 'dropBefore')
    expect((await facilitator.settle(payment, requirement)).is).toBe('unknown')
    await waiting(() => facilitator.up)
    expect((await facilitator.settle(payment, requirement, 'again')).is).toBe('settled')
    expect(fake.chain.balance(requirement.payTo)).toBe(requirement.amount)
  })

  it('if nothing was sent it says so, so that the same payment can be sent later', async () => {
    const { facilitator, told, world } = opened
    await fake.stop()
    const settlement = await facilitator.settle(aPayment(), aRequirement())
    const reason = `nothing listens there`
    expect(settlement).toEqual({ is: 'unreachable', reason })
    await world.until(() => !facilitator.up)
    expect(told).toEqual([`gone ${new URL(fake.url).host}: ${reason}`])
    await fake.restart()
    await world.until(() => facilitator.up)
    expect(told[1]).toBe(`back ${new URL(fake.url).host}`)
    expect((await facilitator.settle(aPayment(), aRequirement())).is).toBe('settled')
  })

  it('F10 is not up before it was asked, and not if it settles nothing on our network', async () => {
    const other = open(fake, { network: 'eip155:8453' })
    expect(other.facilitator.up).toBe(false)
    await waiting(() => other.told.length > 0)
    expect(other.facilitator.up).toBe(false)
    expect(other.told[0]).toContain('does not settle payments of the scheme exact on eip155:8453')
    await other.stop()
  })

  it('without money for gas it is down for a minute, and then tried again', async () => {
    const { facilitator, told, world } = opened
    expect((await settledWith('outOfGas')).is).toBe('unreachable')
    expect(facilitator.up).toBe(false)
    expect(told[0]).toContain('its account has no money for gas')
    const asked = fake.counts.supported
    world.skip(50_000)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(fake.counts.supported).toBe(asked)
    world.skip(11_000)
    await world.until(() => facilitator.up)
  })

  it('a facilitator that fails is asked ever more slowly', async () => {
    const { facilitator, world } = opened
    const before = fake.counts.supported
    fake.faults.supported = { is: 'status500', times: 1_000 }
    world.skip(60_000)
    await world.until(() => !facilitator.up)
    const failed = fake.counts.supported
    for (let ms = 0; ms < 600_000; ms += 1_000) {
      world.skip(1_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(failed).toBe(before + 1)
    expect(fake.counts.supported - failed).toBeLessThan(16)
  })

  it('is sent what we read, with the operator’s headers, and never the id of our offer', async () => {
    const secret = open(fake, { headers: { Authorization: 'Bearer of-the-operator' } })
    await waiting(() => secret.facilitator.up)
    for (const version of [1, 2] as const) {
      await secret.facilitator.settle(aPayment({ version }), aRequirement())
    }
    await secret.stop()
    const settles = fake.heard.filter(({ route }) => route === 'settle')
    expect(settles.map(({ json }) => json.x402Version)).toEqual([1, 2])
    for (const { headers, json } of settles) {
      expect(headers.authorization).toBe('Bearer of-the-operator')
      expect(JSON.stringify(json)).not.toContain('the-id-of-the-offer')
      expect(json).not.toHaveProperty('paymentPayload.accepted.extra.offer')
    }
    expect(settles[0]?.json.paymentPayload).toMatchObject({
      ...{ x402Version: 1, scheme: 'exact', network: 'base-sepolia' },
    })
    expect(settles[1]?.json.paymentPayload.accepted).toEqual(settles[1]?.json.paymentRequirements)
  })

  it('a facilitator of one version settles payments of the other one too', async () => {
    const v1 = open(fake, {
      transport: async (url, request) => {
        if (url.pathname !== '/supported') return await fetch(url, request)
        return Response.json({
          kinds: [{ x402Version: 1, scheme: 'exact', network: 'base-sepolia' }],
        })
      },
    })
    await waiting(() => v1.facilitator.up)
    const settled = await v1.facilitator.settle(aPayment({ version: 2 }), aRequirement())
    expect(settled.is).toBe('settled')
    expect(fake.heard.at(-1)?.json.x402Version).toBe(1)
    await v1.stop()
  })

  it('one settlement is under way at a time, and not too many wait', async () => {
    const { facilitator } = opened
    let at = 0
    let most = 0
    fake.before = async (route) => {
      if (route !== 'settle') return
      at += 1
      most = Math.max(most, at)
      await new Promise((resolve) => setTimeout(resolve, 2))
      at -= 1
    }
    const settle = () => facilitator.settle(aPayment(), aRequirement())
    const ends = await Promise.all(Array.from({ length: 70 }, settle))
    expect(most).toBe(1)
    expect(ends.filter(({ is }) => is === 'settled')).toHaveLength(64)
    expect(ends.filter(({ is }) => is === 'unreachable')).toHaveLength(6)
    expect((await settle()).is).toBe('settled')
  })

  it('one that waited too long for its turn is not sent', async () => {
    const { facilitator, world } = opened
    once('settle', 'hang')
    const first = facilitator.settle(aPayment(), aRequirement())
    await waiting(() => fake.waits())
    const second = facilitator.settle(aPayment(), aRequirement())
    world.skip(31_000)
    expect((await first).is).toBe('unknown')
    expect(await second).toMatchObject({ is: 'unreachable' })
    expect(fake.counts.settle).toBe(1)
  })
})

describe('the reason of a refusal', () => {
  it.each([
    ['invalid_exact_evm_insufficient_balance', 'funds'],
    ['insufficient_funds', 'funds'],
    ['invalid_payload', 'other'],
    ['invalid_exact_evm_transaction_failed', null],
    ['invalid_transaction_state', null],
    ['settlement_pending', null],
    ['unexpected_settle_error', null],
    ['Timed out while waiting for transaction with hash "0x12" to be confirmed.', null],
    ['it reverted with: FiatTokenV2: authorization is used or canceled', 'used'],
    ['FiatTokenV2: authorization is used or canceled', null],
    [undefined, null],
    ['__proto__', null],
  ])('F3 %j means %j', (reason, meaning) => {
    expect(meaningOf(reason)).toBe(meaning)
  })
})
