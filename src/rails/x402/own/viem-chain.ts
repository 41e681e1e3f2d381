import type { Hex, TransactionReceipt } from 'viem'
import type { Verified } from '../facilitator.ts'
import { askOf } from '../facilitator-wire.ts'
import type { Address, X402Payment } from '../payment.ts'
import { isOutOfGas, loggable } from '../reasons.ts'
import type { Chain, Ended, Sent, Signed, Transfer } from './chain.ts'
import type { Libraries } from './libraries.ts'

/** ms for one call of the node. */
const CALL_WITHIN = 8_000
/** The contract of OP-stack chains that says what their other chain charges for a transaction. */
const L1_FEES = '0x420000000000000000000000000000000000000F'
const L1_FEE_ABI = [
  {
    type: 'function',
    name: 'getL1Fee',
    stateMutability: 'view',
    inputs: [{ name: 'data', type: 'bytes' }],
    outputs: [{ name: 'fee', type: 'uint256' }],
  },
] as const
const TRANSFER_ABI = [
  {
    type: 'event',
    name: 'Transfer',
    inputs: [
      { name: 'from', type: 'address', indexed: true },
      { name: 'to', type: 'address', indexed: true },
      { name: 'value', type: 'uint256', indexed: false },
    ],
  },
] as const

/** The most that a transfer of Circle's token by EIP-3009 takes, and a fifth more, as it is sent. */
const USUAL_GAS = 120_000n

export interface ViemChainParts {
  readonly libraries: Libraries
  /** The address of the node. It may contain a key, so it is in no message. */
  readonly rpc: string
  /** `0x` and 64 hex digits. It pays the gas. */
  readonly key: string
  /** `eip155:8453`. */
  readonly network: string
  readonly asset: Address
}

/** Thrown if `key` is no private key. The message does not contain it. */
export class BadKey extends Error {
  override readonly name = 'BadKey'
}

/** A node of an EVM chain, by `viem`. Payments are checked by `@x402/evm`. Throws `BadKey`. */
export function viemChain(parts: ViemChainParts): Chain {
  const { libraries, rpc, network, asset } = parts
  const { viem, scheme } = libraries
  const account = accountOf(parts)
  const id = Number(network.slice('eip155:'.length))
  const nativeCurrency = { name: 'coin', symbol: 'ETH', decimals: 18 }
  const chain = viem.defineChain({
    ...{ id, name: network, nativeCurrency, rpcUrls: { default: { http: [rpc] } } },
  })
  const transport = viem.http(rpc, { timeout: CALL_WITHIN, retryCount: 0 })
  const client = viem.createPublicClient({ chain, transport, cacheTime: 0 })

  /** What the call returns. Null if the node did not answer it. */
  const tried = async <T>(call: Promise<T>): Promise<T | null> => await call.catch(() => null)

  /** 0 on a chain that has no other chain below it. */
  const l1Fee = async (raw: Hex): Promise<bigint> => {
    const fee = { address: L1_FEES, abi: L1_FEE_ABI, functionName: 'getL1Fee' } as const
    return (await tried(client.readContract({ ...fee, args: [raw] }))) ?? 0n
  }

  /** A checker of its own for each payment, so that it is known whether the node answered. */
  const checker = () => {
    const seen = { silent: false }
    const heard = async <T>(call: Promise<T>): Promise<T> => {
      try {
        return await call
      } catch (error) {
        if (isSilence(libraries, error)) seen.silent = true
        throw error
      }
    }
    const sendsNothing = () => Promise.reject(new Error('a check sends nothing'))
    const exact = new scheme.ExactEvmScheme({
      getAddresses: () => [account.address],
      readContract: (call) => heard(client.readContract(call as never)),
      verifyTypedData: (call) => heard(client.verifyTypedData(call as never)),
      getCode: (call) => heard(client.getCode(call)),
      ...{ writeContract: sendsNothing, sendTransaction: sendsNothing },
      waitForTransactionReceipt: sendsNothing,
    })
    return { seen, exact }
  }

  return {
    async trouble() {
      const [there, code, balance] = await Promise.all([
        tried(client.getChainId()),
        tried(client.getCode({ address: asset as Hex }).then((found) => found ?? '0x')),
        tried(client.getBalance({ address: account.address })),
      ])
      if (there === null || code === null || balance === null) return 'its node does not answer'
      if (there !== id) return `its node is on another network (eip155:${there})`
      if (code === '0x') return 'its node does not know the token'
      return balance === 0n ? `its account ${account.address} has no money for gas` : null
    },

    async gas() {
      const fees = await tried(client.estimateFeesPerGas())
      return fees === null ? null : USUAL_GAS * fees.maxFeePerGas + (await l1Fee(usualBytes(viem)))
    },

    async verify(payment, requirement): Promise<Verified> {
      const { paymentPayload, paymentRequirements } = askOf(2, payment, requirement) as never
      const { seen, exact } = checker()
      try {
        const said = await exact.verify(paymentPayload, paymentRequirements)
        if (said.isValid) return { is: 'valid' }
        if (!seen.silent) return { is: 'refused', reason: loggable(said.invalidReason) }
      } catch (error) {
        // What it cannot even read is a payment of nobody.
        if (!seen.silent && !isSilence(libraries, error)) {
          return { is: 'refused', reason: 'invalid_payload' }
        }
      }
      return { is: 'unreachable', reason: 'its node does not answer' }
    },

    async sign(payment, requirement): Promise<Signed | null> {
      const data = callOf(libraries, payment)
      const to = requirement.asset as Hex
      const asked = await tried(
        Promise.all([
          client.estimateGas({ account: account.address, to, data }),
          client.estimateFeesPerGas(),
          client.getTransactionCount({ address: account.address, blockTag: 'pending' }),
        ]),
      )
      if (asked === null) return null
      const [estimated, { maxFeePerGas, maxPriorityFeePerGas }, nonce] = asked
      const gas = (estimated * 12n) / 10n
      const raw = await account.signTransaction({
        ...{ chainId: id, type: 'eip1559', nonce, gas, maxFeePerGas, maxPriorityFeePerGas },
        ...{ to, data, value: 0n },
      })
      const wei = gas * maxFeePerGas + (await l1Fee(raw))
      return { hash: viem.keccak256(raw), raw, nonce, wei }
    },

    async send(raw): Promise<Sent> {
      try {
        await client.sendRawTransaction({ serializedTransaction: raw as Hex })
        return 'sent'
      } catch (error) {
        return sentOf(libraries, error)
      }
    },

    async end({ hash, nonce }, transfer): Promise<Ended> {
      const receipt = await receiptOf(hash as Hex)
      if (receipt === 'unknown') return receipt
      if (receipt !== null) return endOf(libraries, receipt, transfer)
      const used = await tried(client.getTransactionCount({ address: account.address }))
      if (used === null) return 'unknown'
      if (used <= nonce) return 'open'
      // Its number is taken: by itself a moment ago, or by another one.
      const since = await receiptOf(hash as Hex)
      if (since === 'unknown') return since
      return since === null ? 'gone' : endOf(libraries, since, transfer)
    },
  }

  async function receiptOf(hash: Hex): Promise<TransactionReceipt | null | 'unknown'> {
    try {
      return await client.getTransactionReceipt({ hash })
    } catch (error) {
      return error instanceof viem.TransactionReceiptNotFoundError ? null : 'unknown'
    }
  }
}

/** As many bytes as a signed payment has, which cannot be compressed either. */
const usualBytes = ({ concat, keccak256, toHex }: Libraries['viem']): Hex =>
  concat(Array.from({ length: 13 }, (_, at) => keccak256(toHex(at))))

function accountOf({ libraries, key }: Pick<ViemChainParts, 'libraries' | 'key'>) {
  try {
    return libraries.accounts.privateKeyToAccount(key as Hex)
  } catch {
    throw new BadKey('it is no private key: 0x and 64 hex digits')
  }
}

/** The call of the token (EIP-3009), with the signature of an account or of a contract. */
function callOf({ viem, evm }: Libraries, { authorization, signature }: X402Payment): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = authorization
  const args = [from, to, value, validAfter, validBefore, nonce] as const
  const call = { abi: evm.eip3009ABI, functionName: 'transferWithAuthorization' } as const
  if (signature.length !== 132) {
    return viem.encodeFunctionData({ ...call, args: [...args, signature] } as never)
  }
  const { r, s, yParity } = viem.parseSignature(signature as Hex)
  return viem.encodeFunctionData({ ...call, args: [...args, 27 + yParity, r, s] } as never)
}

/** Whether the money moved as was asked, in a transaction that is on the chain. */
function endOf(
  { viem }: Libraries,
  receipt: TransactionReceipt,
  { payment, requirement }: Transfer,
): Ended {
  if (receipt.status !== 'success') return 'reverted'
  const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase()
  const logs = receipt.logs.filter(({ address }) => same(address, requirement.asset))
  const moved = viem.parseEventLogs({ abi: TRANSFER_ABI, eventName: 'Transfer', logs })
  const found = moved.some(
    ({ args: { from, to, value } }) =>
      same(from, payment.authorization.from) &&
      same(to, requirement.payTo) &&
      value === payment.authorization.value,
  )
  return found ? 'settled' : 'reverted'
}

/** The node did not answer. All else that is thrown is what it answered, or that nothing was asked. */
const isSilence = ({ viem }: Libraries, error: unknown): boolean =>
  error instanceof viem.BaseError &&
  error.walk(
    (each) =>
      each instanceof viem.HttpRequestError ||
      each instanceof viem.TimeoutError ||
      each instanceof viem.LimitExceededRpcError,
  ) !== null

/** The words in which nodes refuse a transaction. */
function sentOf(libraries: Libraries, error: unknown): Sent {
  if (!(error instanceof libraries.viem.BaseError) || isSilence(libraries, error)) return 'unknown'
  const text = `${error.message} ${error.details}`
  if (/already known|already imported/i.test(text)) return 'sent'
  if (isOutOfGas(text)) return 'out_of_gas'
  return /nonce too low|lower than the current nonce|underpriced/i.test(text) ? 'stale' : 'unknown'
}
