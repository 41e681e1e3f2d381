import { err, ok, type Result } from '../floor/result.ts'
import type { PresentedPass } from '../passes/pass.ts'
import type { Presentation } from '../rails/rail.ts'
import type { Authenticator } from './authenticate.ts'
import type { Ended } from './ended-passes.ts'
import type { NotAuthenticated } from './not-authenticated.ts'
import type { Payer } from './payer.ts'
import { DAMAGED, PENDING, type Refusal } from './refusal.ts'

/** Who presents a pass to an endpoint of the gate itself, or why that is nobody. */
export type PassHolder =
  | { readonly is: 'holder'; readonly payer: Payer; readonly presented: PresentedPass }
  | {
      readonly is: 'ended'
      readonly ended: Ended
      readonly presented: PresentedPass
    }

/**
 * Finds the holder of the pass that was presented. Takes no payment. `nobody` is the refusal for
 * everything that is no good pass.
 */
export async function passHolder(
  authenticator: Authenticator,
  presented: Presentation,
  nobody: (not: NotAuthenticated | null) => Refusal,
): Promise<Result<PassHolder, Refusal>> {
  if (presented.is === 'damaged' && (await authenticator.wasPaid(presented))) return err(DAMAGED)
  if (presented.is !== 'credential') return err(nobody(null))
  const identified = await authenticator.authenticate(presented, null)
  if (identified.ok) return ok({ is: 'holder', payer: identified.value, presented })
  const { error } = identified
  if (error.why === 'revoked') return ok({ is: 'ended', ended: error, presented })
  return err(error.why === 'pending' || error.why === 'unreachable' ? PENDING : nobody(error))
}
