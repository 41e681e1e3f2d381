import { MAX_BYTES, startOf } from './macaroon.ts'
import { readMacaroon, readPair } from './pair.ts'
import type { Credential } from './pass.ts'

/**
 * Repairs passes that were damaged when somebody copied them (threats K12): with quotes around
 * them, percent-encoded, with a full stop at the end, with a space in place of the colon, or cut
 * short. This file only guesses what the pass was. Whether a guess is right is decided later, by
 * its signature.
 */
export interface Mended {
  /** The pass that the value may have been. Null if there is none. */
  readonly candidate: Credential | null
  /** The readable macaroons in the value, whatever surrounds them. */
  readonly macaroons: readonly Uint8Array[]
}

const SCHEME = /^(?:l402|lsat|bearer)\s+/i
const QUOTES = ['"', "'", '`']
/** Characters that a sentence, a list or a line adds after a word. */
const TRAILING = new Set([' ', '\t', '.', ',', ';'])
/**
 * The beginning of every pass of a gate: the version, the location `satgate`, an identifier of 66
 * bytes.
 */
const OUR_START = 'AgEHc2F0Z2F0ZQJC'
/** A text that begins with so many of these characters does so on purpose. */
const ENOUGH = 8
/** V2 bytes that begin with a location or an identifier, and are not a part of a longer word. */
const MACAROON =
  /(?<![A-Za-z0-9+/=_.-])Ag[EI](?=[A-Za-z0-9+/_-]{85})|(?<![A-Za-z0-9+/])AgEHc2F0Z2F0ZQJC/g
const MOST_MACAROONS = 4
/** At most so many positions are tried. */
const MOST_STARTS = 8
/** The length of the largest macaroon in base64. */
const MOST_CHARACTERS = (MAX_BYTES / 3) * 4

/** Guesses what a damaged value was. The time is linear in its length (threats J1). */
export function mend(value: string): Mended {
  const outside = bare(value)
  const text = decoded(outside.text)
  const inside = outside.quoted ? trimmed(text) : bare(text).text
  return { candidate: candidateIn(inside), macaroons: macaroonsIn(decoded(unwrapped(text))) }
}

/** Whether a value contains something that can only be a pass of ours, or the beginning of one. */
export function holdsOurs(value: string): boolean {
  const text = decoded(decoded(unwrapped(bare(value).text))).replace(/^["'`]/, '')
  return startsLikeOurs(text) || text.search(MACAROON) >= 0
}

function startsLikeOurs(text: string): boolean {
  const start = text.slice(0, OUR_START.length)
  return start.length >= ENOUGH && OUR_START.startsWith(start)
}

/** Finds macaroons also if a line break was inserted, or if a form turned each `+` into a space. */
function macaroonsIn(text: string): readonly Uint8Array[] {
  const spellings = new Set([text, text.replace(/\s+/g, ''), text.replaceAll(' ', '+')])
  return [...spellings].flatMap(macaroonsOf).slice(0, MOST_MACAROONS)
}

/** Text after a macaroon does not hide it, because a macaroon contains its own length. */
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

/** Decodes a value that was encoded in base64 once more, as `Basic` and Kubernetes do. */
function unwrapped(text: string): string {
  const [, inner = ''] = /^(?:basic\s+)?([A-Za-z0-9+/]{120,}={0,2})$/i.exec(text) ?? []
  if (inner === '' || inner.startsWith('Ag')) return text
  const plain = Buffer.from(inner, 'base64').toString('latin1')
  return plain.includes(OUR_START) ? plain : text
}

/** Removes schemes, one pair of quotes, and trailing characters. */
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

/** Reads `macaroon:secret`, also with white space around the colon or in place of it. */
function candidateIn(text: string): Credential | null {
  const colon = text.indexOf(':')
  const parts =
    colon < 0 ? text.split(/\s+/, 3) : [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
  const [token = '', secret = '', more] = parts
  const read = more === undefined ? readPair(token, secret) : null
  return read?.ok ? read.value : null
}
