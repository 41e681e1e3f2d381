import { WalletRefused } from '../wallet.ts'
import { type ClnRest, CODE, complaint, type Json, MAKE_RUNE, SELLING } from './rest.ts'

/** Which method pays. `pay` is deprecated since 26.06, and `xpay` takes a label since then. */
export type PayMethod = 'pay' | 'xpay'

/**
 * Asks what the rune allows, and throws `WalletRefused` with the methods that are missing for
 * selling. The node judges the rune before it reads the parameters, so calls that lack theirs find it
 * out, make nothing and pay nothing. Returns the method that pays, or null if the rune allows none,
 * or does not allow to look payments up.
 */
export async function rightsOf(rest: ClnRest): Promise<PayMethod | null> {
  const missing: string[] = []
  for (const method of SELLING) {
    if (!(await allows(rest, method, HARMLESS[method]))) missing.push(method)
  }
  if (missing.length > 0) {
    throw new WalletRefused(`its rune does not allow ${missing.join(' and ')}: ${MAKE_RUNE}`)
  }
  if (!(await allows(rest, 'listpays', NOTHING))) return null
  if (await allows(rest, 'pay', {})) return 'pay'
  return (await allows(rest, 'xpay', {})) ? 'xpay' : null
}

/** Throws `WalletUnreachable` or `WalletRefused` if the node could not make an invoice now. */
export async function mayMakeInvoices(rest: ClnRest): Promise<void> {
  if (await allows(rest, 'invoice', HARMLESS.invoice)) return
  throw new WalletRefused(`its rune does not allow invoice: ${MAKE_RUNE}`)
}

/** The hash of no invoice and of no payment. */
const NOTHING: Json = { payment_hash: '0'.repeat(64) }

const HARMLESS: Readonly<Record<(typeof SELLING)[number], Json>> = {
  invoice: {},
  listinvoices: NOTHING,
  waitanyinvoice: { lastpay_index: Number.MAX_SAFE_INTEGER, timeout: 0 },
}

/** Whether the rune allows a method. A node that does not know the method does not allow it either. */
async function allows(rest: ClnRest, method: string, params: Json): Promise<boolean> {
  const reply = await rest.ask(method, params)
  if (!reply.ok) throw rest.explained(reply.error)
  if (reply.value.is === 'result') return true
  const error = complaint(method, reply.value)
  switch (reply.value.code) {
    case CODE.wrongParameters:
    case CODE.waitTimedOut:
      return true
    case CODE.unknownMethod:
      return false
    case CODE.runeForbids:
      if (error instanceof WalletRefused) return false
      throw error
    default:
      throw error
  }
}

/**
 * Whether a rune may call every method, so that whoever reads it owns the node. A rune is 32 bytes of
 * a hash and the text of its restrictions, which name the methods (`ccan/rune`).
 */
export const allowsEverything = (rune: string): boolean =>
  !Buffer.from(rune, 'base64url').subarray(32).toString('latin1').includes('method')
