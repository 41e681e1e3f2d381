import { inTime } from '../../floor/in-time.ts'
import { sleep, type World } from '../../floor/world.ts'
import { readBolt11 } from '../bolt11.ts'
import type {
  ListedPayment,
  Outgoing,
  PaymentName,
  PaymentOrder,
  PaymentState,
} from '../outgoing.ts'
import { payOnce } from '../pay-once.ts'
import type { PlayStore } from './store.ts'

/** What becomes of a payment. It is paid at once and for nothing, unless a test says otherwise. */
export type Fate =
  | { readonly is: 'paid'; readonly feeMsat?: bigint; readonly afterMs?: number }
  | { readonly is: 'failed' }
  | { readonly is: 'pending' }

/** Payments of play money. */
export interface PlayOutgoing extends Outgoing {
  /** Ends a payment that is pending. For tests. */
  end(paymentHash: string, how: 'paid' | 'failed'): Promise<void>
}

/** A payment on the disk. Amounts are msat, because JSON has no bigint. */
interface Kept {
  readonly id: string
  readonly paymentHash: string
  readonly amountMsat: number
  readonly feeMsat: number
  readonly state: 'pending' | 'paid' | 'failed'
  readonly reason: string
  readonly at: number
}

export interface PlayOutgoingParts {
  readonly store: PlayStore
  readonly world: World
  readonly fate: (order: PaymentOrder) => Fate
  /**
   * Settles the invoice of that hash if it is one of this wallet. False if it is one and can no
   * longer be paid.
   */
  settleOwn(paymentHash: string): Promise<boolean>
}

/** ms that a payment is waited for. */
const WAIT_MS = 5_000

const FAILED = 'nobody is there to take this play money'
const NOT_PLAY = 'it is no invoice for play money'
const TOO_DEAR = 'no way to pay it costs so little'

/**
 * Payments of play money, which pay any invoice of a regtest network. Those of this wallet itself are
 * settled by it, all others are only written down: play money is worth nothing to anybody else.
 */
export function playOutgoing({ store, world, fate, settleOwn }: PlayOutgoingParts): PlayOutgoing {
  const book = paymentBook(store)

  async function end(kept: Kept, how: 'paid' | 'failed'): Promise<PaymentState> {
    const paid = how === 'paid' && (await settleOwn(kept.paymentHash))
    const ended = { ...kept, state: paid ? 'paid' : 'failed' } as const
    await book.keep(ended)
    return stateOf(ended)
  }

  async function send(order: PaymentOrder): Promise<PaymentState> {
    const { id, paymentHash, bolt11, maxFeeMsat } = order
    const fated = fate(order)
    const feeMsat = fated.is === 'paid' ? (fated.feeMsat ?? 0n) : 0n
    const kept: Kept = {
      ...{ id, paymentHash, amountMsat: Number(order.amountMsat), feeMsat: Number(feeMsat) },
      ...{ state: 'pending', reason: FAILED, at: world.now() },
    }
    await book.add(kept)
    if (readBolt11(bolt11)?.network !== 'bcrt') return end({ ...kept, reason: NOT_PLAY }, 'failed')
    if (feeMsat > maxFeeMsat) return end({ ...kept, reason: TOO_DEAR }, 'failed')
    if (fated.is === 'pending') return { is: 'pending' }
    if (fated.is === 'failed') return end(kept, 'failed')
    const { afterMs = 0 } = fated
    const paying = afterMs === 0 ? end(kept, 'paid') : later(afterMs, kept)
    return inTime(world, paying, { ms: WAIT_MS, late: { is: 'pending' } as const })
  }

  async function later(ms: number, kept: Kept): Promise<PaymentState> {
    await sleep(world, ms)
    return end(kept, 'paid')
  }

  const find = async ({ paymentHash }: PaymentName): Promise<PaymentState> => {
    const kept = await book.find(paymentHash)
    return kept === null ? { is: 'unknown' } : stateOf(kept)
  }
  return {
    ...payOnce({ find, send }, world),
    list: (since) => book.list(since),
    async end(paymentHash, how) {
      const kept = await book.find(paymentHash)
      if (kept?.state === 'pending') await end(kept, how)
    },
  }
}

function stateOf({ state, feeMsat, reason }: Kept): PaymentState {
  switch (state) {
    case 'paid':
      return { is: 'paid', feeMsat: BigInt(feeMsat) }
    case 'failed':
      return { is: 'failed', reason }
    case 'pending':
      return { is: 'pending' }
  }
}

/** Payments by their hash, and in the order in which they were made, numbered from 1. */
function paymentBook(store: PlayStore) {
  const numbered = (index: number) => store.recall(`play:payment:${index}`)
  const keep = (kept: Kept) =>
    store.remember(`play:paying:${kept.paymentHash}`, JSON.stringify(kept))
  async function find(paymentHash: string): Promise<Kept | null> {
    const text = await store.recall(`play:paying:${paymentHash}`)
    return text === null ? null : JSON.parse(text)
  }
  let turn: Promise<unknown> = Promise.resolve()
  return {
    keep,
    find,
    /** One at a time, so that two payments do not get one number. */
    add(kept: Kept): Promise<void> {
      const mine = turn.then(async () => {
        let index = 1
        while ((await numbered(index)) !== null) index += 1
        await store.remember(`play:payment:${index}`, kept.paymentHash)
        await keep(kept)
      })
      turn = mine.catch(() => undefined)
      return mine
    },
    async list(since: number): Promise<readonly ListedPayment[]> {
      const found: ListedPayment[] = []
      for (let index = 1; ; index += 1) {
        const hash = await numbered(index)
        if (hash === null) return found
        const kept = await find(hash)
        if (kept === null || kept.at < since) continue
        const { id, paymentHash, amountMsat } = kept
        found.push({ id, paymentHash, amountMsat: BigInt(amountMsat), state: stateOf(kept) })
      }
    },
  }
}
