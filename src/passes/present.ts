import { err, ok, type Result } from '../floor/result.ts'
import { holdsOurs, type Mended, mend } from './mend.ts'
import { credentialOf, isSecret, readMacaroon, readPair } from './pair.ts'
import type { Credential, Presented, PresentedPass } from './pass.ts'
import { readCaveat } from './read.ts'

/**
 * The only reader of credentials. No later code reads a header, so no spelling of a request can
 * avoid being charged (threats C5).
 */

/**
 * The headers with credentials: those in which a pass may be sent, those of older L402 clients (a
 * macaroon in hex that contains its preimage; aperture `l402/header.go`), and those of other payment
 * protocols, whose rails are perhaps off.
 */
const KINDS: ReadonlyMap<string, 'ours' | 'legacy' | 'foreign'> = new Map([
  ['authorization', 'ours'],
  ['x-api-key', 'ours'],
  ['api-key', 'ours'],
  ['macaroon', 'legacy'],
  ['grpc-metadata-macaroon', 'legacy'],
  ['payment-signature', 'foreign'],
  ['x-payment', 'foreign'],
  ['payment-authorization', 'foreign'],
])
const NAMES = [...KINDS.keys()]
/** No rail but the one of passes. */
export const NO_RAILS: ForRails = new Set<string>([])
/** Most headers have a name of another length, which saves looking for it. */
const LENGTHS: ReadonlySet<number> = new Set(NAMES.map(({ length }) => length))

/** The headers, in lower case, in which other rails read payments. They are no credentials for passes. */
export type ForRails = ReadonlySet<string>

function kindOf(name: string, rails: ForRails) {
  if (!LENGTHS.has(name.length)) return undefined
  const lower = name.toLowerCase()
  const kind = KINDS.get(lower)
  return kind === 'foreign' && rails.has(lower) ? undefined : kind
}

export const PASS_HEADERS = NAMES.filter((name) => KINDS.get(name) !== 'foreign')

/** Names of headers, in lower case, that are never sent to an upstream (threats G3). */
export const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set([
  ...NAMES,
  'x-cashu',
  'x-goog-api-key',
  'proxy-authorization',
  'cookie',
])

/** `ours`: the value can only be a pass. `any`: it is a pass, or a key of some other service. */
type Scheme = 'ours' | 'any' | 'foreign'
const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['l402', 'ours'],
  ['lsat', 'ours'],
  ['bearer', 'any'],
  ['payment', 'foreign'],
])

/** The beginning of V2 bytes in base64, if they begin with a location or an identifier. */
const LIKE_A_MACAROON = /^Ag[EI][A-Za-z0-9+/_=-]{60}/
/** The length of an L402 identifier in base64. */
const SHORTEST_TOKEN = 88
const MOST_TOKENS = 4
/** How many values of one request are repaired at most. */
const MOST_MENDED = 4

/** Something that looks like a pass of this gate but is not valid, and what it may have been. */
export interface Malformed {
  readonly is: 'malformed'
  /** A message that repeats nothing of it. */
  readonly detail: string
  readonly mended: readonly Mended[]
}

/** What the headers contain, before any signature is checked. */
export type Found =
  | Exclude<Presented, { readonly is: 'malformed' | 'damaged' | 'credential' }>
  | Pick<PresentedPass, 'is' | 'credential'>
  | Malformed

interface Seen {
  readonly found: Result<Credential, string>[]
  readonly mended: Mended[]
  /** There is a payment in a header of its own, which nobody reads. */
  foreign: boolean
  /** There is a payment of the scheme `Payment`. */
  payment: boolean
}

/**
 * The value of the only header with a credential, if that is one for passes. Empty if there is none;
 * null if all headers must be read.
 */
export function onlyCredential(rawHeaders: readonly string[], rails: ForRails): string | null {
  let only = ''
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const kind = kindOf(rawHeaders[index] ?? '', rails)
    if (kind === undefined) continue
    const value = rawHeaders[index + 1]?.trim() ?? ''
    if (value === '') continue
    if (only !== '' || kind !== 'ours') return null
    only = value
  }
  return only
}

/**
 * Reads the credentials in the headers, which are names and values in turn. Every line is read and
 * every value is read to its end, because clients repeat headers and proxies join lines into one
 * (`LSAT a:b, L402 a:b`). The same credential in two places counts once. Two different ones are a
 * conflict, and so are a pass and a payment that no rail reads.
 */
export function present(rawHeaders: readonly string[], rails: ForRails = NO_RAILS): Found {
  const seen: Seen = { found: [], mended: [], foreign: false, payment: false }
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const kind = kindOf(rawHeaders[index] ?? '', rails)
    if (kind === undefined) continue
    const value = rawHeaders[index + 1]?.trim() ?? ''
    if (value === '') continue
    if (kind === 'ours') read(value, seen)
    else if (kind === 'legacy') seen.found.push(readLegacy(value))
    else seen.foreign = true
  }
  const unread = seen.payment && !rails.has('authorization')
  return foundIn({ ...seen, foreign: seen.foreign || unread })
}

function foundIn({ found, mended, foreign }: Seen): Found {
  const credentials = new Map<string, Credential>()
  let detail: string | null = null
  for (const one of found) {
    if (one.ok) credentials.set(one.value.text, one.value)
    else detail ??= one.error
  }
  const [credential] = credentials.values()
  // The damaged value is a copy of the good credential, so it is ignored.
  const same = (one: Mended) => one.candidate !== null && one.candidate.text === credential?.text
  if (mended.length > 0 && mended.every(same)) detail = null
  const different = credentials.size + (detail === null ? 0 : 1) + (foreign ? 1 : 0)
  if (found.length > 0 && different > 1) return { is: 'conflict' }
  if (detail !== null) return { is: 'malformed', detail, mended }
  return credential === undefined ? { is: 'absent' } : { is: 'credential', credential }
}

/** Reads one value. If it contains nothing valid and can only be a pass of this gate, it is repaired. */
function read(value: string, seen: Seen): void {
  const before = seen.found.length
  scan(value, seen)
  const found = seen.found.slice(before)
  const broken = found.some(({ ok: good }) => !good)
  if (found.length > 0 ? !broken : !holdsOurs(value)) return
  if (found.length === 0) seen.found.push(err('it is cut short or not written as it was given'))
  if (seen.mended.length < MOST_MENDED) seen.mended.push(mend(value))
}

/** Divides a value at its schemes. A part without a scheme is read as a bare key. */
function scan(value: string, seen: Seen): void {
  let scheme: Scheme = 'any'
  let pieces: string[] = []
  for (const piece of value.split(/[\s,]+/)) {
    const next = SCHEMES.get(piece.toLowerCase())
    if (next !== undefined) {
      readPieces(scheme, pieces, seen)
      scheme = next
      pieces = []
    } else if (piece !== '') pieces.push(piece)
  }
  readPieces(scheme, pieces, seen)
}

/**
 * Reads any number of `token[,token…]:secret`. What remains counts as a broken pass only if it
 * looks like one.
 */
function readPieces(scheme: Scheme, pieces: readonly string[], seen: Seen): void {
  if (scheme === 'foreign') {
    seen.payment = true
    return
  }
  const before = seen.found.length
  let tokens: string[] = []
  for (const piece of pieces) {
    const colon = piece.indexOf(':')
    tokens.push(colon < 0 ? piece : piece.slice(0, colon))
    if (colon < 0) continue
    const secret = piece.slice(colon + 1)
    // Words of an unknown scheme may come before a pass. Only after a scheme of ours must every
    // token be a macaroon.
    const ours = scheme === 'ours' ? tokens : tokens.filter((token) => looksOurs(token, secret))
    if (ours.length > 0) seen.found.push(...readPairs(ours, secret))
    tokens = []
  }
  const nothing = scheme === 'ours' && seen.found.length === before
  if (nothing || tokens.some((token) => looksOurs(token, ''))) {
    seen.found.push(err('there is no macaroon with a secret behind it'))
  }
}

const looksOurs = (token: string, secret: string): boolean =>
  LIKE_A_MACAROON.test(token) || (token.length >= SHORTEST_TOKEN && isSecret(secret))

function readPairs(tokens: readonly string[], secret: string): Result<Credential, string>[] {
  if (tokens.length > MOST_TOKENS) return [err('there are too many macaroons')]
  return tokens.map((token) => readPair(token, secret))
}

function readLegacy(hex: string): Result<Credential, string> {
  const bytes = /^(?:[0-9a-fA-F]{2})+$/.test(hex) ? Buffer.from(hex, 'hex') : null
  const macaroon = bytes === null ? null : readMacaroon(bytes)
  if (bytes === null || macaroon === null) return err('the macaroon cannot be read')
  for (const bytesOfCaveat of macaroon.caveats) {
    const caveat = readCaveat(bytesOfCaveat)
    // A second `preimage` caveat with another value cannot hold, because all must equal the secret.
    if (caveat.ok && caveat.value.kind === 'preimage') {
      return ok(credentialOf(bytes, caveat.value.hex))
    }
  }
  return err('the macaroon carries no preimage')
}
