import { microUsd } from '../../src/money/usd.ts'
import type { Authorization, X402Payment, X402Requirement } from '../../src/rails/x402/payment.ts'
import { signHash, transferHash } from './evm.ts'
import { chainIdOf, FAKE_ASSET, FAKE_NETWORK, fakePayer } from './fake-chain.ts'

/** Payments as a rail hands them to a facilitator: read, signed, and not believed. */

export const PAYER = fakePayer(7)
const PAY_TO = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc'
export const TRANSACTION = `0x${'1'.repeat(64)}`

export const aRequirement = (change: Partial<X402Requirement> = {}): X402Requirement => ({
  ...{ network: FAKE_NETWORK, asset: FAKE_ASSET, amount: microUsd(10_000n), payTo: PAY_TO },
  ...{ maxTimeoutSeconds: 120, resource: 'https://gate.example/v1/chat/completions' },
  ...{ description: 'A model', mimeType: 'application/json' },
  ...{ domain: { name: 'USDC', version: '2' } },
  ...change,
})

export interface HowSigned extends Partial<Authorization> {
  readonly requirement?: X402Requirement
  readonly version?: 1 | 2
  readonly key?: string
  readonly signature?: string
  /** ms since the epoch. The default is the clock of the machine. */
  readonly now?: number
}

let nonces = 0

/** A signed payment of that requirement. Without a nonce it is one that was never used here. */
export function aPayment(how: HowSigned = {}): X402Payment {
  const { requirement = aRequirement(), version = 2, key = PAYER.key, now = Date.now() } = how
  nonces += 1
  const seconds = BigInt(Math.floor(now / 1000))
  const authorization: Authorization = {
    from: how.from ?? PAYER.address,
    to: how.to ?? requirement.payTo,
    value: how.value ?? requirement.amount,
    validAfter: how.validAfter ?? 0n,
    validBefore: how.validBefore ?? seconds + 120n,
    nonce:
      how.nonce ??
      `0x${(BigInt(now) * 1_000_000n + BigInt(nonces)).toString(16).padStart(64, '0')}`,
  }
  const chainId = chainIdOf(requirement.network)
  const domain = { ...requirement.domain, chainId, verifyingContract: requirement.asset }
  const signature = how.signature ?? signHash(transferHash(domain, authorization), key)
  const accepted = {
    scheme: 'exact',
    extra: { ...requirement.domain, offer: 'the-id-of-the-offer' },
  }
  return {
    ...{ x402Version: version, network: requirement.network, authorization, signature },
    accepted: version === 2 ? accepted : null,
    resource: version === 2 ? requirement.resource : null,
  }
}
