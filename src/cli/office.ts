import type { World } from '../floor/world.ts'
import type { Books } from '../ledger/books.ts'
import { fromSat } from '../money/msat.ts'
import { canonicalCaveats } from '../passes/caveat.ts'
import { settlementSecret } from '../passes/keys.ts'
import { macaroonOf, newAccount, type RootKeys } from '../rails/l402.ts'

/** What the command line may ask of the books, of a running gate or of a folder at rest. */
export type Question =
  | { readonly ask: 'accounts' | 'holds' | 'entries'; readonly limit: number }
  | { readonly ask: 'verify' }
  | { readonly ask: 'earnings' }
  | { readonly ask: 'mint'; readonly sats: number; readonly caveats: readonly string[] }

export interface OfficeParts {
  readonly books: Books
  readonly keys: RootKeys
  readonly world: World
}

/** Answers questions about the books as plain JSON; amounts in msat. Throws what a person is told. */
export function openOffice(parts: OfficeParts): (question: unknown) => Promise<unknown> {
  const { statement } = parts.books
  return async (asked) => {
    const question = asked as Question
    switch (question.ask) {
      case 'accounts':
      case 'holds':
      case 'entries':
        return plain(await statement[question.ask](question.limit))
      case 'verify':
        return plain(await statement.verify())
      case 'earnings': {
        const [charges, deposits] = await Promise.all([statement.earnings(), statement.income()])
        return plain({ charges, deposits })
      }
      case 'mint':
        return mint(parts, question)
      default:
        throw new Error('this gate does not know that question: is it of another version?')
    }
  }
}

/** A pass given away: bonus credit, that never leaves as sats, in an account of its own. */
async function mint(
  { books, keys, world }: OfficeParts,
  { sats, caveats }: Extract<Question, { ask: 'mint' }>,
): Promise<unknown> {
  const canonical = canonicalCaveats(caveats)
  if (!canonical.ok) throw new Error(`not a caveat of this gate: ${canonical.error.detail}`)
  const now = world.now()
  const named = { hash: hex(world.random(32)), tokenId: hex(world.random(32)) }
  const account = newAccount(world)
  const amount = fromSat(sats)
  const id = canonical.value.length === 0 ? [] : [`id = ${hex(world.random(8))}`]
  await books.invoices.put({
    ...named,
    keyId: keys.current.id,
    account,
    amount,
    wallet: 'grant',
    bolt11: null,
    exclusive: true,
    createdAt: now,
    expiresAt: now,
    settledAt: null,
    usedAt: null,
    caveats: null,
  })
  const native = { amount: String(amount), unit: 'msat', rate: '1' }
  const payment = `grant:${named.hash}`
  await Promise.all([
    books.ledger.deposit({
      payment,
      account,
      amount,
      credit: 'bonus',
      rail: 'gift',
      native,
      at: now,
    }),
    books.invoices.markSettled(named.hash, now),
  ])
  const macaroon = macaroonOf(named, keys.current.master, [...id, ...canonical.value])
  const pass = `${macaroon}:${settlementSecret(keys.current.master, named)}`
  return { pass, sats, caveats: canonical.value }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Bigints as numbers: no balance here is past 2^53 msat, and where one were, it is a string. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_, one: unknown) => {
    if (typeof one !== 'bigint') return one
    const number = Number(one)
    return Number.isSafeInteger(number) ? number : String(one)
  })
  return JSON.parse(text)
}
