import { describe, expect, it } from 'vitest'
import { rootKeysOf } from '../../src/passes/write.ts'
import { bearer, child, type Pass, passOf } from '../support/buyer.ts'
import { newKeys, startGate, type TestGate } from '../support/gate.ts'

const CHAT = '/v1/chat/completions'
const BODY = { model: 'fake', messages: [{ role: 'user', content: 'hi' }] }

const asked = (gate: TestGate, headers: Record<string, string | readonly string[]>) =>
  gate.ask({ path: CHAT, body: BODY, headers })

describe('a 403 names what was asked for and the caveat that does not allow it', () => {
  it.each([
    ['model = other,llama*', 'the model \'fake\': it has the caveat "model = other,llama*"'],
    ['path = /v1/embeddings', 'the path /v1/chat/completions: it has the caveat "path = /v1/emb'],
    ['method = GET', 'the method POST: it has the caveat "method = GET"'],
  ])('%s', async (caveat, words) => {
    const gate = await startGate()
    const narrowed = child(await gate.buy(10), 'label = a', 'model = *', 'path = /v1/*', caveat)
    const { status, json } = await asked(gate, bearer(narrowed))
    expect([status, json.error.code]).toEqual([403, 'forbidden'])
    expect(json.error.message).toContain(`This pass does not allow ${words}`)
  })

  it('a request without a model is told so', async () => {
    const gate = await startGate()
    const narrowed = child(await gate.buy(10), 'model = other')
    const { status, json } = await gate.ask({ path: CHAT, headers: bearer(narrowed) })
    expect(status).toBe(403)
    expect(json.error.message).toContain('does not allow a request that names no model')
  })
})

describe('C5 every way to present a pass is metered, or is not accepted', () => {
  const hex = (pass: Pass) => {
    const text = child(pass, `preimage = ${pass.secret}`)
    return Buffer.from(text.slice(0, text.indexOf(':')), 'base64').toString('hex')
  }
  it.each([
    ['Authorization: L402', (pass: Pass) => ({ authorization: `L402 ${pass.text}` })],
    ['Authorization: LSAT', (pass: Pass) => ({ authorization: `LSAT ${pass.text}` })],
    ['any case', (pass: Pass) => ({ authorization: `l402 ${pass.text}` })],
    ['Bearer, as any SDK’s api_key', (pass: Pass) => bearer(pass)],
    ['x-api-key', (pass: Pass) => ({ 'x-api-key': pass.text })],
    ['api-key', (pass: Pass) => ({ 'api-key': pass.text })],
    [
      'LSAT and L402 lines both, as aperture’s client sends',
      (pass: Pass) => ({ authorization: [`LSAT ${pass.text}`, `L402 ${pass.text}`] }),
    ],
    [
      'both folded into one',
      (pass: Pass) => ({ authorization: `LSAT ${pass.text}, L402 ${pass.text}` }),
    ],
    [
      'URL-safe base64 without padding',
      (pass: Pass) => ({
        authorization: `L402 ${Buffer.from(pass.macaroon, 'base64').toString('base64url')}:${pass.secret}`,
      }),
    ],
    [
      'an upper-case secret',
      (pass: Pass) => ({ authorization: `L402 ${pass.macaroon}:${pass.secret.toUpperCase()}` }),
    ],
    ['Macaroon, in hex', (pass: Pass) => ({ macaroon: hex(pass) })],
    ['Grpc-Metadata-Macaroon, in hex', (pass: Pass) => ({ 'grpc-metadata-macaroon': hex(pass) })],
  ])('%s', async (_, headers) => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    const answered = await asked(gate, headers(pass))
    expect([answered.status, answered.headers['x-cost-msat']]).toEqual([200, '7'])
    expect((await gate.balance(pass)).balance_msat).toBe(9_993)
    expect(JSON.stringify(gate.fake.seen.at(-1)?.rawHeaders)).not.toContain(pass.secret)
  })

  it.each([
    [
      'a query',
      (pass: Pass) => ({ path: `${CHAT}?token=${pass.text}&api_key=${pass.text}`, headers: {} }),
    ],
    ['a cookie', (pass: Pass) => ({ path: CHAT, headers: { cookie: `token=${pass.text}` } })],
    [
      'Proxy-Authorization',
      (pass: Pass) => ({ path: CHAT, headers: { 'proxy-authorization': `L402 ${pass.text}` } }),
    ],
  ])('%s does not count', async (_, question) => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    expect((await gate.ask({ body: BODY, ...question(pass) })).status).toBe(402)
  })
})

describe('C1 a credential is worth what its account has left, wherever and whenever it is shown', () => {
  it.each(['memory', 'sqlite'] as const)(
    'after a restart it has what it had, and no more (%s)',
    async (books) => {
      const before = await startGate({ books })
      const pass = await before.buy(1)
      const first = await before.chat(pass, { max_tokens: 2 })
      expect(first.headers['x-credit-balance-msat']).toBe('993')
      await before.stop()
      const after = await startGate({ after: before })
      expect((await after.balance(pass)).balance_msat).toBe(993)
      expect((await after.chat(pass)).headers['x-credit-balance-msat']).toBe('986')
      expect(after.events.filter(({ event }) => event === 'paid')).toEqual([])
      await after.proof()
    },
  )

  it('an empty pass buys nothing, even if it is shown a hundred times more', async () => {
    const gate = await startGate({ settings: { pricing: { default: '0/500' } } })
    const pass = await gate.buy(1)
    expect((await gate.chat(pass)).status).toBe(200)
    const before = gate.fake.seen.length
    const all = await Promise.all(Array.from({ length: 100 }, () => gate.chat(pass)))
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([402]))
    expect(gate.fake.seen.length).toBe(before)
  })

  it('C12 with another root key it opens nothing; with the right one again, everything is there', async () => {
    const before = await startGate()
    const pass = await before.buy(10)
    await before.stop()
    const wrong = await startGate({ after: before, keys: newKeys() })
    expect((await wrong.chat(pass)).status).toBe(402)
    await wrong.stop()
    const right = await startGate({ after: before })
    expect((await right.balance(pass)).balance_msat).toBe(10_000)
  })
})

describe('C12 root_key_rotation_keeps_balances', () => {
  it('a new root key beside the old one: passes of both are good, and new ones are of the new', async () => {
    const [old, young] = [newKeys(), newKeys()]
    const first = await startGate({ books: 'sqlite', keys: old })
    const [sold, child1] = [await first.buy(10), child(await first.buy(10), 'only = spend')]
    const unpaid = (await first.ask({ path: '/create-invoice', body: { amountSats: 10 } })).json
    expect((await first.chat(sold)).status).toBe(200)
    await first.stop()
    const both = rootKeysOf(young.current.master, old.current.master)
    const second = await startGate({ after: first, keys: both })
    expect((await second.balance(sold)).balance_msat).toBe(9_993)
    expect((await second.chat(child1)).status).toBe(200)
    // An invoice of the old key is paid after the change, and its secrets are those of the old key.
    const secret = await second.pay(unpaid.bolt11)
    expect((await second.chat(`${unpaid.macaroon}:${secret}`)).status).toBe(200)
    const status = await second.ask({ path: unpaid.payment_url })
    expect(status.json.paid).toBe(true)
    const next = await second.buy(10)
    const moved = await second.ask({ path: '/v1/passes/rotate', body: {}, headers: bearer(sold) })
    await second.stop()
    // Without the old key its passes open nothing. Those of the new key stay, and so does the credit.
    const third = await startGate({ after: second, keys: young })
    expect((await third.chat(child1)).json.payment_state).toBe('elsewhere')
    expect((await third.balance(next)).balance_msat).toBe(10_000)
    expect((await third.balance(moved.json.pass)).balance_msat).toBe(9_993)
    await third.proof()
  })
})

describe('C4 caveats can only narrow', () => {
  const verdictOf = async (gate: TestGate, pass: string) => (await gate.chat(pass)).status

  it.each([
    [['model = fake'], 200],
    [['model=fake'], 200],
    [['model = fa*'], 200],
    [['model = other', 'model = fake'], 403],
    [['model = fake', 'model = other'], 403],
    [['path = /v1/*', 'path = /v1/embeddings'], 403],
    [['method = POST,GET', 'method = POST'], 200],
    [['expires = 2099-01-01T00:00:00Z', 'expires = 2020-01-01T00:00:00Z'], 402],
    [['expires = 2020-01-01T00:00:00Z', 'expires = 2099-01-01T00:00:00Z'], 402],
    [['calls <= 5', 'calls <= 0 / day'], 429],
    [['calls <= 0', 'calls <= 5'], 403],
    [['spend <= 1', 'spend <= 1000'], 200],
    [['tokens <= 1 / req'], 403],
  ])('%j: %i', async (caveats, status) => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    expect(await verdictOf(gate, child(pass, ...caveats))).toBe(status)
    expect(await verdictOf(gate, pass.text)).toBe(200)
  })

  it('C3 a pass for one model or path is good for no other, not by another header or method either', async () => {
    const gate = await startGate()
    const narrowed = child(await gate.buy(10), 'model = fake', 'path = /v1/chat/*')
    expect((await gate.chat(narrowed)).status).toBe(200)
    expect((await gate.chat(narrowed, { model: 'other' })).status).toBe(403)
    const legacy = await gate.ask({
      path: '/v1/completions',
      body: { model: 'fake', prompt: 'hi' },
      headers: bearer(narrowed),
    })
    expect(legacy.status).toBe(403)
  })

  it('H9 what a child spends is taken from its parent, and a refusal spends nothing', async () => {
    const gate = await startGate()
    const parent = child(await gate.buy(10), 'calls <= 2')
    const own = child(parent, 'calls <= 2')
    expect([await verdictOf(gate, own), await verdictOf(gate, own)]).toEqual([200, 200])
    expect(await verdictOf(gate, parent)).toBe(403)
    const free = child(await gate.buy(10), 'calls <= 1')
    await gate.chat(free, { model: 'gpt-x' })
    gate.fake.script = { ...gate.fake.script, status: 500 }
    await gate.chat(free)
    gate.fake.script = {}
    expect(await verdictOf(gate, free)).toBe(200)
  })

  it('H2 with one bit of macaroon or secret flipped it opens nothing', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    const bytes = Buffer.from(pass.macaroon, 'base64')
    for (let i = 0; i < 60; i += 1) {
      const flipped = Buffer.from(bytes)
      const at = 12 + Math.floor((i * (bytes.length - 12)) / 60)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (i % 8))
      const answered = await gate.chat(passOf(flipped.toString('base64'), pass.secret, pass.hash))
      expect([at, answered.status]).toEqual([at, 402])
    }
    const secret = Buffer.from(pass.secret, 'hex')
    secret[31] = (secret[31] ?? 0) ^ 1
    expect((await gate.chat(passOf(pass.macaroon, secret.toString('hex'), pass.hash))).status).toBe(
      402,
    )
    expect((await gate.chat(pass)).status).toBe(200)
  })

  it('lnget’s preimage caveat does not narrow, and must be the secret', async () => {
    const gate = await startGate()
    const pass = await gate.buy(10)
    const own = child(pass, `preimage = ${pass.secret}`)
    expect(await verdictOf(gate, own)).toBe(200)
    expect(await verdictOf(gate, child(pass, `preimage = ${'0'.repeat(64)}`))).toBe(402)
  })
})
