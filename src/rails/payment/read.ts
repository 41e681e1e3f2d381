import { err, ok, type Result } from '../../floor/result.ts'
import type { Read } from '../rail.ts'
import type { Challenge } from './challenge.ts'
import { type Credential, readCredential } from './credential.ts'

/** `Payment-Authorization` is for clients whose `Authorization` has something else (mppx). */
export const PAYMENT_HEADERS = ['authorization', 'payment-authorization']
const [SHARED, OWN] = PAYMENT_HEADERS

/**
 * A payment as a request presents it. `unreadable`: its buyer is told what is wrong with it. `unsupported`:
 * by a method that this gate does not offer.
 */
export type Presented =
  | { readonly is: 'charge'; readonly challenge: Challenge; readonly preimage: string }
  | { readonly is: 'unreadable'; readonly detail: string }
  | { readonly is: 'unsupported' }

/** A scheme stands at the beginning of a value, or behind the comma of an earlier credential. */
const SCHEME = /(?:^|,)\s*payment(?:\s+([^\s,]*)|(?=,|$))/gi
const PREIMAGE = /^[0-9a-f]{64}$/

/**
 * Reads the Payment credentials in the headers. Every line is read to its end, because proxies join
 * lines into one. The same credential in two places counts once; two different ones are a conflict.
 */
export function readPayment(rawHeaders: readonly string[]): Read<Presented> {
  const [token, ...more] = tokensIn(rawHeaders)
  if (token === undefined) return { is: 'absent' }
  if (more.length > 0) return { is: 'conflict' }
  const read = readCredential(token)
  const presented = read.ok ? presentedBy(read.value) : read
  const payment = presented.ok
    ? presented.value
    : ({ is: 'unreadable', detail: presented.error } as const)
  return { is: 'payment', payment }
}

function tokensIn(rawHeaders: readonly string[]): readonly string[] {
  const found = new Set<string>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase()
    if (name !== SHARED && name !== OWN) continue
    const value = rawHeaders[at + 1]?.trim() ?? ''
    const tokens = [...value.matchAll(SCHEME)].map(([, token = '']) => token)
    // In a header that has nothing else, the scheme may be missing.
    if (name === OWN && tokens.length === 0 && value !== '') tokens.push(value)
    for (const token of tokens) found.add(token.replace(/={1,2}$/, ''))
  }
  return [...found]
}

function presentedBy({ challenge, payload }: Credential): Result<Presented, string> {
  const { method, intent } = challenge
  if (method !== 'lightning' || intent !== 'charge') return ok({ is: 'unsupported' })
  const { preimage } = payload
  return typeof preimage === 'string' && PREIMAGE.test(preimage)
    ? ok({ is: 'charge', challenge, preimage })
    : err('its preimage is not 64 lowercase hex digits')
}
