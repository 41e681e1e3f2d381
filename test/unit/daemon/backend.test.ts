import { createServer } from 'node:https'
import { afterEach, describe, expect, it } from 'vitest'
import type { Config } from '../../../src/config/config.ts'
import { findBackend } from '../../../src/daemon/backend.ts'
import { selfSigned } from '../../support/certificate.ts'
import { Bench } from '../../support/hear.ts'
import { serve } from '../../support/serve.ts'
import { real } from '../../support/world.ts'

const bench = new Bench()
afterEach(() => bench.clean())

const world = { ...real, now: Date.now, random: (bytes: number) => new Uint8Array(bytes) }

/** What the operator is told when a gate starts with that backend. */
async function told(upstream: string): Promise<string | null> {
  const pricing = { list: { models: [] } }
  const config = { upstream, upstreamKey: null, pricing } as unknown as Config
  const found = await findBackend(config, world)
  bench.later(() => found.upstream.close())
  return found.problem
}

describe('what an operator is told about a backend that lists no models', () => {
  it.each([
    ['', '/v1/models'],
    ['/v1', '/v1/models'],
    ['/api/paas/v4', '/api/paas/v4/models'],
    ['/v1beta/openai/', '/v1beta/openai/models'],
    ['/proxy', '/proxy/v1/models'],
  ])('K15 the URL that was asked, with base %j: %s', async (path, asked) => {
    const { fake } = await bench.both({ status: 404, body: '{}' })
    const { origin } = fake.base
    expect(await told(`${origin}${path}`)).toContain(`${origin}${asked} answers 404`)
    expect(fake.seen.map((one) => one.path)).toEqual([asked])
    fake.script = { status: 401, body: '{}' }
    expect(await told(`${origin}${path}`)).toContain(`${origin}${asked} answers 401`)
  })

  it('K16 the reason of TLS, and the setting that helps', async () => {
    const tls = await serve(
      () => {},
      (listener) => createServer(selfSigned, listener) as never,
    )
    bench.later(() => tls.close())
    const said = await told(`https://127.0.0.1:${tls.port}`)
    expect(said).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
    expect(said).toContain('NODE_EXTRA_CA_CERTS=')
  })

  it('and nothing about one that lists some', async () => {
    const { fake } = await bench.both({ models: [{ id: 'm' }] })
    expect(await told(fake.base.origin)).toBe(null)
  })
})
