import { eip3009ABI } from '@x402/evm'
import { createWalletClient, type Hex, http, publicActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'
import type { X402Payment, X402Requirement } from '../../src/rails/x402/payment.ts'
import { aRequirement } from '../support/x402-payment.ts'
import type { PartEnv } from './lab.ts'

const TOKEN = [
  ...eip3009ABI,
  {
    type: 'function',
    name: 'mint',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'to', type: 'address' },
      { name: 'value', type: 'uint256' },
    ],
    outputs: [],
  },
  {
    type: 'function',
    name: 'cancelAuthorization',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'authorizer', type: 'address' },
      { name: 'nonce', type: 'bytes32' },
      { name: 'signature', type: 'bytes' },
    ],
    outputs: [],
  },
  {
    type: 'function',
    name: 'balanceOf',
    stateMutability: 'view',
    inputs: [{ name: 'account', type: 'address' }],
    outputs: [{ name: '', type: 'uint256' }],
  },
] as const

/** Accounts of anvil with money for gas, besides those of the lab. */
const STRANGER = '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6'
export const OWN_KEY = '0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a'
/** Without money for gas. */
export const POOR_KEY = `0x${'5'.repeat(64)}`

/** The lab's chain, as a test uses it. */
export function evmChain(env: PartEnv) {
  const [asset, rpc, key] = [env.X402_ASSET, env.X402_RPC, env.X402_PAYER_KEY].map(String)
  const wallet = (secret: string) =>
    createWalletClient({
      ...{ account: privateKeyToAccount(secret as Hex), chain: baseSepolia },
      ...{ transport: http(rpc), pollingInterval: 50 },
    }).extend(publicActions)
  const stranger = wallet(STRANGER)
  const token = { address: asset as Hex, abi: TOKEN }
  const mined = async (hash: Hex) => {
    const receipt = await stranger.waitForTransactionReceipt({ hash })
    if (receipt.status !== 'success') throw new Error(`${hash} was reverted`)
    return hash
  }
  const requirement: X402Requirement = aRequirement({
    asset: String(asset).toLowerCase(),
    payTo: String(env.X402_PAY_TO).toLowerCase(),
  })
  return {
    ...{ requirement, rpc: String(rpc), client: stranger },
    payer: { key: String(key), address: privateKeyToAccount(key as Hex).address.toLowerCase() },
    balance: async (address: string): Promise<bigint> =>
      await stranger.readContract({ ...token, functionName: 'balanceOf', args: [address as Hex] }),
    async give(address: string, amount: bigint): Promise<void> {
      const args = [address as Hex, amount] as const
      await mined(await stranger.writeContract({ ...token, functionName: 'mint', args }))
    },
    /** The payer makes a signature worthless that nobody has used. */
    async cancel({ authorization: { from, nonce } }: X402Payment): Promise<void> {
      const domain = {
        ...{ ...requirement.domain, chainId: baseSepolia.id },
        verifyingContract: asset as Hex,
      }
      const signature = await wallet(String(key)).signTypedData({
        ...{ domain, primaryType: 'CancelAuthorization' },
        types: {
          CancelAuthorization: [
            { name: 'authorizer', type: 'address' },
            { name: 'nonce', type: 'bytes32' },
          ],
        },
        message: { authorizer: from as Hex, nonce: nonce as Hex },
      })
      const args = [from as Hex, nonce as Hex, signature] as const
      await mined(
        await stranger.writeContract({ ...token, functionName: 'cancelAuthorization', args }),
      )
    },
    /** Anybody may send a payment to the chain. */
    async sendAsStranger({ authorization, signature }: X402Payment): Promise<string> {
      const { from, to, value, validAfter, validBefore, nonce } = authorization
      const args = [from, to, value, validAfter, validBefore, nonce, signature]
      const call = { ...token, functionName: 'transferWithAuthorization', args }
      return await mined(await stranger.writeContract(call as never))
    },
    /** Whether the payment was used or cancelled. */
    used: async ({ authorization: { from, nonce } }: X402Payment): Promise<boolean> =>
      (await stranger.readContract({
        ...{ ...token, functionName: 'authorizationState', args: [from as Hex, nonce as Hex] },
      } as never)) as boolean,
    rpcCall: (method: string, ...params: unknown[]): Promise<unknown> =>
      stranger.request({ method, params } as never),
  }
}

export type EvmChain = ReturnType<typeof evmChain>
