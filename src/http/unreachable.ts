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
      return `nothing listens at ${host}: ${startHelp(url)}`
    case 'unknown_host':
      return `the host name ${hostname} is not known: is it spelled right, and does this machine have DNS?`
    case 'certificate':
      return `the certificate of ${host} is not trusted (${codeIn(detail)}): ${certificateHelp(detail)}`
    case 'tls':
      return `${host} does not speak TLS as it should (${codeIn(detail)}): is it http:// rather than https://?`
    case 'silent':
      return `${url.href} takes the connection and does not answer in time: it may be busy, or loading a model`
    case 'no_answer':
      return noAnswer(detail, host)
  }
}

/** What usually listens at a port, and how it is started. */
const USUAL: Readonly<Record<string, string>> = {
  11434: 'is Ollama running? Start it with: ollama serve',
  8000: 'is vLLM running?',
  1234: 'is the server of LM Studio running? Start it with: lms server start',
  8080: 'is llama-server running?',
}

const startHelp = ({ port }: URL): string =>
  USUAL[port] ?? 'is the model server running, and is that its port?'

function noAnswer(detail: string, host: string): string {
  if (/no connection within|TIMEDOUT|TIMEOUT/.test(detail)) {
    return `${host} takes no connection in time: is the address right, or is a firewall between?`
  }
  if (/EHOSTUNREACH|ENETUNREACH/.test(detail)) {
    return `the network has no way to ${host}: is the address right, and is that machine up?`
  }
  if (/ECONNRESET|EPIPE|UND_ERR_SOCKET|other side closed/.test(detail)) {
    return `${host} closes the connection without an answer: does it speak HTTP at that port?`
  }
  return `nobody answers at ${host}`
}

function certificateHelp(detail: string): string {
  if (/EXPIRED/.test(detail)) return 'it has expired, renew it'
  if (/NOT_YET_VALID/.test(detail)) return 'it is not valid yet, look at the clocks'
  if (/ALTNAME|HOSTNAME_MISMATCH/.test(detail)) return 'name the host as its certificate does'
  return 'start satgate with NODE_EXTRA_CA_CERTS=/path/to/ca.pem, the certificate that signed it'
}
