import { onLine } from '../floor/printable.ts'
import type { NotAuthenticated } from './authenticate.ts'
import type { Incoming } from './ports.ts'
import { shown } from './price.ts'
import { type Refusal, refuse } from './refusal.ts'

/** The refusal of a caveat. It names what was asked for and the caveat that forbids it. */
export function forbidden(
  { path, method }: Incoming,
  { by, caveat }: Extract<NotAuthenticated, { why: 'forbidden' }>,
  model: string | null,
): Refusal {
  const asked = {
    path: `the path ${path}`,
    method: `the method ${method}`,
    model: model === null ? 'a request that names no model' : `the model ${shown(model)}`,
  }[by]
  const message = `This pass does not allow ${asked}: it has the caveat "${onLine(caveat, 200)}". Keep to it, or use another pass.`
  return refuse(403, 'forbidden', message)
}

/** The first sentence of the 402 for a pass that is not good. */
export const NOT_GOOD = {
  unknown: 'Insufficient credits: this pass is not one of ours.',
  bad_caveat: 'Insufficient credits: this pass has a caveat that this gate does not know.',
  not_served: 'Insufficient credits: this pass has a caveat that is not served here yet.',
  bad_secret: 'Insufficient credits: the secret of this pass is not the one of its invoice.',
  expired: 'Insufficient credits: this pass has expired.',
  revoked: 'Insufficient credits: this pass was revoked by its owner.',
} as const
