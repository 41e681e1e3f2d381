import type { SatDeposit, UsdDeposit } from '../../../src/ledger/deposit.ts'
import type { Charge, HoldRequest, UsdTerms } from '../../../src/ledger/ledger.ts'
import { msat } from '../../../src/money/msat.ts'
import { microUsd } from '../../../src/money/usd.ts'

/** Requests to a ledger, with default values that a test can replace. */

export const deposit = (some: Partial<SatDeposit> = {}): SatDeposit => ({
  payment: 'p1',
  account: 'ann',
  amount: msat(1_000n),
  credit: 'paid',
  rail: 'l402',
  native: { amount: '1', unit: 'sat', rate: '1000' },
  at: 1_000,
  ...some,
})

/** Of 1,000 µ$. */
export const dollars = (some: Partial<UsdDeposit> = {}): UsdDeposit => ({
  payment: 'x1',
  account: 'ann',
  amount: microUsd(1_000n),
  credit: 'usd',
  rail: 'x402',
  native: { amount: '1000', unit: 'USDC', rate: '60000' },
  at: 1_000,
  ...some,
})

/** 60,000 dollars for a bitcoin, where a msat is 0.6 µ$; a price in sats. */
export const AT_60000: UsdTerms = { rate: 6_000_000_000_000n, price: null }

export const hold = (some: Partial<HoldRequest> = {}): HoldRequest => ({
  id: 'h1',
  account: 'ann',
  price: { base: 0n, each: 1_000_000n },
  quantities: {},
  clamped: 'output',
  least: 1,
  most: 100,
  limits: [],
  at: 1_000,
  deadline: 61_000,
  what: { model: 'llama3', dialect: 'openai-chat', pass: null },
  ...some,
})

export const charge = (amount: bigint): Charge => ({
  amount: msat(amount),
  quantities: { input: 1, cached: 0, output: 2 },
  usage: 'reported',
  end: 'complete',
  at: 2_000,
})

/** Whether a promise is settled after some turns of the event loop. */
export async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  promise.then(
    () => {
      done = true
    },
    () => {
      done = true
    },
  )
  await new Promise((resolve) => setTimeout(resolve, 40))
  return done
}
