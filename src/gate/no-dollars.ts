import { refuse } from './refusal.ts'

const no = (code: string, message: string, retryAfterSeconds: number) =>
  refuse(503, code, message, { retryAfterSeconds })

/** Why no dollars can be taken, on a gate that can take nothing else. */
export const NO_DOLLARS = {
  facilitator_unreachable: no(
    'facilitator_unreachable',
    'No payment can be taken at the moment: the facilitator, which settles payments in dollars, does not answer. Passes with credit are served. Try again in some seconds.',
    5,
  ),
  rate_unavailable: no(
    'rate_unavailable',
    'No payment can be taken at the moment: nobody can say what a bitcoin costs in dollars. Passes with credit are served. Try again in a minute.',
    30,
  ),
  dollars_full: no(
    'dollars_full',
    'No payment can be taken at the moment: buyers have as many dollars here as the operator keeps for them. Passes with credit are served. Try again in some minutes.',
    60,
  ),
} as const
