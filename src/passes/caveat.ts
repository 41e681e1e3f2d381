import { err, ok, type Result } from '../floor/result.ts'
import type { Limit, Unit, Window } from '../ledger/ledger.ts'
import { formatDecimal, parseDecimal } from '../money/parse.ts'
import type { Rule } from './pass.ts'
import { isPlainPath } from './plain-path.ts'
import { readTime, writeTime } from './time.ts'

/** One sentence of a pass. A `spend` limit is in msat, the others in their own unit. */
export type Caveat =
  | Rule
  | ({ readonly kind: 'limit' } & Omit<Limit, 'meter'>)
  /** Random: two children made alike are two passes. */
  | { readonly kind: 'id'; readonly value: string }
  /** For people. No meaning to the gate. */
  | { readonly kind: 'label'; readonly value: string }

export type CaveatRefused = 'malformed_caveat' | 'unknown_caveat'

/** `detail` is for whoever wrote the caveat, and repeats none of it. */
export interface CaveatProblem {
  readonly why: CaveatRefused
  readonly detail: string
}

interface Grammar {
  readonly operator: '=' | '<='
  readonly takes: string
  read(value: string): Caveat | null
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
/** Every coin in msat for `spend`; what a 64-bit counter surely holds for the others. */
const MOST = { spend: 2_100_000_000_000_000_000n, count: 1_000_000_000_000_000n }
const MOST_CHARACTERS = 2048
/** What a caller may ask for in one go. Leaves its holder room for caveats of their own. */
const MOST_AT_ONCE = { caveats: 16, bytes: 1536 }

/** Control and format characters, line ends of every script: nothing that moves a cursor. */
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
])

/** Reads one caveat. Whatever is not exactly of the grammar refuses: a guess could widen a pass. */
export function parseCaveat(text: string): Result<Caveat, CaveatProblem> {
  const refuse = (why: CaveatRefused, detail: string) => err({ why, detail })
  if (text.length > MOST_CHARACTERS) return refuse('malformed_caveat', 'a caveat is too long')
  if (INVISIBLE.test(text)) {
    return refuse('malformed_caveat', 'a caveat has control or invisible characters')
  }
  const name = /^[a-z_]+/.exec(text)?.[0] ?? ''
  if (name === 'seconds') {
    return refuse('unknown_caveat', 'a limit in seconds cannot be metered by this version')
  }
  const grammar = GRAMMARS.get(name)
  if (grammar === undefined) {
    return refuse(
      'unknown_caveat',
      `a caveat starts with one of ${[...GRAMMARS.keys()].join(', ')}`,
    )
  }
  const [, , operator, value] = SENTENCE.exec(text) ?? []
  const caveat =
    operator === grammar.operator && value !== undefined && value === value.trim()
      ? grammar.read(value)
      : null
  if (caveat !== null) return ok(caveat)
  return refuse('malformed_caveat', `${name} ${grammar.operator} takes ${grammar.takes}`)
}

/** The one spelling that is written. `parseCaveat` of it is the same caveat. */
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
      return `${caveat.kind} = ${caveat.value}`
  }
}

/** `spend <= 0.5 / day`; a limit without a window is `/ total`. */
export function printLimit({ unit, window, max }: Omit<Limit, 'meter'>): string {
  const size = unit === 'spend' ? formatDecimal(max, SPEND_PLACES) : max.toString()
  return `${unit} <= ${size}${window === 'total' ? '' : ` / ${window}`}`
}

/**
 * Caveats from outside in their canonical spelling, or what is wrong with the first that is wrong.
 * Few and short enough that a macaroon made with them is accepted and can be narrowed further. With
 * `now`, in ms, a time that is over is wrong: somebody is about to pay for it.
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

/** One of several by commas; an empty one is a slip, and refuses. */
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
      if (!max.ok || max.value > most || more.length > 0 || !isWindow(window)) return null
      return { kind: 'limit', unit, window, max: max.value }
    },
  }
}

const isWindow = (text: string): text is Window => WINDOWS.includes(text)

function readId(value: string): Caveat | null {
  return /^[A-Za-z0-9_-]{1,64}$/.test(value) ? { kind: 'id', value } : null
}

function readLabel(value: string): Caveat | null {
  return value !== '' && [...value].length <= 64 ? { kind: 'label', value } : null
}

function readPreimage(value: string): Caveat | null {
  return /^[0-9a-fA-F]{64}$/.test(value) ? { kind: 'preimage', hex: value.toLowerCase() } : null
}
