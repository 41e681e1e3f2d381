import { describe, expect, it } from 'vitest'
import { routesOf } from '../../src/daemon/routes.ts'
import { bearer } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'
import type { Script } from '../support/upstream.ts'
import { jsonRpc } from './json-rpc.ts'

const opened = (script: Script = {}) =>
  startGate({
    script,
    settings: {
      pricing: {
        models: {
          initialize: 'free',
          'notifications/*': 'free',
          'tools/call:draw': { request: 5, input: 0, output: 0 },
        },
      },
    },
    routes: (targets) => routesOf([jsonRpc], 'charge', targets),
  })

const call = (name: string) => ({
  path: '/mcp',
  body: { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name } },
})

describe('a dialect that wraps everything in an envelope, as MCP does', () => {
  it('sells a tool by its name, and errors repeat the id of the request', async () => {
    const gate = await opened()
    const refused = await gate.ask(call('draw'))
    expect([refused.status, refused.json.id, refused.json.l402.amount_sats]).toEqual([402, 7, 10])
    const unknown = await gate.ask(call('dig'))
    expect([unknown.status, unknown.json]).toMatchObject([404, { jsonrpc: '2.0', id: 7 }])
    const unread = await gate.ask({ path: '/mcp', body: { id: 7 } })
    expect([unread.status, unread.json.id]).toEqual([400, null])
    const pass = await gate.accept(refused)
    gate.fake.script = { ...gate.fake.script, status: 400, body: '{"error":{"message":"No."}}' }
    const failed = await gate.ask({ ...call('draw'), headers: bearer(pass) })
    expect([failed.status, failed.json.id]).toEqual([400, 7])
    expect((await gate.balance(pass)).balance_msat).toBe(10_000)
    await gate.proof()
  })

  it('passes the session on in both directions, and charges the call', async () => {
    const body = '{"jsonrpc":"2.0","id":7,"result":{}}'
    const headers = {
      'content-type': 'application/json',
      'mcp-session-id': 's1',
      'set-cookie': 'a=b',
    }
    const gate = await opened({ status: 200, body, headers })
    const pass = await gate.buy(100)
    const asked = { 'mcp-session-id': 's0', origin: 'https://page.example', ...bearer(pass) }
    const answer = await gate.ask({ ...call('draw'), headers: asked })
    expect([answer.status, answer.text]).toEqual([200, body])
    expect(answer.headers).toMatchObject({ 'mcp-session-id': 's1', 'x-cost-msat': '5000' })
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(answer.headers['access-control-expose-headers']).toContain('mcp-session-id')
    expect(gate.fake.seen.at(-1)?.headers).toMatchObject({ 'mcp-session-id': 's0' })
    expect((await gate.balance(pass)).balance_msat).toBe(95_000)
    await gate.proof()
  })

  it('answers what is free to anybody, and a notification with 202 and nothing', async () => {
    const gate = await opened({ status: 202, body: '', headers: {} })
    const body = { jsonrpc: '2.0', method: 'notifications/initialized' }
    const answer = await gate.ask({ path: '/mcp', body })
    expect([answer.status, answer.text]).toEqual([202, ''])
    expect(await gate.last()).toMatchObject({ status: 202, charged_msat: 0 })
    await gate.proof()
  })
})
