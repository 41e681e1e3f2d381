import { readPair } from './pair.ts'
import type { Credential } from './pass.ts'

/**
 * Passes that were damaged on their way from one program's settings to another's (threats K12): put in
 * quotes, percent-encoded, with a full stop behind, with a space for the colon, or cut short. Here it
 * is only read what they may have been. That a mended one is right is seen by its signature.
 */
export interface Mended {
  /** What the value was before, if it was a pass. */
  readonly candidate: Credential | null
  /** Macaroons in it that can be read, whatever stands around them. */
  readonly macaroons: readonly Uint8Array[]
}

const SCHEME = /^(?:l402|lsat|bearer)\s+/i
const QUOTES = ['"', "'", '`']
/** What a sentence, a list or a line leaves behind a word. */
const TRAILING = new Set([' ', '\t', '.', ',', ';'])
/** V2 bytes with a location or an identifier first, and no part of a longer word. */
const MACAROON = /(?<![A-Za-z0-9+/=_.-])Ag[EI][A-Za-z0-9+/_-]{85,}={0,2}/g
const MOST_MACAROONS = 4
/** How every pass of a gate begins: version, location `satgate`, an identifier of 66 bytes. */
const OUR_START = 'AgEHc2F0Z2F0ZQJC'
/** So many of those characters are no chance. */
const ENOUGH = 8

/** Linear in the value's length, like everything that reads what a stranger sends (J1). */
export function mend(value: string): Mended {
  const outside = bare(value)
  const text = decoded(outside.text)
  const inside = outside.quoted ? trimmed(text) : bare(text).text
  return { candidate: candidateIn(inside), macaroons: macaroonsIn(decoded(text)) }
}

/** Whether a value holds what can only be one of ours, or the beginning of one. */
export function holdsOurs(value: string): boolean {
  const text = decoded(decoded(bare(value).text)).replace(/^["'`]/, '')
  return startsLikeOurs(text) || text.search(MACAROON) >= 0
}

function startsLikeOurs(text: string): boolean {
  const start = text.slice(0, OUR_START.length)
  return start.length >= ENOUGH && OUR_START.startsWith(start)
}

function macaroonsIn(text: string): readonly Uint8Array[] {
  const found: Uint8Array[] = []
  for (const [run] of text.matchAll(MACAROON)) {
    const read = readPair(run, '0'.repeat(64))
    if (read.ok) found.push(read.value.macaroon)
    if (found.length === MOST_MACAROONS) break
  }
  return found
}

/** Without schemes, one pair of quotes, and what trails behind. */
function bare(value: string): { readonly text: string; readonly quoted: boolean } {
  const text = trimmed(value).replace(SCHEME, '').replace(SCHEME, '')
  const quote = text[0] ?? ''
  const quoted = text.length > 1 && QUOTES.includes(quote) && text.endsWith(quote)
  return { text: quoted ? trimmed(text.slice(1, -1)).replace(SCHEME, '') : text, quoted }
}

function trimmed(value: string): string {
  let end = value.length
  while (end > 0 && TRAILING.has(value[end - 1] ?? '')) end -= 1
  return value.slice(0, end).trimStart()
}

function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** `macaroon:secret`, with white space around the colon or in its place. */
function candidateIn(text: string): Credential | null {
  const colon = text.indexOf(':')
  const parts =
    colon < 0 ? text.split(/\s+/, 3) : [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
  const [token = '', secret = '', more] = parts
  const read = more === undefined ? readPair(token, secret) : null
  return read?.ok ? read.value : null
}
