import { describe, expect, it } from 'vitest'
import { WalletRefused, WalletUnreachable } from '../../src/wallets/wallet.ts'
import { child, tick, until } from '../support/buyer.ts'
import { type GateOptions, startGate } from '../support/gate.ts'

const PROMPT = 'my-secret-prompt-4711'
const ANSWER = 'my-secret-answer-0815'

/** A day of a gate, with secrets in every place where a secret can be. */
async function day(options: GateOptions = {}) {
  const secrets = new Set<string>([PROMPT, ANSWER, '127.0.0.1', 'sk-operator-key'])
  const gate = await startGate({
    settings: { upstreamKey: { env: 'UPSTREAM_KEY' }, ...options.settings },
    ...options,
  })
  const refused = await gate.chat(null, { messages: [{ role: 'user', content: PROMPT }] })
  const { l402 } = refused.json
  for (const secret of [l402.invoice, l402.macaroon, l402.payment_hash, l402.status_token]) {
    secrets.add(secret)
  }
  const pass = await gate.accept(refused)
  secrets.add(pass.secret)
  return { gate, pass, secrets }
}

describe('H3 nothing secret in any event or line', () => {
  it('of requests that succeed, are refused, break, or are nonsense', async () => {
    const { gate, pass, secrets } = await day()
    const messages = [{ role: 'user', content: PROMPT }]
    gate.fake.script = { deltas: [ANSWER], reasoning: [ANSWER] }
    await gate.chat(pass, { messages })
    await gate.chat(pass, { messages, stream: true })
    await gate.chat(child(pass, `label = ${PROMPT}`, 'calls <= 0'), { messages })
    await gate.chat(`${pass.macaroon}:${'0'.repeat(64)}`, { messages })
    await gate.chat(pass, { messages, model: `${PROMPT}` })
    await gate.chat(pass, { messages: PROMPT })
    await gate.ask({ path: `/${PROMPT}?q=${PROMPT}`, headers: { [PROMPT]: PROMPT } })
    await gate.ask({ path: '/v1/chat/completions', body: `{"model":"fake","${PROMPT}":` })
    const told = JSON.stringify({ error: { message: `${PROMPT} ${ANSWER}`, code: PROMPT } })
    for (const status of [400, 401, 429, 500, 503]) {
      gate.fake.script = { status, body: told, headers: { 'retry-after': PROMPT } }
      await gate.chat(pass, { messages })
      await gate.chat(pass, { messages, stream: true })
    }
    const event = `data: {"error":{"message":"${PROMPT}","code":"${PROMPT}"}}\n\n`
    gate.fake.script = { body: event, headers: { 'content-type': 'text/event-stream' } }
    await gate.chat(pass, { messages, stream: true })
    gate.fake.script = { deltas: [ANSWER], after: { deltas: 1, does: 'die' }, paceMs: 5 }
    await gate.chat(pass, { messages, stream: true })
    gate.fake.script = { body: ANSWER }
    await gate.chat(pass, { messages })
    await tick(50)
    for (const secret of secrets) expect(gate.log()).not.toContain(secret)
    expect(gate.log()).not.toMatch(/127\.0\.0\.1|::1|[0-9a-f]{64}|lnbcrt|AgEH/)
    expect(gate.events.length).toBeGreaterThan(15)
  })

  it('of a wallet whose errors contain secrets', async () => {
    let fails = false
    const gate = await startGate({
      wallet: (play) => ({
        ...play,
        async createInvoice(ask) {
          if (fails) throw new WalletUnreachable('timeout', { cause: new Error(PROMPT) })
          return play.createInvoice(ask)
        },
        async lookup(hash) {
          if (fails) throw new WalletRefused('permission denied', { cause: new Error(hash) })
          return play.lookup(hash)
        },
      }),
    })
    const pass = await gate.accept(await gate.chat(null))
    fails = true
    await gate.chat(null)
    await gate.ask({ path: '/create-invoice', body: { amountSats: 5 } })
    expect(gate.log()).toContain('the wallet cannot be used')
    expect(gate.log()).not.toMatch(new RegExp(`${PROMPT}|${pass.hash}|${pass.secret}`))
  })

  it('of a bug: its place is told, its message is not', async () => {
    let broken = false
    const gate = await startGate({
      watch: (books) => ({
        ...books,
        ledger: Object.assign(Object.create(books.ledger), {
          deposit: books.ledger.deposit.bind(books.ledger),
          settle: books.ledger.settle.bind(books.ledger),
          release: books.ledger.release.bind(books.ledger),
          balance: books.ledger.balance.bind(books.ledger),
          async hold(request: Parameters<typeof books.ledger.hold>[0]) {
            if (broken) throw new Error(PROMPT)
            return books.ledger.hold(request)
          },
        }),
      }),
    })
    const pass = await gate.buy(10)
    broken = true
    const answered = await gate.chat(pass)
    expect([answered.status, answered.json.error.code]).toEqual([500, 'internal_error'])
    expect(answered.text).not.toContain(PROMPT)
    const said = gate.events.find((event) => event.event === 'problem')
    expect(said).toMatchObject({ what: 'internal_error', error: 'Error' })
    expect(gate.log()).not.toContain(PROMPT)
    broken = false
    expect((await gate.chat(pass)).status).toBe(200)
  })

  it('an account is shown by a short name, with which nobody can spend', async () => {
    const { gate, pass } = await day()
    await gate.chat(pass)
    const { account } = await gate.last(2)
    expect(account).toMatch(/^[0-9a-f]{8}$/)
    const [row] = await gate.books.statement.accounts(1)
    expect(row?.account).not.toContain(account)
  })
})

describe('H8 no name from a stranger moves a cursor or forges a line', () => {
  const evil = 'fake\u001b[2J\n{"event":"paid"}\u202e\u2028\u009b2J'

  it('in errors, events and lines', async () => {
    const gate = await startGate({ settings: { pricing: { default: 1, models: { 'fake*': 1 } } } })
    const refused = await gate.chat(null, { model: `x${evil}` })
    expect(refused.status).toBe(404)
    expect(refused.json.error.message).not.toMatch(/[\p{Cc}\p{Cf}\u2028]/u)
    // A pattern of the operator matches this name, so it becomes the model in an event.
    await gate.chat(null, { model: evil })
    const lines = gate.log().split('\n')
    expect(lines.pop()).toBe('')
    expect(lines).toHaveLength(gate.events.length * 2)
    for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    expect(JSON.parse(lines[1] ?? '').model).toBe(evil)
  })
})

describe('H1 no text of a stranger becomes a part of a query', () => {
  it.each(["' OR 1=1 --", "'; DROP TABLE accounts; --", '%', '" OR ""="', '\u0000'])(
    '%j',
    async (text) => {
      const gate = await startGate({ books: 'sqlite' })
      const pass = await gate.buy(10)
      const url = encodeURIComponent(text)
      const statuses = [
        (await gate.ask({ path: `/invoice-status/${url}?token=${url}` })).status,
        (
          await gate.ask({
            path: `/v1/usage?before=${url}`,
            headers: { authorization: `Bearer ${pass.text}` },
          })
        ).status,
        (await gate.ask({ path: '/play/pay', body: { invoice: text } })).status,
        (await gate.chat(pass, { model: text })).status,
      ]
      expect(statuses).toEqual([404, 200, 400, 404])
      const label = text.replaceAll('\u0000', 'x')
      expect((await gate.chat(child(pass, `label = ${label}`))).status).toBe(200)
      expect((await gate.balance(pass)).balance_msat).toBe(9_993)
      await until(() => gate.composed.running() === 0)
      await gate.proof()
    },
  )
})
