import { NEVER_PASSED } from '../dialects/kit/never-passed.ts'
import { isAddress, readNetwork } from '../floor/address.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { ReadFile } from './files.ts'
import { type Node, type Place, quote } from './node.ts'

/** What a reader needs: files, the environment, and a place to report mistakes. */
export interface Reading {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile: ReadFile
  readonly home: string
  readonly cwd: string
  /**
   * Environment variables that a setting names. They count as known even if they begin with
   * `SATGATE_`.
   */
  readonly named: Set<string>
  /** What the setting `wallet.kind` says. It decides what the other settings of a wallet mean. */
  readonly walletKind: string | null
  /** Reports a mistake. Returns undefined, so that a reader can return that. */
  mistake(at: Place, what: string): undefined
  /** Reports something that is no mistake, but that the operator wants to know. */
  note(at: Place, what: string): void
}

/**
 * Turns what was written into a value. If there are mistakes, it reports all of them and returns
 * undefined.
 */
export type Reader<T> = (node: Node, reading: Reading) => T | undefined

const NAMES = { text: 'text', nothing: 'nothing', list: 'a list', record: 'a record' } as const

/** The text of a single value. Reports a mistake if there is a list or a record instead. */
export function textOf(node: Node, reading: Reading): string | undefined {
  if (node.is === 'text') return node.text
  return reading.mistake(node.at, `one value is needed here, not ${NAMES[node.is]}`)
}

/** Makes a reader of single values from a function that reads their text. */
export const scalar =
  <T>(parse: (text: string) => Result<T, string>): Reader<T> =>
  (node, reading) => {
    const text = textOf(node, reading)
    if (text === undefined) return undefined
    const value = parse(text)
    return value.ok ? value.value : reading.mistake(node.at, `${quote(text)} ${value.error}`)
  }

/**
 * Makes a reader of single values. If `parse` returns null, the mistake says that it should be
 * `what`.
 */
export const fitting = <T>(what: string, parse: (text: string) => T | null): Reader<T> =>
  scalar((text) => {
    const value = parse(text)
    return value === null ? { ok: false, error: `is not ${what}` } : { ok: true, value }
  })

/** `error, warn, info or debug` */
export const anyOf = (words: readonly string[]): string =>
  words.join(', ').replace(/, ([^,]*)$/, ' or $1')

export const oneOf = <const T extends string>(...words: readonly T[]): Reader<T> =>
  fitting(anyOf(words), (text) => words.find((word) => word === text) ?? null)

export const flag: Reader<boolean> = fitting('true or false', (text) =>
  text === 'true' || text === 'false' ? text === 'true' : null,
)

export const wholeNumber = (least: number, most: number): Reader<number> =>
  fitting(`a whole number from ${least} to ${most}`, (text) => {
    if (!/^\d{1,15}$/.test(text)) return null
    const value = Number(text)
    return value >= least && value <= most ? value : null
  })

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
/** The longest time that a timer of Node accepts, about 24 days. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * `250ms`, `30s`, `5m`, `2h`, `1d`, in ms. A number without a unit is refused, because it could
 * mean any of them.
 */
export const duration: Reader<number> = fitting(
  'a time with its unit (ms, s, m, h or d), from 1ms to 24d',
  (text) => {
    const parts = /^(\d{1,10}) ?(ms|s|m|h|d)$/.exec(text)
    if (parts === null) return null
    const ms = Number(parts[1]) * MS[parts[2] as keyof typeof MS]
    return ms >= 1 && ms <= LONGEST_MS ? ms : null
  },
)

const BYTES = { b: 1, kb: 1024, mb: 1024 ** 2 } as const

/** `512kb`, `10mb`, in bytes. One kb is 1,024 bytes. */
export const size: Reader<number> = fitting(
  'a size with its unit (b, kb or mb), from 1kb to 512mb',
  (text) => {
    const parts = /^(\d{1,10}) ?(b|kb|mb)$/.exec(text.toLowerCase())
    if (parts === null) return null
    const bytes = Number(parts[1]) * BYTES[parts[2] as keyof typeof BYTES]
    return bytes >= 1024 && bytes <= 512 * BYTES.mb ? bytes : null
  },
)

/**
 * An `http://` or `https://` URL without a user name and password in it. Null for anything else.
 */
export function webAddress(text: string): URL | null {
  const url = /^https?:\/\/[^\s\\]+$/i.test(text) ? URL.parse(text) : null
  return url === null || url.username !== '' || url.password !== '' ? null : url
}

/** The message does not repeat a text with an `@`, because the part before it may be a password. */
const address = (what: string, parse: (url: URL) => string | null): Reader<string> => {
  return (node, reading) => {
    const text = textOf(node, reading)
    if (text === undefined) return undefined
    if (/^[^/?#]*:\/\/[^/?#]*@/.test(text)) {
      return reading.mistake(
        node.at,
        'the URL holds a user name or a password: take them out (a key of the backend goes into upstreamKey)',
      )
    }
    const url = webAddress(text)
    const value = url === null ? null : parse(url)
    const shown = text.includes('@') ? 'it' : quote(text)
    return value ?? reading.mistake(node.at, `${shown} is not ${what}`)
  }
}

/** `http://host:port/base`, without a slash at its end. */
export const baseUrl: Reader<string> = address('an http:// or https:// URL', (url) =>
  url.search === '' && url.hash === '' ? url.href.replace(/\/+$/, '') : null,
)

/**
 * The base URL of an API. If its path names a version, a query may follow, which some providers
 * want with every call.
 */
export const apiUrl: Reader<string> = address('an http:// or https:// URL', (url) => {
  if (url.hash !== '' || (url.search !== '' && !/\/v\d/i.test(url.pathname))) return null
  return url.search === '' ? url.href.replace(/\/+$/, '') : url.href
})

/** A URL that is used exactly as it is written, with its query. */
export const anyUrl: Reader<string> = address('an http:// or https:// URL', (url) => url.href)

/** `https://host`: the address under which others reach this gate. */
export const originUrl: Reader<string> = address(
  'an http:// or https:// URL without a path',
  (url) => (url.pathname === '/' && url.search === '' && url.hash === '' ? url.origin : null),
)

const HOST_NAME =
  /^(?=.{1,253}$)[a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*$/i

const isHost = (text: string): boolean =>
  isAddress(text) || (HOST_NAME.test(text) && !/^[\d.]+$/.test(text))

/** An address to listen on: a name, an IPv4 or an IPv6 address. */
export const host: Reader<string> = fitting('a host name or address', (text) => {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  return isHost(bare) ? bare : null
})

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:9464`, `[::1]:9464`, or only a port, which then belongs to 127.0.0.1. */
export const hostPort: Reader<HostPort> = fitting('an address and port', (text) => {
  const parts = /^(?:(?:\[([^\]]*)\]|([^:]*)):)?(\d{1,5})$/.exec(text)
  const name = parts?.[1] ?? parts?.[2] ?? '127.0.0.1'
  const port = Number(parts?.[3] ?? Number.NaN)
  return port <= 65_535 && isHost(name) ? { host: name, port } : null
})

/** An address or a network of them: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`. */
export const network: Reader<string> = fitting('an address, or a network as 10.0.0.0/8', (text) =>
  readNetwork(text) === null ? null : text,
)

/**
 * The name of a request field. Fields that make the backend produce more than was paid for, or
 * change the counted prompt, are refused.
 */
export const requestField: Reader<string> = scalar((text) => {
  if (!/^[A-Za-z_][\w.-]{0,63}$/.test(text))
    return err('is not the name of a request field, which has letters, digits, _, - and .')
  return NEVER_PASSED.has(text)
    ? err('must not pass to the backend: with it a buyer gets more than the price covers')
    : ok(text)
})

/** `*`, or a web origin as browsers send it. */
export const corsOrigin: Reader<string> = (node, reading) =>
  node.is === 'text' && node.text === '*' ? '*' : originUrl(node, reading)

/** Reads each value of a list. One value counts as a list of one, and commas separate several. */
export const listOf =
  <T>(each: Reader<T>): Reader<readonly T[]> =>
  (node, reading) => {
    const items = itemsOf(node)
    if (items === null)
      return reading.mistake(node.at, `a list is needed here, not ${NAMES[node.is]}`)
    const values = items.map((item) => each(item, reading))
    return values.every((value) => value !== undefined) ? values : undefined
  }

function itemsOf(node: Node): readonly Node[] | null {
  if (node.is === 'list') return node.items
  if (node.is !== 'text') return null
  const words = node.text.split(',').map((word) => word.trim())
  return words.map((text) => ({ is: 'text', text, at: node.at }))
}
