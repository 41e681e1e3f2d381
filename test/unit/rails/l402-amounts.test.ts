import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openMemoryBooks } from '../../../src/ledger/memory.ts'
import { keyId } from '../../../src/passes/keys.ts'
import { L402 } from '../../../src/rails/l402.ts'
import { WalletLine } from '../../../src/rails/wallet-line.ts'
import { openPlayWallet } from '../../../src/wallets/play.ts'
import { AmountRefused, type InvoiceAsk, WalletBusy } from '../../../src/wallets/wallet.ts'

/** A rail on a wallet that has its own mind about asks. */
function rail(mind: (ask: InvoiceAsk) => Error | null) {
  const world = {
    now: Date.now,
    random: (bytes: number) => new Uint8Array(randomBytes(bytes)),
  }
  const invoices = openMemoryBooks('play', world).invoices
  const play = openPlayWallet({ store: invoices, world })
  const asks: InvoiceAsk[] = []
  const wallet = {
    ...play,
    async createInvoice(ask: InvoiceAsk) {
      asks.push(ask)
      const refused = mind(ask)
      if (refused !== null) throw refused
      return play.createInvoice(ask)
    },
  }
  const master = new Uint8Array(randomBytes(32))
  const id = keyId(master)
  const keys = { current: { id, master }, byId: () => master }
  const line = new WalletLine(wallet, world, { gone() {}, back() {} })
  return { asks, line, l402: new L402({ line, invoices, keys, world, perClient: 9, total: 9 }) }
}

const want = (sat: number, account: string | null = null) => ({
  ...{ sat, account, caveats: [], client: 'a' },
})

describe('a wallet with bounds of its own', () => {
  const bounded = (ask: InvoiceAsk) =>
    ask.sat < 50 || ask.sat > 500 ? new AmountRefused(50, 500) : null

  it('an offer below its least asks for the least: more credit, not no credit', async () => {
    const offer = await rail(bounded).l402.offer(want(10))
    expect(offer).toMatchObject({ ok: true, value: { body: { amount_sats: 50 } } })
  })

  it.each([
    ['an offer above its most', (l402: L402) => l402.offer(want(501))],
    ['an ask below its least', (l402: L402) => l402.create(want(10))],
  ])('%s is refused with the bounds, and is no outage', async (_, ask) => {
    const { l402, line } = rail(bounded)
    const error = { why: 'amount_refused', least: 50, most: 500 }
    expect(await ask(l402)).toEqual({ ok: false, error })
    expect([line.up, l402.open]).toEqual([true, 0])
  })
})

describe('I10 a wallet that makes only so many invoices', () => {
  it('is told who asks: a stranger, or a buyer who tops up', async () => {
    const { l402, asks } = rail(() => null)
    await l402.create(want(10))
    await l402.create(want(10, 'a'.repeat(32)))
    expect(asks.map(({ asker }) => asker)).toEqual(['stranger', 'buyer'])
  })

  it('shows strangers a shared invoice that is there, and else says when to come back', async () => {
    let free = 1
    const { l402 } = rail(() => {
      free -= 1
      return free >= 0 ? null : new WalletBusy(4_200)
    })
    expect(await l402.offer(want(10))).toMatchObject({ ok: true })
    const busy = { ok: false, error: { why: 'wallet_busy', retryAfterSeconds: 5 } }
    expect(await l402.offer(want(10))).toEqual(busy)
    free = 2
    expect(await l402.offer(want(20))).toMatchObject({ ok: true })
    free = 0
    expect(await l402.create(want(20))).toEqual(busy)
  })
})
