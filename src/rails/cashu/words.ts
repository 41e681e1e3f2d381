import type { TokenRefused } from '../../wallets/receiver.ts'
import type { PaymentRefused } from '../rail.ts'

const KEPT = 'It was not taken, and is still yours.'
const AGAIN = 'Do not pay again: send the same request with the same token.'

/** What a payer is told of a token that is not taken (NUT-24: 400 for a wrong one). */
export function refusalOf(refused: TokenRefused, mints: readonly string[]): PaymentRefused {
  switch (refused.why) {
    case 'damaged':
      return bad(
        'token_damaged',
        `This is no Cashu token that can be read. Copy the whole of it: it begins with cashuA or cashuB, without quotes or spaces. ${KEPT}`,
      )
    case 'too_large':
      return bad(
        'token_too_large',
        `This token has too many proofs: at most ${refused.most} are taken at once. Swap it in your wallet for fewer, larger ones, or send it in parts. ${KEPT}`,
      )
    case 'unit':
      return bad('token_unit', `This token is not in sat. Only sat is taken here. ${KEPT}`)
    case 'mint':
      return bad(
        'token_mint',
        `This token is of another mint. Taken are those of ${mints.join(', ')}. ${KEPT}`,
      )
    case 'locked':
      return bad(
        'token_locked',
        `This token is locked to a key or a preimage (NUT-10), so it cannot be swapped here. Send one without a lock. ${KEPT}`,
      )
    case 'duplicates':
      return bad('token_duplicates', `One proof stands in this token twice. ${KEPT}`)
    case 'keyset':
      return bad('token_keyset', `The mint of this token has no such keyset. ${KEPT}`)
    case 'dust':
      return bad(
        'token_dust',
        `This token is worth too little: its mint takes ${refused.feeSat} sat for the swap, half of it or more. ${KEPT}`,
      )
    case 'too_small':
      return bad(
        'token_too_small',
        `This request needs a token of ${refused.needs} sat, and this one credits ${refused.sat} sat. ${KEPT}`,
      )
    case 'mint_full':
      return bad(
        'mint_full',
        `This gate keeps no more sats at the mint of this token for now. Pay with a token of another mint, or over Lightning. ${KEPT}`,
      )
    case 'no_dleq':
      return bad(
        'token_without_dleq',
        `A proof of this token has no DLEQ (NUT-12), by which it is checked. Make the token anew with a wallet that writes it. ${KEPT}`,
      )
    case 'forged':
      return bad('token_forged', 'A proof of this token was not signed by its mint.')
    case 'refused':
      return bad('token_refused', `The mint of this token refuses it (${refused.code}).`)
    case 'partly_spent':
      return spent(
        'token_partly_spent',
        `${refused.known} of the ${refused.of} proofs of this token were paid in here before, in another token. Send exactly that token again to use its credit, and the rest as a token of its own.`,
      )
    case 'spent':
      return spent(
        'token_spent',
        'This token, or a part of it, was spent before, and not here. Send another one.',
      )
    default:
      return later(refused)
  }
}

/** The payment is not called good or bad, so nobody may be asked for another one. */
function later(
  refused: Extract<TokenRefused, { why: 'pending' | 'mint_silent' | 'busy' }>,
): PaymentRefused {
  if (refused.why === 'pending') {
    const message = `The mint of this token has not answered yet. ${AGAIN}`
    return { status: 503, code: 'token_pending', message, retryAfterSeconds: 3, soon: true }
  }
  if (refused.why === 'mint_silent') {
    const message = `The mint of this token cannot be used at the moment. ${KEPT} Try again in some seconds.`
    return { status: 503, code: 'mint_unreachable', message, retryAfterSeconds: 5 }
  }
  const message = `Too many tokens are being taken at the moment. ${KEPT} Try again.`
  const retryAfterSeconds = Math.max(1, Math.ceil(refused.retryAfterMs / 1000))
  return { status: 503, code: 'tokens_busy', message, retryAfterSeconds }
}

/** Too many tokens of one client were refused, so its next one is not even read. */
export const tooManyRefused = (waitMs: number): PaymentRefused => ({
  ...{ status: 429, code: 'too_many_tokens', retryAfterSeconds: Math.ceil(waitMs / 1000) },
  message: `Too many of your tokens were refused in this minute. ${KEPT} Try again in some seconds.`,
})

const bad = (code: string, message: string): PaymentRefused => ({ status: 400, code, message })

const spent = (code: string, said: string): PaymentRefused => ({
  ...{
    status: 402,
    code,
    message: `Insufficient credits: ${said.charAt(0).toLowerCase()}${said.slice(1)}`,
  },
})
