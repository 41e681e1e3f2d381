/** Why a backend cannot be spoken to, in the kinds that an operator mends differently. */
export type Unreachable =
  | 'refused'
  | 'unknown_host'
  | 'certificate'
  | 'tls'
  /** The connection opens, and no answer comes: it may only be busy. */
  | 'silent'
  | 'no_answer'

const CERTIFICATE =
  /SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|CERT_|HOSTNAME_MISMATCH|ERR_TLS_CERT|certificate/
const TLS = /EPROTO|ERR_SSL|ERR_TLS|SSL routines/

/** Sorts what a connection failed with: an error's code and message, as `getJson` gives them. */
export function whyUnreachable(detail: string): Unreachable {
  if (/^no answer within/.test(detail)) return 'silent'
  if (/ECONNREFUSED/.test(detail)) return 'refused'
  if (/ENOTFOUND|EAI_/.test(detail)) return 'unknown_host'
  if (CERTIFICATE.test(detail)) return 'certificate'
  return TLS.test(detail) ? 'tls' : 'no_answer'
}

/** The code of a certificate that was not accepted, `DEPTH_ZERO_SELF_SIGNED_CERT`. */
const codeIn = (detail: string): string =>
  /\b[A-Z][A-Z_]{6,}\b/.exec(detail)?.[0] ?? 'no reason given'

/** What an operator is told: what is wrong at `url`, and what helps. */
export function helpWith(detail: string, url: URL): string {
  const { host, hostname } = url
  switch (whyUnreachable(detail)) {
    case 'refused':
      return `nothing listens at ${host}`
    case 'unknown_host':
      return `the host name ${hostname} is not known`
    case 'certificate':
      return `${host} has a certificate that is not accepted (${codeIn(detail)}): ${certificateHelp(detail)}`
    case 'tls':
      return `${host} does not speak TLS as it should (${codeIn(detail)}): is it http:// rather than https://?`
    case 'silent':
      return `${url.href} does not answer in time`
    case 'no_answer':
      return `nobody answers at ${host}`
  }
}

function certificateHelp(detail: string): string {
  if (/EXPIRED/.test(detail)) return 'it has expired, renew it'
  if (/NOT_YET_VALID/.test(detail)) return 'it is not valid yet, look at the clocks'
  if (/ALTNAME|HOSTNAME_MISMATCH/.test(detail)) return 'name the host as its certificate does'
  return 'start satgate with NODE_EXTRA_CA_CERTS=/path/to/ca.pem, the certificate that signed it'
}
