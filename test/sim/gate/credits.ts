import type { Played, Sums } from './checks.ts'

/** ms after its expiry during which an unpaid invoice is looked up. */
const LOOKED_UP = 600_000

/** Each payment is credited exactly once, with the amount that was received. */
export function payments({ mint, wallets, world }: Played, { entries }: Sums): string[] {
  const wrong: string[] = []
  const credited = new Map<string, bigint[]>()
  for (const { why, ref, postings } of entries) {
    // Dollars are looked at by themselves.
    if (why !== 'deposit' || ref.includes('x402:')) continue
    const hash = /[0-9a-f]{64}/.exec(ref)?.[0] ?? ref
    // What a tier adds is bonus credit.
    const paid = postings.filter(({ credit }) => credit.startsWith('paid:'))
    const amount = paid.reduce((sum, posting) => sum + posting.amount, 0n)
    credited.set(hash, [...(credited.get(hash) ?? []), amount])
  }
  for (const { hash, settled, receivedMsat, told, expiresAt } of wallets.invoices) {
    const credits = credited.get(hash) ?? []
    credited.delete(hash)
    if (credits.length > 1) wrong.push(`payment ${hash} was credited ${credits.length} times`)
    // If the wallet told no gate and the clock jumped past the time of look-ups, the payment is
    // credited only when its buyer comes.
    const due = told || world.now() < expiresAt + LOOKED_UP
    if (settled && due && credits.length === 0) wrong.push(`payment ${hash} is lost`)
    if (!settled && credits.length > 0) wrong.push(`payment ${hash} was credited and not received`)
    if (credits.length === 1 && credits[0] !== receivedMsat) {
      wrong.push(`payment ${hash} is ${receivedMsat} and credited as ${credits[0]}`)
    }
  }
  for (const token of mint?.tokens.values() ?? []) {
    const credits = credited.get(token.payment) ?? []
    credited.delete(token.payment)
    const received = token.spentBy === 'gate' ? [BigInt(mint?.worth(token) ?? 0) * 1_000n] : []
    if (credits.join() === received.join()) continue
    const { payment } = token
    if (credits.length > 1) wrong.push(`token ${payment} was credited ${credits.length} times`)
    else wrong.push(`token ${payment} is ${received} and credited as ${credits}`)
  }
  for (const hash of credited.keys()) wrong.push(`a credit for ${hash}, which no wallet received`)
  return wrong
}

/** A top-up is credited to the account of the pass that it was bought with. */
export function topUps({ buyers }: Played, { entries }: Sums): string[] {
  const accounts = new Map<string, string>()
  for (const { why, ref, postings } of entries) {
    const hash = /[0-9a-f]{64}/.exec(ref)?.[0]
    const credited = postings.find(({ credit }) => /^(?:paid|usd):/.test(credit))?.credit
    if (why === 'deposit' && hash !== undefined && credited !== undefined)
      accounts.set(hash, credited.replace(/^\w+:/, ''))
  }
  return buyers.flatMap((buyer) =>
    [...buyer.topUps].flatMap(([hash, first]) => {
      const [to, of] = [accounts.get(hash), accounts.get(first)]
      if (to === undefined || of === undefined || to === of) return []
      return [`top-up ${hash} was credited to ${to} instead of ${of}`]
    }),
  )
}
