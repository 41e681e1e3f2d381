import { nearest } from '../floor/nearest.ts'
import { parseDecimal } from '../money/parse.ts'
import type { X402Header, X402Settings } from './config.ts'
import { type Entry, type Node, placeText, quote, type RecordNode } from './node.ts'
import { secretKey, secretText } from './read-secret.ts'
import { isTrusted } from './read-x402.ts'
import { anyUrl, baseUrl, type Reader, type Reading, textOf } from './reader.ts'
import { Secret } from './secret.ts'

type Facilitator = X402Settings['facilitator']

const REMOTE = ['url', 'headers'] as const
const OWN = ['rpc', 'key', 'usdPerEth'] as const
const FORMS =
  '{ url: https://…, headers: { NAME: { env: VARIABLE } } }, or { rpc: https://…, key: { file: PATH }, usdPerEth: 3000 }'

/**
 * Who settles payments in dollars. A URL, or a URL with headers whose values are secrets; or the gate
 * itself, with a node of the chain and a key that pays for the transactions.
 */
export const facilitator: Reader<Facilitator> = (node, reading) => {
  if (node.is === 'text') return remote(node, undefined, reading)
  if (node.is !== 'record') return reading.mistake(node.at, `write a URL, or ${FORMS}`)
  if (!known(node, reading)) return undefined
  const { headers, key, rpc, url, usdPerEth } = partsOf(node)
  const isOwn = rpc !== undefined || key !== undefined || usdPerEth !== undefined
  if (isOwn && (url !== undefined || headers !== undefined)) {
    return reading.mistake(node.at, 'is either a service (url) or this gate itself (rpc): keep one')
  }
  if (isOwn) return own(node, { rpc, key, usdPerEth }, reading)
  if (url === undefined) return reading.mistake(node.at, `url is missing: write ${FORMS}`)
  return remote(url, headers, reading)
}

function known(node: RecordNode, reading: Reading): boolean {
  const names: readonly string[] = [...REMOTE, ...OWN]
  const odd = node.entries.filter(({ key }) => !names.includes(key))
  for (const { at, key } of odd) {
    const near = nearest(key, names)
    const meant = near === null ? `its keys are ${names.join(', ')}` : `did you mean ${near}?`
    reading.mistake(at, `a facilitator has no ${quote(key)}; ${meant}`)
  }
  return odd.length === 0
}

type Part = Node | undefined

function partsOf(node: RecordNode): Partial<Record<string, Node>> {
  const given = node.entries.filter(({ value }) => value.is !== 'nothing')
  return Object.fromEntries(given.map(({ key, value }) => [key, value]))
}

function remote(url: Node, headers: Part, reading: Reading): Facilitator | undefined {
  const address = trusted(baseUrl, url, reading)
  const read = headers === undefined ? [] : readHeaders(headers, reading)
  if (address === undefined || read === undefined) return undefined
  return { is: 'remote', url: address, headers: read }
}

function own(
  node: RecordNode,
  { key, rpc, usdPerEth }: Record<(typeof OWN)[number], Part>,
  reading: Reading,
): Facilitator | undefined {
  const missing = OWN.filter((name) => ({ rpc, key, usdPerEth })[name] === undefined)
  if (rpc === undefined || key === undefined || usdPerEth === undefined) {
    return reading.mistake(
      node.at,
      `a gate that settles itself needs rpc, key and usdPerEth: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
    )
  }
  const address = nodeUrl(rpc, reading)
  const secret = secretKey(key, reading)
  const rate = ethRate(usdPerEth, reading)
  if (address === undefined || secret === undefined || rate === undefined) return undefined
  return { is: 'own', rpc: address, key: secret, usdPerEth: rate }
}

/** Providers put their key into the path of the URL, so it is a secret even if it is written out. */
function nodeUrl(node: Node, reading: Reading): Secret | undefined {
  if (node.is === 'text') {
    const url = trusted(anyUrl, node, reading)
    return url === undefined ? undefined : new Secret(url, placeText(node.at))
  }
  const secret = secretText(node, reading)
  if (secret === undefined) return undefined
  const text = secret.reveal()
  if (/^https?:\/\//.test(text) && URL.canParse(text) && isTrusted(text)) return secret
  return reading.mistake(node.at, `${secret.from} does not hold the https:// URL of a node`)
}

function trusted(read: Reader<string>, node: Node, reading: Reading): string | undefined {
  const url = read(node, reading)
  if (url === undefined || isTrusted(url)) return url
  return reading.mistake(
    node.at,
    'http:// is not safe for money: use https://, or a service on this machine or in your own network',
  )
}

/** Dollars for one ether, from 1 to 10 million. */
function ethRate(node: Node, reading: Reading): number | undefined {
  const text = textOf(node, reading)
  if (text === undefined) return undefined
  const value = parseDecimal(text, 2)
  const rate = value.ok ? Number(value.value) / 100 : 0
  if (rate >= 1 && rate <= 10_000_000) return rate
  return reading.mistake(node.at, `${quote(text)} is not what one ether costs in dollars, as 3000`)
}

/** RFC 9110 5.6.2. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,100}$/
/** Those that the gate writes itself, or that steer the connection. */
const OURS = /^(?:host|accept|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect)$/i

function readHeaders(node: Node, reading: Reading): readonly X402Header[] | undefined {
  if (node.is !== 'record') {
    return reading.mistake(node.at, 'headers are written as { Authorization: { env: NAME } }')
  }
  const names = node.entries.map(({ key }) => key.toLowerCase())
  const read = node.entries.map((entry, at) => {
    if (names.indexOf(entry.key.toLowerCase()) < at) {
      return reading.mistake(entry.at, `the header ${quote(entry.key)} is there twice`)
    }
    return header(entry, reading)
  })
  return read.every((one) => one !== undefined) ? read : undefined
}

function header({ at, key, value }: Entry, reading: Reading): X402Header | undefined {
  if (!HEADER_NAME.test(key))
    return reading.mistake(at, `${quote(key)} is not the name of a header`)
  if (OURS.test(key)) return reading.mistake(at, `the header ${quote(key)} is written by the gate`)
  const secret = secretText(value, reading)
  return secret === undefined ? undefined : { name: key, value: secret }
}
