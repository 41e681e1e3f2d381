import { endBefore, isOfNumber, nameOf, stringEnd, valueAfter } from './json-bytes.ts'
import { MOST_CONTAINERS, MOST_DEPTH, MOST_DIGITS, MOST_KEYS, MOST_VALUES } from './json-refusal.ts'
import { jsonBytes, ODD, SUMS, WRITTEN_OUT } from './worst-bytes.ts'

/** One `"key": value` of the outermost object, as offsets into the bytes. */
export interface Member {
  readonly key: string
  /** Where the key's quote stands. */
  readonly start: number
  /** Where the value begins. */
  readonly value: number
  /** Just behind the value. */
  readonly end: number
  /**
   * `jsonBytes` of what `JSON.stringify` writes of the value. Null if the bytes alone do not tell:
   * there are characters that are not ASCII, or escapes that nobody needs.
   */
  readonly json: number | null
  /** Some key inside the value may be one that was looked for. */
  readonly watched: boolean
}

/** What a scan is made for. */
export interface Purpose {
  /** The outermost key whose value is not counted as JSON: it is long, and read by itself. */
  readonly apart: string
  /** Keys that are looked for, in any spelling: see `watchFor`. */
  readonly watch: Watch
}

/** For each length of a key, one bit for each first letter. */
export type Watch = Int32Array

const LONGEST_WATCHED = 32

/** Looks for these names, which are ASCII and short. Upper and lower case are the same. */
export function watchFor(names: Iterable<string>): Watch {
  const watch = new Int32Array(LONGEST_WATCHED + 1)
  for (const name of names) {
    const mask = watch[name.length] ?? 0
    watch[name.length] = mask | (1 << (name.charCodeAt(0) & 31))
  }
  return watch
}

/** Nothing is looked for, and everything is counted. */
const ANY: Purpose = { apart: '', watch: watchFor([]) }

const SPACE = 0x20
const QUOTE = 0x22
const PLUS = 0x2b
const DOT = 0x2e
const SLASH = 0x2f
const COMMA = 0x2c
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const SMALL_E = 0x65
const SMALL_U = 0x75
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Objects with more keys than this get a set of their own. */
const FEW_KEYS = 16
/** A number of so many digits is written by `JSON.stringify` as it stands. */
const EXACT_DIGITS = 15
/** An odd number without a pattern in its bits. */
const FACTOR = 0x9e3779b1

/** For each open container: whether it is an object, where the hashes of its keys begin. */
const isObjects = new Uint8Array(MOST_DEPTH + 2)
const bases = new Int32Array(MOST_DEPTH + 2)
const sets: (Set<number> | null)[] = Array.from({ length: MOST_DEPTH + 2 }, () => null)
/** Hashes of the keys of all open objects, those of the innermost last. */
const hashes = new Int32Array((MOST_DEPTH + 2) * (FEW_KEYS + 1))

/**
 * One pass over the bytes of a JSON text: the places of its outermost members, and what they come
 * to. It works with hashes of keys and stops at the first sign of something to refuse, so that it
 * takes less time than the parser; `json-refusal.ts` says what it is. Accepts any bytes; what it
 * returns means something only if they are a JSON object.
 * @param sure there is nothing to refuse: two keys with the same hash are not the same
 * @returns null if there may be something to refuse. Never null if all is well and `sure`
 */
export function scan(bytes: Buffer, { apart, watch } = ANY, sure = false): Member[] | null {
  const size = bytes.length
  const members: Member[] = []
  let depth = 0
  let containers = 0
  let values = 0
  let isObject = false
  /** A string that comes now is a key. */
  let keyNext = false
  let base = 0
  let top = 0
  /** The outermost member that is being read. */
  let start = -1
  let key = ''
  let value = 0
  let counts = true
  let sum = 0
  let odd = false
  let watched = false
  for (let at = 0; at < size; ) {
    const c = bytes[at] as number
    if (c === QUOTE) {
      let end = at + 1
      if (keyNext) {
        keyNext = false
        let hash = 0
        let k = 0
        for (; end < size; end += 1) {
          k = bytes[end] as number
          const each = SUMS[k] as number
          if (each === ODD) {
            if (k === QUOTE || k === BACKSLASH) break
            // A key that is not ASCII may fold to any other.
            if (k !== PLUS) watched = true
            // Only `e+` counts for more.
            if (k !== PLUS || bytes[end - 1] === SMALL_E) odd = true
            sum += 1
          } else sum += each
          hash = (Math.imul(hash, FACTOR) + k) | 0
        }
        if (k === BACKSLASH) {
          odd = true
          watched = true
          end = stringEnd(bytes, at + 1) - 1
          hash = hashOfEscaped(bytes, at, end + 1)
        }
        const length = end - at - 1
        if (length <= LONGEST_WATCHED) {
          const first = (bytes[at + 1] as number) & 31
          if ((((watch[length] as number) >>> first) & 1) !== 0) watched = true
        }
        if (!sure) {
          for (let i = base; i < top; i += 1) if (hashes[i] === hash) return null
          if (top - base < FEW_KEYS) {
            hashes[top] = hash
            top += 1
          } else if (!isNew(depth, hash)) return null
        }
        at = end + 1
        sum += 2
        if (depth !== 1) continue
        start = at - length - 2
        key = nameOf(bytes, start, at)
        value = valueAfter(bytes, at)
        at = value
        counts = key !== apart
        sum = 0
        odd = false
        watched = false
      } else if (counts) {
        for (; end < size; end += 1) {
          const k = bytes[end] as number
          const each = SUMS[k] as number
          if (each !== ODD) sum += each
          else if (k === QUOTE) break
          else if (k === BACKSLASH) {
            end += 1
            sum += 2
            const next = bytes[end]
            if (next === SMALL_U || next === SLASH) odd = true
          } else if (k === PLUS) sum += bytes[end - 1] === SMALL_E ? 1 + WRITTEN_OUT : 1
          else odd = true
        }
        sum += 2
        at = end + 1
      } else at = stringEnd(bytes, end)
    } else if (c <= SPACE) {
      at += 1
      while (at < size && (bytes[at] as number) <= SPACE) at += 1
    } else if (c === COMMA) {
      values += 1
      keyNext = isObject
      if (depth === 1 && start !== -1) {
        const end = endBefore(bytes, at, value)
        members.push({ key, start, value, end, json: counts && !odd ? sum : null, watched })
        start = -1
      }
      sum += 3
      at += 1
    } else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      containers += 1
      if (containers > MOST_CONTAINERS) return null
      isObjects[depth] = isObject ? 1 : 0
      bases[depth] = base
      depth += 1
      if (depth > MOST_DEPTH) return null
      isObject = c === OPEN_OBJECT
      keyNext = isObject
      base = top
      sets[depth] = null
      sum += 2
      at += 1
    } else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) {
      if (depth === 0) return null
      if (depth === 1 && start !== -1) {
        const end = endBefore(bytes, at, value)
        members.push({ key, start, value, end, json: counts && !odd ? sum : null, watched })
        start = -1
      }
      depth -= 1
      top = base
      base = bases[depth] as number
      isObject = isObjects[depth] === 1
      keyNext = false
      sum += 2
      at += 1
    } else if (c >= ZERO && c <= NINE) {
      let end = at + 1
      let plain = true
      for (; end < size; end += 1) {
        const d = bytes[end] as number
        if (d >= ZERO && d <= NINE) continue
        if (!isOfNumber(d)) break
        plain = false
      }
      if (end - at > MOST_DIGITS) return null
      const minus = at > 0 && bytes[at - 1] === MINUS
      const asItIs = end - at <= EXACT_DIGITS && (plain || isFraction(bytes, at, end))
      if (!asItIs || (minus && c === ZERO)) {
        const from = minus ? at - 1 : at
        sum += rewritten(bytes.toString('latin1', from, end)) - (at - from)
      } else sum += end - at
      at = end
    } else {
      sum += c === COLON ? 2 : 1
      at += 1
    }
  }
  return values > MOST_VALUES ? null : members
}

/** Remembers the key of an object with many. False if it is known, or there are too many. */
function isNew(depth: number, hash: number): boolean {
  sets[depth] ??= new Set()
  const keys = sets[depth]
  if (keys.has(hash) || keys.size + FEW_KEYS === MOST_KEYS) return false
  keys.add(hash)
  return true
}

/** The hash that the key has if it is written without escapes. */
function hashOfEscaped(bytes: Buffer, from: number, to: number): number {
  let hash = 0
  for (const c of Buffer.from(nameOf(bytes, from, to))) hash = (Math.imul(hash, FACTOR) + c) | 0
  return hash
}

/**
 * Whether `JSON.stringify` writes this number of few digits as it stands, for example 0.7: a decimal
 * fraction without an exponent and without a zero at its end, that is not below 0.1.
 */
function isFraction(bytes: Buffer, from: number, to: number): boolean {
  if (bytes[from] === ZERO && bytes[from + 2] === ZERO) return false
  let dots = 0
  for (let at = from; at < to; at += 1) {
    const c = bytes[at] as number
    if (c === DOT) dots += 1
    else if (c < ZERO || c > NINE) return false
  }
  const last = bytes[to - 1]
  return dots === 1 && last !== ZERO && last !== DOT
}

/** `jsonBytes` of a number as `JSON.stringify` writes it. */
const rewritten = (raw: string): number => jsonBytes(JSON.stringify(Number(raw)))
