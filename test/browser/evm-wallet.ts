import type { Page } from 'playwright-core'
import type { Authorization } from '../../src/rails/x402/payment.ts'
import { addressOf, signHash, transferHash } from '../support/evm.ts'

/** A wallet in the browser (EIP-1193) that signs with a key of the test. */
export interface EvmWallet {
  /** The methods that the page called, in order. */
  readonly asked: string[]
  /** What was signed. */
  readonly signed: { readonly domain: TypedDomain; readonly message: Record<string, string> }[]
  readonly address: string
  /** Set: the user of the wallet says no to that method, or the wallet fails with that code. */
  refuses: { readonly method: string; readonly code: number } | null
}

interface TypedDomain {
  readonly name: string
  readonly version: string
  readonly chainId: number
  readonly verifyingContract: string
}

const PROVIDER = `window.ethereum = {
  request: async ({ method, params }) => {
    const { code, result } = await window.askWallet(method, JSON.stringify(params ?? []))
    if (code !== undefined) throw Object.assign(new Error('no'), { code })
    return result
  },
}`

/** Gives each page of the context this wallet, from the next load on. */
export async function withWallet(page: Page, key: string): Promise<EvmWallet> {
  const wallet: EvmWallet = { asked: [], signed: [], address: addressOf(key), refuses: null }
  await page.context().exposeFunction('askWallet', (method: string, params: string) => {
    wallet.asked.push(method)
    if (wallet.refuses?.method === method) return { code: wallet.refuses.code }
    if (method === 'eth_requestAccounts') return { result: [wallet.address] }
    if (method !== 'eth_signTypedData_v4') return { result: null }
    const { domain, message } = JSON.parse(JSON.parse(params)[1])
    wallet.signed.push({ domain, message })
    const { from, to, nonce, ...numbers } = message
    const transfer: Authorization = {
      ...{ from, to, nonce },
      value: BigInt(numbers.value),
      validAfter: BigInt(numbers.validAfter),
      validBefore: BigInt(numbers.validBefore),
    }
    return { result: signHash(transferHash(domain, transfer), key) }
  })
  await page.context().addInitScript(PROVIDER)
  return wallet
}
