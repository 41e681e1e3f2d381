import { nearest } from '../floor/nearest.ts'
import { type Node, quote, type RecordNode } from './node.ts'
import { secretLine } from './read-secret.ts'
import { apiUrl, type Reader, type Reading } from './reader.ts'
import type { Secret } from './secret.ts'

/** A backend, and its key if one is written beside its URL. */
export interface UpstreamSettings {
  readonly url: string
  readonly key: Secret | null
}

const KEYS = ['name', 'url', 'key', 'models', 'weight'] as const

/** A URL, or a list of backends. Only the first one is used. */
export const upstream: Reader<UpstreamSettings> = (node, reading) => {
  if (node.is === 'list') {
    if (node.items.length === 0)
      return reading.mistake(node.at, 'the list is empty: name a backend')
    const [first] = node.items.map((item) => backend(item, reading))
    return first
  }
  const url = baseUrl(node, reading)
  return url === undefined ? undefined : { url, key: null }
}

/** The path of a single endpoint. People copy it together with the address of the backend. */
const ENDPOINT = /\/(?:chat\/completions|completions|embeddings|models)$/

const baseUrl: Reader<string> = (node, reading) => {
  const url = apiUrl(node, reading)
  const endpoint = url === undefined ? null : ENDPOINT.exec(new URL(url).pathname)
  if (endpoint === null) return url
  return reading.mistake(node.at, `the URL ends in ${endpoint[0]}: leave that out`)
}

function backend(node: Node, reading: Reading): UpstreamSettings | undefined {
  if (node.is !== 'record') return upstream(node, reading)
  for (const { key, at } of node.entries) {
    if (KEYS.some((name) => name === key)) continue
    const near = nearest(key, KEYS)
    const meant = near === null ? `its keys are ${KEYS.join(', ')}` : `did you mean ${near}?`
    reading.mistake(at, `a backend has no ${quote(key)}; ${meant}`)
  }
  const url = part(node, 'url')
  const key = part(node, 'key')
  if (url === undefined)
    return reading.mistake(node.at, 'url is missing: each backend of the list needs one')
  const read = baseUrl(url, reading)
  const secret = key === undefined ? null : (secretLine(key, reading) ?? null)
  return read === undefined ? undefined : { url: read, key: secret }
}

const part = (node: RecordNode, name: string): Node | undefined =>
  node.entries.find(({ key, value }) => key === name && value.is !== 'nothing')?.value
