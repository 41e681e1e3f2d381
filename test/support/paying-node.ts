import { createHash, randomBytes } from 'node:crypto'
import { readBolt11, writeBolt11 } from '../../src/wallets/bolt11.ts'

/**
 * The payments of a Lightning node that does not exist, for doubles of wallets. It pays invoices of
 * payees that it made up itself, and like every node it never pays one hash twice.
 */
export interface PayingNode {
  /** An invoice of a payee. `feeMsat` is what its route costs. */
  invoice(sat: number, how?: How, feeMsat?: bigint): string
  /** What the payee of a held payment decides. */
  end(bolt11: string, how: 'paid' | 'failed'): void
  /** How often the sats of an invoice arrived. */
  arrived(bolt11: string): number
  /**
   * Begins a payment. `refused` says in the words of no node in particular why there is none.
   * Resolves when it has ended.
   */
  pay(bolt11: string, order: { label?: string; maxFeeMsat?: bigint }): Promise<Payment | Refused>
  /** Every payment, in the order in which they began. */
  readonly payments: readonly Payment[]
}

type How = 'paid' | 'unpayable' | 'held'

export interface Payment {
  readonly id: string
  readonly hash: string
  readonly bolt11: string
  readonly preimage: string
  readonly amountMsat: bigint
  readonly feeMsat: bigint
  readonly label: string | null
  /** ms since the epoch. */
  readonly createdAt: number
  completedAt: number | null
  state: 'pending' | 'complete' | 'failed'
}

export type Refused = 'already_paid' | 'in_progress' | 'no_invoice' | 'fee_too_high'

interface Bill {
  readonly preimage: string
  readonly how: How
  readonly feeMsat: bigint
  arrived: number
  decided: PromiseWithResolvers<'paid' | 'failed'>
}

export function startPayingNode(now: () => number = Date.now): PayingNode {
  const bills = new Map<string, Bill>()
  const payments: Payment[] = []

  async function settle(payment: Payment, bill: Bill): Promise<Payment> {
    const how = bill.how === 'held' ? await bill.decided.promise : bill.how
    if (how === 'paid') bill.arrived += 1
    payment.state = how === 'paid' ? 'complete' : 'failed'
    payment.completedAt = now()
    return payment
  }

  return {
    payments,
    invoice(sat, how = 'paid', feeMsat = 0n) {
      const preimage = randomBytes(32)
      const bolt11 = writeBolt11({
        network: 'bcrt',
        sat,
        paymentHash: createHash('sha256').update(preimage).digest(),
        paymentSecret: randomBytes(32),
        description: 'somebody else',
        createdAt: now(),
        expirySeconds: 3_600,
        secretKey: new Uint8Array(32).fill(9),
      })
      const decided = Promise.withResolvers<'paid' | 'failed'>()
      bills.set(bolt11, { preimage: preimage.toString('hex'), how, feeMsat, arrived: 0, decided })
      return bolt11
    },
    end: (bolt11, how) => bills.get(bolt11)?.decided.resolve(how),
    arrived: (bolt11) => bills.get(bolt11)?.arrived ?? 0,
    async pay(bolt11, { label, maxFeeMsat }) {
      const bill = bills.get(bolt11)
      const read = readBolt11(bolt11)
      if (bill === undefined || read === null) return 'no_invoice'
      const before = payments.filter(({ hash }) => hash === read.paymentHash)
      if (before.some(({ state }) => state === 'complete')) return 'already_paid'
      if (before.some(({ state }) => state === 'pending')) return 'in_progress'
      if (maxFeeMsat !== undefined && bill.feeMsat > maxFeeMsat) return 'fee_too_high'
      const payment: Payment = {
        ...{ id: crypto.randomUUID(), hash: read.paymentHash, bolt11, preimage: bill.preimage },
        ...{ amountMsat: read.amountMsat ?? 0n, feeMsat: bill.feeMsat, label: label ?? null },
        ...{ createdAt: now(), completedAt: null, state: 'pending' as const },
      }
      payments.push(payment)
      return await settle(payment, bill)
    },
  }
}
