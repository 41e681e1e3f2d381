import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { microUsd } from '../../src/money/usd.ts'
import { Client } from '../support/ask.ts'
import { checksummed } from '../support/evm.ts'
import { FAKE_ASSET, FAKE_NETWORK, FakeChain, fakePayer } from '../support/fake-chain.ts'
import { type FakeFacilitator, startFakeFacilitator } from '../support/fake-facilitator.ts'
import { MemoryFacilitator } from '../support/memory-facilitator.ts'
import { type Otherwise, payV1, payV2, read402 } from '../support/x402-buyer.ts'

/**
 * The doubles for tests of x402 answer what the reference facilitator answered to the same payments
 * (@x402/core and @x402/evm 2.27.0, `test/support/fake-facilitator-words.ts`).
 */

const ann = fakePayer(1)
const ben = fakePayer(2)
const shop = fakePayer(9).address
const V2_ENTRY = {
  ...{ scheme: 'exact', network: FAKE_NETWORK, amount: '1000', asset: checksummed(FAKE_ASSET) },
  ...{ payTo: checksummed(shop), maxTimeoutSeconds: 120 },
  extra: { name: 'USDC', version: '2', offer: 'abc' },
}
const V1_ENTRY = {
  ...{ scheme: 'exact', network: 'base-sepolia', maxAmountRequired: '1000' },
  ...{ asset: checksummed(FAKE_ASSET), payTo: checksummed(shop), maxTimeoutSeconds: 120 },
  ...{ resource: 'https://gate.example/v1', description: '', mimeType: 'application/json' },
  extra: { name: 'USDC', version: '2' },
}
const required = {
  x402Version: 2,
  resource: { url: 'https://gate.example/v1', description: '', mimeType: 'application/json' },
  accepts: [V2_ENTRY],
}
const REFUSED = {
  headers: { 'PAYMENT-REQUIRED': Buffer.from(JSON.stringify(required)).toString('base64') },
  json: { accepts: [V1_ENTRY] },
}
const soon = (seconds: number) => BigInt(Math.floor(Date.now() / 1000) + seconds)

describe.each([[2, V2_ENTRY] as const, [1, V1_ENTRY] as const])(
  'a facilitator, asked in version %d',
  (version, entry) => {
    let facilitator: FakeFacilitator
    let client: Client
    beforeAll(async () => {
      facilitator = await startFakeFacilitator()
      client = new Client(Number(new URL(facilitator.url).port))
      facilitator.chain.give(ann.address, 1_000_000n)
    })
    beforeEach(() => {
      for (const route of ['verify', 'settle', 'supported'] as const)
        delete facilitator.faults[route]
    })
    afterAll(() => {
      client.close()
      return facilitator.stop()
    })

    function payload(otherwise: Otherwise = {}, payer = ann): object {
      const pay = version === 2 ? payV2 : payV1
      const [header] = Object.values(pay(REFUSED, payer, otherwise).headers)
      return { paymentPayload: read402(header), paymentRequirements: entry }
    }
    const ask = (path: string, body?: object) =>
      client.ask({ path, body, headers: { connection: 'close' } })

    it('a good payment is settled once, and its transfer is seen by everybody', async () => {
      const good = payload()
      const payer = checksummed(ann.address)
      expect(await ask('/verify', good)).toMatchObject({ json: { isValid: true, payer } })
      const before = facilitator.chain.balance(shop)
      const settled = await ask('/settle', good)
      const { hash } = facilitator.chain.transactions.at(-1) ?? {}
      expect(settled.json).toEqual({
        ...{ success: true, transaction: hash, network: entry.network, payer },
      })
      expect(facilitator.chain.balance(shop)).toBe(before + 1000n)
      const used = 'invalid_exact_evm_nonce_already_used'
      expect((await ask('/verify', good)).json).toMatchObject({
        isValid: false,
        invalidReason: used,
      })
      const again = (await ask('/settle', good)).json
      expect(again).toMatchObject({ success: false, transaction: '', payer })
      if (version === 2) expect(again.errorReason).toBe(used)
      else expect(again.errorReason).toContain('FiatTokenV2: authorization is used or canceled')
      expect(facilitator.chain.balance(shop)).toBe(before + 1000n)
    })

    it.each<readonly [string, Otherwise, string]>([
      [
        'another amount',
        { amount: 2000n },
        version === 2
          ? 'invalid_exact_evm_payload_authorization_value_mismatch'
          : 'invalid_exact_evm_authorization_value',
      ],
      ['another payee', { payTo: ben.address }, 'invalid_exact_evm_recipient_mismatch'],
      [
        'expired',
        { validBefore: soon(-1) },
        'invalid_exact_evm_payload_authorization_valid_before',
      ],
      [
        '5 s left',
        { validBefore: soon(5) },
        'invalid_exact_evm_payload_authorization_valid_before',
      ],
      ['early', { validAfter: soon(90) }, 'invalid_exact_evm_payload_authorization_valid_after'],
      ['another signer', { signer: ben.key }, 'invalid_exact_evm_signature'],
      ['no signature', { signature: '0x1234' }, 'invalid_exact_evm_signature'],
      ['another network', { network: 'eip155:1' }, 'invalid_exact_evm_signature'],
      ['another asset', { asset: ben.address }, 'invalid_exact_evm_signature'],
    ])('%s is refused in the words of the reference', async (_, otherwise, reason) => {
      const bad = payload(otherwise)
      expect(await ask('/verify', bad)).toMatchObject({ json: { invalidReason: reason } })
      expect(await ask('/settle', bad)).toMatchObject({
        status: 200,
        json: { errorReason: reason },
      })
    })

    it('a payer without the money is refused', async () => {
      const reason = 'invalid_exact_evm_insufficient_balance'
      expect((await ask('/verify', payload({}, ben))).json.invalidReason).toBe(reason)
    })

    it.each([
      ['dropBefore', false],
      ['dropAfter', true],
      ['noTransactionAfter', true],
      ['noReceiptAfter', true],
      ['outOfGas', false],
      ['saysUsed', false],
      ['refuses', false],
      ['redirect', false],
      ['garbage', false],
      ['status500After', true],
      ['oversize', false],
    ] as const)('the fault %s: the money has moved: %s', async (is, moved) => {
      facilitator.faults.settle = { is, times: 1 }
      const before = facilitator.chain.balance(shop)
      const answered = await ask('/settle', payload()).catch(() => null)
      expect(answered === null).toBe(is.startsWith('drop'))
      expect(facilitator.chain.balance(shop)).toBe(before + (moved ? 1000n : 0n))
      expect(facilitator.faults.settle.times).toBe(0)
    })

    it('says what it supports, and keeps its chain over a restart', async () => {
      const { kinds } = (await ask('/supported')).json
      expect(kinds).toContainEqual({
        ...{ x402Version: version, scheme: 'exact', network: entry.network },
      })
      await facilitator.restart()
      expect((await ask('/verify', payload())).json.isValid).toBe(true)
    })
  },
)

describe('a facilitator in this process', () => {
  const requirement = {
    ...{ network: FAKE_NETWORK, asset: FAKE_ASSET, amount: microUsd(1000n), payTo: shop },
    ...{ maxTimeoutSeconds: 120, resource: '', description: '', mimeType: '' },
    domain: { name: 'USDC', version: '2' },
  }
  const payment = (otherwise: Otherwise = {}) => {
    const { authorization, signature } = payV2(REFUSED, ann, otherwise)
    const told = { network: FAKE_NETWORK, accepted: null, resource: null }
    return { x402Version: 2 as const, authorization, signature, ...told }
  }

  it('judges as the one over HTTP', async () => {
    const chain = new FakeChain()
    chain.give(ann.address, 5000n)
    const facilitator = new MemoryFacilitator(chain)
    const good = payment()
    expect(await facilitator.verify(good, requirement)).toEqual({ is: 'valid' })
    expect(await facilitator.settle(good, requirement)).toMatchObject({ is: 'settled' })
    const reason = 'invalid_exact_evm_nonce_already_used'
    expect(await facilitator.settle(good, requirement)).toEqual({ is: 'refused', reason })
    facilitator.faults.settle.push({ is: 'unknown', after: true })
    expect(await facilitator.settle(payment(), requirement)).toMatchObject({ is: 'unknown' })
    expect(chain.balance(shop)).toBe(2000n)
    facilitator.up = false
    expect(await facilitator.verify(payment(), requirement)).toMatchObject({ is: 'unreachable' })
  })
})
