import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Proof } from '../../../src/wallets/ecash/mint/mint.ts'
import { openWalletAdmin, type WalletAdmin } from '../../../src/wallets/ecash/spend/wallet-admin.ts'
import { Till } from './ecash-till.ts'
import { fund, invoiceFor, MintBank } from './mint-double.ts'

/** From the examples of BOLT 11. */
const BOLT11_REAL =
  'lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh'
const BOLT11_ANY =
  'lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql'

let till: Till
let admin: WalletAdmin
let nudged = 0

function use(...banks: MintBank[]) {
  till?.close()
  till = new Till(...banks)
  open()
}

/** Opens the same folder as another process would. */
function open() {
  till.reopen()
  const { address, above, banks } = till
  admin = openWalletAdmin({
    ...till.now,
    ...{ address, above, mints: banks.map(({ url }) => url) },
    writeToken: async (mint: string, coins: readonly Proof[]) =>
      `cashuB ${mint} ${coins.map(({ secret }) => secret).join(' ')}`,
    polling: { everyMs: 1, mostMs: 3 },
    nudge: () => {
      nudged += 1
    },
  })
}

beforeEach(() => {
  till = new Till()
  open()
})
afterEach(() => till.close())

const paid = () => till.banks.flatMap(({ paidOut }) => paidOut.map(({ sat }) => sat))
const invoice = (sat: number) => invoiceFor(sat, { now: till.clock })
const secretsIn = (token: string) => token.split(' ').slice(2)
const to = (to: string, sat: number | null = null, yes = false) => admin.withdraw({ to, sat, yes })
const why = async (asked: ReturnType<WalletAdmin['withdraw'] | WalletAdmin['export']>) => {
  const answer = await asked
  return answer.ok ? 'ok' : answer.error.why
}

function expectWhole(funded: number) {
  const out = till.banks.reduce((sum, bank) => sum + bank.out(), 0)
  const kept = till.banks.reduce((sum, bank) => sum + bank.kept, 0)
  expect(out + kept + till.paidOut()).toBe(funded)
  expect(till.held()).toBe(out)
}

describe('the balance', () => {
  it('of a new wallet is nothing', async () => {
    expect(await admin.balance()).toEqual({
      ...{ sat: 0, owed: 0, withdrawable: 0, mints: [], frozen: null },
      restored: null,
      payout: { state: 'first', to: 'you@example.com', above: 20_000, sat: 1000, problem: null },
    })
  })

  it('E6 is shown after fees, for each mint', async () => {
    use(new MintBank('https://a.example', 100), new MintBank('https://b.example'))
    const [a, b] = till.banks
    if (a === undefined || b === undefined) throw new Error('two mints')
    fund(till.now.store, a, Array(10).fill(64))
    fund(till.now.store, b, [1024])
    till.owed = 400
    const { sat, owed, withdrawable, mints } = await admin.balance()
    expect({ sat, owed }).toEqual({ sat: 1664, owed: 400 })
    expect(mints).toMatchObject([
      { mint: a.url, free: 640, held: 0, net: 630, coins: 10, problem: null },
      { mint: b.url, free: 1024, held: 0, net: 1013, coins: 1, problem: null },
    ])
    expect(withdrawable).toBe(992)
  })

  it('L9 shows for each mint what buyers are owed who came in by it, and takes nothing of that', async () => {
    use(new MintBank('https://a.example'), new MintBank('https://b.example'))
    const [a, b] = till.banks
    if (a === undefined || b === undefined) throw new Error('two mints')
    fund(till.now.store, a, [1024])
    fund(till.now.store, b, [256])
    till.owed = 1000
    till.owedAt = { [a.url]: 1000 }
    const { owed, withdrawable, mints } = await admin.balance()
    expect(owed).toBe(1000)
    expect(mints).toMatchObject([{ owed: 1000 }, { owed: 0 }])
    expect(withdrawable).toBe(243)
    expect(await why(to('you@example.com', 250))).toBe('refused')
    expect(await to('you@example.com')).toMatchObject({ ok: true, value: { mint: b.url } })
    const answer = await admin.export({ sat: null, yes: false })
    expect(answer).toMatchObject({ ok: true })
    expect(till.held()).toBeGreaterThanOrEqual(1000)
    expect(a.out()).toBeGreaterThanOrEqual(1000)
    expect(await admin.export({ sat: 500, yes: true })).toMatchObject({ value: [{ mint: a.url }] })
  })

  it('has a row for a mint that owes and holds nothing', async () => {
    till.owed = 10
    till.owedAt = { [till.bank.url]: 10 }
    expect((await admin.balance()).mints).toMatchObject([{ free: 0, owed: 10 }])
  })

  it('says that a mint pays no invoices at the moment', async () => {
    fund(till.now.store, till.bank, [64])
    till.bank.melts = false
    expect((await admin.balance()).mints[0]?.problem).toContain('NUT-05')
  })

  it('says which mint does not answer', async () => {
    fund(till.now.store, till.bank, [64])
    till.bank.keysets.clear()
    const { mints, withdrawable } = await admin.balance()
    expect(mints[0]).toMatchObject({ free: 64, net: null })
    expect(mints[0]?.problem).toContain('refused')
    expect(withdrawable).toBe(0)
  })

  it('tells the state of payouts, from the first to the last', async () => {
    const state = async () => (await admin.balance()).payout.state
    expect(await admin.confirm()).toMatchObject({ ok: false, error: { why: 'failed' } })
    fund(till.now.store, till.bank, [32768])
    till.bank.meltsEnd = 'pending'
    await till.now.payout.tick()
    expect(await state()).toBe('under_way')
    const early = { why: 'failed', says: expect.stringMatching(/^1000 sat are on their way/) }
    expect(await admin.confirm()).toMatchObject({ ok: false, error: early })
    till.bank.resolve('paid')
    till.clock += 60_000
    await till.now.payout.tick()
    expect((await admin.balance()).payout).toMatchObject({ state: 'confirm', sat: 1000 })
    const before = nudged
    expect(await admin.confirm()).toEqual({ ok: true, value: { to: 'you@example.com' } })
    expect(nudged).toBe(before + 1)
    expect(await state()).toBe('on')
    till.address = null
    open()
    expect(await state()).toBe('off')
    expect(await admin.confirm()).toMatchObject({ ok: false, error: { why: 'usage' } })
  })
})

describe('withdraw', () => {
  it('pays an invoice', async () => {
    till.bank.route = 2
    fund(till.now.store, till.bank, [1024])
    const answer = await to(`LIGHTNING:${invoice(100).toUpperCase()}`)
    expect(answer).toEqual({
      ok: true,
      value: { state: 'paid', sat: 100, fee: 2, mint: till.bank.url, to: 'invoice' },
    })
    expectWhole(1024)
  })

  it('pays an address, with all that may leave unless an amount is given', async () => {
    fund(till.now.store, till.bank, [1024])
    expect(await to('You@Example.com', 100)).toMatchObject({ ok: true, value: { sat: 100 } })
    expect(await to('you@example.com')).toMatchObject({ ok: true, value: { state: 'paid' } })
    expect(till.held()).toBeLessThan(40)
    expectWhole(1024)
  })

  it('I1 what buyers are owed stays, unless the operator insists', async () => {
    fund(till.now.store, till.bank, [1024])
    till.owed = 900
    expect(await why(to('you@example.com', 200))).toBe('refused')
    expect(await why(to(invoice(200)))).toBe('refused')
    expect(paid()).toEqual([])
    expect(await to('you@example.com')).toMatchObject({ ok: true })
    expect(till.held()).toBeGreaterThanOrEqual(900)
    expect(await why(to('you@example.com', 200, true))).toBe('ok')
    expect(till.held()).toBeLessThan(900)
    expectWhole(1024)
  })

  it('I11 a fee reserve of a quarter is refused, unless the operator insists', async () => {
    till.bank.reserveOf = (sat) => Math.ceil(sat / 4)
    fund(till.now.store, till.bank, [1024])
    const answer = await to('you@example.com', 200)
    expect(answer).toMatchObject({ ok: false, error: { why: 'refused' } })
    expect(answer.ok || answer.error.says).toContain('50 sat aside for fees, more than 10')
    expect(paid()).toEqual([])
    expect(await why(to('you@example.com', 200, true))).toBe('ok')
    expectWhole(1024)
  })

  it.each<[string, string, number | null, string]>([
    ['nonsense', 'nonsense', null, 'is no invoice'],
    ['an address that is none', 'you@', 10, 'address'],
    ['an invoice and another amount', 'INVOICE', 99, 'asks for 100 sat'],
    ['an invoice without an amount', BOLT11_ANY, null, 'names no amount'],
    ['an invoice for real money', BOLT11_REAL, null, 'is for real money'],
  ])('refuses %s', async (_, text, sat, says) => {
    fund(till.now.store, till.bank, [1024])
    const answer = await to(text === 'INVOICE' ? invoice(100) : text, sat)
    expect(answer).toMatchObject({ ok: false, error: { why: 'usage' } })
    expect(answer.ok || answer.error.says).toContain(says)
  })

  it('refuses an invoice that has expired, or that was paid before', async () => {
    fund(till.now.store, till.bank, [1024])
    const bolt11 = invoice(100)
    expect(await why(to(bolt11))).toBe('ok')
    expect(await why(to(bolt11))).toBe('failed')
    const old = invoice(100)
    till.clock += 3_600_000
    expect(await why(to(old))).toBe('usage')
    expect(paid()).toEqual([100])
  })

  it('an invoice whose payment failed can be tried again', async () => {
    fund(till.now.store, till.bank, [1024])
    till.bank.meltsEnd = 'failed'
    const bolt11 = invoice(100)
    expect(await why(to(bolt11))).toBe('failed')
    till.bank.meltsEnd = 'paid'
    expect(await why(to(bolt11))).toBe('ok')
    expectWhole(1024)
  })

  it('tells what is too much, and what no single mint can pay', async () => {
    use(new MintBank('https://a.example'), new MintBank('https://b.example'))
    expect(await to('you@example.com', 100)).toMatchObject({
      error: { why: 'failed', says: 'this wallet is empty' },
    })
    for (const bank of till.banks) fund(till.now.store, bank, [512])
    const answer = await to('you@example.com', 600)
    expect(answer.ok || answer.error.says).toContain('a.example holds most and can pay')
  })

  it('says that a mint does not answer', async () => {
    fund(till.now.store, till.bank, [1024])
    till.bank.fault = () => 'before'
    expect(await why(to('you@example.com', 100))).toBe('unreachable')
    expect(till.now.payouts.open()).toBeNull()
    till.bank.fault = () => null
    till.there.trouble = 'down'
    expect(await why(to('you@example.com', 100))).toBe('unreachable')
    till.there.trouble = 'typo'
    expect(await why(to('you@example.com', 100))).toBe('failed')
    expect(till.now.payouts.open()).toBeNull()
    expectWhole(1024)
  })

  it('I11 reports a payment whose end is not known, and pays nothing else before it is', async () => {
    fund(till.now.store, till.bank, [1024])
    till.bank.meltsEnd = 'pending'
    expect(await to('you@example.com', 100)).toMatchObject({ ok: true, value: { state: 'sent' } })
    till.bank.meltsEnd = 'paid'
    expect(await why(to('you@example.com', 100))).toBe('failed')
    expect(till.there.gave).toHaveLength(1)
    till.bank.resolve('paid')
    expect(await why(to('you@example.com', 100))).toBe('ok')
    expect(paid()).toEqual([100, 100])
    expectWhole(1024)
  })

  it('I11 is refused while the freeze is set', async () => {
    fund(till.now.store, till.bank, [1024])
    till.now.freeze.set('Elsewhere', 1)
    expect(await why(to('you@example.com', 100))).toBe('refused')
    expect(await why(admin.export({ sat: null, yes: true }))).toBe('refused')
  })
})

describe('export', () => {
  it('gives a token of exactly that much', async () => {
    fund(till.now.store, till.bank, [1024])
    const answer = await admin.export({ sat: 21, yes: false })
    if (!answer.ok) throw new Error(answer.error.says)
    expect(answer.value).toMatchObject([{ sat: 21, mint: till.bank.url }])
    expect(till.held()).toBe(1003)
    const [token] = answer.value
    const sum = secretsIn(token?.token ?? '').reduce(
      (all, secret) => all + (till.bank.signed.get(secret) ?? 0),
      0,
    )
    expect(sum).toBe(21)
  })

  it('I1 leaves what buyers are owed, unless the operator insists', async () => {
    fund(till.now.store, till.bank, [1024])
    till.owed = 1000
    expect(await why(admin.export({ sat: 25, yes: false }))).toBe('refused')
    const all = await admin.export({ sat: null, yes: false })
    expect(all).toMatchObject({ ok: true, value: [{ sat: 24 }] })
    expect(till.held()).toBe(1000)
    expect(await admin.export({ sat: null, yes: true })).toMatchObject({ value: [{ sat: 1000 }] })
    expect(till.held()).toBe(0)
  })

  it('takes everything, also from a mint that is gone', async () => {
    fund(till.now.store, till.bank, [...Array(120).fill(1), 1024])
    till.bank.keysets.clear()
    till.bank.fault = () => 'before'
    const answer = await admin.export({ sat: null, yes: false })
    if (!answer.ok) throw new Error(answer.error.says)
    expect(answer.value.map(({ sat }) => sat)).toEqual([1123, 21])
    expect(till.held()).toBe(0)
  })

  it('takes from several mints where one has too little', async () => {
    use(new MintBank('https://a.example', 100), new MintBank('https://b.example', 100))
    for (const bank of till.banks) fund(till.now.store, bank, [512, 64])
    const answer = await admin.export({ sat: 700, yes: false })
    if (!answer.ok) throw new Error(answer.error.says)
    expect(answer.value.reduce((sum, { sat }) => sum + sat, 0)).toBe(700)
  })

  it('E7 a token is shown again until it is redeemed', async () => {
    fund(till.now.store, till.bank, [64, 8])
    const answer = await admin.export({ sat: 8, yes: false })
    if (!answer.ok) throw new Error(answer.error.says)
    open()
    const [kept] = await admin.exports()
    expect(kept).toMatchObject({ ...answer.value[0], state: 'there', at: till.clock })
    till.bank.fault = () => 'before'
    expect(await admin.exports()).toMatchObject([{ state: 'unknown' }])
    till.bank.fault = () => null
    till.bank.states.set(secretsIn(kept?.token ?? '')[0] ?? '', 'spent')
    expect(await admin.exports()).toEqual([])
  })

  it('E7 a token that could not be written leaves its coins here', async () => {
    fund(till.now.store, till.bank, [64])
    const broken = openWalletAdmin({
      ...till.now,
      ...{ address: null, above: 1, mints: [], nudge: () => {} },
      writeToken: () => Promise.reject(new Error('no token')),
      polling: { everyMs: 1, mostMs: 1 },
    })
    await expect(broken.export({ sat: null, yes: false })).rejects.toThrow('no token')
    expect(till.held()).toBe(64)
  })
})

describe('restore', () => {
  const restore = (yes = false) => admin.restore(yes, () => {})

  /** The folder is lost, but the words were kept. */
  function loseTheFile() {
    const { banks } = till
    till.close()
    till = new Till(...banks)
    open()
  }

  it('E5 restores every unspent coin from the seed, and goes on after the last one', async () => {
    fund(till.now.store, till.bank, Array(250).fill(2))
    fund(till.now.store, till.bank, [512])
    await to('you@example.com', 100)
    const before = till.held()
    const counter = till.now.store.counter(till.bank.active)
    loseTheFile()
    const told: string[] = []
    expect(await admin.restore(false, (one) => told.push(one))).toEqual([
      { mint: till.bank.url, added: before, gone: 0, holds: before, problem: null },
    ])
    expect(till.held()).toBe(till.bank.out())
    expect(till.now.store.counter(till.bank.active)).toBeGreaterThanOrEqual(counter)
    expect(told.length).toBeGreaterThan(2)
    expect(await why(to('you@example.com', 100))).toBe('ok')
    expect(await restore()).toMatchObject([{ added: 0, gone: 0 }])
  })

  it('E6 of keysets that are no longer active too', async () => {
    fund(till.now.store, till.bank, [64])
    till.bank.rotate(100)
    fund(till.now.store, till.bank, [32])
    loseTheFile()
    expect(await restore()).toMatchObject([{ added: 96, holds: 96 }])
  })

  it('I11 of an older backup drops what was spent since and takes what was made since', async () => {
    fund(till.now.store, till.bank, [64, 8])
    const coins = till.now.store.freeProofs(till.bank.url)
    till.bank.mark(coins.slice(0, 1), 'spent')
    till.bank.sign('seed', { keyset: till.bank.active, counter: 40, amounts: [16, 4] })
    till.now.freeze.set('Elsewhere', 1)
    expect(await restore()).toEqual([
      { mint: till.bank.url, added: 20, gone: 64, holds: 28, problem: null },
    ])
    expect(till.now.freeze.reason).toBeNull()
    expect(till.held()).toBe(till.bank.out())
  })

  it('L13 of an older backup: older credit does not leave until the operator says so, having seen it', async () => {
    fund(till.now.store, till.bank, [64, 8])
    const said = async (yes: boolean) => {
      const told: string[] = []
      await admin.restore(yes, (one) => told.push(one))
      return told.at(-1) ?? ''
    }
    expect(await said(false)).not.toContain('withdraw')
    till.bank.mark(till.now.store.freeProofs(till.bank.url).slice(0, 1), 'spent')
    till.now.freeze.set('Elsewhere', till.clock)
    till.clock += 60_000
    // The first one takes stock. Its yes is about mints that are gone.
    expect(await said(true)).toContain('satgate wallet restore --yes')
    expect(till.now.freeze.reason).toBeNull()
    expect(till.now.freeze.restored).toEqual({ since: till.clock })
    expect((await admin.balance()).restored).toBe(till.clock)
    expect(await said(false)).toContain('satgate wallet restore --yes')
    expect(till.now.freeze.restored).not.toBeNull()
    expect(await said(true)).toContain('can withdraw all')
    expect(till.now.freeze.restored).toBeNull()
  })

  it('E4 finishes what was sent, and only that', async () => {
    fund(till.now.store, till.bank, [64])
    till.bank.fault = (call) => (call === 'swap' ? 'after' : null)
    await why(admin.export({ sat: 5, yes: false }))
    till.bank.fault = () => null
    expect(await restore()).toMatchObject([{ added: 0, gone: 0, holds: 64 }])
    expect(till.now.store.sentBatches(till.bank.url)).toEqual([])
    expect(till.held()).toBe(till.bank.out())
  })

  it('takes no coins that are in an exported token', async () => {
    fund(till.now.store, till.bank, [64])
    await admin.export({ sat: null, yes: false })
    expect(await restore()).toMatchObject([{ added: 0, holds: 0 }])
  })

  it('I11 keeps the freeze if a mint does not answer', async () => {
    use(new MintBank('https://a.example'), new MintBank('https://b.example'))
    for (const bank of till.banks) fund(till.now.store, bank, [64])
    till.now.freeze.set('Elsewhere', 1)
    if (till.banks[1] !== undefined) till.banks[1].fault = () => 'before'
    const [a, b] = await restore()
    expect(a?.problem).toBeNull()
    expect(b?.problem).toContain('unreachable')
    expect(till.now.freeze.reason).not.toBeNull()
    expect(await restore(true)).toMatchObject([{ problem: null }, { holds: 64 }])
    expect(till.now.freeze.reason).toBeNull()
  })
})
