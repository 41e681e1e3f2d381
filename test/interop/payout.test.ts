import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBolt11 } from '../../src/wallets/bolt11.ts'
import { Freeze } from '../../src/wallets/ecash/freeze.ts'
import { openMint, writeToken } from '../../src/wallets/ecash/mint/cashu.ts'
import type { Mint } from '../../src/wallets/ecash/mint/mint.ts'
import { PayoutRunner } from '../../src/wallets/ecash/spend/melt.ts'
import { AutoPayout } from '../../src/wallets/ecash/spend/payout.ts'
import { Swapper } from '../../src/wallets/ecash/spend/swap.ts'
import { openWalletAdmin, type WalletAdmin } from '../../src/wallets/ecash/spend/wallet-admin.ts'
import { openEcashFile } from '../../src/wallets/ecash/store/database.ts'
import { Payouts } from '../../src/wallets/ecash/store/payouts.ts'
import { EcashStore } from '../../src/wallets/ecash/store/store.ts'
import { parseLightningAddress } from '../../src/wallets/lightning-address/lnurl.ts'
import { worldAt } from '../support/world.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'

/** Money that leaves real mints. What they sign, accept, return and say is their own. */

type End = 'paid' | 'failed' | 'pending'
type Part = 'nutshell' | 'cdk-mintd'

const WORDS: Readonly<Record<Part, Readonly<Record<End, string>>>> = {
  nutshell: { paid: 'SETTLED', failed: 'FAILED', pending: 'PENDING' },
  'cdk-mintd': { paid: 'PAID', failed: 'FAILED', pending: 'PENDING' },
}

function leaves(part: Part): void {
  const seed = randomBytes(64)
  const folder = mkdtempSync(join(tmpdir(), 'satgate-leaves-'))
  let lab: Lab
  let mint: Mint
  let ahead = 0
  let files = 0

  const world = worldAt(() => Date.now() + ahead)
  /** An invoice that the mint can pay. Its payment ends in that way. */
  async function invoice(sat: number, end: End = 'paid', later: End = end): Promise<string> {
    const words = [WORDS[part][end], WORDS[part][later]]
    if (part === 'cdk-mintd') return lab.exec(part, 'invoice', String(sat), ...words)
    await lab.exec(part, 'melts', ...words)
    return lab.exec(part, 'invoice', String(sat))
  }

  function open(name = 'ecash') {
    const path = join(folder, `${name}.db`)
    const store = new EcashStore(openEcashFile({ path, seedMark: 's', now: 1 }))
    const freeze = new Freeze(store)
    const swapper = new Swapper({ store, freeze, world })
    const address = parseLightningAddress('you@example.com')
    if (!address.ok) throw new Error(address.error)
    const parts = {
      ...{ store, freeze, swapper, world, payouts: new Payouts(store), money: 'test' as const },
      ...{
        mint: () => mint,
        owed: async () => ({ total: 500, at: () => 0 }),
        say: () => {},
        above: 2_000,
      },
      ...{ address: address.value, mints: [mint.url], writeToken, nudge: () => {} },
      polling: { everyMs: 500, mostMs: 1_000 },
      lnurl: {
        payRequest: async () => ({ address: address.value, minSat: 1, maxSat: 1_000_000 }) as never,
        invoice: async (_: unknown, sat: number) => {
          const bolt11 = await invoice(sat)
          const read = readBolt11(bolt11)
          const { paymentHash = '', expiresAt = 0 } = read ?? {}
          return { bolt11, paymentHash, expiresAt, money: 'test' as const, verify: null }
        },
      },
    }
    const payer = new PayoutRunner(parts)
    const admin: WalletAdmin = openWalletAdmin({ ...parts, payer })
    return { ...parts, payer, admin, payout: new AutoPayout({ ...parts, payer }) }
  }
  let wallet: ReturnType<typeof open>

  /** Gets coins of exactly these amounts. */
  async function earn(amounts: readonly number[]): Promise<void> {
    const sat = amounts.reduce((sum, amount) => sum + amount, 0)
    const { quote, bolt11 } = await mint.createQuote({ sat, memo: 'lab', key: null })
    if (part === 'nutshell') await lab.exec(part, 'pay', bolt11)
    for (let tries = 0; (await mint.quoteState(quote)) === 'unpaid'; tries += 1) {
      if (tries > 60) expect.unreachable('paid, and not seen')
      await new Promise((then) => setTimeout(then, 250))
    }
    const { store } = wallet
    const rest = { privateKey: null, createdAt: 1, expiresAt: 2 }
    store.addQuote({ hash: quote, mint: mint.url, quote, sat, bolt11, ...rest })
    const { keyset } = await mint.about()
    const batch = store.beginBatch({
      ...{ kind: 'mint', mint: mint.url, keyset, amounts, quote, inputs: [], at: 1 },
    })
    store.finishBatch(batch, await mint.mint(quote, null, batch))
  }

  const held = () => wallet.store.holdings().reduce((sum, one) => sum + one.free + one.held, 0)
  const withdraw = (to: string, yes = false) => wallet.admin.withdraw({ to, sat: null, yes })
  /** Whether the mint says that each of our coins is unspent. */
  const unspent = async () => {
    const coins = wallet.store.freeProofs(mint.url)
    const states = await mint.states(coins)
    return states.every((state) => state === 'unspent')
  }

  beforeAll(async () => {
    lab = await openLab()
    const knobs = part === 'nutshell' ? { SETTLE: 'hold' } : {}
    const { MINT_URL = '' } = await lab.startPart(part, { FEE_PPK: '100', ...knobs })
    mint = await openMint({ url: MINT_URL, seed, world, deadlineMs: 5_000 })
    wallet = open()
  })
  afterAll(async () => {
    wallet?.store.close()
    mint?.close()
    await lab?.stop()
    rmSync(folder, { recursive: true })
  })

  it('I11 hundreds of small proofs are merged, and an invoice is paid of them', async () => {
    for (let n = 0; n < 4; n += 1) await earn(Array(100).fill(8))
    const before = held()
    expect(await withdraw(await invoice(1_000))).toMatchObject({
      ok: true,
      value: { state: 'paid' },
    })
    const fees = before - 1_000 - held()
    expect(fees).toBeGreaterThan(0)
    expect(fees).toBeLessThan(80)
    expect(wallet.store.freeProofs(mint.url).length).toBeLessThan(60)
    expect(await unspent()).toBe(true)
  })

  it('a payment that fails leaves every coin', async () => {
    const before = held()
    expect(await withdraw(await invoice(500, 'failed'))).toMatchObject({ ok: false })
    // Making change costs a fee, whether the payment succeeds or not.
    expect(before - held()).toBeLessThanOrEqual(5)
    expect(await unspent()).toBe(true)
    expect(wallet.payouts.open()).toBeNull()
  })

  it('I1 what buyers are owed stays', async () => {
    expect(await withdraw(await invoice(held() - 400))).toMatchObject({
      error: { why: 'refused' },
    })
  })

  it('by itself: a small one, confirmed, then down to what is owed', async () => {
    await earn([4096, 2048])
    await wallet.payout.tick()
    expect(wallet.payouts.newest(1)).toMatchObject([{ kind: 'first', state: 'paid', sat: 200 }])
    await wallet.payout.tick()
    expect(wallet.payouts.newest(1)).toMatchObject([{ kind: 'first' }])
    expect(await wallet.admin.confirm()).toMatchObject({ ok: true })
    await wallet.payout.tick()
    expect(wallet.payouts.newest(1)).toMatchObject([{ kind: 'chunk', state: 'paid' }])
    expect(held()).toBeGreaterThanOrEqual(500)
    expect(held()).toBeLessThan(900)
    expect(await unspent()).toBe(true)
  })

  it('I11 one whose end is not known is waited for over a restart, with no second invoice', async () => {
    await earn([2048])
    const bolt11 = await invoice(300, 'pending', 'paid')
    const answer = await withdraw(bolt11)
    wallet.store.close()
    wallet = open()
    if (answer.ok && answer.value.state === 'sent') {
      expect(await withdraw(await invoice(100, 'pending'))).toMatchObject({ ok: false })
    }
    if (part === 'nutshell') await lab.exec(part, 'melts', 'SETTLED', 'SETTLED')
    for (let tries = 0; wallet.payouts.open() !== null && tries < 20; tries += 1) {
      ahead += 600_000
      await wallet.payout.tick()
      await new Promise((then) => setTimeout(then, 250))
    }
    const ended = wallet.payouts.newest(1)[0]
    // A mint that never learns how the payment ended says so for ever.
    if (part === 'nutshell') expect(ended).toMatchObject({ state: 'paid', sat: 300 })
    else if (ended?.state === 'sent') wallet.payouts.failed(ended.n, 'the lab is over', 1)
    if (ended?.state !== 'sent') expect(await unspent()).toBe(true)
  })

  it('a token that is exported is taken by another wallet', async () => {
    const answer = await wallet.admin.export({ sat: 64, yes: true })
    if (!answer.ok) throw new Error(answer.error.says)
    expect(answer.value).toMatchObject([{ sat: 64 }])
    expect(await wallet.admin.exports()).toHaveLength(1)
    expect(await lab.exec(part, 'receive', answer.value[0]?.token ?? '')).toMatch(/63 sat/)
    expect(await wallet.admin.exports()).toEqual([])
  })

  it('E5 all of it comes back from the seed', async () => {
    const free = wallet.store.holdings().reduce((sum, one) => sum + one.free, 0)
    files += 1
    const again = open(`restored-${files}`)
    const [found] = await again.admin.restore(false, () => {})
    expect(found).toMatchObject({ added: free, problem: null })
    again.store.close()
  })
}

const HOME = process.env.LAB_HOME ?? join(homedir(), '.cache', 'satgate-lab')
const THERE = existsSync(join(HOME, 'cdk-mintd', 'bin', 'cdk-mintd'))

describeWithLab('money that leaves Nutshell', () => leaves('nutshell'))
if (THERE) describeWithLab('money that leaves cdk-mintd', () => leaves('cdk-mintd'))
else
  describe.skip('money that leaves cdk-mintd (skipped: lab install cdk-mintd)', () =>
    it('', () => {}))
