import { describe, expect, it } from 'vitest'
import { routesOf } from '../../src/daemon/routes.ts'
import { dialects } from '../../src/dialects/index.ts'
import { type Mode, pattern, Routes } from '../../src/gate/route.ts'
import { bearer } from '../support/buyer.ts'
import { type GateOptions, startGate } from '../support/gate.ts'
import { plainHttp } from './plain-http.ts'

/** 5 sat for each call. */
const price = { by: 'call', rate: { call: 5_000_000_000n } } as const

/** The usual routes, and one for any HTTP API beside them. */
const withFiles =
  (mode: Mode): NonNullable<GateOptions['routes']> =>
  (targets) =>
    new Routes([
      ...routesOf(dialects, 'charge', targets).all,
      {
        ...{ method: 'GET', path: pattern('/files/**'), dialect: plainHttp, mode, targets, price },
        ...{ query: true, tellsPrice: false },
      },
    ])

const script = { status: 200, body: 'the file', headers: { 'content-type': 'text/plain' } }

describe('a route for a plain HTTP API', () => {
  it('is a GET with path, query and chosen headers, priced by the call', async () => {
    const gate = await startGate({ routes: withFiles('charge') })
    const pass = await gate.buy(100)
    gate.fake.script = { ...gate.fake.script, ...script }
    const headers = {
      ...bearer(pass),
      ...{ 'accept-language': 'tr', 'x-private': '1', cookie: 'a=b' },
    }
    const answer = await gate.ask({ path: '/files/a/b.txt?v=1&w=%20', method: 'GET', headers })
    expect([answer.status, answer.text]).toEqual([200, 'the file'])
    expect(answer.headers['x-cost-msat']).toBe('5000')
    const seen = gate.fake.seen.at(-1)
    expect([seen?.method, seen?.path]).toEqual(['GET', '/files/a/b.txt?v=1&w=%20'])
    expect(seen?.bytes).toHaveLength(0)
    expect(seen?.headers).toMatchObject({ 'accept-language': 'tr' })
    for (const name of ['x-private', 'cookie', 'content-type', 'content-length']) {
      expect(seen?.headers).not.toHaveProperty(name)
    }
    expect(seen?.headers).not.toHaveProperty('authorization')
    expect((await gate.balance(pass)).balance_msat).toBe(95_000)
    const event = await gate.last()
    expect(event).toMatchObject({ dialect: 'http', model: null, status: 200, charged_msat: 5_000 })
    await gate.proof()
  })

  it('is refused without a pass, and offers what one call costs', async () => {
    const gate = await startGate({ routes: withFiles('charge') })
    const refused = await gate.ask({ path: '/files/a', method: 'GET' })
    expect([refused.status, refused.json.error.code]).toEqual([402, 402])
    const pass = await gate.accept(refused)
    gate.fake.script = { ...gate.fake.script, ...script }
    const paid = await gate.ask({ path: '/files/a', method: 'GET', headers: bearer(pass) })
    expect(paid.status).toBe(200)
  })

  it('in observe mode serves and charges nobody, beside routes that charge', async () => {
    const gate = await startGate({ routes: withFiles('observe') })
    gate.fake.script = { ...gate.fake.script, ...script }
    const answer = await gate.ask({ path: '/files/a', method: 'GET' })
    expect([answer.status, answer.text]).toEqual([200, 'the file'])
    expect(await gate.last()).toMatchObject({
      ...{ charged_msat: 0, would_charge_msat: 5_000, would_refuse: 'payment_required' },
    })
    expect((await gate.chat(null)).status).toBe(402)
    await gate.proof()
  })

  it('has a 405 with what is allowed, and stands in the description', async () => {
    const gate = await startGate({ routes: withFiles('charge') })
    for (const method of ['POST', 'DELETE', 'HEAD']) {
      const wrong = await gate.ask({
        path: '/files/a',
        method,
        body: method === 'POST' ? {} : undefined,
      })
      expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET'])
    }
    expect((await gate.ask({ path: '/file', method: 'GET' })).status).toBe(404)
    const { json } = await gate.ask({ path: '/openapi.json', method: 'GET' })
    expect(Object.keys(json.paths['/files/{part1}'])).toEqual(['get'])
    const nothing = await gate.ask({ path: '/nothing', method: 'GET' })
    expect(nothing.json.error.message).toContain('GET /files/{part1}')
  })

  it('refuses a query that readers could read in two ways', async () => {
    const gate = await startGate({ routes: withFiles('observe') })
    const before = gate.fake.seen.length
    const bad = await gate.ask({ path: '/files/a?x=#frag', method: 'GET' })
    expect(bad.status).toBe(400)
    expect(gate.fake.seen).toHaveLength(before)
  })
})
