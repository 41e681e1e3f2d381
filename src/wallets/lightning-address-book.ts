import type { Invoices } from '../ledger/invoices.ts'

/** Where the invoices of a Lightning address live: `remember` resolves when the value is on disk. */
export interface AddressStore extends Pick<Invoices, 'remember' | 'recall'> {
  forget(key: string): Promise<void>
}

/** What has to be known of an invoice to learn whether it was paid, by whatever process asks. */
export interface KeptInvoice {
  /** Where to ask (LUD-21). */
  readonly verify: string
  readonly sat: number
  /** ms since the epoch. */
  readonly expiresAt: number
  /** Null until its settlement was seen; then it stays. */
  readonly paid: { readonly preimage: string | null } | null
}

/** An invoice that may yet be paid. Its number says when it was made among the others. */
export interface OpenInvoice {
  readonly number: number
  readonly hash: string
  readonly expiresAt: number
}

export type AddressBook = ReturnType<typeof addressBook>

const PREFIX = 'lightningaddress:'

/**
 * The invoices of all Lightning addresses that a gate ever had, by payment hash; numbered from 1 as
 * they were made, and from 1 as they were paid: a cursor is such a number.
 */
export function addressBook(store: AddressStore) {
  let made = 0
  let paid = 0
  let turn: Promise<unknown> = Promise.resolve()
  /** One at a time: two must not take one number, nor one hash be kept twice. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }
  const recall = (name: string) => store.recall(PREFIX + name)
  const remember = (name: string, value: string) => store.remember(PREFIX + name, value)

  const over = async () => Number((await recall('over')) ?? 0)

  /** All up to this number are paid or given up: the next process starts behind it. */
  async function moveOver(number: number): Promise<void> {
    const before = await over()
    await remember('over', String(number))
    for (let at = before + 1; at <= number; at += 1) await store.forget(`${PREFIX}made:${at}`)
  }

  async function find(hash: string): Promise<KeptInvoice | null> {
    const text = await recall(`invoice:${hash}`)
    return text === null ? null : JSON.parse(text)
  }

  /** Null where this payment hash was kept before. */
  async function add(hash: string, kept: KeptInvoice): Promise<OpenInvoice | null> {
    if ((await find(hash)) !== null) return null
    await remember(`invoice:${hash}`, JSON.stringify(kept))
    // Those that are over may be forgotten: their numbers are not given again.
    made = Math.max(made, await over())
    while ((await recall(`made:${made + 1}`)) !== null) made += 1
    await remember(`made:${made + 1}`, hash)
    made += 1
    return { number: made, hash, expiresAt: kept.expiresAt }
  }

  /**
   * The number first, the settlement after it: a crash between the two tells a watcher of a hash
   * that is asked for again. The other way round it would never be told of.
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
    /** Unpaid invoices that expire after `after`, ms, in the order they were made. */
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
    /** Drops an invoice that nobody has paid; what was paid stays. */
    forget: (hash: string) =>
      inTurn(async () => {
        if ((await find(hash))?.paid === null) await store.forget(`${PREFIX}invoice:${hash}`)
      }),
    /** What an address was seen to be: it shows settlements (LUD-21), in this money. */
    async seen(address: string): Promise<'real' | 'test' | null> {
      const money = await recall(`seen:${address}`)
      return money === 'real' || money === 'test' ? money : null
    },
    see: (address: string, money: 'real' | 'test') => remember(`seen:${address}`, money),
  }
}
