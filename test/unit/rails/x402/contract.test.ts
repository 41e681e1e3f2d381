import { describe, expect, it } from 'vitest'
import { railContract } from '../../../contract/rail.ts'
import { X402Bed } from '../../../support/x402-bed.ts'
import type { Paying } from '../../../support/x402-buyer.ts'

const linesOf = ({ headers }: Paying): readonly string[] => Object.entries(headers).flat()

for (const version of [1, 2] as const) {
  railContract(`x402, version ${version}`, () => {
    const bed = new X402Bed()
    return {
      rail: bed.rail,
      pay: async (offer) => linesOf(bed.sign(version, offer)),
      unpaid: (offer) => linesOf(bed.sign(version, offer, { signature: `0x${'00'.repeat(65)}` })),
      malformed: 'what stands in its header is read when it is redeemed, and refused with 400',
      outage: () => {
        bed.facilitator.up = false
      },
      async unpresented() {
        bed.facilitator.faults.settle.push({ is: 'unknown', after: false })
        const call = { origin: 'https://gate.example', path: '/v1/chat/completions' }
        await bed.redeem((await bed.pay(version, {}, call)).headers)
        await bed.reconciler.tend()
      },
    }
  })
}

describe('the headers of a 402', () => {
  it('have room for those of other rails', async () => {
    const { headers } = await new X402Bed().offer({
      path: '/v1/chat/completions',
      origin: 'https://a-gate-with-a-rather-long-name.at-a-tunnel.example.com',
    })
    expect(Object.entries(headers).flat().join('').length).toBeLessThan(1_000)
  })
})
