import { MAX_BYTES, startOf } from './macaroon.ts'
import { readMacaroon, readPair } from './pair.ts'
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
/** How every pass of a gate begins: version, location `satgate`, an identifier of 66 bytes. */
const OUR_START = 'AgEHc2F0Z2F0ZQJC'
/** So many of those characters are no chance. */
const ENOUGH = 8
/** V2 bytes with a location or an identifier first, and no part of a longer word. */
const MACAROON =
  /(?<![A-Za-z0-9+/=_.-])Ag[EI](?=[A-Za-z0-9+/_-]{85})|(?<![A-Za-z0-9+/])AgEHc2F0Z2F0ZQJC/g
const MOST_MACAROONS = 4
/** Places at which one is looked for. */
const MOST_STARTS = 8
/** Base64 of the largest macaroon. */
const MOST_CHARACTERS = (MAX_BYTES / 3) * 4

/** Linear in the value's length, like everything that reads what a stranger sends (J1). */
export function mend(value: string): Mended {
  const outside = bare(value)
  const text = decoded(outside.text)
  const inside = outside.quoted ? trimmed(text) : bare(text).text
  return { candidate: candidateIn(inside), macaroons: macaroonsIn(decoded(unwrapped(text))) }
}

/** Whether a value holds what can only be one of ours, or the beginning of one. */
export function holdsOurs(value: string): boolean {
  const text = decoded(decoded(unwrapped(bare(value).text))).replace(/^["'`]/, '')
  return startsLikeOurs(text) || text.search(MACAROON) >= 0
}

function startsLikeOurs(text: string): boolean {
  const start = text.slice(0, OUR_START.length)
  return start.length >= ENOUGH && OUR_START.startsWith(start)
}

/** Also where a line was broken in the middle of one, or a form's decoding made spaces of its `+`. */
function macaroonsIn(text: string): readonly Uint8Array[] {
  const spellings = new Set([text, text.replace(/\s+/g, ''), text.replaceAll(' ', '+')])
  return [...spellings].flatMap(macaroonsOf).slice(0, MOST_MACAROONS)
}

/** What stands behind a macaroon does not hide it: it says itself how long it is. */
function macaroonsOf(text: string): readonly Uint8Array[] {
  const found: Uint8Array[] = []
  let starts = 0
  for (const { index } of text.matchAll(MACAROON)) {
    if (starts++ === MOST_STARTS) break
    const bytes = Buffer.from(text.slice(index, index + MOST_CHARACTERS), 'base64')
    const macaroon = startOf(bytes)
    if (macaroon !== null && readMacaroon(macaroon) !== null) found.push(macaroon)
  }
  return found
}

/** A whole value in base64 once more, as `Basic` has it, or a secret of Kubernetes. */
function unwrapped(text: string): string {
  const [, inner = ''] = /^(?:basic\s+)?([A-Za-z0-9+/]{120,}={0,2})$/i.exec(text) ?? []
  if (inner === '' || inner.startsWith('Ag')) return text
  const plain = Buffer.from(inner, 'base64').toString('latin1')
  return plain.includes(OUR_START) ? plain : text
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
