import { describe, expect, it } from 'vitest'
import { routesOf } from '../../src/daemon/routes.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { dialects } from '../../src/dialects/index.ts'
import { ok } from '../../src/floor/result.ts'
import { type Mode, pattern, Routes } from '../../src/gate/route.ts'
import { bearer } from '../support/buyer.ts'
import { type GateOptions, startGate } from '../support/gate.ts'
import { plainHttp } from './plain-http.ts'

/** 5 sat for each call. */
const price = { by: 'call', rate: { call: 5_000_000_000n } } as const

/** The usual routes, and a route for any HTTP API. */
const withFiles =
  (mode: Mode, dialect: Dialect = plainHttp, method = 'GET'): NonNullable<GateOptions['routes']> =>
  (targets) =>
    new Routes([
      ...routesOf(dialects, 'charge', targets).all,
      {
        ...{ method, path: pattern('/files/**'), dialect, mode, targets, price },
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
    const chosen = await gate.ask({ path: '/files/a?rail=l402&v=1', method: 'GET', headers })
    expect([chosen.status, gate.fake.seen.at(-1)?.path]).toEqual([200, '/files/a?v=1'])
    expect((await gate.balance(pass)).balance_msat).toBe(90_000)
    const event = await gate.last()
    expect(event).toMatchObject({ dialect: 'http', model: null, status: 200, charged_msat: 5_000 })
    await gate.proof()
  })

  it('passes on every status that is an answer there, with the headers that belong to it', async () => {
    const gate = await startGate({ routes: withFiles('charge') })
    const pass = await gate.buy(100)
    const ask = async (script: object) => {
      gate.fake.script = { ...gate.fake.script, ...script }
      const headers = { ...bearer(pass), 'if-none-match': '"1"' }
      return gate.ask({ path: '/files/a', method: 'GET', headers })
    }
    const same = await ask({ status: 304, body: '', headers: { etag: '"1"' } })
    expect([same.status, same.headers.etag, same.text]).toEqual([304, '"1"', ''])
    expect(same.headers['content-length']).toBeUndefined()
    expect(gate.fake.seen.at(-1)?.headers['if-none-match']).toBe('"1"')
    const moved = await ask({ status: 302, body: 'there', headers: { location: '/files/b' } })
    expect([moved.status, moved.headers.location, moved.text]).toEqual([302, '/files/b', 'there'])
    const none = await ask({ status: 404, body: 'no such file', headers: {} })
    expect([none.status, none.text]).toEqual([404, 'no such file'])
    expect((await gate.balance(pass)).balance_msat).toBe(85_000)
    expect(await gate.last(3)).toMatchObject({ status: 404, end: 'complete', charged_msat: 5_000 })
    const failed = await ask({ status: 500, body: 'a secret', headers: {} })
    expect([failed.status, failed.text.includes('secret')]).toEqual([502, false])
    expect((await gate.balance(pass)).balance_msat).toBe(85_000)
    await gate.proof()
  })

  it('streams bytes of any media type as they come', async () => {
    const next = Promise.withResolvers<void>()
    const streamed: Dialect = {
      ...plainHttp,
      read: (...args) => {
        const asked = plainHttp.read(...args)
        return asked.ok ? ok({ ...asked.value, stream: true }) : asked
      },
      meter: (...args) => {
        const meter = plainHttp.meter(...args)
        const rest = () => {
          Object.assign(meter.seen, { done: true, finished: true })
          return Buffer.alloc(0)
        }
        return { ...meter, rest }
      },
      wire: {
        ...plainHttp.wire,
        isStream: () => true,
        streamType: (label) => label ?? 'text/plain',
      },
    }
    const gate = await startGate({ routes: withFiles('charge', streamed, 'POST') })
    const pass = await gate.buy(100)
    const pieces = ['a', () => next.promise, 'b']
    gate.fake.script = { ...gate.fake.script, pieces, headers: { 'content-type': 'audio/mpeg' } }
    const asked = { path: '/files/a.mp3', body: { from: 3 }, headers: bearer(pass) }
    const stream = await gate.client.open(asked)
    await stream.until('a')
    expect([stream.text(), stream.headers['content-type']]).toEqual(['a', 'audio/mpeg'])
    next.resolve()
    expect((await stream.over).text).toBe('ab')
    expect((await gate.balance(pass)).balance_msat).toBe(95_000)
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

  it('L26 in observe mode moves nobody’s credit, and writes what each request would have cost', async () => {
    const gate = await startGate({ routes: withFiles('observe') })
    const pass = await gate.buy(7)
    gate.fake.script = { ...gate.fake.script, ...script }
    const before = await gate.balance(pass)
    const ask = () => gate.ask({ path: '/files/a', method: 'GET', headers: bearer(pass) })
    const [first, second] = [await ask(), await ask()]
    expect([first.status, second.status]).toEqual([200, 200])
    expect(first.headers['x-credit-balance']).toBeUndefined()
    expect(await gate.requests(2)).toMatchObject([
      { charged_msat: 0, would_charge_msat: 5_000 },
      { charged_msat: 0, would_charge_msat: 5_000, would_refuse: 'payment_required' },
    ])
    expect((await gate.requests(2))[0]).not.toHaveProperty('would_refuse')
    expect(await gate.balance(pass)).toEqual(before)
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
