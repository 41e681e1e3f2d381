import { isIP } from 'node:net'

/** An address in one spelling: IPv4 where it is one in disguise, no zone, no port. */
export interface Ip {
  readonly text: string
  readonly family: 'ipv4' | 'ipv6'
}

/** Reads `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]:80`, `fe80::1%eth0` and `::ffff:1.2.3.4`; null for the rest. */
export function canonicalIp(text: string): Ip | null {
  const bare = withoutPort(text.trim()).replace(/%.*$/, '')
  if (isIP(bare) === 4) return { text: bare, family: 'ipv4' }
  if (isIP(bare) !== 6) return null
  const groups = groupsOf(bare)
  // IPv4-mapped (RFC 4291 2.5.5.2): the same host as over IPv4.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6)
    return { text: [high >> 8, high & 255, low >> 8, low & 255].join('.'), family: 'ipv4' }
  }
  return { text: groups.map((group) => group.toString(16)).join(':'), family: 'ipv6' }
}

/** Whose address it is: IPv4 whole, IPv6 by its /64, which is one customer (RFC 6177). */
export function networkOf(ip: Ip): string {
  return ip.family === 'ipv4' ? ip.text : ip.text.split(':').slice(0, 4).join(':')
}

/** The largest network that one customer is given: IPv4 whole, IPv6 by its /48 (RFC 6177). */
export function siteOf(ip: Ip): string {
  return ip.family === 'ipv4' ? ip.text : `${ip.text.split(':').slice(0, 3).join(':')}::/48`
}

function withoutPort(text: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(text)
  if (bracketed?.[1] !== undefined) return bracketed[1]
  return /^[\d.]+:\d+$/.test(text) ? text.replace(/:\d+$/, '') : text
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const [, start = '', a, b, c, d] = dotted ?? []
  const pair = (x: string | undefined, y: string | undefined) =>
    (Number(x) * 256 + Number(y)).toString(16)
  const plain = dotted === null ? text : `${start}${pair(a, b)}:${pair(c, d)}`
  const [left = '', right] = plain.split('::')
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((g) => Number(`0x${g}`)))
  const before = parse(left)
  const after = parse(right ?? '')
  const zeros = right === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<number>(zeros).fill(0), ...after]
}
