import { decodePaymentRequest } from '@cashu/cashu-ts'
import { describe, expect, it } from 'vitest'
import { child } from '../support/buyer.ts'
import { type CashuGate, startCashuGate } from '../support/cashu-gate.ts'
import { asCashuA } from '../support/token-bed.ts'

/** What is in `X-Satgate-Pass`. */
const passIn = (answer: { headers: Record<string, unknown> }): string =>
  String(answer.headers['x-satgate-pass'])

describe('the offer of ecash', () => {
  it('stands beside the invoice, in both encodings, without a transport (NUT-24)', async () => {
    const { gate, mint } = await startCashuGate()
    const { status, json, headers } = await gate.chat(null)
    expect([status, json.l402.scheme]).toEqual([402, 'L402'])
    const { cashu } = json
    expect(headers['x-cashu']).toBe(cashu.request)
    expect(cashu).toMatchObject({ unit: 'sat', mints: [mint.url], amount: json.amount_sats })
    for (const text of [cashu.request, cashu.request_bech32]) {
      const { amount, unit, mints, transport } = decodePaymentRequest(text)
      expect([Number(amount), unit, mints, transport ?? []]).toEqual([
        ...[json.amount_sats, 'sat', [mint.url], []],
      ])
    }
    expect(json.error.message).toContain('X-Cashu')
    expect(json.how_to_pay).toContain('X-Satgate-Pass')
  })

  it('stands beside a shared invoice too, whose 402s differ in the macaroon alone', async () => {
    const settings = { pricing: { default: '1000' }, limits: { invoicesPerClient: 1 } }
    const { gate } = await startCashuGate({ gate: { settings } })
    await gate.chat(null)
    const bodies = []
    for (let at = 0; at < 3; at += 1) bodies.push((await gate.chat(null)).json)
    const macaroons = bodies.map(({ l402 }) => l402.macaroon)
    expect(new Set(macaroons).size).toBe(3)
    const texts = bodies.map((body, at) => JSON.stringify(body).replaceAll(macaroons[at], ''))
    expect(new Set(texts).size).toBe(1)
    expect(bodies[2].cashu.request).toMatch(/^creqA/)
  })

  it('is left out while the mint is down, and the invoice is not', async () => {
    const { gate, mint, payer, pays } = await startCashuGate()
    const token = await payer.token(64)
    await mint.stop()
    expect((await pays(token)).status).toBe(503)
    gate.world.advance(2_000)
    const { status, json, headers } = await gate.chat(null)
    expect([status, json.cashu, headers['x-cashu']]).toEqual([402, undefined, undefined])
    expect(json.l402.scheme).toBe('L402')
    await mint.restart()
  })

  it('is the only one where rails.l402 is false; passes are read all the same', async () => {
    const settings = { pricing: { default: '1000' }, rails: { l402: false }, wallet: 'ecash' }
    const { gate, payer, pays } = await startCashuGate({ gate: { settings } })
    const { status, json, headers } = await gate.chat(null)
    expect([status, json.l402, headers['www-authenticate']]).toEqual([402, undefined, undefined])
    const paid = await pays(await payer.token(json.cashu.amount + 400))
    expect((await gate.chat(passIn(paid))).status).toBe(200)
    const invoice = await gate.ask({ path: '/create-invoice', body: { amountSats: 100 } })
    expect([invoice.status, invoice.json.error.code]).toEqual([404, 'not_for_sale'])
    const known = (await gate.ask({ path: '/.well-known/l402' })).json
    expect(known.payment.methods).toEqual(['cashu'])
  })

  it('I8 paying the offer buys the answer, also at a mint that takes fees', async () => {
    for (const feePpk of [0, 100, 1000]) {
      const { gate, payer, pays } = await startCashuGate({ mint: { feePpk } })
      const offer = (await gate.chat(null)).json.cashu
      const paid = await pays(await payer.token(offer.amount))
      expect([feePpk, paid.status]).toEqual([feePpk, 200])
    }
  })
})

describe('a token that pays', () => {
  it('L3 is answered once with the pass of its account, which has all that is left', async () => {
    const { gate, payer, pays, bed, mint } = await startCashuGate()
    const token = await payer.token(500)
    const first = await pays(token)
    expect(first.status).toBe(200)
    expect(first.headers['cache-control']).toContain('no-store')
    const balance = await gate.balance(passIn(first))
    expect(balance.balance_msat).toBe(500_000 - Number(first.headers['x-cost-msat']))
    expect(gate.events.filter(({ event }) => event === 'paid')).toMatchObject([
      { rail: 'cashu', amount_msat: 500_000 },
    ])
    expect([bed.sats(), mint.issuedSat()]).toEqual([500, 500])
    const again = await pays(token)
    expect([again.status, again.headers['x-satgate-pass']]).toEqual([200, undefined])
    await gate.proof()
  })

  it('L2 buys on as an API key, sees its balance, and may no more', async () => {
    const { gate, payer } = await startCashuGate()
    const token = await payer.token(500)
    const first = await gate.chat(token)
    expect([first.status, passIn(first)]).toEqual([200, expect.stringMatching(/:[0-9a-f]{64}$/)])
    expect((await gate.chat(token)).status).toBe(200)
    const key = { 'x-api-key': token }
    expect((await gate.chat(null, {}, key)).status).toBe(200)
    const balance = await gate.balance(token)
    expect(balance.available_msat).toBe((await gate.balance(passIn(first))).available_msat)
    const ask = (path: string, body?: object) =>
      gate.ask({ path, headers: { authorization: `Bearer ${token}` }, ...(body && { body }) })
    expect((await ask('/v1/usage')).status).toBe(402)
    const topUp = await ask('/create-invoice', { amountSats: 100 })
    expect([topUp.status, topUp.json.macaroon]).toEqual([400, undefined])
  })

  it('L2 used up, it is offered a top-up without a macaroon of its account', async () => {
    const { payer, pays } = await startCashuGate()
    const token = await payer.token(64)
    while ((await pays(token)).status === 200);
    const { status, json } = await pays(token)
    expect([status, json.l402?.macaroon ?? null]).toEqual([402, null])
    expect(json.error.message).toMatch(/the pass has \d+/)
  })

  it('E2 L4 re-encoded it is the same payment', async () => {
    const { gate, payer, pays, mint } = await startCashuGate()
    const coins = await payer.coins(500)
    const first = await pays(await payer.write(coins))
    const again = await pays(asCashuA(mint.url, coins))
    expect([first.status, again.status, again.headers['x-satgate-pass']]).toEqual([
      ...[200, 200, undefined],
    ])
    expect(await gate.books.statement.accounts(9)).toHaveLength(1)
  })

  it('B1 fifty at once are one swap, one account and one pass', async () => {
    const { gate, payer, pays, mint } = await startCashuGate()
    const token = await payer.token(2000)
    const all = await Promise.all(Array.from({ length: 50 }, () => pays(token)))
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]))
    expect(all.filter(({ headers }) => 'x-satgate-pass' in headers)).toHaveLength(1)
    expect([mint.counts.swap, (await gate.books.statement.accounts(9)).length]).toEqual([1, 1])
    await gate.proof()
  })

  it('a stream carries the pass too', async () => {
    const { payer, pays } = await startCashuGate()
    const stream = await pays(await payer.token(500), null, { stream: true })
    expect(passIn(stream)).toMatch(/:[0-9a-f]{64}$/)
  })

  it('is not taken by a look at the price, nor while nothing can be delivered', async () => {
    const { gate, payer, pays, mint } = await startCashuGate()
    const token = await payer.token(500)
    const headers = { 'x-cashu': token }
    const price = await gate.ask({ method: 'GET', path: '/v1/chat/completions', headers })
    const balance = await gate.ask({ path: '/v1/balance', headers })
    expect([price.status, balance.status, mint.counts.swap]).toEqual([405, 402, 0])
    expect((await pays(token)).status).toBe(200)
  })

  it('G3 H3 reaches neither the backend nor a log', async () => {
    const { gate, payer, pays } = await startCashuGate()
    const token = await payer.token(500)
    await pays(token)
    await gate.chat(token)
    await pays(`${token.slice(0, -20)}`)
    expect(JSON.stringify(gate.fake.seen)).not.toContain(token.slice(6, 60))
    expect(gate.log()).not.toContain(token.slice(6, 60))
  })
})

describe('a token that is not taken', () => {
  it.each([
    ['damaged', 'token_damaged', async () => 'cashuBdamaged'],
    ['none at all', 'token_damaged', async () => 'creqAabc'],
    ['too large', 'token_too_large', async () => `cashuB${'a'.repeat(9_000)}`.repeat(1)],
  ])('%s: 400 %s, and no offer', async (_, code, make) => {
    const { pays, mint } = await startCashuGate()
    const heard = mint.heard.length
    const refused = await pays(await make())
    expect(refused.status).toBe(400)
    expect(['token_damaged', code]).toContain(refused.json.error.code)
    expect([refused.json.l402, refused.headers['www-authenticate']]).toEqual([undefined, undefined])
    expect(mint.heard).toHaveLength(heard)
  })

  it('of another mint, too small, locked: each says what to do, and it is still its owner’s', async () => {
    const { pays, payer, mint } = await startCashuGate()
    const coins = await payer.coins(500)
    const other = await pays(await payer.write(coins, 'https://mint.example'))
    expect([other.status, other.json.error.code]).toEqual([400, 'token_mint'])
    expect(other.json.error.message).toContain(mint.url)
    const small = await pays(await payer.token(1))
    expect([small.status, small.json.error.code]).toEqual([400, 'token_too_small'])
    expect(small.json.error.message).toMatch(/needs a token of \d+ sat/)
    const secret = '["P2PK",{"nonce":"0","data":"02"}]'
    const locked = await pays(await payer.write(coins.map((one) => ({ ...one, secret }))))
    expect([locked.status, locked.json.error.code]).toEqual([400, 'token_locked'])
    expect(mint.counts.swap).toBe(0)
    expect((await pays(await payer.write(coins))).status).toBe(200)
  })

  it('spent elsewhere: 402 by its name, with other ways to pay; half spent here: another name', async () => {
    const { pays, payer } = await startCashuGate()
    const coins = await payer.coins(500)
    const token = await payer.write(coins)
    await payer.spend(coins)
    const spent = await pays(token)
    expect([spent.status, spent.json.reason, spent.json.error.code]).toEqual([
      ...[402, 'token_spent', 402],
    ])
    expect(spent.json.payment_state).toBe('elsewhere')
    expect(spent.json.error.message).toContain('spent before, and not here')
    expect(spent.json.cashu.amount).toBeGreaterThan(0)
    const mine = await payer.coins(500)
    await pays(await payer.write(mine))
    const half = await pays(await payer.write(mine.slice(1)))
    expect([half.status, half.json.reason]).toEqual([402, 'token_partly_spent'])
  })

  it('D5 a client whose tokens are refused again and again waits; known tokens are served', async () => {
    const { pays, payer } = await startCashuGate()
    const token = await payer.token(500)
    expect((await pays(token)).status).toBe(200)
    const statuses: number[] = []
    for (let at = 0; at < 40; at += 1) statuses.push((await pays(`cashuB${at}`)).status)
    expect([statuses[0], statuses.at(-1)]).toEqual([400, 429])
    expect((await pays(token)).status).toBe(200)
  })
})

describe('E4 a mint that does not answer the swap', () => {
  it('is asked again for some seconds, and then the buyer is served', async () => {
    const { gate, pays, payer, mint, bed } = await startCashuGate()
    const token = await payer.token(500)
    mint.faults.swap = { is: 'dropAfter', times: 1 }
    const paid = await gate.world.hurry(pays(token))
    expect([paid.status, passIn(paid)]).toEqual([200, expect.stringMatching(/:[0-9a-f]{64}$/)])
    expect([bed.sats(), mint.issuedSat()]).toEqual([500, 500])
    await gate.proof()
  })

  it('and stays away: 503 says not to pay again; the same token buys when the mint is back', async () => {
    const { gate, pays, payer, mint } = await startCashuGate()
    const token = await payer.token(500)
    mint.faults.swap = { is: 'dropAfter', times: 1 }
    for (const route of ['checkstate', 'restore'] as const) {
      mint.faults[route] = { is: 'status500', times: 1_000 }
    }
    const refused = await gate.world.hurry(pays(token))
    expect([refused.status, refused.json.error.code]).toEqual([503, 'token_pending'])
    expect(refused.json.error.message).toContain('Do not pay again')
    expect(refused.json.payment_state).toBe('pending')
    expect(refused.headers['www-authenticate']).toBeUndefined()
    expect(refused.headers['retry-after']).toBe('3')
    mint.faults.checkstate = { is: 'status500', times: 0 }
    mint.faults.restore = { is: 'status500', times: 0 }
    gate.world.advance(120_000)
    const paid = await gate.world.hurry(pays(token))
    expect([paid.status, passIn(paid)]).toEqual([200, expect.stringMatching(/:/)])
  })

  it('E4 L3 kill -9 behind the swap: the next process credits it, and its buyer still gets the pass', async () => {
    const one = await startCashuGate()
    const token = await one.payer.token(500)
    one.mint.faults.swap = { is: 'dropAfter', times: 1 }
    for (const route of ['checkstate', 'restore'] as const) {
      one.mint.faults[route] = { is: 'status500', times: 1_000 }
    }
    expect((await one.gate.world.hurry(one.pays(token))).status).toBe(503)
    for (const route of ['checkstate', 'restore'] as const) {
      one.mint.faults[route] = { is: 'status500', times: 0 }
    }
    one.bed.ahead += 60_000
    const next = await one.again()
    const owned = () => next.gate.books.statement.accounts(9)
    await next.bed.world.until(async () => (await owned()).length === 1)
    const paid = await next.pays(token)
    expect([paid.status, passIn(paid)]).toEqual([200, expect.stringMatching(/:[0-9a-f]{64}$/)])
    expect((await next.pays(token)).headers['x-satgate-pass']).toBeUndefined()
    expect([next.bed.sats(), next.mint.issuedSat(), (await owned()).length]).toEqual([500, 500, 1])
    await next.gate.proof()
  })
})

describe('L16 a payment beside a pass', () => {
  it('tops up the account of a root pass, which pays for the request', async () => {
    const { gate, payer, pays } = await startCashuGate()
    const pass = await gate.buy(1)
    const paid = await pays(await payer.token(500), pass.text)
    expect([paid.status, passIn(paid)]).toEqual([200, pass.text])
    const cost = Number(paid.headers['x-cost-msat'])
    expect((await gate.balance(pass)).balance_msat).toBe(501_000 - cost)
    expect(await gate.books.statement.accounts(9)).toHaveLength(1)
  })

  it('pays with a spending key too, and nobody gets a macaroon', async () => {
    const { gate, payer, pays } = await startCashuGate()
    const pass = await gate.buy(1)
    const key = child(pass, 'only = spend')
    const paid = await pays(await payer.token(500), key)
    expect([paid.status, passIn(paid)]).toEqual([200, key])
    expect(await gate.books.statement.accounts(9)).toHaveLength(1)
  })

  it('of a narrowed pass opens an account of its own, under the caveats and limits of that pass', async () => {
    const { gate, payer, pays } = await startCashuGate()
    const pass = await gate.buy(1000)
    const narrow = child(pass, 'calls <= 1')
    const paid = await pays(await payer.token(500), narrow)
    expect([paid.status, passIn(paid)]).toEqual([200, expect.stringMatching(/:[0-9a-f]{64}$/)])
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000)
    const cost = Number(paid.headers['x-cost-msat'])
    expect((await gate.balance(passIn(paid))).balance_msat).toBe(500_000 - cost)
    const second = await pays(await payer.token(500), narrow)
    expect(second.status).toBe(403)
    expect(passIn(second)).toMatch(/:[0-9a-f]{64}$/)
    await gate.proof()
  })

  it('of the same token that comes without the pass at once credits one account, and serves both', async () => {
    const { gate, payer, pays } = await startCashuGate()
    const pass = await gate.buy(1000)
    const token = await payer.token(500)
    const both = await Promise.all([pays(token), pays(token, pass.text), pays(token)])
    expect(both.map(({ status }) => status)).toEqual([200, 200, 200])
    const given = both.flatMap(({ headers }) => headers['x-satgate-pass'] ?? [])
    const opened = given.filter((one) => one !== pass.text)
    const accounts = await gate.books.statement.accounts(9)
    expect(opened.length).toBe(accounts.length - 1)
    await gate.proof()
  })

  it('takes nothing if the pass forbids the request, or is none of ours', async () => {
    const { gate, payer, pays, mint } = await startCashuGate()
    const pass = await gate.buy(1000)
    const token = await payer.token(500)
    const other = await pays(token, child(pass, 'model = other'))
    expect([other.status, mint.counts.swap]).toEqual([403, 0])
    const strange = `${pass.macaroon}:${'0'.repeat(64)}`
    expect([(await pays(token, strange)).status, mint.counts.swap]).toEqual([402, 0])
    expect((await pays(token, pass.text)).status).toBe(200)
    expect((await gate.balance(pass)).balance_msat).toBeGreaterThan(1_000_000)
  })

  it('that is refused refuses the request, and charges nothing', async () => {
    const { gate, pays } = await startCashuGate()
    const pass = await gate.buy(1000)
    const refused = await pays('cashuBnothing', pass.text)
    expect([refused.status, refused.json.error.code]).toEqual([400, 'token_damaged'])
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000)
  })

  it('two different tokens, or a damaged pass beside a token: 400, and nothing is taken', async () => {
    const { gate, payer, mint } = await startCashuGate()
    const [one, two] = [await payer.token(500), await payer.token(500)]
    const both = await gate.chat(one, {}, { 'x-cashu': two })
    expect([both.status, both.json.error.code]).toEqual([400, 'conflicting_credentials'])
    const pass = await gate.buy(10)
    const damaged = await gate.chat(pass.text.slice(0, -9), {}, { 'x-cashu': one })
    expect([damaged.status, mint.counts.swap]).toEqual([400, 0])
    expect((await gate.chat(one, {}, { 'x-cashu': one })).status).toBe(200)
  })

  it('a repeated token beside the pass is not credited twice', async () => {
    const { gate, payer, pays } = await startCashuGate()
    const pass = await gate.buy(1000)
    const token = await payer.token(500)
    const costs: number[] = []
    for (let at = 0; at < 3; at += 1) {
      costs.push(Number((await pays(token, pass.text)).headers['x-cost-msat']))
    }
    const spent = costs.reduce((sum, one) => sum + one, 0)
    expect((await gate.balance(pass)).balance_msat).toBe(1_500_000 - spent)
    await gate.proof()
  })
})

describe('L2 I4 the text of a token is no key to an account that it did not open', () => {
  /** What the account of a pass has after these requests with the token. */
  const refusedOf = async (at: CashuGate, token: string, owner: { text: string }) => {
    const before = (await at.gate.balance(owner.text)).balance_msat
    const [own] = [await at.gate.buy(1000)]
    const tries = [
      await at.pays(token),
      await at.gate.chat(token),
      await at.pays(token, child(own, 'label = x')),
    ]
    const seen = await at.gate.ask({
      path: '/v1/balance',
      headers: { authorization: `Bearer ${token}` },
    })
    expect((await at.gate.balance(owner.text)).balance_msat).toBe(before)
    await at.gate.proof()
    return [...tries, seen].map(({ status, json }) => [status, json.reason ?? null])
  }
  const NO_KEY = [...Array.from({ length: 3 }, () => [402, 'token_used']), [402, null]]

  it('the giver of a token that topped a pass up does not spend what else is there', async () => {
    const at = await startCashuGate()
    const pass = await at.gate.buy(5000)
    const token = await at.payer.token(64)
    expect((await at.pays(token, pass.text)).status).toBe(200)
    expect(await refusedOf(at, token, pass)).toEqual(NO_KEY)
    // Beside the pass it may come again: a client that retries sends both.
    expect((await at.pays(token, pass.text)).status).toBe(200)
  })

  it('the holder of a narrowed pass does not shed its caveats by topping up', async () => {
    const at = await startCashuGate()
    const pass = await at.gate.buy(5000)
    const token = await at.payer.token(64)
    const headers = { authorization: `Bearer ${child(pass, 'spend <= 1')}` }
    const { status } = await at.gate.ask({ path: '/cashu-redeem', headers, body: { token } })
    expect(status).toBe(200)
    expect(await refusedOf(at, token, pass)).toEqual(NO_KEY)
  })

  it('B1 B7 one token alone and beside two passes at once is credited once, and nobody sees a failure', async () => {
    const { gate, payer, pays } = await startCashuGate()
    const [ann, bob] = [await gate.buy(5000), await gate.buy(5000)]
    for (const order of [0, 1, 2]) {
      const token = await payer.token(500)
      const with3 = [ann.text, null, bob.text]
      const passes = [...with3.slice(order), ...with3.slice(0, order)]
      const all = await Promise.all(passes.map((pass) => pays(token, pass)))
      for (const { status } of all) expect([200, 402]).toContain(status)
      const redeem = (pass: string) =>
        gate.ask({
          path: '/cashu-redeem',
          headers: { authorization: `Bearer ${pass}` },
          body: { token: fresh },
        })
      const fresh = await payer.token(500)
      const both = await Promise.all([redeem(ann.text), redeem(bob.text)])
      expect(both.map(({ status }) => status).toSorted()).toEqual([200, 402])
    }
    expect(gate.events.filter(({ event }) => event === 'paid')).toHaveLength(8)
    await gate.proof()
  })

  it('L14 once the account was rotated, the token that opened it buys nothing, also beside a pass', async () => {
    const { gate, payer, pays } = await startCashuGate()
    const token = await payer.token(2000)
    const pass = passIn(await pays(token))
    const headers = { authorization: `Bearer ${pass}` }
    const rotated = await gate.ask({ path: '/v1/passes/rotate', method: 'POST', headers })
    expect(rotated.status).toBe(200)
    const before = (await gate.balance(rotated.json.pass)).balance_msat
    const own = await gate.buy(1000)
    const tries = [
      await pays(token),
      await gate.chat(token),
      await pays(token, child(own, 'label = x')),
    ]
    expect(tries.map(({ status }) => status)).toEqual([402, 402, 402])
    expect((await gate.balance(rotated.json.pass)).balance_msat).toBe(before)
    await gate.proof()
  })
})
