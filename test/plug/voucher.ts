import { createHmac } from 'node:crypto'
import { err, ok } from '../../src/floor/result.ts'
import { fromSat } from '../../src/money/msat.ts'
import type { Offer, Rail } from '../../src/rails/rail.ts'

/** The content of the header `X-Voucher`. */
interface Voucher {
  readonly id: string
  readonly sat: number
  readonly seal: string
}

/** A shop that sells vouchers, and the rail that accepts them. satgate knows nothing about them. */
export class VoucherShop {
  #sold = 0
  open = true

  /** A voucher of that many sats, as a request presents it. */
  sell(sat: number): string {
    this.#sold += 1
    const id = `v${this.#sold}`
    return `${id}.${sat}.${this.#seal(id, sat)}`
  }

  readonly rail: Rail<Voucher> = {
    name: 'voucher',
    reads: ['x-voucher'],
    writes: ['x-voucher-offer'],
    read(rawHeaders) {
      const at = rawHeaders.findIndex((one, n) => n % 2 === 0 && one.toLowerCase() === 'x-voucher')
      if (at < 0) return { is: 'absent' }
      const [, id, sat, seal] =
        /^(v\d+)\.(\d{1,9})\.([0-9a-f]{64})$/.exec(rawHeaders[at + 1] ?? '') ?? []
      if (id === undefined || seal === undefined) {
        return { is: 'malformed', detail: 'a voucher is id.sats.seal' }
      }
      return { is: 'payment', payment: { id, sat: Number(sat), seal } }
    },
    offer: async ({ sat }) => (this.open ? ok(offerOf(sat)) : err({ why: 'wallet_unreachable' })),
    redeem: async ({ id, sat, seal }) => {
      if (seal !== this.#seal(id, sat)) return err('unknown')
      return ok({
        payment: `voucher:${id}`,
        account: { opens: [] },
        amount: fromSat(sat),
        credit: 'paid',
        rail: 'voucher',
        native: { amount: String(sat), unit: 'sat', rate: '1000' },
        headers: null,
        record: null,
      })
    },
    start: () => ({ stop: async () => {} }),
  }

  #seal(id: string, sat: number): string {
    return createHmac('sha256', 'the seal of the shop').update(`${id}.${sat}`).digest('hex')
  }
}

const offerOf = (sat: number): Offer => ({
  challenges: [`Voucher sats="${sat}"`],
  headers: { 'x-voucher-offer': `${sat}` },
  body: { voucher: { sats: sat } },
  accepts: [],
  say: `Or send a voucher of ${sat} sat in X-Voucher.`,
  howToPay: `Buy a voucher of ${sat} sat and send it in the header X-Voucher.`,
})
