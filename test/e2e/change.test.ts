import { describe, expect, it } from 'vitest'
import { rootKeysOf } from '../../src/passes/write.ts'
import { startCashuGate } from '../support/cashu-gate.ts'

/** The change of ecash payments, and withdrawals of ecash, at a mint. */

const start = (feePpk = 100) =>
  startCashuGate({ paysBack: true, mint: { feePpk }, gate: { books: 'sqlite' } })

const changeIn = (answer: { headers: Record<string, unknown> }): string =>
  String(answer.headers['x-cashu'])
const passIn = (answer: { headers: Record<string, unknown> }): string =>
  String(answer.headers['x-satgate-pass'])

describe('change in X-Cashu', () => {
  it.each([0, 100, 1000])('L2 L11 is a token that buys again, at %i ppk', async (feePpk) => {
    const { gate, payer, pays } = await start(feePpk)
    const first = await pays(await payer.token(2_000))
    expect(first.status).toBe(200)
    expect(changeIn(first)).toMatch(/^cashuB/)
    const { balance_msat: left } = await gate.balance(passIn(first))
    // Parts of a sat, and what did not pay for a fee.
    expect(left).toBeLessThan(feePpk === 0 ? 1_000 : 3_000)
    const second = await pays(changeIn(first))
    expect(second.status).toBe(200)
    expect(changeIn(second)).toMatch(/^cashuB/)
    expect(passIn(second)).not.toBe(passIn(first))
    await gate.proof()
  })

  it('B10 the same token again gets the same change, also after kill -9', async () => {
    const opened = await start()
    const token = await opened.payer.token(500)
    const first = await opened.pays(token)
    const again = await opened.pays(token)
    expect([again.status, changeIn(again)]).toEqual([402, changeIn(first)])
    expect(again.headers['x-satgate-pass']).toBeUndefined()
    // The offer of that 402 stands in its body.
    expect(again.json.cashu.request).toMatch(/^creqA/)
    const next = await opened.again()
    expect(changeIn(await next.pays(token))).toBe(changeIn(first))
    await next.gate.proof()
  })

  it('stays on the pass if the token is the API key, with a stream, and beside a pass', async () => {
    const { gate, payer, pays } = await start()
    const key = await gate.chat(await payer.token(500))
    expect([key.status, key.headers['x-cashu']]).toEqual([200, undefined])
    const stream = await pays(await payer.token(500), null, { stream: true })
    expect([stream.status, stream.headers['x-cashu']]).toEqual([200, undefined])
    const topUp = await pays(await payer.token(500), passIn(key))
    expect([topUp.status, topUp.headers['x-cashu']]).toEqual([200, undefined])
    expect((await gate.balance(passIn(key))).balance_msat).toBeGreaterThan(800_000)
    await gate.proof()
  })

  it('stays on the pass while the mint is down, and the answer is the same', async () => {
    const { gate, mint, payer, pays } = await start()
    const token = await payer.token(500)
    const first = await pays(token, null, { stream: true })
    await mint.stop()
    const next = await gate.chat(passIn(first))
    expect([next.status, next.headers['x-cashu']]).toEqual([200, undefined])
    await mint.restart()
    await gate.proof()
  })
})

describe('a withdrawal of ecash', () => {
  it('L9 leaves as a token, and buys elsewhere', async () => {
    const { gate, payer, pays } = await start()
    const pass = passIn(await pays(await payer.token(3_000), null, { stream: true }))
    const headers = { authorization: `Bearer ${pass}`, 'idempotency-key': 'one' }
    const body = { ecash: true, amount_sats: 1_000 }
    const token = await gate.ask({ path: '/v1/withdraw', body, headers })
    expect(token.json).toMatchObject({ state: 'paid', kind: 'ecash', amount_sats: 1_000 })
    const again = await gate.ask({ path: '/v1/withdraw', body, headers })
    expect(again.json.token).toBe(token.json.token)
    expect((await pays(token.json.token)).status).toBe(200)
    const other = { ...headers, 'idempotency-key': 'two' }
    const rest = await gate.ask({ path: '/v1/withdraw', body: { ecash: true }, headers: other })
    expect(rest.json.token).toMatch(/^cashuB/)
    expect((await gate.balance(pass)).balance_msat).toBeLessThan(5_000)
    expect((await pays(rest.json.token)).status).toBe(200)
    await gate.proof()
  })

  it('C12 B10 its token is told again also with another root key in front', async () => {
    const { gate, payer, pays, again } = await start()
    const pass = passIn(await pays(await payer.token(3_000), null, { stream: true }))
    const headers = { authorization: `Bearer ${pass}`, 'idempotency-key': 'one' }
    const asked = { path: '/v1/withdraw', body: { ecash: true, amount_sats: 1_000 }, headers }
    const { token } = (await gate.ask(asked)).json
    const [old] = gate.keys.all
    const keys = rootKeysOf(new Uint8Array(32).fill(7), old?.master ?? new Uint8Array(32))
    const next = await again({ keys })
    const told = await next.gate.ask(asked)
    expect([told.status, told.json.token]).toEqual([200, token])
  })

  it('L2 a token as a key takes nothing out', async () => {
    const { gate, payer } = await start()
    const token = await payer.token(3_000)
    await gate.chat(token)
    for (const headers of [{ authorization: `Bearer ${token}` }, { 'x-cashu': token }]) {
      const done = await gate.ask({ path: '/v1/withdraw', body: { ecash: true }, headers })
      expect([done.status, done.json.error.code]).toEqual([403, 'root_pass_needed'])
    }
  })
})
