import { describe, expect, it } from 'vitest'
import type { InvoiceAsk, Wallet } from '../../src/wallets/wallet.ts'
import { bearer, child, type Pass, passOf, until } from '../support/buyer.ts'
import { startGate, type TestGate } from '../support/gate.ts'

const textOf = (pass: Pass | string) => (typeof pass === 'string' ? pass : pass.text)
/** The macaroon of a pass, without its secret. */
const macaroonOf = (pass: Pass | string) => textOf(pass).replace(/:.*$/, '')

const revoke = (gate: TestGate, pass: Pass | string, body?: object) =>
  gate.ask({
    ...{ path: '/v1/pass', method: 'DELETE', headers: bearer(pass) },
    ...(body === undefined ? {} : { body }),
  })

const rotate = (gate: TestGate, pass: Pass | string, headers: Record<string, string> = {}) =>
  gate.ask({
    ...{ path: '/v1/passes/rotate', method: 'POST', body: {} },
    headers: { ...bearer(pass), ...headers },
  })

/** Rotates a pass, which must succeed. Returns the new pass. */
async function rotated(gate: TestGate, pass: Pass | string): Promise<string> {
  const { status, json, text } = await rotate(gate, pass)
  if (status !== 200) throw new Error(text)
  return json.pass
}

const statuses = (gate: TestGate, ...passes: (Pass | string)[]) =>
  Promise.all(passes.map(async (pass) => (await gate.chat(pass)).status))

describe('H9 revoked_parent_kills_children', () => {
  it('the owner ends a child by its macaroon, and with it all that were made from it', async () => {
    const gate = await startGate()
    const root = await gate.buy(100)
    const team = child(root, 'label = team', 'spend <= 50')
    const [ann, bob] = [child(team, 'label = ann'), child(team, 'label = bob')]
    const other = child(root, 'label = other')
    expect(await statuses(gate, team, ann, bob, other)).toEqual([200, 200, 200, 200])
    const { status, json } = await revoke(gate, root, { pass: macaroonOf(team) })
    expect([status, json]).toEqual([200, { revoked: true }])
    // They were known by their header. The next request is refused.
    expect(await statuses(gate, team, ann, bob, other, root)).toEqual([402, 402, 402, 200, 200])
    const refused = await gate.chat(child(bob, 'calls <= 5'))
    expect(refused.json.error.message).toContain('this pass was revoked')
    expect(refused.text).not.toContain('nothing was paid')
    expect(refused.json.l402.macaroon).not.toBeNull()
    const balance = await gate.ask({ path: '/v1/balance', headers: bearer(ann) })
    expect(balance.status).toBe(402)
  })

  it('a pass ends itself, and with a secret behind the macaroon too', async () => {
    const gate = await startGate()
    const root = await gate.buy(100)
    const [ann, bob] = [child(root, 'label = ann'), child(root, 'label = bob')]
    expect((await revoke(gate, ann)).json).toEqual({ revoked: true })
    expect((await revoke(gate, root, { pass: bob })).json).toEqual({ revoked: true })
    expect(await statuses(gate, ann, bob, root)).toEqual([402, 402, 200])
  })

  it('it is idempotent: by the owner, by the pass itself, at once and after a restart', async () => {
    const gate = await startGate({ books: 'sqlite' })
    const root = await gate.buy(100)
    const ann = child(root, 'label = ann')
    const all = await Promise.all([1, 2, 3].map(() => revoke(gate, ann)))
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200])
    await gate.stop()
    const after = await startGate({ after: gate })
    expect((await after.chat(ann)).status).toBe(402)
    expect((await revoke(after, ann)).json).toEqual({ revoked: true })
    expect((await revoke(after, root, { pass: macaroonOf(ann) })).json).toEqual({ revoked: true })
  })

  it('a stream that runs when its pass is ended runs to its end, and is charged', async () => {
    const gate = await startGate({ script: { delay: 5 } as never })
    const root = await gate.buy(100)
    const ann = child(root, 'label = ann')
    const running = gate.chat(ann, { stream: true })
    await until(() => gate.fake.seen.length === 1)
    await revoke(gate, ann)
    const { status, text } = await running
    expect([status, text.trimEnd().endsWith('[DONE]')]).toEqual([200, true])
    expect((await gate.balance(root)).balance_msat).toBeLessThan(100_000)
    expect((await gate.chat(ann)).status).toBe(402)
    await gate.proof()
  })
})

describe('H9 revoking needs a pass that is a prefix of its target', () => {
  it('a stranger, a sibling, a child and another pass of the account are refused', async () => {
    const gate = await startGate()
    const root = await gate.buy(100)
    const team = child(root, 'label = team')
    const [ann, bob] = [child(team, 'label = ann'), child(team, 'label = bob')]
    const top = await gate.buy(10, {}, bearer(root))
    const stranger = await gate.buy(10)
    for (const [who, target] of [
      [stranger, ann],
      [stranger, root],
      [bob, ann],
      [ann, team],
      [team, root],
      [top, team],
      [root, top],
    ] as const) {
      const { status, json } = await revoke(gate, who, { pass: macaroonOf(target) })
      expect([status, json.error.code]).toEqual([403, 'not_your_pass'])
    }
    expect(await statuses(gate, root, team, ann, bob, top, stranger)).toEqual(Array(6).fill(200))
    expect((await revoke(gate, team, { pass: macaroonOf(ann) })).status).toBe(200)
    expect(await statuses(gate, ann, bob)).toEqual([402, 200])
  })

  it.each([
    [{ pass: 'x' }, 400],
    [{ pass: 7 }, 400],
    [{ pass: `AgEHc2F0Z2F0ZQ${'A'.repeat(5_000)}` }, 400],
    [{ macaroon: 'x' }, 400],
    [{ yes: 'yes' }, 400],
    [[], 400],
  ])('bad input: %j is refused with %i', async (body, status) => {
    const gate = await startGate()
    const root = await gate.buy(10)
    expect((await revoke(gate, root, body)).status).toBe(status)
    expect((await gate.chat(root)).status).toBe(200)
  })

  it('no pass, a foreign key and a damaged pass end nothing', async () => {
    const gate = await startGate()
    const root = await gate.buy(10)
    const ask = (headers: Record<string, string>) =>
      gate.ask({ path: '/v1/pass', method: 'DELETE', headers })
    expect((await ask({})).status).toBe(402)
    expect((await ask({ authorization: 'Bearer sk-x' })).status).toBe(402)
    expect((await ask({ authorization: `Bearer ${root.macaroon}` })).status).toBe(400)
    const wrong = passOf(root.macaroon, '0'.repeat(64), root.hash)
    expect((await revoke(gate, wrong)).status).toBe(402)
    expect((await gate.chat(root)).status).toBe(200)
  })

  it('a root pass with credit is ended only with yes, and the answer says what is left behind', async () => {
    const gate = await startGate()
    const root = await gate.buy(10)
    const refused = await revoke(gate, root)
    expect([refused.status, refused.json.error.code]).toEqual([409, 'credit_remains'])
    expect(refused.json.balance_msat).toBe(10_000)
    expect(refused.json.error.message).toContain('POST /v1/passes/rotate')
    expect((await gate.chat(root)).status).toBe(200)
    const done = await revoke(gate, root, { yes: true })
    expect(done.json).toEqual({ revoked: true, balance_msat: 9_993 })
    expect((await gate.chat(root)).status).toBe(402)
  })

  it('lnget’s copy of a root pass ends the root pass, and not only itself', async () => {
    const gate = await startGate()
    const root = await gate.buy(10)
    const lnget = child(root, `preimage = ${root.secret}`)
    const own = lnget.replace(/:.*$/, '')
    // `narrow` adds an id, which lnget does not. So this copy is narrowed; the root is not ended.
    expect((await revoke(gate, lnget, { pass: own })).status).toBe(200)
    expect((await gate.chat(root)).status).toBe(200)
  })
})

describe('rotating a root pass', () => {
  it('the new pass has the account, and every other pass of the account has ended', async () => {
    const gate = await startGate()
    const root = await gate.buy(100)
    const top = await gate.buy(100, {}, bearer(root))
    const [ann, key] = [child(root, 'label = ann'), child(top, 'only = spend')]
    expect(await statuses(gate, root, top, ann, key)).toEqual([200, 200, 200, 200])
    const next = await rotated(gate, root)
    expect(await statuses(gate, root, top, ann, key)).toEqual([402, 402, 402, 402])
    expect(await gate.balance(next)).toMatchObject({ balance_msat: 199_972 })
    expect(await statuses(gate, next, child(next, 'label = ann'))).toEqual([200, 200])
    const again = await gate.buy(10, {}, bearer(next))
    expect((await gate.chat(again)).status).toBe(200)
    await gate.proof()
  })

  it('a spending key, a narrowed pass and a stranger rotate nothing', async () => {
    const gate = await startGate()
    const root = await gate.buy(100)
    for (const caveat of ['only = spend', 'label = ann', 'spend <= 50']) {
      const { status, json } = await rotate(gate, child(root, caveat))
      expect([status, json.error.code]).toEqual([403, 'root_pass_required'])
    }
    expect((await gate.ask({ path: '/v1/passes/rotate', method: 'POST' })).status).toBe(402)
    expect((await gate.chat(root)).status).toBe(200)
  })

  it('a pass of an invoice that was open then buys credit, and opens nothing', async () => {
    const gate = await startGate()
    const root = await gate.buy(100)
    const ask = (headers: Record<string, string>) =>
      gate.ask({ path: '/create-invoice', body: { amountSats: 50 }, headers })
    const [open, later] = [await ask(bearer(root)), await ask(bearer(root))]
    const next = await rotated(gate, root)
    expect((await gate.ask({ path: open.json.payment_url })).json.macaroon).toBeUndefined()
    await gate.pay(open.json.bolt11)
    await until(async () => (await gate.balance(next)).balance_msat === 150_000)
    const status = await gate.ask({ path: open.json.payment_url })
    expect([status.json.paid, status.json.macaroon]).toEqual([true, undefined])
    // Its own secret is presented before anybody else has learnt of the payment.
    const secret = await gate.pay(later.json.bolt11)
    const dead = passOf(later.json.macaroon, secret, later.json.payment_hash)
    expect((await gate.chat(dead)).status).toBe(402)
    await until(async () => (await gate.balance(next)).balance_msat === 200_000)
  })

  it('the new root pass is not shown an invoice whose pass has ended', async () => {
    const gate = await startGate({ settings: { pricing: { default: '0/500' } } })
    const root = await gate.buy(1)
    expect((await gate.chat(root)).status).toBe(200)
    const before = await Promise.all([1, 2, 3, 4].map(() => gate.chat(root)))
    const next = await rotated(gate, root)
    const hashes = before.map(({ json }) => json.l402.payment_hash)
    const after = await gate.chat(next)
    expect([402, 429]).toContain(after.status)
    expect(hashes).not.toContain(after.json.l402?.payment_hash)
  })

  it('a top-up that was being made for the old pass while it was rotated gives no living pass', async () => {
    const made = Promise.withResolvers<void>()
    let asked = 0
    const gate = await startGate({
      wallet: (play) =>
        ({
          ...{ kind: play.kind, money: play.money, watch: play.watch.bind(play) },
          ...{ lookup: play.lookup.bind(play), close: play.close.bind(play) },
          async createInvoice(ask: InvoiceAsk) {
            asked += 1
            if (asked > 1) await made.promise
            return play.createInvoice(ask)
          },
        }) as Wallet,
    })
    const root = await gate.buy(100)
    const late = gate.ask({ path: '/create-invoice', body: {}, headers: bearer(root) })
    await until(() => asked === 2)
    const next = await rotated(gate, root)
    made.resolve()
    const { json } = await late
    const thief = passOf(json.macaroon, await gate.pay(json.bolt11), json.payment_hash)
    expect((await gate.chat(thief)).status).toBe(402)
    await until(async () => (await gate.balance(next)).balance_msat === 1_100_000)
  })
})

describe('the answer of a rotation gets lost', () => {
  it('the old pass may ask again until the new one is used, and for nothing else', async () => {
    const gate = await startGate()
    const root = await gate.buy(100)
    const lost = await rotated(gate, root)
    expect((await gate.chat(root)).status).toBe(402)
    const told = await rotated(gate, root)
    expect(told).not.toBe(lost)
    expect((await gate.chat(lost)).status).toBe(402)
    expect((await gate.chat(told)).status).toBe(200)
    expect((await rotate(gate, root)).status).toBe(402)
    expect((await rotate(gate, lost)).status).toBe(402)
    expect((await gate.chat(told)).status).toBe(200)
  })

  it('with the same Idempotency-Key it is told the same pass, with another a new one', async () => {
    const gate = await startGate({ books: 'sqlite' })
    const root = await gate.buy(100)
    const key = { 'idempotency-key': 'a random text' }
    const first = await rotate(gate, root, key)
    await gate.stop()
    const after = await startGate({ after: gate })
    expect((await rotate(after, root, key)).json).toEqual(first.json)
    const thief = await rotate(after, root, { 'idempotency-key': 'guessed' })
    expect(thief.json.pass).not.toBe(first.json.pass)
    expect((await after.chat(first.json.pass)).status).toBe(402)
  })

  it('after ten minutes the old pass may ask for nothing', async () => {
    const gate = await startGate()
    const root = await gate.buy(100)
    const next = await rotated(gate, root)
    gate.world.advance(10 * 60_000)
    expect((await rotate(gate, root)).status).toBe(402)
    expect((await gate.chat(next)).status).toBe(200)
  })

  it('many at once make one living pass', async () => {
    const gate = await startGate()
    const root = await gate.buy(100)
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => rotate(gate, root)))
    const passes = all.filter(({ status }) => status === 200).map(({ json }) => json.pass)
    expect(new Set(passes).size).toBe(passes.length)
    const good = (await statuses(gate, ...passes)).filter((status) => status === 200)
    expect(good).toEqual([200])
  })

  it('an account is rotated six times a minute at most', async () => {
    const gate = await startGate()
    let pass = (await gate.buy(100)).text
    for (let time = 0; time < 6; time += 1) pass = await rotated(gate, pass)
    expect((await rotate(gate, pass)).status).toBe(429)
    expect((await gate.chat(pass)).status).toBe(200)
  })
})
