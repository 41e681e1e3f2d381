import { createHash } from 'node:crypto'
import { err, ok, type Result } from '../../../floor/result.ts'
import type { World } from '../../../floor/world.ts'
import type { TokenRefused } from '../../receiver.ts'
import type { Proof } from '../mint/mint.ts'
import type { TokenHead } from '../mint/token.ts'
import type { KnownMint, Mints } from '../mints.ts'
import { sumOf } from '../spend/fees.ts'
import type { AcceptedMints } from './accepted-mints.ts'

/** A token whose proofs are known, and checked as far as that costs no arithmetic on the curve. */
export interface ReadToken {
  readonly known: KnownMint
  readonly proofs: readonly Proof[]
  readonly sat: number
  readonly fee: number
}

/** In characters: more than `MOST_PROOFS` proofs with their DLEQ need. */
const LONGEST = 48_000
/** Many small proofs cost input fees and time, and no wallet needs so many (threats E). */
const MOST_PROOFS = 64
/** In characters. A random secret has 64. */
const LONGEST_SECRET = 512
const POINT = /^0[23][0-9a-f]{64}$/

/** Reads what a token says without its mint. */
export function headIn(
  { tokenHead }: Pick<typeof import('../mint/token.ts'), 'tokenHead'>,
  text: string,
): Result<TokenHead, TokenRefused> {
  if (text.length > LONGEST) return err({ why: 'too_large', most: MOST_PROOFS })
  const head = tokenHead(text)
  if (head === null) return err({ why: 'damaged' })
  // Two such secrets have the same bytes, and so the same hash and the same point.
  if (!head.secrets.every((secret) => secret.isWellFormed())) return err({ why: 'damaged' })
  if (head.secrets.length > MOST_PROOFS) return err({ why: 'too_large', most: MOST_PROOFS })
  return ok(head)
}

/**
 * Reads the proofs of a token, and checks everything that costs little. Calls at most its mint, which
 * the operator has named. Throws the errors of the port to the mint.
 */
export async function readToken(
  text: string,
  { mint, unit, secrets }: TokenHead,
  { mints, accepted }: { readonly mints: Mints; readonly accepted: AcceptedMints },
): Promise<Result<ReadToken, TokenRefused>> {
  if (unit !== 'sat') return err({ why: 'unit' })
  const known = accepted.find(mint)
  if (known === null) return err({ why: 'mint' })
  if (secrets.some(isLocked)) return err({ why: 'locked' })
  if (new Set(secrets).size < secrets.length) return err({ why: 'duplicates' })
  if (!mints.trusted(known.mint.url)) return err({ why: 'mint_silent' })
  // A mint that is gone is found out here, and remembered as gone.
  await mints.about(known)
  const proofs = await proofsOf(text, (anew) => accepted.keysets(known, anew))
  if (!proofs.ok) return proofs
  return worthOf(known, proofs.value)
}

/** The proofs, with the whole ids of their keysets. A keyset that the mint has just made is found. */
async function proofsOf(
  text: string,
  keysets: (anew: boolean) => Promise<readonly string[]>,
): Promise<Result<readonly Proof[], TokenRefused>> {
  const { tokenProofs } = await import('../mint/token.ts')
  const whole = (ids: readonly string[]) => {
    const proofs = tokenProofs(text, ids)
    return proofs?.every(({ keyset }) => ids.includes(keyset)) === true ? proofs : null
  }
  const proofs = whole(await keysets(false)) ?? whole(await keysets(true))
  if (proofs === null) return err({ why: 'keyset' })
  return proofs.every(isProof) ? ok(proofs) : err({ why: 'damaged' })
}

const isProof = ({ secret, amount, c }: Proof): boolean =>
  secret.length > 0 &&
  secret.length <= LONGEST_SECRET &&
  Number.isSafeInteger(amount) &&
  amount > 0 &&
  POINT.test(c)

/** Whether a secret carries a condition (NUT-10): JSON of a list, for example `["P2PK", …]`. */
function isLocked(secret: string): boolean {
  try {
    return Array.isArray(JSON.parse(secret))
  } catch {
    return false
  }
}

async function worthOf(
  known: KnownMint,
  proofs: readonly Proof[],
): Promise<Result<ReadToken, TokenRefused>> {
  const sat = sumOf(proofs)
  const fee = await known.mint.feeFor(proofs)
  if (!Number.isSafeInteger(sat)) return err({ why: 'damaged' })
  if (fee * 2 > sat || fee >= sat) return err({ why: 'dust', feeSat: fee })
  return ok({ known, proofs, sat, fee })
}

/** The name of a token: the same for each way to write it, because only its proofs count. */
export async function paymentOf(
  proofs: readonly Proof[],
  world: Pick<World, 'turn'>,
): Promise<string> {
  const { pointOf } = await import('../mint/coins.ts')
  const points: string[] = []
  for (const { secret } of proofs) {
    points.push(pointOf(secret))
    await world.turn()
  }
  return createHash('sha256').update(points.sort().join('')).digest('hex')
}

/** Whether a refusal stays the same whatever happens, so that it need not be found out again. */
export const isFinal = ({ why }: TokenRefused): boolean => FINAL.has(why)

const FINAL: ReadonlySet<TokenRefused['why']> = new Set([
  ...(['damaged', 'too_large', 'unit', 'mint', 'locked', 'duplicates'] as const),
  ...(['no_dleq', 'forged', 'spent'] as const),
])
