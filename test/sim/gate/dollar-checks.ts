import type { Asked } from './buyer.ts'
import type { Played, Sums } from './checks.ts'
import { hashOf } from './dollars.ts'
import { MOST_DOLLARS } from './gate.ts'

/**
 * What is wrong with dollars at the end of a history: with what is on the chain, with the credit that it
 * bought, and with what was served for it.
 */
export async function dollars(played: Played, sums: Sums): Promise<string[]> {
  if (played.chain === null) return []
  return [
    ...credited(played, sums),
    ...(await balances(played, sums)),
    ...served(played),
    ...bounded(played),
  ]
}

/** What was settled for us is credited once, whole. Nothing else is credited. */
function credited({ chain }: Played, { entries }: Sums): string[] {
  const credits = new Map<string, bigint[]>()
  for (const { postings, ref, why } of entries) {
    if (why !== 'deposit') continue
    const amount = postings
      .filter(({ credit }) => credit.startsWith('usd:'))
      .reduce((sum, posting) => sum + posting.amount, 0n)
    if (amount > 0n) credits.set(ref, [...(credits.get(ref) ?? []), amount])
  }
  const wrong: string[] = []
  for (const { by, id, value } of chain?.transactions.values() ?? []) {
    const [amount, ...more] = credits.get(id) ?? []
    credits.delete(id)
    if (more.length > 0) wrong.push(`${id} was credited ${more.length + 1} times`)
    if (by === 'others' && amount !== undefined) {
      wrong.push(`${id} was credited, and the gate has not settled it`)
    }
    if (amount !== undefined && amount !== value)
      wrong.push(`${id} is ${value}, credited ${amount}`)
    // Where no facilitator ever answers, only the chain can tell. Its row is kept open until it is late.
    const state = chain?.rows.rows.get(id)?.state
    const isUnknown = state === 'lost' || (state === 'settling' && chain?.remembers === false)
    if (by === 'facilitator' && amount === undefined && !isUnknown) wrong.push(`${id} is lost`)
  }
  return [...wrong, ...[...credits.keys()].map((id) => `a credit for ${id}, which nobody has sent`)]
}

/** The dollars of an account are the sum of its postings, and never below zero. */
async function balances({ gate }: Played, { drawers }: Sums): Promise<string[]> {
  const wrong: string[] = []
  let all = 0n
  for (const [drawer, sum] of drawers) {
    const [kind, account = ''] = drawer.split(':')
    if (kind !== 'usd') continue
    all += sum
    if (sum < 0n) wrong.push(`${drawer} is below zero: ${sum}`)
    const said = await gate.books.ledger.balance(account)
    if (said?.usd !== sum) wrong.push(`${drawer} says ${said?.usd}, its postings say ${sum}`)
  }
  const said = await gate.books.ledger.outstandingUsd()
  return said === all ? wrong : [...wrong, `${said} dollars are owed, the postings say ${all}`]
}

/** Nothing is served for a payment that is not settled, and nothing to who only read the chain. */
function served({ buyers, chain }: Played): string[] {
  return buyers.flatMap(({ asked }) =>
    asked.flatMap(({ id, pass, reply, stolen, x402 }: Asked) => {
      if (x402 === null || reply.words === 0 || pass !== null) return []
      if (stolen) return [`request ${id}: ${reply.words} words for a payment that is not theirs`]
      const sent = chain?.transactions.get(x402.id)
      if (sent !== undefined) return []
      return [`request ${id}: ${reply.words} words for ${hashOf(x402)}, which is not settled`]
    }),
  )
}

/** What all buyers have paid and not spent has a maximum. */
function bounded({ chain }: Played): string[] {
  const most = chain?.mostOutstanding ?? 0n
  return most > MOST_DOLLARS ? [`${most} dollars were outstanding at once`] : []
}
