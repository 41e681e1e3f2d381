/** Why somebody else's service could not be asked, in the kinds that an operator mends differently. */
export type Why =
  | 'refused'
  | 'unknown_host'
  | 'no_lookup'
  | 'no_connection'
  | 'no_way'
  | 'hung_up'
  | 'untrusted'
  | 'expired'
  | 'not_yet_valid'
  | 'another_name'
  | 'no_tls'
  /** The connection opens and no answer comes in time. */
  | 'silent'
  | 'too_large'
  /** The caller has closed the client. */
  | 'closed'
  | 'failed'

export interface Failure {
  readonly why: Why
  /** What the connection failed with, such as `ECONNREFUSED`, or how long was waited. May be empty. */
  readonly code: string
}

const CODES: Readonly<Record<string, Why>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'unknown_host',
  EAI_AGAIN: 'no_lookup',
  ETIMEDOUT: 'no_connection',
  UND_ERR_CONNECT_TIMEOUT: 'no_connection',
  EHOSTUNREACH: 'no_way',
  ENETUNREACH: 'no_way',
  ECONNRESET: 'hung_up',
  EPIPE: 'hung_up',
  UND_ERR_SOCKET: 'hung_up',
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not_yet_valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'another_name',
  HOSTNAME_MISMATCH: 'another_name',
}
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|CERT_/
const NO_TLS = /^(?:EPROTO|ERR_SSL|ERR_TLS)/

/** Sorts the code of a failed connection. */
export function failureOf(code: string): Failure {
  const known = Object.hasOwn(CODES, code) ? CODES[code] : undefined
  if (known !== undefined) return { why: known, code }
  if (UNTRUSTED.test(code)) return { why: 'untrusted', code }
  return { why: NO_TLS.test(code) ? 'no_tls' : 'failed', code }
}

/** Sorts what a call has thrown. Null if it is no failure of a connection, but a mistake of ours. */
export function failureIn(error: unknown): Failure | null {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ('code' in each && typeof each.code === 'string') return failureOf(each.code)
  }
  return null
}

const NO_CA =
  'start satgate with NODE_EXTRA_CA_CERTS=/path/to/ca.pem, the certificate that signed it'

/**
 * What is wrong, and what helps. With an address the text names the service; without one it goes
 * behind a text that has named it. Callers that know more put their own words in place of some.
 */
export function explain({ why, code }: Failure, address: URL | null = null): string {
  const it = address?.host ?? 'it'
  switch (why) {
    case 'refused':
      return address === null ? 'nothing listens there' : `nothing listens at ${it}`
    case 'unknown_host':
      return address === null
        ? 'its host name is not known'
        : `the host name ${address.hostname} is not known`
    case 'no_lookup':
      return 'its host name cannot be looked up: is this machine online?'
    case 'no_connection':
      return `${it} takes no connection in time: is the address right, or is a firewall between?`
    case 'no_way':
      return `the network has no way to ${it}: is the address right, and is that machine up?`
    case 'hung_up':
      return `${it} hung up`
    case 'untrusted':
      return untrusted(address, code, NO_CA)
    case 'expired':
      return untrusted(address, code, 'it has expired, renew it')
    case 'not_yet_valid':
      return untrusted(address, code, 'it is not valid yet, look at the clocks')
    case 'another_name':
      return untrusted(address, code, 'name the host as its certificate does')
    case 'no_tls':
      return `${it} does not speak TLS as it should (${code}): is it http:// rather than https://?`
    case 'silent':
      return `no answer in ${code}`
    case 'too_large':
      return `${it} answers with more than an answer can be`
    case 'closed':
      return `${it} is no longer used`
    case 'failed':
      return `the connection failed${code === '' ? '' : ` (${code})`}`
  }
}

const untrusted = (address: URL | null, code: string, help: string): string =>
  address === null
    ? `its TLS certificate is not trusted (${code}): ${help}`
    : `the certificate of ${address.host} is not trusted (${code}): ${help}`
