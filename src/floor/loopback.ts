import { isIP } from 'node:net'

/** A name, or an IPv4 address in any spelling that systems take. */
const NAME = /^[A-Za-z0-9._-]{1,253}$/

/**
 * Whether a host is this very machine: `localhost`, 127.0.0.0/8 or ::1, in brackets or not, with a dot
 * at its end, mapped into IPv6, or in an old spelling such as `127.1`. A name that only looks so is
 * somebody else's machine (`127.0.0.1.example.com`), and so may be one below `localhost`: not every
 * system keeps those to itself.
 */
export function isLoopback(host: string): boolean {
  const bare = /^\[(.*)\]$/.exec(host)?.[1]
  const v6 = isIP(bare ?? host) === 6 ? (bare ?? host) : null
  if (v6 === null && (bare !== undefined || !NAME.test(host))) return false
  // The URL standard's parser knows every spelling of an address, and makes it one.
  const name =
    URL.parse(`http://${v6 === null ? host : `[${v6}]`}`)?.hostname.replace(/\.$/, '') ?? ''
  return name === 'localhost' || IPV4.test(name) || IPV6.test(name)
}

const IPV4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/
const IPV6 = /^\[::(?:1|ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4})\]$/
