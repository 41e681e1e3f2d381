import { createServer as createTls } from 'node:https'
import { afterEach, describe, expect, it } from 'vitest'
import { helpWith, whyUnreachable } from '../../../src/http/unreachable.ts'
import { selfSigned } from '../../support/certificate.ts'
import { Bench } from '../../support/hear.ts'
import { serve } from '../../support/serve.ts'

const bench = new Bench()
afterEach(() => bench.clean())

const failure = async (base: string): Promise<string> => {
  const answer = await bench.at(new URL(base)).getJson('/v1/models', 2_000)
  return answer.ok ? `answered ${answer.value.status}` : answer.error
}

const help = async (base: string) => helpWith(await failure(base), new URL(base))

describe('what usually listens there is named', () => {
  it.each([
    ['http://localhost:11434', 'nothing listens at localhost:11434: is Ollama running?'],
    ['http://gpu:8000', 'nothing listens at gpu:8000: is vLLM running?'],
    ['http://gpu:4711', 'nothing listens at gpu:4711: is the model server running'],
  ])('%s', (url, words) => {
    expect(helpWith('unreachable: ECONNREFUSED: connect', new URL(url))).toContain(words)
  })
})

describe('K16 why a backend cannot be spoken to', () => {
  it('its own certificate: the reason of TLS, and the setting that helps', async () => {
    const tls = await serve(
      () => {},
      (listener) => createTls(selfSigned, listener) as never,
    )
    bench.later(() => tls.close())
    const said = await help(`https://127.0.0.1:${tls.port}`)
    expect(said).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
    expect(said).toContain('NODE_EXTRA_CA_CERTS=')
  })

  it('https:// to one that speaks http://', async () => {
    const { fake } = await bench.both()
    expect(await help(`https://127.0.0.1:${fake.port}`)).toContain('http:// rather than https://')
  })

  it('nobody listens, and an unknown host, are two kinds', async () => {
    const { fake } = await bench.both()
    const { origin } = fake.base
    await fake.close()
    expect(await help(origin)).toMatch(
      /^nothing listens at 127\.0\.0\.1:\d+: is the model server running/,
    )
    expect(await help('http://nobody.invalid')).toMatch(
      /^the host name nobody\.invalid is not known: /,
    )
  })

  it('one that accepts the connection and sends nothing', async () => {
    const { fake } = await bench.both({ firstByteMs: 60_000 })
    const answer = await bench.at(fake.base).getJson('/v1/models', 60)
    expect(whyUnreachable(answer.ok ? '' : answer.error)).toBe('silent')
  })

  it.each([
    [
      'unreachable: SELF_SIGNED_CERT_IN_CHAIN: self-signed certificate',
      'certificate',
      'NODE_EXTRA',
    ],
    ['unreachable: UNABLE_TO_VERIFY_LEAF_SIGNATURE: unable', 'certificate', 'NODE_EXTRA_CA_CERTS'],
    ['unreachable: UNABLE_TO_GET_ISSUER_CERT_LOCALLY: x', 'certificate', 'NODE_EXTRA_CA_CERTS'],
    ['unreachable: CERT_HAS_EXPIRED: certificate has expired', 'certificate', 'expired'],
    ['unreachable: CERT_NOT_YET_VALID: x', 'certificate', 'clocks'],
    [
      'unreachable: ERR_TLS_CERT_ALTNAME_INVALID: Hostname/IP does not match',
      'certificate',
      'name the host',
    ],
    ['unreachable: EAI_AGAIN: getaddrinfo EAI_AGAIN gpu', 'unknown_host', 'not known'],
    ['unreachable: UND_ERR_SOCKET: other side closed', 'no_answer', 'closes the connection'],
    ['unreachable: no connection within 5000 ms', 'no_answer', 'is a firewall between'],
    ['unreachable: EHOSTUNREACH: connect', 'no_answer', 'no way to gpu:8443'],
    ['unreachable: EISDIR: x', 'no_answer', 'nobody answers'],
  ])('%s is %s', (detail, why, words) => {
    expect(whyUnreachable(detail)).toBe(why)
    expect(helpWith(detail, new URL('https://gpu:8443'))).toContain(words)
  })
})
