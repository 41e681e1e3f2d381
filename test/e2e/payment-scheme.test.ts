import { describe, expect, it } from 'vitest'
import { child } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'
import {
  challengesIn,
  credentialFor,
  type Params,
  receiptIn,
  requestIn,
} from '../support/payment-client.ts'

const settings = { pricing: { default: '1000' }, rails: { payment: true } }

type Answer = Awaited<ReturnType<TestGate['chat']>>

/** The values of a header that may come several times. */
const linesOf = ({ rawHeaders }: Answer, name: string): readonly string[] =>
  rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)

const challengeIn = (answer: Answer): Params =>
  challengesIn(...linesOf(answer, 'www-authenticate'))[0] ?? {}

/** Pays the charge of a 402. */
async function pay(gate: TestGate, answer: Answer): Promise<string> {
  const challenge = challengeIn(answer)
  const paid = await gate.play.pay(requestIn(challenge).methodDetails.invoice)
  if (!paid.ok) throw new Error(paid.error)
  return credentialFor(challenge, paid.value)
}

const chatWith = (gate: TestGate, credential: string, more: object = {}) =>
  gate.chat(null, {}, { authorization: credential, ...more })

const chatsSeen = (gate: TestGate): number =>
  gate.fake.seen.filter(({ path }) => path.endsWith('/chat/completions')).length

describe('a buyer of the Payment scheme', () => {
  it('C11 is challenged on a line of its own, behind the one of L402', async () => {
    const gate = await startGate({ settings })
    const answer = await gate.chat(null)
    expect(answer.status).toBe(402)
    const lines = linesOf(answer, 'www-authenticate')
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['L402', 'Payment'])
    const folded = challengesIn(lines.join(', '))
    expect(challengesIn(...lines)).toEqual(folded)
    expect(requestIn(folded[0] ?? {}).methodDetails.invoice).toBe(answer.json.l402.invoice)
    const type = 'https://paymentauth.org/problems/payment-required'
    expect(answer.json).toMatchObject({ type, status: 402, title: 'Payment Required' })
    expect(answer.json.error.code).toBe(402)
  })

  it('is not challenged unless rails.payment is on', async () => {
    const gate = await startGate({ settings: { pricing: { default: '1000' } } })
    const answer = await gate.chat(null)
    expect(linesOf(answer, 'www-authenticate').join()).not.toMatch(/Payment /)
    const ignored = await chatWith(gate, 'Payment eyJ')
    expect([ignored.status, ignored.json.error.code]).toEqual([402, 402])
  })

  it('L3 pays with a credential, and goes on with the pass of that answer', async () => {
    const gate = await startGate({ settings })
    const credential = await pay(gate, await gate.chat(null))
    const paid = await chatWith(gate, credential)
    expect(paid.status).toBe(200)
    expect(paid.headers['cache-control']).toMatch(/private/)
    expect(receiptIn(String(paid.headers['payment-receipt']))).toMatchObject({ status: 'success' })
    const pass = String(paid.headers['x-satgate-pass'])
    expect((await gate.balance(pass)).balance_msat).toBeGreaterThan(0)
    const next = await gate.chat(pass)
    expect([next.status, next.headers['payment-receipt']]).toEqual([200, undefined])
    expect(await gate.books.statement.verify()).toMatchObject({ ok: true })
  })

  it('pays a stream, and has receipt and pass before its first byte', async () => {
    const gate = await startGate({ settings })
    const credential = await pay(gate, await gate.chat(null))
    const paid = await gate.chat(null, { stream: true }, { authorization: credential })
    expect(paid.status).toBe(200)
    expect(paid.headers['payment-receipt']).toBeDefined()
    expect(paid.headers['x-satgate-pass']).toBeDefined()
  })

  it('may send it in Payment-Authorization, or behind another credential', async () => {
    const gate = await startGate({ settings })
    const one = await pay(gate, await gate.chat(null))
    const other = await pay(gate, await gate.chat(null))
    const own = await gate.chat(null, {}, { 'payment-authorization': one })
    expect(own.status).toBe(200)
    expect((await chatWith(gate, `Basic dXNlcjpwYXNz, ${other}`)).status).toBe(200)
  })

  it('C6 who copies a credential gets nothing: one of fifty is served', async () => {
    const gate = await startGate({ settings })
    const credential = await pay(gate, await gate.chat(null))
    const all = await Promise.all(Array.from({ length: 50 }, () => chatWith(gate, credential)))
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(all.filter(({ status }) => status === 402)).toHaveLength(49)
    expect(chatsSeen(gate)).toBe(1)
    expect(await gate.books.statement.verify()).toMatchObject({ ok: true })
  })

  it('C6 one that is used is told so, shown its pass, and asked for nothing', async () => {
    const gate = await startGate({ settings })
    const credential = await pay(gate, await gate.chat(null))
    const paid = await chatWith(gate, credential)
    const again = await chatWith(gate, credential)
    expect([again.status, linesOf(again, 'www-authenticate')]).toEqual([402, []])
    const type = 'https://paymentauth.org/problems/verification-failed'
    expect(again.json).toMatchObject({ type, reason: 'payment_used', accepts: [] })
    const pass = String(again.headers['x-satgate-pass'])
    expect(pass).toBe(paid.headers['x-satgate-pass'])
    expect(again.headers['payment-receipt']).toBeUndefined()
    expect((await gate.chat(pass)).status).toBe(200)
    const used = await chatWith(gate, credential)
    expect([used.status, used.headers['x-satgate-pass']]).toEqual([402, undefined])
  })

  it('C8 who pays or comes too late has the credit, and is not asked to pay again', async () => {
    const gate = await startGate({ settings })
    const credential = await pay(gate, await gate.chat(null))
    gate.world.advance(700_000)
    const late = await chatWith(gate, credential)
    expect([late.status, linesOf(late, 'www-authenticate')]).toEqual([402, []])
    expect(late.json.type).toBe('https://paymentauth.org/problems/payment-expired')
    expect((await gate.chat(String(late.headers['x-satgate-pass']))).status).toBe(200)
  })

  it('L3 an answer that is an error has the pass, and no receipt', async () => {
    const gate = await startGate({ settings })
    const credential = await pay(gate, await gate.chat(null))
    gate.fake.script = { status: 500 }
    const failed = await chatWith(gate, credential)
    expect(failed.status).toBeGreaterThanOrEqual(500)
    expect(failed.headers['payment-receipt']).toBeUndefined()
    gate.fake.script = {}
    expect((await gate.chat(String(failed.headers['x-satgate-pass']))).status).toBe(200)
  })

  it('C6 a credential is used up also after a restart', async () => {
    const gate = await startGate({ settings, books: 'sqlite' })
    const credential = await pay(gate, await gate.chat(null))
    expect((await chatWith(gate, credential)).status).toBe(200)
    await gate.stop()
    const after = await startGate({ settings, books: 'sqlite', after: gate })
    expect((await chatWith(after, credential)).status).toBe(402)
    expect(chatsSeen(after)).toBe(1)
  })

  it('L4 who presents the pass and the credential of one invoice has one credit', async () => {
    for (const first of ['pass', 'credential']) {
      const gate = await startGate({ settings })
      const answer = await gate.chat(null)
      const { amount_sats: sats, l402 } = answer.json
      const credential = await pay(gate, answer)
      const paid = await gate.play.pay(l402.invoice)
      if (!paid.ok) throw new Error(paid.error)
      const pass = `${l402.macaroon}:${paid.value}`
      const byPass = () => gate.chat(pass)
      const byCredential = () => chatWith(gate, credential)
      const order = first === 'pass' ? [byPass, byCredential] : [byCredential, byPass]
      const statuses = []
      for (const ask of order) statuses.push((await ask()).status)
      expect(statuses).toEqual(first === 'pass' ? [200, 402] : [200, 200])
      const served = statuses.filter((status) => status === 200).length
      const left = sats * 1000 - 7_000 * served
      expect((await gate.balance(pass)).balance_msat).toBe(left)
      expect(chatsSeen(gate)).toBe(served)
      expect(await gate.books.statement.accounts(9)).toHaveLength(1)
    }
  })

  it('C5 one that cannot be read is told so, and offered a challenge', async () => {
    const gate = await startGate({ settings })
    const answer = await chatWith(gate, 'Payment eyJ')
    expect([answer.status, challengeIn(answer).method]).toEqual([402, 'lightning'])
    expect(answer.json.error.message).toContain('Payment credential')
    const type = 'https://paymentauth.org/problems/malformed-credential'
    expect(answer.text.split('"type":"https')).toHaveLength(2)
    expect(answer.json).toMatchObject({ type, status: 402 })
    expect(answer.text).not.toContain('eyJ"')
  })

  it('two different credentials in one request are a conflict', async () => {
    const gate = await startGate({ settings })
    const one = await pay(gate, await gate.chat(null))
    const other = await pay(gate, await gate.chat(null))
    const both = await chatWith(gate, one, { 'payment-authorization': other })
    expect([both.status, both.json.error.code]).toEqual([400, 'conflicting_credentials'])
    expect((await chatWith(gate, one)).status).toBe(200)
  })

  it('G3 the backend never sees a credential', async () => {
    const gate = await startGate({ settings })
    await chatWith(gate, await pay(gate, await gate.chat(null)))
    const seen = gate.fake.seen.find(({ path }) => path.endsWith('/chat/completions'))
    const names = Object.keys(seen?.headers ?? {})
    expect(names).not.toContain('authorization')
    expect(names).not.toContain('payment-authorization')
  })
})

describe('L16 a credential beside a pass', () => {
  it('tops its account up, and that pays', async () => {
    const gate = await startGate({ settings })
    const pass = await gate.buy()
    let answer = await gate.chat(pass)
    while (answer.status === 200) answer = await gate.chat(pass)
    expect(answer.status).toBe(402)
    const credential = await pay(gate, answer)
    const served = await chatWith(gate, credential, { 'x-api-key': pass.text })
    expect(served.status).toBe(200)
    expect(await gate.books.statement.accounts(9)).toHaveLength(1)
  })

  it('with a narrowed pass opens an account, which pays under its caveats', async () => {
    const gate = await startGate({ settings })
    const narrowed = child(await gate.buy(), 'model = other')
    const credential = await pay(gate, await gate.chat(null))
    const beside = { 'x-api-key': narrowed }
    expect((await chatWith(gate, credential, beside)).status).toBe(403)
    const answer = await gate.chat(
      null,
      { model: 'other' },
      { authorization: credential, ...beside },
    )
    expect(answer.status).toBe(200)
    expect(answer.headers['x-satgate-pass']).toBeDefined()
  })
})
