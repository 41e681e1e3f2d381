const NO_TRUST = (code: string): string =>
  `its TLS certificate is not trusted (${code}): start satgate with NODE_EXTRA_CA_CERTS=/path/to/ca.pem, the certificate that signed it`
const SLOW = 'it takes no connection in time: is the address right, or is a firewall between?'
const NO_WAY = 'the network has no way to it: is the address right, and is that machine up?'
const NO_TLS = 'it does not speak TLS there: is it http:// rather than https://?'

/** By the code that a connection failed with. "There" is the wallet's address, which is said beside it. */
const TROUBLES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it hung up',
  EPIPE: 'it hung up',
  UND_ERR_SOCKET: 'it hung up',
  ENOTFOUND: 'its host name is not known',
  EAI_AGAIN: 'its host name cannot be looked up: is this machine online?',
  ETIMEDOUT: SLOW,
  UND_ERR_CONNECT_TIMEOUT: SLOW,
  EHOSTUNREACH: NO_WAY,
  ENETUNREACH: NO_WAY,
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  CERT_HAS_EXPIRED: 'its TLS certificate has expired',
  CERT_NOT_YET_VALID: 'its TLS certificate is not valid yet: is the clock of this machine right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for another name',
}
const UNTRUSTED =
  /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED/

/** Why a wallet's service could not be spoken to, and what helps. */
export function connectionTrouble(code: string): string {
  if (UNTRUSTED.test(code)) return NO_TRUST(code)
  return TROUBLES[code] ?? `the connection failed${code === '' ? '' : ` (${code})`}`
}
