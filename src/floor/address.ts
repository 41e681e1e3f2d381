import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** An address in one spelling: IPv4 if it is IPv4 mapped into IPv6, without a zone and without a port. */
export type Ip = ReturnType<typeof ipaddr.process>

/**
 * Reads `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]:80`, `fe80::1%eth0` and `::ffff:1.2.3.4`. Returns
 * null for everything else, also for the old spellings of IPv4 that `ipaddr.js` would take, such as
 * `127.1`.
 */
export function readIp(text: string): Ip | null {
  const bare = withoutPort(text.trim()).replace(/%.*$/, '')
  return isIP(bare) === 0 ? null : parse(bare)
}

const parse = (address: string): Ip => ipaddr.process(withoutDots(address))

/**
 * `ipaddr.js` takes `::1.2.3.4` for the IPv4 address 1.2.3.4, which it is not. So IPv6 with dots is
 * written in hex first, by the parser of the URL standard.
 */
function withoutDots(address: string): string {
  const mixed = address.includes('.') && address.includes(':')
  return mixed ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
}

/** Whose address it is: an IPv4 address, or an IPv6 /64, which belongs to one customer (RFC 6177). */
export const networkOf = (ip: Ip): string => prefixOf(ip, 4)

/** The largest network that one customer is given: an IPv4 address, or an IPv6 /48 (RFC 6177). */
export const siteOf = (ip: Ip): string => prefixOf(ip, 3)

function prefixOf(ip: Ip, groups: number): string {
  if (!('parts' in ip)) return ip.toString()
  const start = ip.parts.slice(0, groups).map((group) => group.toString(16))
  return `${start.join(':')}::/${groups * 16}`
}

/** A network as `10.0.0.0/8`, or one address, which is a network of its own. */
export type Network = ReturnType<typeof ipaddr.parseCIDR>

/** Returns null for text that is neither an address nor a network. */
export function readNetwork(text: string): Network | null {
  const [address = '', bits, ...more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || address.includes('%') || more.length > 0) return null
  const longest = version === 4 ? 32 : 128
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > longest)) return null
  return [ipaddr.parse(withoutDots(address)), Number(bits ?? longest)]
}

/** An IPv4 address that is mapped into IPv6 is in the networks of both. */
export function isWithin(ip: Ip, network: Network): boolean {
  const [base] = network
  if (base.kind() === ip.kind()) return ip.match(network)
  return 'octets' in ip && ip.toIPv4MappedAddress().match(network)
}

/** Whether the text is an address in the one spelling that all systems read alike. */
export const isAddress = (text: string): boolean => isIP(text) !== 0

/** A name, or an IPv4 address in any spelling that systems take. */
const NAME = /^[A-Za-z0-9._-]{1,253}$/

/**
 * Whether a host is this very machine: `localhost`, 127.0.0.0/8 or ::1, in brackets or not, with a
 * dot at its end, mapped into IPv6, or in an old spelling such as `127.1`. A name that only looks
 * like that belongs to somebody else (`127.0.0.1.example.com`). So may a name below `localhost`:
 * not every system keeps those names to itself.
 */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const ip = addressIn(host)
  return ip === null ? nameIn(host) === 'localhost' : ip.range() === 'loopback'
}

/**
 * Whether a host cannot be a service of the public's: this machine, a name below `localhost`, or an
 * address in a private network (RFC 6890 and its additions). Names are not looked up.
 */
export function isPrivate(host: string): boolean {
  const ip = addressIn(host)
  return ip === null ? isLocalName(host) : PRIVATE.has(ip.range())
}

/** This machine, or a name that most systems keep to it (RFC 6761 6.3). Send no secret there. */
export const isLocalName = (host: string): boolean =>
  isLoopback(host) || /\.localhost\.?$/.test(host)

/** A Tor service. Tor encrypts the connection to it, so it needs no TLS. */
export const isOnion = (host: string): boolean => host.endsWith('.onion')

const PRIVATE: ReadonlySet<string> = new Set([
  ...['unspecified', 'loopback', 'private', 'linkLocal', 'carrierGradeNat', 'uniqueLocal'],
  // Two ways of writing an IPv4 address as IPv6. The third, `ipv4Mapped`, is read as IPv4 here.
  ...['rfc6052', 'rfc6145'],
])

/** The address that a host is, in any spelling that a URL may have; null for a name. */
function addressIn(host: string): Ip | null {
  const bare = /^\[(.*)\]$/.exec(host)?.[1]
  const v6 = bare ?? host
  if (isIP(v6) === 6) return v6.includes('%') ? null : parse(v6)
  if (bare !== undefined) return null
  const name = nameIn(host)
  return isIP(name) === 4 ? parse(name) : null
}

/** A host that is no IPv6 address, as the parser of the URL standard spells it: it knows every form of IPv4. */
const nameIn = (host: string): string =>
  NAME.test(host) ? (URL.parse(`http://${host}`)?.hostname.replace(/\.$/, '') ?? '') : ''

function withoutPort(text: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(text)
  if (bracketed?.[1] !== undefined) return bracketed[1]
  return /^[\d.]+:\d+$/.test(text) ? text.replace(/:\d+$/, '') : text
}
