import { createServer } from 'node:https'
import { describe, expect, it, onTestFinished } from 'vitest'
import { explain, failureOf } from '../../../src/outbound/failure.ts'
import { lnurlWeb } from '../../../src/wallets/lightning-address/lnurl-http.ts'
import { selfSigned } from '../../support/certificate.ts'
import { serve } from '../../support/serve.ts'
import { real } from '../../support/world.ts'

describe('why a service cannot be asked', () => {
  it.each([
    ['ECONNREFUSED', 'nothing listens there'],
    ['ENOTFOUND', 'its host name is not known'],
    ['EAI_AGAIN', 'is this machine online?'],
    ['UND_ERR_CONNECT_TIMEOUT', 'is a firewall between?'],
    ['EHOSTUNREACH', 'no way to it'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'http:// rather than https://'],
    ['CERT_NOT_YET_VALID', 'look at the clocks'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'name the host'],
    ['UND_ERR_SOCKET', 'it hung up'],
    ['EPROTO', 'does not speak TLS'],
    ['CERT_HAS_EXPIRED', 'has expired'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'NODE_EXTRA_CA_CERTS=/path/to/ca.pem'],
    ['EWHAT', 'the connection failed (EWHAT)'],
    ['', 'the connection failed'],
  ])('%j: %s', (code, words) => expect(explain(failureOf(code))).toContain(words))

  it('an untrusted certificate comes with the setting that helps', async () => {
    const tls = await serve(
      () => {},
      (listener) => createServer(selfSigned, listener) as never,
    )
    onTestFinished(() => tls.close())
    const url = `https://127.0.0.1:${tls.port}/`
    await expect(lnurlWeb(real, 2_000).get(url, url)).rejects.toThrow(
      /not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\): .*NODE_EXTRA_CA_CERTS/,
    )
  })
})
