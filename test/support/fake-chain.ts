import type { Address, Authorization, Caip2 } from '../../src/rails/x402/payment.ts'
import { addressOf, keccak, signerOf, transferHash } from './evm.ts'

/** What everybody can see: the transfer with its signature, as it was sent (threats L1). */
export interface Transaction {
  readonly hash: string
  readonly authorization: Authorization
  readonly signature: string
}

/** Why the token takes a transfer from nobody. */
export type Reverted = 'signature' | 'early' | 'late' | 'used' | 'funds'

export interface FakeChainOptions {
  /** ms since the epoch. The default is the clock of the machine. */
  readonly now?: () => number
  readonly network?: Caip2
}

/** USDC of Base Sepolia, where clients look for it. */
export const FAKE_ASSET: Address = '0x036cbd53842c5426634e7929541ec2318f3dcf7e'
export const FAKE_NETWORK: Caip2 = 'eip155:84532'
/** The names of version 1 for the networks that tests use. */
export const V1_NETWORKS: Readonly<Record<string, Caip2>> = {
  'base-sepolia': 'eip155:84532',
  base: 'eip155:8453',
}

/**
 * A chain in memory with one token, which checks what USDC checks: the signature, its times, that it was
 * not used, and the balance (EIP-3009, FiatToken 2.2). Contracts have no accounts here.
 */
export class FakeChain {
  readonly network: Caip2
  readonly asset: Address = FAKE_ASSET
  readonly domain = { name: 'USDC', version: '2' }
  /** In the order in which they were sent. */
  readonly transactions: Transaction[] = []
  readonly #now: () => number
  readonly #balances = new Map<Address, bigint>()
  readonly #used = new Set<string>()

  constructor({ now = Date.now, network = FAKE_NETWORK }: FakeChainOptions = {}) {
    this.#now = now
    this.network = network
  }

  /** Whole seconds since the epoch. */
  get seconds(): bigint {
    return BigInt(Math.floor(this.#now() / 1000))
  }

  /** Makes dollars out of nothing, in micro-dollars. */
  give(address: Address, amount: bigint): void {
    this.#balances.set(address, this.balance(address) + amount)
  }

  /** In micro-dollars. */
  balance(address: Address): bigint {
    return this.#balances.get(address.toLowerCase()) ?? 0n
  }

  /** Whether a transfer with that nonce was sent, or cancelled. */
  used(from: Address, nonce: string): boolean {
    return this.#used.has(`${from}:${nonce}`.toLowerCase())
  }

  /** The payer makes a signature worthless that nobody has used. */
  cancel(from: Address, nonce: string): void {
    this.#used.add(`${from}:${nonce}`.toLowerCase())
  }

  /** Null: the transfer would succeed. */
  refuses(asset: Address, transfer: Authorization, signature: string): Reverted | null {
    const domain = { ...this.domain, chainId: chainIdOf(this.network), verifyingContract: asset }
    const signer = signerOf(transferHash(domain, transfer), signature)
    if (asset !== this.asset || signer !== transfer.from) return 'signature'
    if (this.seconds <= transfer.validAfter) return 'early'
    if (this.seconds >= transfer.validBefore) return 'late'
    if (this.used(transfer.from, transfer.nonce)) return 'used'
    return this.balance(transfer.from) < transfer.value ? 'funds' : null
  }

  /** Anybody may send a transfer. Returns the hash of the transaction, or why it was reverted. */
  send(
    asset: Address,
    authorization: Authorization,
    signature: string,
  ): Reverted | { readonly hash: string } {
    const reverted = this.refuses(asset, authorization, signature)
    if (reverted !== null) return reverted
    const { from, to, value, nonce } = authorization
    this.#used.add(`${from}:${nonce}`)
    this.give(from, -value)
    this.give(to, value)
    const hash = `0x${keccak(`${from}${nonce}`).toString('hex')}`
    this.transactions.push({ hash, authorization, signature })
    return { hash }
  }
}

export const chainIdOf = (network: Caip2): number => Number(network.slice('eip155:'.length))

/** Who pays: a secret key and its address. `seed` is a byte; two buyers with one seed are the same. */
export function fakePayer(seed: number): { readonly key: string; readonly address: Address } {
  const key = `0x${seed.toString(16).padStart(2, '0').repeat(32)}`
  return { key, address: addressOf(key) }
}
