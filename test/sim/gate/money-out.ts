import type { Played, Sums } from './checks.ts'
import { TIER } from './gate.ts'
import { MINT } from './mint.ts'

const EARNINGS = 'revenue:'
const AT_MINT = `ecash ${MINT}`

/** Sats that really left a wallet or a mint, with their fee. */
interface Left {
  /** The id of the withdrawal. */
  readonly ref: string
  readonly account: string
  readonly source: string
  readonly msat: bigint
}

/**
 * What is wrong with money that left, and with passes. It is added up from what the wallets and the
 * mint really did, and compared with the postings of the books.
 */
export async function moneyOut(played: Played, sums: Sums): Promise<string[]> {
  if (played.mint === null) return []
  const left = leftOf(played)
  return [
    ...booked(left, sums),
    ...perAccount(played, left, sums),
    ...(await open(played)),
    ...(await covered(played)),
    ...buyersSaw(played),
  ]
}

function leftOf({ mint, wallets }: Played): readonly Left[] {
  const melted = [AT_MINT, mint?.payer.left ?? []] as const
  const paid = [...wallets.left, melted].flatMap(([source, payments]) =>
    payments.map(({ amountMsat, feeMsat, hash, id }) => ({
      ...{ source, ref: `ln:${hash}`, account: accountIn(id), msat: amountMsat + feeMsat },
    })),
  )
  const made = [...(mint?.made.values() ?? [])].map(({ feeSat, id, token }) => ({
    ...{ source: AT_MINT, ...tokenIn(id) },
    msat: BigInt(token.sat + feeSat) * 1_000n,
  }))
  return [...paid, ...made]
}

/** `satgate:<account>:<id of the withdrawal>` */
function tokenIn(name: string) {
  const [, account = '', ...id] = name.split(':')
  return { account, ref: id.join(':') }
}

/** `satgate:<gate>:<account>:<id of the withdrawal>` */
const accountIn = (name: string): string => name.split(':')[2] ?? ''

/** Whatever left is booked once, with that amount, and nothing else is booked as left. */
function booked(left: readonly Left[], { entries }: Sums): string[] {
  const sent = new Map<string, bigint>()
  for (const { postings, ref, why } of entries) {
    if (why !== 'send') continue
    const amount = postings
      .filter(({ credit }) => credit.startsWith('sent:'))
      .reduce((sum, posting) => sum + posting.amount, 0n)
    sent.set(ref, (sent.get(ref) ?? 0n) + amount)
  }
  const seen = new Set<string>()
  const wrong = left.flatMap(({ msat, ref, source }) => {
    if (seen.has(ref)) return [`${ref} left twice`]
    seen.add(ref)
    const said = sent.get(ref)
    if (said === undefined) return [`${msat} left ${source} for ${ref}, and no book says so`]
    return said === msat ? [] : [`${msat} left for ${ref}, and the books say ${said}`]
  })
  const unsent = [...sent.keys()].filter((ref) => !seen.has(ref))
  return [...wrong, ...unsent.map((ref) => `${ref} is booked as left, and nothing left`)]
}

/** No account takes out more than it paid into that source, or bonus, or what it has spent. */
function perAccount(
  { hasTiers, mint, wallets }: Played,
  left: readonly Left[],
  { entries }: Sums,
): string[] {
  const into = new Map<string, bigint>()
  const used = new Map<string, bigint>()
  const add = (to: Map<string, bigint>, key: string, amount: bigint) =>
    to.set(key, (to.get(key) ?? 0n) + amount)
  const tokens = new Map([...(mint?.tokens.values() ?? [])].map((one) => [one.payment, one]))
  const received = new Map(wallets.invoices.map((one) => [one.hash, one.receivedMsat]))
  for (const { postings, ref, why } of entries) {
    if (why === 'deposit') {
      const hash = /[0-9a-f]{64}/.exec(ref)?.[0] ?? ''
      const token = tokens.get(hash)
      const msat =
        token === undefined ? received.get(hash) : BigInt(mint?.worth(token) ?? 0) * 1_000n
      const account = accountOf(postings.find(({ credit }) => credit.startsWith('paid:'))?.credit)
      const source = token === undefined ? wallets.sourceOf(hash) : AT_MINT
      add(into, `${account} ${source}`, msat ?? 0n)
    }
    for (const { amount, credit, debit } of postings) {
      if (credit.startsWith(EARNINGS)) add(used, accountOf(debit), amount)
      if (debit.startsWith(EARNINGS)) add(used, accountOf(credit), -amount)
      // What dollars bought was never paid in sats.
      if (debit === 'exchange:usd') add(used, accountOf(credit), -amount)
      if (credit === 'exchange:usd') add(used, accountOf(debit), amount)
      // A debt that nobody pays.
      if (debit === 'loss:overrun') add(used, accountOf(credit), -amount)
    }
  }
  const wrong: string[] = []
  const out = new Map<string, bigint>()
  for (const { account, msat, source } of left) {
    const before = out.get(`${account} ${source}`) ?? 0n
    out.set(`${account} ${source}`, before + msat)
  }
  for (const [key, msat] of out) {
    const most = into.get(key) ?? 0n
    if (msat > most) wrong.push(`${msat} left of ${key}, which paid in ${most}`)
  }
  const total = (of: Map<string, bigint>, account: string) =>
    [...of].reduce((sum, [key, msat]) => (key.startsWith(`${account} `) ? sum + msat : sum), 0n)
  for (const account of new Set(left.map((one) => one.account))) {
    const rest = total(into, account) - total(out, account)
    const worth = hasTiers ? (rest * BigInt(TIER.creditSats)) / BigInt(TIER.amountSats) : rest
    const spent = used.get(account) ?? 0n
    // A deposit that leaves takes its bonus along (threats L10).
    if (spent > worth) wrong.push(`${account} used ${spent}, and what it left here is ${worth}`)
  }
  return wrong
}

const accountOf = (drawer: string | undefined): string => drawer?.split(':')[1] ?? ''

/** Each withdrawal is over. One that the wallet has never heard of may wait for its invoice to expire. */
async function open({ gate, mint, wallets }: Played): Promise<string[]> {
  const payers = [mint?.payer, ...wallets.all.map(({ payer }) => payer)]
  const ids = (await gate.books.withdrawals.openWithdrawals()).map(({ id }) => id)
  return ids
    .filter((id) => !id.startsWith('ln:') || payers.some((one) => one?.payments.has(id.slice(3))))
    .map((id) => `withdrawal ${id} is open, and it is over`)
}

/** The mint holds what its buyers are owed. */
async function covered({ gate, mint }: Played): Promise<string[]> {
  const owed = await gate.books.statement.owedBySource()
  const here = mint?.msat ?? 0n
  const due = owed.find(({ source }) => source === AT_MINT)?.amount ?? 0n
  const isOpen = (await gate.books.withdrawals.openWithdrawals()).length > 0
  return isOpen || due <= here ? [] : [`buyers are owed ${due} of the mint, which holds ${here}`]
}

/** A pass comes once, a payment has one change, and one withdrawal is one token. */
function buyersSaw({ buyers }: Played): string[] {
  return buyers.flatMap(({ spending }) => [
    ...[...(spending?.given ?? [])]
      .filter(([, times]) => times > 1)
      .map(([payment, times]) => `the pass of ${payment} was given ${times} times`),
    ...[...(spending?.change ?? [])]
      .filter(([, all]) => all.size > 1)
      .map(([payment, { size }]) => `${payment} has ${size} changes`),
    ...(spending?.withdrawals ?? [])
      .filter(({ key, tokens }) => key !== undefined && tokens.size > 1)
      .map(({ key, tokens }) => `${key} got ${tokens.size} tokens`),
  ])
}
