import { afterEach, describe, expect, it } from 'vitest'
import { mayHaveArrived, nodeRest } from '../../../src/wallets/node-rest.ts'
import { serve } from '../../support/serve.ts'
import { real, TestWorld } from '../../support/world.ts'

const HABITS = { plainHttpIs: 'here', tlsCertIs: 'cert.pem', advice: { refused: 'is it running?' } }

const clean: (() => unknown)[] = []
afterEach(async () => {
  for (const one of clean.splice(0)) await one()
})

/** A node that closes its first `breaks` connections after it has read the call. */
async function node(breaks: number, world = real) {
  let calls = 0
  const server = await serve((request, response) => {
    calls += 1
    if (calls <= breaks) return void request.socket.destroy()
    response.end('{"answered":true}')
  })
  const url = `http://127.0.0.1:${server.port}/base/`
  const access = { url, tlsCertPem: null, headers: { rune: 'r' }, deadlineMs: 5_000, world }
  const rest = nodeRest(access, HABITS)
  clean.push(rest.close, server.close)
  return { rest, calls: () => calls }
}

describe('a call on a connection that breaks', () => {
  it('is sent once more, because the node may have closed a kept connection', async () => {
    const { rest, calls } = await node(1)
    expect(await rest.ask({ path: '/x', body: {} })).toMatchObject({
      ok: true,
      value: { json: { answered: true } },
    })
    expect(calls()).toBe(2)
  })

  it('is not sent once more if it pays, and may have arrived', async () => {
    const { rest, calls } = await node(1)
    const answer = await rest.ask({ path: '/pay', body: {}, once: true })
    expect(answer).toMatchObject({ ok: false, error: { why: 'hung_up' } })
    expect(!answer.ok && mayHaveArrived(answer.error)).toBe(true)
    expect(calls()).toBe(1)
  })
})

describe('whether a call may have arrived', () => {
  it('no, where nobody listens', async () => {
    const { rest } = await node(0)
    for (const one of clean.splice(0).reverse()) await one()
    const closed = await rest.ask({ path: '/x' })
    expect(closed.ok).toBe(false)
    const access = { url: 'http://127.0.0.1:1', tlsCertPem: null, headers: {}, deadlineMs: 5_000 }
    const other = nodeRest({ ...access, world: real }, HABITS)
    clean.push(other.close)
    const refused = await other.ask({ path: '/x' })
    expect(!refused.ok && mayHaveArrived(refused.error)).toBe(false)
    expect(!refused.ok && other.explained(refused.error).reason).toBe(
      'nothing listens there: is it running?',
    )
  })

  it('yes, where nobody answers', async () => {
    const world = new TestWorld()
    const server = await serve(() => {})
    const access = { url: `http://127.0.0.1:${server.port}`, tlsCertPem: null, headers: {} }
    const rest = nodeRest({ ...access, deadlineMs: 60_000, world }, HABITS)
    clean.push(rest.close, server.close)
    const silent = await world.hurry(rest.ask({ path: '/x' }))
    expect(silent).toMatchObject({ ok: false, error: { why: 'silent' } })
    expect(!silent.ok && mayHaveArrived(silent.error)).toBe(true)
  })
})
