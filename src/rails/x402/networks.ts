import type { MoneyKind } from '../../ledger/ledger.ts'
import type { Address, Caip2, X402Requirement } from './payment.ts'

/** A network on which dollars are taken, and its token that is worth a dollar: the USDC of Circle. */
export interface X402Network {
  readonly network: Caip2
  /** As the settings write it: `base`. */
  readonly name: string
  /** Its name in version 1 of x402. Null: that version does not know it, so it gets no offer. */
  readonly v1: string | null
  /** For people: `Base`. */
  readonly title: string
  /** On a test network the token is worth nothing. */
  readonly money: Extract<MoneyKind, 'real' | 'test'>
  readonly asset: Address
  /** Of the token: six make its smallest unit a micro-dollar. */
  readonly decimals: 6
  readonly domain: X402Requirement['domain']
}

/** Of CAIP-2, which is `eip155:` and the chain id, and of the token: its address and its EIP-712 name. */
const usdc = (chain: number, asset: Address, name: 'USD Coin' | 'USDC') =>
  ({ network: `eip155:${chain}`, asset, decimals: 6, domain: { name, version: '2' } }) as const

/**
 * All networks. The addresses and the names of the tokens are those in which both reference libraries of
 * x402 (`x402` 1.2, `@x402/evm` 2.27) agree, or the one that knows the network. All are transferred by
 * EIP-3009. A payment of any other token is refused.
 */
export const NETWORKS: readonly X402Network[] = [
  {
    ...usdc(8453, '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913', 'USD Coin'),
    ...{ name: 'base', v1: 'base', title: 'Base', money: 'real' },
  },
  {
    ...usdc(84532, '0x036cbd53842c5426634e7929541ec2318f3dcf7e', 'USDC'),
    ...{ name: 'base-sepolia', v1: 'base-sepolia', title: 'Base Sepolia', money: 'test' },
  },
  {
    ...usdc(137, '0x3c499c542cef5e3811e1192ce70d8cc03d5c3359', 'USD Coin'),
    ...{ name: 'polygon', v1: 'polygon', title: 'Polygon', money: 'real' },
  },
  {
    ...usdc(80002, '0x41e94eb019c0762f9bfcf9fb1e58725bfb0e7582', 'USDC'),
    ...{ name: 'polygon-amoy', v1: 'polygon-amoy', title: 'Polygon Amoy', money: 'test' },
  },
  {
    ...usdc(42161, '0xaf88d065e77c8cc2239327c5edb3a432268e5831', 'USD Coin'),
    ...{ name: 'arbitrum', v1: null, title: 'Arbitrum One', money: 'real' },
  },
  {
    ...usdc(421_614, '0x75faf114eafb1bdbe2f0316df893fd58ce46aa4d', 'USD Coin'),
    ...{ name: 'arbitrum-sepolia', v1: null, title: 'Arbitrum Sepolia', money: 'test' },
  },
  {
    ...usdc(43114, '0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e', 'USD Coin'),
    ...{ name: 'avalanche', v1: 'avalanche', title: 'Avalanche', money: 'real' },
  },
  {
    ...usdc(43113, '0x5425890298aed601595a70ab815c96711a31bc65', 'USD Coin'),
    ...{ name: 'avalanche-fuji', v1: 'avalanche-fuji', title: 'Avalanche Fuji', money: 'test' },
  },
  {
    ...usdc(1, '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48', 'USD Coin'),
    ...{ name: 'ethereum', v1: null, title: 'Ethereum', money: 'real' },
  },
  {
    ...usdc(42220, '0xceba9300f2b948710d2653dd7b07f33a8b32118c', 'USDC'),
    ...{ name: 'celo', v1: null, title: 'Celo', money: 'real' },
  },
  {
    ...usdc(11_142_220, '0x01c5c0122039549ad1493b8220cabedd739bc44e', 'USDC'),
    ...{ name: 'celo-sepolia', v1: null, title: 'Celo Sepolia', money: 'test' },
  },
  {
    ...usdc(1329, '0xe15fc38f6d8c56af07bbcbe3baf5708a2bf42392', 'USDC'),
    ...{ name: 'sei', v1: 'sei', title: 'Sei', money: 'real' },
  },
  {
    ...usdc(1328, '0x4fcf1784b31630811181f670aea7a7bef803eaed', 'USDC'),
    ...{ name: 'sei-testnet', v1: 'sei-testnet', title: 'Sei Testnet', money: 'test' },
  },
  {
    ...usdc(143, '0x754704bc059f8c67012fed69bc8a327a5aafb603', 'USDC'),
    ...{ name: 'monad', v1: null, title: 'Monad', money: 'real' },
  },
]

/** The network of that name, or of that CAIP-2 id. Null for any other text. */
export const x402Network = (text: string): X402Network | null =>
  NETWORKS.find(({ name, network }) => name === text || network === text) ?? null

/** The network that version 1 of x402 calls so. */
export const v1Network = (text: string): X402Network | null =>
  NETWORKS.find(({ v1 }) => v1 === text) ?? null
