import { createHash } from 'node:crypto'
import type { World } from '../floor/world.ts'
import type { Invoices } from '../ledger/invoices.ts'
import type { NamedWallet } from '../wallets/wallet-list.ts'
import type { OpenedWallet } from './configured-wallets.ts'

/**
 * Names of wallets. The rows of invoices and the sources of deposits keep them, so a name belongs to
 * one node for ever. The first wallet of a kind has the name of the kind, as in earlier versions; each
 * other one gets a short hash behind it (ADR 56).
 */

/** What the ledger keeps of a name that it gave. */
export interface NameRecord {
  readonly name: string
  readonly kind: string
  /** Null if the node did not answer when it got its name. */
  readonly identity: string | null
  /** Where it was reached last. */
  readonly at: string
  /** For messages: `lnd at host:8080`. */
  readonly label: string
}

type Facts = Pick<Invoices, 'remember' | 'recall'>

const KEY = 'wallets'

/** The names that this ledger gave, the oldest first. */
export async function namesGiven(facts: Pick<Facts, 'recall'>): Promise<readonly NameRecord[]> {
  const text = await facts.recall(KEY)
  return text === null ? [] : JSON.parse(text)
}

interface Naming {
  readonly invoices: Facts & Pick<Invoices, 'newest'>
  readonly world: Pick<World, 'now'>
}

/** Gives each wallet its name, and keeps the names in the ledger. */
export async function nameWallets(
  opened: readonly OpenedWallet[],
  naming: Naming,
): Promise<readonly NamedWallet[]> {
  const { invoices } = naming
  const before = await namesGiven(invoices)
  const records = [...before]
  const named: NamedWallet[] = []
  for (const { wallet, kind, at, makes, name: label } of opened) {
    if (at === null) {
      named.push({ name: kind, also: [], wallet, makes })
      continue
    }
    const self = { kind, identity: wallet.identity ?? null, at, label }
    const names = namesOf(self, records)
    const [name = await newName(self, records, { ...naming, opened, wallet }), ...also] = names
    note(records, [name, ...also], self)
    named.push({ name, also, wallet, makes })
  }
  if (JSON.stringify(records) !== JSON.stringify(before)) {
    await invoices.remember(KEY, JSON.stringify(records))
  }
  return named
}

type Self = Omit<NameRecord, 'name'>

/**
 * The names that this wallet has already: those of its identity, and those that were given at this
 * address while the node there did not answer. A node that does not answer now is taken to be the one
 * that was here last.
 */
function namesOf({ kind, identity, at }: Self, records: readonly NameRecord[]): readonly string[] {
  const ofKind = records.filter((one) => one.kind === kind)
  const here = ofKind.filter((one) => one.at === at)
  const known = identity ?? here.at(-1)?.identity ?? null
  const own = ofKind.filter((one) => known !== null && one.identity === known)
  const provisional = here.filter((one) => one.identity === null)
  return [...own, ...provisional].map(({ name }) => name)
}

/** Writes down what is known of the wallet now. */
function note(records: NameRecord[], names: readonly string[], self: Self): void {
  for (const name of names) {
    const index = records.findIndex((one) => one.name === name)
    const identity = self.identity ?? records[index]?.identity ?? null
    records.splice(index < 0 ? records.length : index, 1, { name, ...self, identity })
  }
}

/**
 * The name of a wallet that this ledger has not seen. It gets the name of its kind if that is free and
 * the invoices that an earlier version made under that name are its own.
 */
async function newName(
  self: Self,
  records: readonly NameRecord[],
  naming: Naming & Pick<OpenedWallet, 'wallet'> & { readonly opened: readonly OpenedWallet[] },
): Promise<string> {
  const { kind } = self
  if (!records.some(({ name }) => name === kind)) {
    const owner = await ownerOf(kind, naming.opened, naming)
    if (owner === naming.wallet) return kind
  }
  const hash = createHash('sha256')
    .update(self.identity ?? self.at)
    .digest('hex')
  const taken = new Set(records.map(({ name }) => name))
  for (let digits = 6; ; digits += 1) {
    const name = `${kind}-${hash.slice(0, digits)}`
    if (!taken.has(name)) return name
  }
}

/**
 * Which wallet of that kind made the invoices that an earlier version kept under the name of the kind:
 * the one that knows the newest of them, else one that does not answer now. If there are none, the
 * first of the list. Null if none of them made those invoices.
 */
async function ownerOf(
  kind: string,
  opened: readonly OpenedWallet[],
  { invoices, world }: Naming,
): Promise<OpenedWallet['wallet'] | null> {
  const candidates = opened.filter((one) => one.kind === kind).map(({ wallet }) => wallet)
  const row = await invoices.newest(kind, world.now())
  if (row === null) return candidates[0] ?? null
  let silent: OpenedWallet['wallet'] | null = null
  for (const wallet of candidates) {
    const knows = await wallet.lookup(row.hash).then(
      ({ is }) => is !== 'unknown',
      () => null,
    )
    if (knows === true) return wallet
    if (knows === null) silent ??= wallet
  }
  return silent
}
