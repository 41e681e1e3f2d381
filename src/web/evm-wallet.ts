import { field } from './json.ts'
import { type Authorization, authorizationFor, typedData, type X402Entry } from './x402.ts'

/** The wallet that a browser gives to pages (EIP-1193). */
interface Provider {
  request(asked: { readonly method: string; readonly params?: unknown }): Promise<unknown>
}

function found(): Provider | null {
  const given: unknown = Reflect.get(window, 'ethereum')
  return typeof field(given, 'request') === 'function' ? (given as Provider) : null
}

export const hasEvmWallet = (): boolean => found() !== null

export interface Signed {
  readonly authorization: Authorization
  readonly signature: string
}

/** The wallet does not know the chain (EIP-3085). */
const UNKNOWN_CHAIN = 4902
/** Its user said no (EIP-1193). */
const SAID_NO = 4001

/**
 * Asks the wallet for an account, for the chain of the entry, and for its signature. The transfer is good
 * from the moment of signing. Resolves with the reason if the wallet signs nothing.
 * @param at the gate's time in ms
 */
export async function signPayment(
  entry: X402Entry,
  { at, nonce }: { readonly at: () => number; readonly nonce: string },
): Promise<Signed | { readonly problem: string }> {
  const wallet = found()
  if (wallet === null) return { problem: 'This browser has no wallet for dollars.' }
  try {
    const accounts = await wallet.request({ method: 'eth_requestAccounts' })
    const [from] = Array.isArray(accounts) ? accounts : []
    if (typeof from !== 'string') return { problem: 'The wallet shows this page no account.' }
    const chainId = `0x${entry.chainId.toString(16)}`
    await wallet.request({ method: 'wallet_switchEthereumChain', params: [{ chainId }] })
    const authorization = authorizationFor(entry, from, { now: at(), nonce })
    const signature = await wallet.request({
      method: 'eth_signTypedData_v4',
      params: [from, JSON.stringify(typedData(entry, authorization))],
    })
    if (typeof signature === 'string') return { authorization, signature }
    return { problem: 'The wallet signed nothing.' }
  } catch (error) {
    return { problem: wordsOf(error, entry) }
  }
}

function wordsOf(error: unknown, { network }: X402Entry): string {
  const code = field(error, 'code')
  if (code === SAID_NO) return 'You did not sign. Nothing was paid.'
  if (code === UNKNOWN_CHAIN) return `Add the network ${network} to your wallet, and try again.`
  const said = field(error, 'message')
  return `The wallet did not sign: ${String(said ?? error).slice(0, 200)}`
}
