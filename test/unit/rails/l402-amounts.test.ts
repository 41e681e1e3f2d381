import { describe, expect, it } from 'vitest'
import { AmountRefused, type InvoiceAsk, WalletBusy } from '../../../src/wallets/wallet.ts'
import { rail, want } from './rail.ts'

type Made = ReturnType<typeof rail>

describe('a wallet with bounds of its own', () => {
  const bounded = (ask: InvoiceAsk) =>
    ask.sat < 50 || ask.sat > 500 ? new AmountRefused(50, 500) : null

  it('an offer below its least amount asks for the least: more credit, not no credit', async () => {
    const offer = await rail({ mind: bounded }).l402.offer(want('a', 10))
    expect(offer).toMatchObject({ ok: true, value: { body: { amount_sats: 50 } } })
  })

  it.each([
    ['an offer above its most', ({ l402 }: Made) => l402.offer(want('a', 501))],
    ['an ask below its least', ({ lightning }: Made) => lightning.create(want('a', 10))],
  ])('%s is refused with the bounds, and is no outage', async (_, ask) => {
    const made = rail({ mind: bounded })
    const { lightning, wallets } = made
    const error = { why: 'amount_refused', least: 50, most: 500 }
    expect(await ask(made)).toEqual({ ok: false, error })
    expect([wallets.up, lightning.open]).toEqual([true, 0])
  })
})

describe('I10 a wallet that makes only so many invoices', () => {
  it('is told who asks: a stranger, or a buyer who tops up', async () => {
    const { lightning, asks } = rail()
    await lightning.create(want('a', 10))
    await lightning.create(want({ is: 'owner', account: 'a'.repeat(32) }))
    expect(asks.map(({ asker }) => asker)).toEqual(['stranger', 'buyer'])
  })

  it('shows strangers a shared invoice if there is one, and otherwise when to come back', async () => {
    let free = 1
    const { l402, lightning } = rail({
      mind: () => {
        free -= 1
        return free >= 0 ? null : new WalletBusy(4_200)
      },
    })
    expect(await l402.offer(want('a', 10))).toMatchObject({ ok: true })
    const busy = { ok: false, error: { why: 'wallet_busy', retryAfterSeconds: 5 } }
    expect(await l402.offer(want('a', 10))).toEqual(busy)
    free = 2
    expect(await l402.offer(want('a', 20))).toMatchObject({ ok: true })
    free = 0
    expect(await lightning.create(want('a', 20))).toEqual(busy)
  })
})
