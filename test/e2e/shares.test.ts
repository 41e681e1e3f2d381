import { describe, expect, it, onTestFinished } from 'vitest'
import { WalletRefused } from '../../src/wallets/wallet.ts'
import type { Answered } from '../support/ask.ts'
import { bearer, child, passOf, tick, until } from '../support/buyer.ts'
import { EcashBed } from '../support/ecash.ts'
import { startFakeMint } from '../support/fake-mint.ts'
import { startGate, type TestGate } from '../support/gate.ts'

const create = (gate: TestGate, body: unknown = {}, headers = {}) =>
  gate.ask({ path: '/create-invoice', body, headers })

/** A prompt that costs about `sat` sats, which is more than a small pass has. */
const dear = (sat: number) => ({
  messages: [{ role: 'user', content: 'word '.repeat(sat * 800) }],
  max_tokens: 1,
})

/** The pass of an offer, with the preimage of somebody who paid. */
const passWith = (shown: Answered, secret: string) =>
  passOf(shown.json.l402.macaroon, secret, shown.json.payment_hash)

/** Real seconds since the start: on a slow machine there are more rounds, but not more calls in each. */
function stopwatch(): () => number {
  const began = performance.now()
  return () => (performance.now() - began) / 1_000
}

/** A gate whose wallet counts its calls. */
async function counted(settings = {}) {
  const asked = { lookups: 0, invoices: 0 }
  const gate = await startGate({
    settings,
    wallet: (play) => ({
      ...play,
      createInvoice(ask) {
        asked.invoices += 1
        return play.createInvoice(ask)
      },
      lookup(hash, who) {
        asked.lookups += 1
        return play.lookup(hash, who)
      },
      watch: () => ({ stop() {} }),
    }),
  })
  return { gate, asked }
}

describe('J5 status_page_costs_the_mint_nothing', () => {
  it('a hundred polls of an unpaid invoice ask the wallet as often as its page is worth', async () => {
    const { gate, asked } = await counted()
    const { json } = await create(gate, { amountSats: 10 })
    const seconds = stopwatch()
    for (let poll = 0; poll < 100; poll += 1) {
      expect((await gate.ask({ path: json.payment_url })).json.paid).toBe(false)
      gate.world.advance(1_001)
    }
    // One invoice is looked up in each real second, and further ones by the rounds.
    expect(asked.lookups).toBeLessThanOrEqual(Math.min(80, 5 + 2 * seconds()))
  })

  it('a payment without a notification is seen by its open page, within the share of pages', async () => {
    const { gate, asked } = await counted()
    const pages: string[] = []
    for (let made = 0; made < 12; made += 1) {
      pages.push((await create(gate, { amountSats: 10 })).json.payment_url)
    }
    const { json } = await create(gate, { amountSats: 10 })
    await gate.pay(json.bolt11)
    const seconds = stopwatch()
    await until(async () => {
      await Promise.all(pages.map((path) => gate.ask({ path })))
      return (await gate.ask({ path: json.payment_url })).json.paid
    })
    expect(asked.lookups).toBeLessThanOrEqual(20 + 7 * seconds())
  })

  it('once it is paid, the answer comes from what is known', async () => {
    const { gate, asked } = await counted()
    const { json } = await create(gate, { amountSats: 10 })
    const preimage = await gate.pay(json.bolt11)
    await until(async () => (await gate.ask({ path: json.payment_url })).json.paid)
    const { lookups } = asked
    for (let poll = 0; poll < 20; poll += 1) {
      expect((await gate.ask({ path: json.payment_url })).json.preimage).toBe(preimage)
    }
    expect(asked.lookups).toBe(lookups)
  })
})

describe.each(['memory', 'sqlite'] as const)('J6 shared_offers_are_counted: %s', (books) => {
  it('the first client that presents the preimage owns the account, for good and after a restart', async () => {
    const gate = await startGate({ books, settings: { limits: { invoicesPerClient: 1 } } })
    await gate.chat(null)
    const [mine, theirs] = [await gate.chat(null), await gate.chat(null)]
    expect(theirs.json.payment_hash).toBe(mine.json.payment_hash)
    expect(theirs.json.l402.macaroon).not.toBe(mine.json.l402.macaroon)
    const secret = await gate.pay(mine.json.l402.invoice)
    const [payer, other] = [passWith(mine, secret), passWith(theirs, secret)]
    expect((await gate.chat(payer)).status).toBe(200)
    // Each node on the route of a payment learns its preimage too.
    expect((await gate.chat(other)).status).toBe(402)
    expect((await create(gate, {}, bearer(other))).json.error.code).toBe('bad_credential')
    const { balance_msat: left } = await gate.balance(payer)
    await gate.stop()
    const again = await startGate({ after: gate, settings: { trustedProxies: [] } })
    expect((await again.chat(other)).status).toBe(402)
    expect((await again.balance(payer)).balance_msat).toBe(left)
    expect((await again.chat(child(payer, 'model = fake'))).status).toBe(200)
  })

  it('with many copies at once, one of them owns it', async () => {
    const seen = Promise.withResolvers<void>()
    const gate = await startGate({
      books,
      settings: { limits: { invoicesPerClient: 1 } },
      // All of them have read that nobody owns the pass before the payment is seen.
      wallet: (play) => ({
        ...play,
        lookup: (hash, who) => seen.promise.then(() => play.lookup(hash, who)),
        watch: () => ({ stop() {} }),
      }),
    })
    await gate.chat(null)
    const shown = await Promise.all(Array.from({ length: 10 }, () => gate.chat(null)))
    const secret = await gate.pay(shown[0]?.json.l402.invoice)
    const asked = shown.map((one) => gate.chat(passWith(one, secret)))
    await tick(300)
    seen.resolve()
    const answers = await Promise.all(asked)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(9)
  })
})

describe('J6 shared_offers_are_counted', () => {
  it('however many networks ask for however much, rows are bounded, and nobody is refused for long', async () => {
    const { gate, asked } = await counted({
      trustedProxies: ['127.0.0.1'],
      limits: { invoicesPerClient: 2, invoicesTotal: 20 },
    })
    const statuses = new Set<number>()
    for (let client = 0; client < 30; client += 1) {
      for (const sat of [1, 2, 3, 5, 8, 13, 21, 34]) {
        const headers = { 'x-forwarded-for': `198.51.100.${client}` }
        statuses.add((await gate.chat(null, dear(sat), headers)).status)
      }
    }
    expect([...statuses]).toEqual([402])
    expect(asked.invoices).toBeLessThanOrEqual(20)
    expect(gate.composed.openInvoices()).toBe(asked.invoices)
  })

  it('a shared offer has no payment page, and tells what to do without one', async () => {
    const gate = await startGate({ settings: { limits: { invoicesPerClient: 1 } } })
    await gate.chat(null)
    const { json } = await gate.chat(null)
    for (const name of ['payment_url', 'pay_at']) expect(json).not.toHaveProperty(name)
    expect(json.l402).not.toHaveProperty('status_token')
    expect(json.pass_format).toBe('<macaroon>:<preimage>')
    expect(json.how_to_pay).toContain('with a wallet that shows the preimage')
    expect(json.how_to_pay).toContain('If your wallet shows no preimage, do not pay it')
    expect(json.error.message).toMatch(
      /^Insufficient credits: this needs up to 10 sat, .* Pay the invoice in this answer with a wallet that shows the preimage/,
    )
    expect(json.llms_txt).toBe(`${gate.url}/llms.txt`)
  })

  it('if the largest shared invoice is too small, it is a 429 with Retry-After and no challenge', async () => {
    const { gate } = await counted({
      limits: { invoicesPerClient: 1 },
      pricing: { default: '1000/1000' },
    })
    expect((await gate.chat(null, dear(2))).status).toBe(402)
    const answered = await gate.chat(null, dear(2))
    expect([answered.status, answered.json.error.code]).toEqual([429, 'too_many_invoices'])
    expect(answered.headers['www-authenticate']).toBe(undefined)
    expect(Number(answered.headers['retry-after'])).toBeGreaterThan(0)
  })

  it('an amount above credit.invoice.max is shared too, and paying it buys the answer', async () => {
    const { gate } = await counted({
      limits: { invoicesPerClient: 1 },
      credit: { invoice: { min: 1, max: 5 } },
    })
    await gate.chat(null)
    const refused = await gate.chat(null, dear(20))
    expect(refused.json.amount_sats).toBeGreaterThan(20)
    expect((await gate.chat(await gate.accept(refused), dear(20))).status).toBe(200)
  })
})

describe('J6 on a mint of somebody else that accepts 20 calls a minute', () => {
  async function onAMint() {
    const mint = await startFakeMint({ sockets: false })
    const bed = new EcashBed()
    onTestFinished(async () => {
      await bed.close()
      await mint.stop()
    })
    const wallet = await bed.open({ mints: [mint], limited: true })
    const gate = await startGate({
      settings: { trustedProxies: ['127.0.0.1'] },
      wallet: () => wallet,
    })
    const from = (client: number) => ({ 'x-forwarded-for': `198.51.100.${client}` })
    /** Moves both clocks. */
    const later = (ms: number) => {
      bed.ahead += ms
      gate.world.advance(ms)
    }
    return { gate, mint, from, later }
  }

  it('14 strangers a minute who never pay leave an invoice for every new buyer, for a quarter of an hour', async () => {
    const { gate, mint, from, later } = await onAMint()
    const statuses: number[] = []
    for (let minute = 0; minute < 15; minute += 1) {
      for (let at = 0; at < 14; at += 1) {
        const { status } = await gate.chat(null, dear(1 + (at % 5)), from(at))
        statuses.push(status)
        later(4_000)
      }
      const buyer = await gate.chat(null, {}, from(100 + minute))
      expect(buyer.status).toBe(402)
      const calls = mint.counts.quote + mint.counts.quoteState
      expect(calls).toBeLessThanOrEqual(17 * (minute + 2))
      later(4_000)
    }
    expect(new Set(statuses)).toEqual(new Set([402]))
    // A stranger can also pay what is shown.
    const shown = await gate.chat(null, {}, from(99))
    const paid = passWith(shown, mint.pay(shown.json.l402.invoice))
    expect((await gate.chat(paid)).status).toBe(200)
  })

  it('J5 pages that are open all the time stop neither invoices nor top-ups, and hide no payment', async () => {
    const { gate, mint, from, later } = await onAMint()
    const pages: string[] = []
    for (let client = 0; client < 6; client += 1) {
      const { json } = await gate.chat(null, {}, from(client))
      if (json.payment_url !== undefined) pages.push(json.payment_url)
    }
    expect(pages.length).toBeGreaterThan(2)
    const mine = await gate.chat(null, {}, from(50))
    for (let second = 0; second < 90; second += 1) {
      for (const path of pages) await gate.ask({ path })
      later(1_000)
    }
    const pass = passWith(mine, mint.pay(mine.json.l402.invoice))
    expect((await gate.chat(pass)).status).toBe(200)
    expect((await create(gate, { amountSats: 50 }, bearer(pass))).status).toBe(200)
    expect((await gate.chat(null, {}, from(51))).status).toBe(402)
  })
})

describe('J17 a_payer_always_finds_a_place', () => {
  const behind = {
    trustedProxies: ['127.0.0.1'],
    limits: { invoicesPerClient: 4, invoicesTotal: 20 },
  }

  it('strangers of any number of networks leave a paying buyer his top-up', async () => {
    const { gate } = await counted(behind)
    const pass = await gate.buy(1)
    for (let at = 0; at < 40; at += 1) {
      const headers = { 'x-forwarded-for': `2001:db8:${at}:${at}::1` }
      await gate.chat(null, {}, headers)
      await create(gate, {}, headers)
    }
    // A fifth of all places.
    for (let made = 0; made < 3; made += 1) {
      expect((await create(gate, {}, bearer(pass))).status).toBe(200)
    }
    expect((await gate.chat(pass, dear(5))).json.payment_url).toMatch(/token=/)
  })

  it('the /64 networks of one /48 do not count as that many clients', async () => {
    const { gate } = await counted({ ...behind, limits: { invoicesPerClient: 2 } })
    let own = 0
    for (let at = 0; at < 30; at += 1) {
      const made = await create(gate, {}, { 'x-forwarded-for': `2001:db8:7:${at.toString(16)}::1` })
      if (made.status === 200) own += 1
    }
    expect(own).toBe(8)
    const elsewhere = await create(gate, {}, { 'x-forwarded-for': '2001:db8:8::1' })
    expect(elsewhere.status).toBe(200)
  })

  it('an app’s own 402s do not lock out its owner, and repeat one of three invoices', async () => {
    const { gate, asked } = await counted({ limits: { invoicesPerClient: 3 } })
    const pass = await gate.buy(1)
    const before = asked.invoices
    const all = await Promise.all(Array.from({ length: 20 }, () => gate.chat(pass, dear(5))))
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([402]))
    expect(new Set(all.map(({ json }) => json.payment_hash)).size).toBe(3)
    expect(asked.invoices - before).toBe(3)
    const dearer = await gate.chat(pass, dear(50))
    expect([dearer.status, dearer.json.error.code]).toEqual([429, 'too_many_invoices'])
    expect((await create(gate, {}, bearer(pass))).status).toBe(200)
  })

  it('two holders of one child never share a status token', async () => {
    const { gate } = await counted()
    const narrowed = child(await gate.buy(1), 'model = fake')
    const all = await Promise.all(Array.from({ length: 12 }, () => gate.chat(narrowed, dear(5))))
    const urls = all.map(({ json }) => json.payment_url).filter((url) => url !== undefined)
    expect(urls).toHaveLength(3)
    expect(new Set(urls).size).toBe(3)
    expect(all.every(({ status }) => status === 402)).toBe(true)
  })
})

describe('J13 a_wallet_that_refuses_an_amount_is_not_down', () => {
  it('whoever asks for ten million gets a 400, and everybody else an invoice', async () => {
    const gate = await startGate({
      wallet: (play) => ({
        ...play,
        async createInvoice(ask) {
          if (ask.sat > 500_000) throw new WalletRefused('no channel is that large')
          return play.createInvoice(ask)
        },
      }),
    })
    const refused = await create(gate, { amountSats: 10_000_000 })
    expect([refused.status, refused.json.error.code]).toEqual([400, 'amount_refused'])
    expect((await gate.chat(null)).status).toBe(402)
    expect((await create(gate, { amountSats: 1_000 })).status).toBe(200)
    expect(gate.events.filter(({ event }) => event === 'problem')).toEqual([])
  })
})
