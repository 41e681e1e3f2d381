import { resolvePath, shownPath, utf8, whyUnreadable } from './files.ts'
import { type Entry, type Node, quote, type TextNode } from './node.ts'
import { type Reader, type Reading, textOf } from './reader.ts'
import { Secret } from './secret.ts'

/**
 * Turns the bytes that were found into the text of the secret, or says what was expected instead.
 */
type Form = (bytes: Uint8Array) => string | { readonly wrong: string }

const FORMS = '{ file: PATH } or { env: NAME }'

/** One line of text: an API key. */
const line: Form = (bytes) => {
  const text = utf8(bytes)?.trim() ?? ''
  return /^[\x21-\x7e]{1,4096}$/.test(text) ? text : { wrong: 'does not hold a key on one line' }
}

/** One line of text with spaces in it: the value of a header, `Bearer …`. */
const text: Form = (bytes) => {
  const found = utf8(bytes)?.trim() ?? ''
  return /^[\x20-\x7e]{1,4096}$/.test(found) ? found : { wrong: 'does not hold one line of text' }
}

/** The private key of an EVM account: 64 hex digits. The result is in lower case, behind 0x. */
const evmKey: Form = (bytes) => {
  const found = /^(?:0x)?([\da-f]{64})$/i.exec(utf8(bytes)?.trim() ?? '')?.[1]
  if (found !== undefined && !/^0+$/.test(found)) return `0x${found.toLowerCase()}`
  return { wrong: 'does not hold a private key of 64 hex digits' }
}

/** A macaroon: bytes, as LND writes it, or hex, as people copy it. The result is hex. */
const macaroon: Form = (bytes) => {
  const text = utf8(bytes)?.trim() ?? ''
  if (/^([\da-f]{2}){16,4096}$/i.test(text)) return text.toLowerCase()
  // A macaroon of version 2 starts with this byte. One of version 1 starts with the length of its
  // first packet.
  const known = bytes[0] === 2 || /^00[\da-f]{2}location /.test(text)
  return known ? Buffer.from(bytes).toString('hex') : { wrong: 'does not hold a macaroon' }
}

/**
 * A secret: `{ file: PATH }`, `{ env: NAME }`, or the setting's own environment variable. A secret
 * that stands in the config file itself or on the command line is refused, and no message repeats
 * it (threats H7).
 */
const secretOf =
  (form: Form): Reader<Secret> =>
  (node, reading) => {
    if (node.is === 'text' && node.at.layer === 'env') {
      return formed(form, Buffer.from(node.text), { from: `env ${node.at.name}`, node, reading })
    }
    const entry = node.is === 'record' && node.entries.length === 1 ? node.entries[0] : undefined
    if (entry?.key === 'file') return fromFile(form, entry, reading)
    if (entry?.key === 'env') return fromEnv(form, entry, reading)
    return reading.mistake(node.at, `a secret is never written out here: write ${FORMS}`)
  }

export const secretLine: Reader<Secret> = secretOf(line)
export const secretMacaroon: Reader<Secret> = secretOf(macaroon)
export const secretText: Reader<Secret> = secretOf(text)
export const secretKey: Reader<Secret> = secretOf(evmKey)

interface Found {
  readonly from: string
  readonly node: Node
  readonly reading: Reading
}

function formed(form: Form, bytes: Uint8Array, { from, node, reading }: Found): Secret | undefined {
  const text = form(bytes)
  if (typeof text === 'string') return new Secret(text, from)
  return reading.mistake(node.at, `${from} ${text.wrong}`)
}

function fromEnv(form: Form, { value }: Entry, reading: Reading): Secret | undefined {
  const name = textOf(value, reading)
  if (name === undefined) return undefined
  reading.named.add(name)
  const text = Object.hasOwn(reading.env, name) ? reading.env[name] : undefined
  if (text === undefined || text === '') {
    return reading.mistake(value.at, `the environment variable ${quote(name)} is not set`)
  }
  return formed(form, Buffer.from(text), { from: `env ${name}`, node: value, reading })
}

function fromFile(form: Form, { value }: Entry, reading: Reading): Secret | undefined {
  const file = value.is === 'text' ? readNamed(value, reading) : undefined
  if (value.is !== 'text') return reading.mistake(value.at, `write ${FORMS}`)
  if (file === undefined) return undefined
  if ((file.mode & 0o077) !== 0) {
    const mode = file.mode.toString(8).padStart(4, '0')
    reading.note(value.at, `${file.shown} can be read by others (mode ${mode}): chmod 600 it`)
  }
  return formed(form, file.bytes, { from: `file ${file.shown}`, node: value, reading })
}

interface NamedFile {
  readonly bytes: Uint8Array
  readonly mode: number
  readonly shown: string
}

function readNamed(node: TextNode, reading: Reading): NamedFile | undefined {
  const path = resolvePath(node.text, node.at.folder, reading.home)
  const shown = shownPath(path, reading.cwd)
  try {
    return { ...reading.readFile(path), shown }
  } catch (cause) {
    return reading.mistake(node.at, `the file ${quote(shown)} ${whyUnreadable(cause)}`)
  }
}

/**
 * Reads a certificate from the file that is named, as PEM text. A certificate is public, so it is
 * no secret.
 */
export const certificate: Reader<string> = (node, reading) => {
  if (node.is !== 'text') return reading.mistake(node.at, 'the path of a PEM file is needed here')
  const file = readNamed(node, reading)
  if (file === undefined) return undefined
  const pem = utf8(file.bytes) ?? ''
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
  return reading.mistake(node.at, `the file ${quote(file.shown)} does not hold a PEM certificate`)
}

/** A folder of this machine, as an absolute path. */
export const folder: Reader<string> = (node, reading) => {
  const text = textOf(node, reading)
  return text === undefined ? undefined : resolvePath(text, node.at.folder, reading.home)
}
