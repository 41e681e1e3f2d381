import { err, ok, type Result } from '../floor/result.ts'
import type { Priced } from './call.ts'
import { type Refusal, refuse } from './refusal.ts'

/**
 * A request that only loads a model or takes it out of memory, which is the operator's choice (threats
 * L20). The gate answers it itself: free, with a pass or without, and no backend is asked. If the
 * backend is gone, the refusal says that. Any other request goes on.
 */
export function answeredHere(call: Priced): Result<Priced, Refusal> {
  const { asked, at, route } = call
  if (asked.here === undefined) return ok(call)
  const { ignored } = asked
  const headers = ['content-type', route.dialect.wire.answerType(null), 'cache-control', 'no-store']
  if (ignored.length > 0) headers.push('x-satgate-ignored', ignored.join(', '))
  const stored = { status: 200, headers, body: asked.here(at) }
  const here = refuse(200, 'answered_here', 'The gate has answered this itself.', { stored })
  return err(route.targets.gone() ?? here)
}
