import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Pass, passOf } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

const asked: string[] = []
let gate: TestGate
let pass: Pass
beforeAll(async () => {
  gate = await startGate({
    shared: true,
    settings: { limits: { invoicesPerClient: 1_000 }, pricing: { models: { 'free-*': 'free' } } },
    wallet: (play) => ({
      ...play,
      kind: play.kind,
      createInvoice: (ask) => {
        asked.push('invoice')
        return play.createInvoice(ask)
      },
      lookup: (hash) => {
        asked.push('lookup')
        return play.lookup(hash)
      },
      watch: (...args) => play.watch(...args),
      probe: () => play.probe(),
      close: () => play.close(),
    }),
  })
  // The tests here damage a plus sign. One of about 40 passes has none.
  do pass = await gate.buy(1_000)
  while (!pass.text.includes('+'))
  await gate.chat(pass)
})
afterAll(() => gate.close())

const PLACES: readonly (readonly [string, (value: string) => Record<string, string>])[] = [
  ['Bearer', (value) => ({ authorization: `Bearer ${value}` })],
  ['L402', (value) => ({ authorization: `L402 ${value}` })],
  ['x-api-key', (value) => ({ 'x-api-key': value })],
]

describe.each(PLACES)('K12 a damaged pass as %s', (_, put) => {
  it.each<[string, (text: string) => string]>([
    ['in quotes', (text) => `"${text}"`],
    ['with %3A', (text) => text.replace(':', '%3A')],
    ['with a full stop', (text) => `${text}.`],
    ['with a space for the colon', (text) => text.replace(':', ' ')],
  ])('K12 %s is served, and charged', async (_name, damage) => {
    const before = (await gate.balance(pass)).balance_msat
    const answered = await gate.chat(null, {}, put(damage(pass.text)))
    expect([answered.status, answered.headers['x-cost-msat']]).toEqual([200, '7'])
    expect((await gate.balance(pass)).balance_msat).toBe(before - 7)
  })

  it.each<[string, (text: string) => string]>([
    ['a secret cut short', (text) => text.slice(0, -7)],
    ['no secret at all', (text) => text.slice(0, text.indexOf(':'))],
    ['another secret in quotes', (text) => `"${text.slice(0, -64)}${'0'.repeat(64)}"`],
    ['a dash for the colon', (text) => text.replace(':', '-')],
    ['a slash for the colon', (text) => text.replace(':', '/')],
    ['an equals sign for the colon', (text) => text.replace(':', '=')],
    ['the whole line of its settings', (text) => `OPENAI_API_KEY=${text}`],
    ['the prefix of another service', (text) => `sk-${text}`],
    ['named parts', (text) => `token=${text.replace(':', ' preimage=')}`],
    ['a line broken in its middle', (text) => `${text.slice(0, 76)} ${text.slice(76)}`],
    ['spaces for its plus signs', (text) => text.replaceAll('+', ' ')],
    ['base64 of it', (text) => Buffer.from(text).toString('base64')],
    ['base64 of a user with it', (text) => Buffer.from(`me:${text}`).toString('base64')],
  ])('K12 %s, paid: 400 without an offer, and no wallet is asked', async (_name, damage) => {
    const before = asked.length
    const headers = put(damage(pass.text))
    for (const question of [
      { ...gate.chatQuestion(null), headers },
      { ...gate.chatQuestion(null, { model: 'free-1' }), headers },
      { path: '/v1/chat/completions', headers },
      { path: '/create-invoice', body: {}, headers },
      { path: '/v1/balance', headers },
      { path: '/v1/usage', headers },
    ]) {
      const refused = await gate.ask(question)
      expect([refused.status, refused.json.error.code]).toEqual([400, 'damaged_key'])
      expect(refused.json.error.message).toMatch(/paid.*Do not pay again/)
      expect(refused.headers['www-authenticate']).toBe(undefined)
      expect([refused.json.l402, refused.json.payment_url]).toEqual([undefined, undefined])
      expect(refused.text).not.toContain(pass.macaroon.slice(0, 40))
    }
    expect(asked.length).toBe(before)
  })

  it('K12 one of ours that is unpaid, and one that cannot be read: a 402 that says what is wrong', async () => {
    const made = (await gate.ask({ path: '/create-invoice', body: {} })).json
    const unpaid = passOf(made.macaroon, '0'.repeat(63), made.payment_hash).text
    for (const value of [unpaid, pass.text.slice(0, 60), pass.text.slice(20)]) {
      for (const body of [{}, { model: 'free-1' }]) {
        const refused = await gate.chat(null, body, put(value))
        expect(refused.status).toBe(402)
        expect(refused.headers['www-authenticate']).toMatch(/^L402 macaroon=/)
        expect(refused.json.error.message).toMatch(
          /^Insufficient credits: the key of this request is damaged: [^.]+\. This needs/,
        )
        expect(refused.text).not.toContain('nothing was paid yet')
      }
    }
  })

  it('K12 as the password of a URL it is never served, because browsers send those by themselves', async () => {
    for (const value of [pass.text, `me:${pass.text}`, pass.text.slice(0, -3)]) {
      const headers = { authorization: `Basic ${Buffer.from(value).toString('base64')}` }
      const refused = await gate.chat(null, {}, headers)
      expect([refused.status, refused.json.error.code]).toEqual([400, 'damaged_key'])
    }
  })

  it('K12 a key of another service still counts as no key', async () => {
    for (const value of ['ollama', 'sk-proj-0123456789']) {
      if (put(value).authorization?.startsWith('L402')) continue
      expect((await gate.chat(null, { model: 'free-1' }, put(value))).status).toBe(200)
      const refused = await gate.chat(null, {}, put(value))
      expect(refused.json.error.message).toContain('nothing was paid yet')
    }
  })
})
