/**
 * Hosts as they are in public: letters, digits, dashes and dots, the last part a word. So no
 * address is one, in no spelling: the last part of an IPv4 address begins with a digit, and an IPv6
 * address has colons. `localhost` has no dot. Nothing that two parsers read differently fits: no
 * credentials, no backslash, no space, no percent sign in the host.
 */
const PUBLIC_URL =
  /^https?:\/\/((?:[a-z0-9_-]{1,63}\.){1,10}[a-z][a-z0-9-]{1,62})(?::(?:80|443))?(?:[/?#][!-[\]-~]*)?$/i

/** The ends of names that lead into a network of one's own, not into the public (RFC 6761). */
const INSIDE =
  /\.(?:localhost|local|localdomain|internal|intranet|private|corp|home|lan|arpa|svc|onion|test|invalid)$/i

const LONGEST_URL = 4_096

/**
 * Whether a backend may be told to fetch a picture from there (threats G11): http or https, a name
 * in public, the usual port. Names are not looked up: the backend does that, so a name in public
 * that leads to a private address is for the backend's own network to stop.
 */
export function isPublicUrl(url: string): boolean {
  if (url.length > LONGEST_URL) return false
  const host = PUBLIC_URL.exec(url)?.[1]
  return host !== undefined && !INSIDE.test(host)
}
