import { createHash, randomBytes } from 'node:crypto'
import { readBolt11, writeBolt11 } from '../../src/wallets/bolt11.ts'
import type { Lab } from './lab.ts'

/** The payer's node of the lab as somebody whom a wallet pays, for the contract of `Outgoing`. */
export function payeeOf(lab: Lab) {
  const preimages = new Map<string, string>()
  const lnd = async (...words: string[]) => JSON.parse(await lab.exec('lnd', ...words))
  const hashOf = (bolt11: string) => readBolt11(bolt11)?.paymentHash ?? ''
  return {
    invoice: async (sat: number): Promise<string> =>
      (await lnd('payer', 'invoice', String(sat))).bolt11,
    /** Nobody knows the node that it names. */
    unpayable: async (sat: number) =>
      writeBolt11({
        ...{ network: 'bcrt', sat, paymentSecret: randomBytes(32), description: 'nobody' },
        paymentHash: createHash('sha256').update(randomBytes(32)).digest(),
        ...{ createdAt: Date.now(), expirySeconds: 600, secretKey: Buffer.alloc(32, 9) },
      }),
    held: {
      async invoice(sat: number): Promise<string> {
        const { bolt11, preimage } = await lnd('payer', 'hold', String(sat))
        preimages.set(bolt11, preimage)
        return bolt11
      },
      end: (bolt11: string, how: 'paid' | 'failed') =>
        how === 'paid'
          ? lnd('payer', 'settle', preimages.get(bolt11) ?? '')
          : lnd('payer', 'cancel', hashOf(bolt11)),
    },
    costly: 'the lab has one channel, so no route costs anything',
    async arrived(bolt11: string): Promise<number> {
      const found = await lnd('payer', 'lookup', hashOf(bolt11)).catch(() => ({ state: 'NONE' }))
      return found.state === 'SETTLED' ? 1 : 0
    },
  }
}
