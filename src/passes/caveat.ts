import { err, ok, type Result } from '../floor/result.ts'
import type { Limit, Unit, Window } from '../ledger/ledger.ts'
import { formatDecimal, parseDecimal } from '../money/parse.ts'
import { isPlainPath } from './plain-path.ts'
import { readTime, writeTime } from './time.ts'

/** The caveats that a request must fit. All of them must hold: a later one replaces no earlier one. */
export type Rule =
  | { readonly kind: 'expires'; readonly at: number }
  | { readonly kind: 'path'; readonly any: readonly string[] }
  | { readonly kind: 'method'; readonly any: readonly string[] }
  | { readonly kind: 'model'; readonly any: readonly string[] }
  /** lnget adds it. It must equal the presented secret, and does not narrow the pass. */
  | { readonly kind: 'preimage'; readonly hex: string }

/** One condition of a pass. A `spend` limit is in msat, the other limits in their own unit. */
export type Caveat =
  | Rule
  | ({ readonly kind: 'limit' } & Omit<Limit, 'meter'>)
  /** A random value. It makes two children different that are narrowed in the same way. */
  | { readonly kind: 'id'; readonly value: string }
  /** A note for people. It means nothing to the gate. */
  | { readonly kind: 'label'; readonly value: string }
  /** The pass spends: no withdrawal, no carving, no macaroon for a top-up (threats L14). */
  | { readonly kind: 'only'; readonly value: 'spend' }

/** `reserved_caveat`: it is well written, and this version does not serve it yet (threats L8). */
export type CaveatRefused = 'malformed_caveat' | 'unknown_caveat' | 'reserved_caveat'

/** `detail` is a message for the author of the caveat. It repeats nothing of the caveat. */
export interface CaveatProblem {
  readonly why: CaveatRefused
  readonly detail: string
}

interface Grammar {
  readonly operator: '=' | '<='
  readonly takes: string
  read(value: string): Caveat | 'reserved' | null
}

const WINDOWS: readonly string[] = [
  'req',
  'min',
  'hour',
  'day',
  'month',
  'total',
] satisfies Window[]
const SPEND_PLACES = 3
/**
 * The largest limits. `spend`: all bitcoins that there will ever be, in msat. Others: what a 64-bit
 * counter surely holds.
 */
const MOST = { spend: 2_100_000_000_000_000_000n, count: 1_000_000_000_000_000n }
const MOST_CHARACTERS = 2048
/** How many caveats one request may ask for. The holder of the pass still has room for more. */
const MOST_AT_ONCE = { caveats: 16, bytes: 1536 }

/**
 * Control characters, format characters and line ends. A caveat with one of them is refused,
 * because they move the cursor of a terminal.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const SENTENCE = /^([a-z_]+) *(<=|=) *(.*)$/

const GRAMMARS: ReadonlyMap<string, Grammar> = new Map<string, Grammar>([
  ['expires', { operator: '=', takes: 'an RFC 3339 time', read: readExpires }],
  ['path', { operator: '=', takes: 'paths like /v1/chat/*', read: list('path', isPathGlob) }],
  ['method', { operator: '=', takes: 'methods like POST', read: list('method', /^[A-Z]{1,16}$/) }],
  ['model', { operator: '=', takes: 'models like llama*', read: list('model', /^[^\s,]+$/u) }],
  ['spend', limit('spend', `sats with at most ${SPEND_PLACES} decimals`)],
  ['calls', limit('calls', 'a whole number')],
  ['tokens', limit('tokens', 'a whole number')],
  ['id', { operator: '=', takes: '1 to 64 letters, digits, - or _', read: readId }],
  ['label', { operator: '=', takes: '1 to 64 characters', read: readLabel }],
  ['preimage', { operator: '=', takes: '64 hex digits', read: readPreimage }],
  ['only', { operator: '=', takes: 'the word spend', read: readOnly }],
  ['tool', { operator: '=', takes: 'tools like search_*', read: readTool }],
  ['seconds', reservedLimit('a whole number')],
])
/** Words that are read, so that a pass made for a later version says why it is refused. */
const RESERVED: readonly string[] = ['tool', 'seconds']
const SERVED = [...GRAMMARS.keys()].filter((name) => !RESERVED.includes(name))

/**
 * Reads one caveat. A text that does not fit the grammar exactly is refused, because a guess could
 * widen a pass.
 */
export function parseCaveat(text: string): Result<Caveat, CaveatProblem> {
  const refuse = (why: CaveatRefused, detail: string) => err({ why, detail })
  if (text.length > MOST_CHARACTERS) return refuse('malformed_caveat', 'a caveat is too long')
  if (INVISIBLE.test(text)) {
    return refuse('malformed_caveat', 'a caveat has control or invisible characters')
  }
  const name = /^[a-z_]+/.exec(text)?.[0] ?? ''
  const grammar = GRAMMARS.get(name)
  if (grammar === undefined) {
    return refuse('unknown_caveat', `a caveat starts with one of ${SERVED.join(', ')}`)
  }
  const [, , operator, value] = SENTENCE.exec(text) ?? []
  const caveat =
    operator === grammar.operator && value !== undefined && value === value.trim()
      ? grammar.read(value)
      : null
  if (caveat === 'reserved') {
    const word = RESERVED.find((one) => one === name) ?? 'a limit per week'
    return refuse('reserved_caveat', `${word} is not served here yet`)
  }
  if (caveat !== null) return ok(caveat)
  return refuse('malformed_caveat', `${name} ${grammar.operator} takes ${grammar.takes}`)
}

/** Writes a caveat in its canonical form. `parseCaveat` reads the same caveat from it. */
export function printCaveat(caveat: Caveat): string {
  switch (caveat.kind) {
    case 'expires':
      return `expires = ${writeTime(caveat.at)}`
    case 'path':
    case 'method':
    case 'model':
      return `${caveat.kind} = ${caveat.any.join(',')}`
    case 'preimage':
      return `preimage = ${caveat.hex}`
    case 'limit':
      return printLimit(caveat)
    case 'id':
    case 'label':
    case 'only':
      return `${caveat.kind} = ${caveat.value}`
  }
}

/** `spend <= 0.5 / day`. The window `total` is left out. */
export function printLimit({ unit, window, max }: Omit<Limit, 'meter'>): string {
  const size = unit === 'spend' ? formatDecimal(max, SPEND_PLACES) : max.toString()
  return `${unit} <= ${size}${window === 'total' ? '' : ` / ${window}`}`
}

/**
 * Writes caveats from outside in their canonical form, or says what is wrong with the first wrong
 * one. They must be few and short, so that a macaroon with them is accepted and can be narrowed
 * further. If `now` (in ms) is given, an expiry in the past is wrong too, because somebody is about
 * to pay for it.
 */
export function canonicalCaveats(
  texts: readonly string[],
  now = Number.NEGATIVE_INFINITY,
): Result<readonly string[], CaveatProblem> {
  const most = MOST_AT_ONCE
  const tooMany = err({
    why: 'malformed_caveat',
    detail: `at most ${most.caveats} caveats of ${most.bytes} bytes together`,
  } as const)
  if (texts.length > most.caveats) return tooMany
  const written: string[] = []
  for (const text of texts) {
    const caveat = parseCaveat(text)
    if (!caveat.ok) return caveat
    if (caveat.value.kind === 'expires' && caveat.value.at <= now) return err(OVER)
    written.push(printCaveat(caveat.value))
  }
  return Buffer.byteLength(written.join('')) > most.bytes ? tooMany : ok(written)
}

const OVER = {
  why: 'malformed_caveat',
  detail: 'the time in expires is over, so nobody could ever use this pass',
} as const

function readExpires(value: string): Caveat | null {
  const at = readTime(value)
  return at === null ? null : { kind: 'expires', at }
}

function isPathGlob(value: string): boolean {
  return isPlainPath(value.replaceAll('*', '-'))
}

/**
 * Reads values that are separated by commas. An empty value is refused, because it is a typing
 * mistake.
 */
function list(
  kind: 'path' | 'method' | 'model',
  element: RegExp | ((value: string) => boolean),
): (value: string) => Caveat | null {
  const fits = typeof element === 'function' ? element : (value: string) => element.test(value)
  return (value) => {
    const any = value.split(',').map((part) => part.trim())
    return any.every(fits) ? { kind, any } : null
  }
}

function limit(unit: Unit, takes: string): Grammar {
  const places = unit === 'spend' ? SPEND_PLACES : 0
  const most = unit === 'spend' ? MOST.spend : MOST.count
  return {
    operator: '<=',
    takes: `${takes}, then nothing or / ${WINDOWS.join('|')}`,
    read(value) {
      const [size = '', window = 'total', ...more] = value.split('/').map((part) => part.trim())
      const max = parseDecimal(size, places)
      if (!max.ok || max.value > most || more.length > 0) return null
      if (window === 'week') return 'reserved'
      if (!isWindow(window)) return null
      return { kind: 'limit', unit, window, max: max.value }
    },
  }
}

/** A limit in a unit that this version does not count yet. */
function reservedLimit(takes: string): Grammar {
  const grammar = limit('calls', takes)
  return { ...grammar, read: (value) => grammar.read(value) && 'reserved' }
}

/** Which tools of an MCP server may be called. */
function readTool(value: string): 'reserved' | null {
  return value.split(',').every((part) => /^[^\s,]+$/u.test(part.trim())) ? 'reserved' : null
}

const isWindow = (text: string): text is Window => WINDOWS.includes(text)

function readId(value: string): Caveat | null {
  return /^[A-Za-z0-9_-]{1,64}$/.test(value) ? { kind: 'id', value } : null
}

function readLabel(value: string): Caveat | null {
  return value !== '' && [...value].length <= 64 ? { kind: 'label', value } : null
}

function readOnly(value: string): Caveat | null {
  return value === 'spend' ? { kind: 'only', value } : null
}

function readPreimage(value: string): Caveat | null {
  return /^[0-9a-fA-F]{64}$/.test(value) ? { kind: 'preimage', hex: value.toLowerCase() } : null
}
