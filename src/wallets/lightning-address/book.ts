import type { Invoices } from '../../ledger/invoices.ts'

/**
 * The store for the invoices of a Lightning address. `remember` resolves when the value is on the
 * disk.
 */
export interface AddressStore extends Pick<Invoices, 'remember' | 'recall'> {
  forget(key: string): Promise<void>
}

/** What any process must know about an invoice to find out whether it was paid. */
export interface KeptInvoice {
  /** The address to ask (LUD-21). */
  readonly verify: string
  readonly sat: number
  /** ms since the epoch. */
  readonly expiresAt: number
  /** Null until its settlement is seen. Then it does not change. */
  readonly paid: { readonly preimage: string | null } | null
}

/**
 * An invoice that may still be paid. Its number is its place in the order in which invoices were
 * made.
 */
export interface OpenInvoice {
  readonly number: number
  readonly hash: string
  readonly expiresAt: number
}

export type AddressBook = ReturnType<typeof addressBook>

const PREFIX = 'lightningaddress:'

/**
 * The invoices of all Lightning addresses that a gate ever had, by payment hash. They are numbered
 * from 1 in the order in which they were made, and again from 1 in the order in which they were
 * paid. A cursor is a number of the second kind.
 */
export function addressBook(store: AddressStore) {
  let made = 0
  let paid = 0
  let turn: Promise<unknown> = Promise.resolve()
  /**
   * Runs work one at a time, so that two invoices do not get one number, and a hash is not stored
   * twice.
   */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }
  const recall = (name: string) => store.recall(PREFIX + name)
  const remember = (name: string, value: string) => store.remember(PREFIX + name, value)

  const over = async () => Number((await recall('over')) ?? 0)

  /**
   * Notes that all invoices up to this number are paid or given up. The next process starts after
   * it.
   */
  async function moveOver(number: number): Promise<void> {
    const before = await over()
    await remember('over', String(number))
    for (let at = before + 1; at <= number; at += 1) await store.forget(`${PREFIX}made:${at}`)
  }

  async function find(hash: string): Promise<KeptInvoice | null> {
    const text = await recall(`invoice:${hash}`)
    return text === null ? null : JSON.parse(text)
  }

  /** Adds an invoice. Null if this payment hash was stored before. */
  async function add(hash: string, kept: KeptInvoice): Promise<OpenInvoice | null> {
    if ((await find(hash)) !== null) return null
    await remember(`invoice:${hash}`, JSON.stringify(kept))
    // Old invoices may have been forgotten. Their numbers are not used again.
    made = Math.max(made, await over())
    while ((await recall(`made:${made + 1}`)) !== null) made += 1
    await remember(`made:${made + 1}`, hash)
    made += 1
    return { number: made, hash, expiresAt: kept.expiresAt }
  }

  /**
   * Stores the number first and the settlement after it. After a crash between the two, a watcher
   * is told of a hash and looks it up again. In the other order nobody would ever be told of it.
   */
  async function settle(hash: string, preimage: string | null): Promise<void> {
    const kept = await find(hash)
    if (kept === null || kept.paid !== null) return
    while ((await recall(`paid:${paid + 1}`)) !== null) paid += 1
    await remember(`paid:${paid + 1}`, hash)
    paid += 1
    await remember(`invoice:${hash}`, JSON.stringify({ ...kept, paid: { preimage } }))
  }

  return {
    find,
    add: (hash: string, kept: KeptInvoice) => inTurn(() => add(hash, kept)),
    settle: (hash: string, preimage: string | null) => inTurn(() => settle(hash, preimage)),
    paidAt: (number: number) => recall(`paid:${number}`),
    /** Unpaid invoices that expire after `after` (in ms), in the order in which they were made. */
    async open(after: number): Promise<readonly OpenInvoice[]> {
      const found: OpenInvoice[] = []
      for (let number = (await over()) + 1; ; number += 1) {
        const hash = await recall(`made:${number}`)
        if (hash === null) return found
        const kept = await find(hash)
        if (kept === null || kept.paid !== null || kept.expiresAt <= after) continue
        found.push({ number, hash, expiresAt: kept.expiresAt })
      }
    },
    over: (number: number) => inTurn(() => moveOver(number)),
    /** Drops an invoice that nobody has paid. A paid one stays. */
    forget: (hash: string) =>
      inTurn(async () => {
        if ((await find(hash))?.paid === null) await store.forget(`${PREFIX}invoice:${hash}`)
      }),
    /**
     * What is known about an address: that it confirms payments (LUD-21), and its kind of money.
     */
    async seen(address: string): Promise<'real' | 'test' | null> {
      const money = await recall(`seen:${address}`)
      return money === 'real' || money === 'test' ? money : null
    },
    see: (address: string, money: 'real' | 'test') => remember(`seen:${address}`, money),
  }
}
