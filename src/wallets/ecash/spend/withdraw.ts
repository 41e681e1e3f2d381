import { err, ok, type Result } from '../../../floor/result.ts'
import { sleep } from '../../../floor/world.ts'
import { moneyOf, readBolt11 } from '../../bolt11.ts'
import { type LightningAddress, parseLightningAddress } from '../../lightning-address/lnurl.ts'
import { isOfMint } from '../mint/mint.ts'
import type { Payout, PayoutInvoice } from '../store/payouts.ts'
import { affordableOf, feeLimitFor } from './melt.ts'
import { type Refused, refuse, refusedBy, type WalletAdminParts } from './wallet-admin-parts.ts'

export interface WithdrawAsk {
  /** An invoice, or a Lightning address. */
  readonly to: string
  /** The amount for an address. Null for everything that may leave. */
  readonly sat: number | null
  /** Also what is owed to buyers, and at any fee. */
  readonly yes: boolean
}

export interface Withdrawn {
  /** `sent`: the mint has not said yet how it ended. Its state is asked for until it does. */
  readonly state: 'paid' | 'sent'
  readonly sat: number
  /** Null while it is not known. */
  readonly fee: number | null
  readonly mint: string
  readonly to: string
}

/** The receiver and the amount, from what the operator typed. */
type Target = { readonly sat: number | null } & (
  | { readonly is: 'invoice'; readonly invoice: PayoutInvoice; readonly sat: number }
  | { readonly is: 'address'; readonly address: LightningAddress }
)

/** Pays an invoice or a Lightning address from the mint that holds most. */
export async function withdraw(
  parts: WalletAdminParts,
  ask: WithdrawAsk,
): Promise<Result<Withdrawn, Refused>> {
  const target = read(parts, ask)
  if (!target.ok) return target
  const { freeze, payouts } = parts
  if (freeze.reason !== null) return refuse('refused', freeze.reason)
  const open = payouts.open()
  if (open !== null) return refuse('failed', underWay(open))
  try {
    const chosen = await choose(parts, target.value, ask.yes)
    if (!chosen.ok) return chosen
    return await pay(parts, { ...chosen.value, target: target.value, yes: ask.yes })
  } catch (error) {
    return refusedBy(error)
  }
}

const underWay = ({ sat, destination, state }: Payout): string =>
  state === 'sent'
    ? `a payment of ${sat} sat (${destination}) is under way and its mint has not said yet how it ended; nothing else is paid before that`
    : `a payout of ${sat} sat is being prepared; try again in a minute`

function read(
  { money, world }: WalletAdminParts,
  { to, sat }: WithdrawAsk,
): Result<Target, Refused> {
  const text = to.trim().replace(/^lightning:/i, '')
  if (text.includes('@')) {
    const address = parseLightningAddress(text)
    return address.ok
      ? ok({ is: 'address', address: address.value, sat })
      : refuse('usage', address.error)
  }
  const bolt11 = text.toLowerCase()
  const invoice = readBolt11(bolt11)
  if (invoice === null) {
    return refuse(
      'usage',
      `${short(to)} is no invoice (lnbc…) and no Lightning address (you@domain)`,
    )
  }
  if (invoice.amountMsat === null || invoice.amountMsat === 0n) {
    return refuse('usage', 'this invoice names no amount: ask for one that does')
  }
  const asked = Number((invoice.amountMsat + 999n) / 1000n)
  if (sat !== null && sat !== asked) {
    return refuse('usage', `this invoice asks for ${asked} sat, not for ${sat}`)
  }
  const kind = moneyOf(bolt11)
  if (money !== null && kind !== money) {
    return refuse('usage', `this invoice is for ${kind} money, the ledger keeps ${money} money`)
  }
  if (invoice.expiresAt <= world.now()) return refuse('usage', 'this invoice has expired')
  const { paymentHash: hash, expiresAt } = invoice
  return ok({ is: 'invoice', invoice: { bolt11, hash, expiresAt }, sat: asked })
}

const short = (text: string): string => JSON.stringify(text.slice(0, 20))

interface Chosen {
  readonly mint: string
  readonly sat: number
}

/** Chooses the mint that can pay most, and the amount. */
async function choose(
  parts: WalletAdminParts,
  target: Target,
  yes: boolean,
): Promise<Result<Chosen, Refused>> {
  const { all, owed, trouble } = await parts.payer.purses()
  const purses = all.map(({ mint, net, spare }) => {
    const most = affordableOf(net)
    return { mint: mint.url, most, may: yes ? most : Math.min(most, affordableOf(spare)) }
  })
  const [best] = purses.toSorted((a, b) => b.may - a.may || b.most - a.most)
  const [richest] = purses.toSorted((a, b) => b.most - a.most)
  if (best === undefined || richest === undefined) {
    return trouble === null ? refuse('failed', 'this wallet is empty') : refusedBy(trouble)
  }
  const sat = target.sat ?? (await fitting(parts, target, best.may))
  if (sat > richest.most) {
    return refuse(
      'failed',
      `no mint can pay ${sat} sat: ${new URL(richest.mint).host} holds most and can pay ${richest.most}, fees kept back`,
    )
  }
  if (sat > best.may) {
    return refuse(
      'refused',
      `buyers are owed ${owed.total} sat, so ${best.may} sat can leave and not ${sat}. With --yes it is done all the same: then you owe them more than you hold`,
    )
  }
  if (sat <= 0) return refuse('failed', `nothing can leave: buyers are owed ${owed.total} sat`)
  return ok({ mint: best.mint, sat })
}

/** As much of the amount as the address accepts. */
async function fitting(parts: WalletAdminParts, target: Target, sat: number): Promise<number> {
  if (target.is === 'invoice') return sat
  const { maxSat } = await parts.lnurl.payRequest(target.address)
  return Math.min(sat, maxSat)
}

async function pay(
  parts: WalletAdminParts,
  { mint, sat, target, yes }: Chosen & { readonly target: Target; readonly yes: boolean },
): Promise<Result<Withdrawn, Refused>> {
  const { payer, payouts, world } = parts
  const to = target.is === 'invoice' ? 'invoice' : target.address.text
  const feeLimit = yes ? Math.max(sat, feeLimitFor(sat)) : feeLimitFor(sat)
  const begun = payouts.begin({ kind: 'asked', destination: to, mint, sat, feeLimit }, world.now())
  if (target.is === 'invoice' && !payouts.keepInvoice(begun.n, target.invoice)) {
    payer.fail(begun, 'that invoice was paid before')
    return refuse('failed', 'that invoice was paid from this wallet before')
  }
  try {
    await payer.advance(payouts.get(begun.n), yes)
  } catch (error) {
    const refused = refusedBy(error)
    const now = payouts.get(begun.n)
    if (now.state === 'open') {
      payer.fail(now, refused.ok ? '' : refused.error.says)
      return refused
    }
  }
  return ended(await patiently(parts, payouts.get(begun.n)))
}

/** Looks up a payment under way, for as long as an operator waits. */
async function patiently(parts: WalletAdminParts, payout: Payout): Promise<Payout> {
  const { everyMs, mostMs } = parts.polling
  let now = payout
  for (let waited = 0; now.state === 'sent' && waited < mostMs; waited += everyMs) {
    await sleep(parts.world, everyMs)
    try {
      now = await parts.payer.advance(now)
    } catch (error) {
      if (!isOfMint(error)) throw error
    }
  }
  return now
}

function ended(payout: Payout): Result<Withdrawn, Refused> {
  const { state, sat, fee, mint, destination: to, reason } = payout
  if (state === 'failed') {
    const limit = reason?.includes('aside for fees') === true
    const more = limit ? '. With --yes it is paid at that price' : ''
    return err({ why: limit ? 'refused' : 'failed', says: `nothing left: ${reason}${more}` })
  }
  return ok({ state: state === 'paid' ? 'paid' : 'sent', sat, fee, mint, to })
}
