import type { Background } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'
import type { MoneyKind } from '../../ledger/ledger.ts'
import { moneyOf, payeeOf } from '../bolt11.ts'
import type { Outgoing } from '../outgoing.ts'
import { type Wallet, WalletRefused, WalletUnreachable } from '../wallet.ts'
import { aboutCln } from './about.ts'
import { lookup, makeInvoice } from './invoices.ts'
import { clnPayments } from './outgoing.ts'
import { type ClnAccess, type ClnRest, clnRest } from './rest.ts'
import { mayMakeInvoices, rightsOf } from './rights.ts'
import { watchCln } from './watch.ts'

export interface ClnOptions extends Omit<ClnAccess, 'deadlineMs'> {
  /**
   * The kind of money of the ledger, so that the gate can start while the node is down. Null for a
   * new ledger.
   */
  readonly moneyHint: MoneyKind | null
  readonly background: Background
  /** ms. No call takes longer. */
  readonly deadlineMs?: number
}

/** What is learnt of the node once it answers. */
interface Node {
  readonly id: string | undefined
  readonly money: Exclude<MoneyKind, 'play'>
  /** Undefined if the rune may not pay. */
  readonly outgoing: Outgoing | undefined
}

/**
 * Opens a Core Lightning node over clnrest (24.11 and later). One invoice of 1 sat is made that
 * expires after a second: its prefix tells the network, and its signature the key of the node. If the
 * node does not answer, the hint is used; whether the rune may pay is then learnt when it answers
 * again.
 *
 * Throws `WalletRefused` if URL, rune or certificate are wrong or the rune lacks a method,
 * `WalletUnreachable` if the node does not answer and there is no hint.
 */
export async function openClnWallet(options: ClnOptions): Promise<Wallet> {
  const { world, moneyHint, rune } = options
  const rest = clnRest({ deadlineMs: 10_000, ...options })
  let node: Node | null = await nodeOf(rest, world).catch((error: unknown) => {
    const known = error instanceof WalletUnreachable && moneyHint !== null && moneyHint !== 'play'
    if (known) return null
    rest.close()
    throw error
  })
  const money = node?.money ?? moneyHint ?? 'test'
  return {
    kind: 'cln',
    money,
    label: `cln at ${new URL(options.url).host}`,
    get identity() {
      return node?.id
    },
    get outgoing() {
      return node?.outgoing
    },
    async createInvoice(ask) {
      const invoice = await makeInvoice(rest, ask, world)
      const its = moneyOf(invoice.bolt11)
      if (its !== money) {
        throw new WalletRefused(`its invoices are for ${its} money, the ledger keeps ${money}`)
      }
      return invoice
    },
    lookup: (paymentHash) => lookup(rest, { paymentHash, money }),
    watch: (cursor, onSettled) => watchCln(rest, { cursor, onSettled }, options),
    async probe() {
      await mayMakeInvoices(rest)
      node ??= await nodeOf(rest, world)
    },
    about: () => aboutCln(rest, { rune, paysOut: node?.outgoing !== undefined }),
    async close() {
      rest.close()
    },
  }
}

async function nodeOf(rest: ClnRest, world: World): Promise<Node> {
  const pays = await rightsOf(rest)
  const memo = 'satgate looks which network this is'
  const { bolt11 } = await makeInvoice(rest, { sat: 1, memo, expirySeconds: 1 }, world)
  return {
    id: payeeOf(bolt11) ?? undefined,
    money: moneyOf(bolt11) ?? 'test',
    outgoing: pays === null ? undefined : clnPayments(rest, pays, world),
  }
}
