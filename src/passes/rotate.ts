import type { World } from '../floor/world.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type { Passes } from '../ledger/passes.ts'
import { generationOf, type Revocations, type Rotation } from '../ledger/revocations.ts'
import { settlementSecret } from './keys.ts'
import { hex, macaroonOf, passNameOf, type RootKeys } from './write.ts'

export interface RotateParts {
  readonly passes: Passes
  readonly revocations: Revocations
  readonly keys: RootKeys
  readonly world: Pick<World, 'now' | 'random'>
}

/** Whose rotation it is. */
export type Rotate = Pick<Rotation, 'account' | 'from' | 'at' | 'key'>

/**
 * Makes a new root pass for an account, and ends all its other passes: every root pass, every child,
 * and those of invoices that nobody has paid yet. Returns the new pass, `<macaroon>:<secret>`. It
 * counts at once, and is on disk when this resolves. After a crash before that, the old passes are
 * good, and nobody was told of the new one.
 */
export async function rotate(parts: RotateParts, { account, ...asked }: Rotate): Promise<string> {
  const { passes, revocations, keys, world } = parts
  const generation = generationOf(revocations, account) + 1
  const payment = `rotation:${account}:${generation}`
  const named = { hash: passNameOf(payment), tokenId: hex(world.random(32)) }
  const { id: keyId, master } = keys.current
  const createdAt = world.now()
  const row = { ...named, payment, keyId, account, shared: false, caveats: [], generation }
  // In the same tick, so that they are in one commit.
  await Promise.all([
    passes.put({ ...row, createdAt, usedAt: createdAt }),
    revocations.rotate({ ...asked, account, generation, pass: named.hash, usedAt: null }),
  ])
  return `${macaroonOf(named, master, [])}:${settlementSecret(master, named)}`
}

/** Ends all passes of an account. Only the operator can do that: nobody reaches its credit then. */
export function endAll(
  { revocations, world }: Pick<RotateParts, 'revocations' | 'world'>,
  account: AccountId,
): Promise<void> {
  const from = generationOf(revocations, account)
  const at = world.now()
  return revocations.rotate({
    ...{ account, generation: from + 1, pass: null, from, at, key: null, usedAt: null },
  })
}

/** Makes the root pass of a rotation again. Null if it has none, or its root key is not known. */
export async function passAgain(
  { passes, keys }: Pick<RotateParts, 'passes' | 'keys'>,
  { pass }: Rotation,
): Promise<string | null> {
  const row = pass === null ? null : await passes.get(pass)
  const master = row === null ? null : keys.byId(row.keyId)
  if (row === null || row.tokenId === null || master === null) return null
  const named = { hash: row.hash, tokenId: row.tokenId }
  return `${macaroonOf(named, master, [])}:${settlementSecret(master, named)}`
}
