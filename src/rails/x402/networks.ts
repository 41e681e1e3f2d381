import type { MoneyKind } from '../../ledger/ledger.ts'
import type { Address, Caip2, X402Requirement } from './payment.ts'

/** A network on which dollars are taken, and its token that is worth a dollar: the USDC of Circle. */
export interface X402Network {
  readonly network: Caip2
  /** As version 1 of x402 and the settings write it: `base`. */
  readonly name: string
  /** For people: `Base`. */
  readonly title: string
  /** On a test network the token is worth nothing. */
  readonly money: Extract<MoneyKind, 'real' | 'test'>
  readonly asset: Address
  /** Of the token: six make its smallest unit a micro-dollar. */
  readonly decimals: 6
  readonly domain: X402Requirement['domain']
}

/**
 * All networks. The addresses and the names of the tokens are those in which both reference libraries of
 * x402 (`x402` 1.2, `@x402/evm` 2.27) agree, or the one that knows the network. A payment of any other
 * token is refused.
 */
export const NETWORKS: readonly X402Network[] = [
  {
    ...{ network: 'eip155:8453', name: 'base', title: 'Base', money: 'real', decimals: 6 },
    asset: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
    domain: { name: 'USD Coin', version: '2' },
  },
  {
    ...{
      network: 'eip155:84532',
      name: 'base-sepolia',
      title: 'Base Sepolia',
      money: 'test',
      decimals: 6,
    },
    asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
    domain: { name: 'USDC', version: '2' },
  },
  {
    ...{ network: 'eip155:137', name: 'polygon', title: 'Polygon', money: 'real', decimals: 6 },
    asset: '0x3c499c542cef5e3811e1192ce70d8cc03d5c3359',
    domain: { name: 'USD Coin', version: '2' },
  },
  {
    ...{
      network: 'eip155:80002',
      name: 'polygon-amoy',
      title: 'Polygon Amoy',
      money: 'test',
      decimals: 6,
    },
    asset: '0x41e94eb019c0762f9bfcf9fb1e58725bfb0e7582',
    domain: { name: 'USDC', version: '2' },
  },
  {
    ...{
      network: 'eip155:43114',
      name: 'avalanche',
      title: 'Avalanche',
      money: 'real',
      decimals: 6,
    },
    asset: '0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e',
    domain: { name: 'USD Coin', version: '2' },
  },
  {
    ...{
      network: 'eip155:43113',
      name: 'avalanche-fuji',
      title: 'Avalanche Fuji',
      money: 'test',
      decimals: 6,
    },
    asset: '0x5425890298aed601595a70ab815c96711a31bc65',
    domain: { name: 'USD Coin', version: '2' },
  },
]

/** The network of that name, or of that CAIP-2 id. Null for any other text. */
export const x402Network = (text: string): X402Network | null =>
  NETWORKS.find(({ name, network }) => name === text || network === text) ?? null
