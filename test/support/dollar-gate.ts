import type { UsdPerBtc } from '../../src/money/parse.ts'
import { FakeChain } from './fake-chain.ts'
import { type GateOptions, startGate, type TestGate } from './gate.ts'
import { MemoryFacilitator } from './memory-facilitator.ts'
import { HandReconciler, MemoryX402Payments } from './memory-x402.ts'
import { TestWorld } from './world.ts'
import { PAY_TO, PAYER, rateOf } from './x402-bed.ts'
import { type Otherwise, type Paying, payV1, payV2, type Refused402 } from './x402-buyer.ts'

/** A whole gate that takes dollars, in this process. The test moves its rate and its chain. */
export interface DollarGate {
  readonly gate: TestGate
  readonly chain: FakeChain
  readonly facilitator: MemoryFacilitator
  readonly payments: MemoryX402Payments
  readonly reconciler: HandReconciler
  rate: UsdPerBtc | null
  /** Signs what this 402 asks for. */
  sign(version: 1 | 2, refused: Refused402, otherwise?: Otherwise): Paying
}

/** Settings refuse dollars beside play money. The gate gets the play wallet nevertheless. */
const NAMED = { kind: 'ecash', mints: ['https://mint.example'] }

/** `rate`: dollars for a bitcoin. `x402`: settings of the rail besides its address and network. */
export async function startDollarGate({
  rate = '100000',
  x402 = {},
  ...options
}: Omit<GateOptions, 'x402' | 'usdPerBtc'> & {
  readonly rate?: string
  readonly x402?: Readonly<Record<string, unknown>>
} = {}): Promise<DollarGate> {
  const world = options.world ?? new TestWorld()
  const chain = new FakeChain({ now: () => world.now() })
  chain.give(PAYER.address, 1_000_000_000n)
  const facilitator = new MemoryFacilitator(chain)
  const payments = new MemoryX402Payments()
  const reconciler = new HandReconciler({ payments, facilitator })
  const url = 'https://facilitator.example'
  const rails = { x402: { payTo: PAY_TO, network: 'base-sepolia', facilitator: url, ...x402 } }
  const now: { rate: UsdPerBtc | null } = { rate: rateOf(rate) }
  const gate = await startGate({
    ...options,
    world,
    settings: { wallet: NAMED, ...options.settings, rails },
    x402: { facilitator, payments, reconciler },
    usdPerBtc: () => now.rate,
  })
  return {
    ...{ gate, chain, facilitator, payments, reconciler },
    get rate() {
      return now.rate
    },
    set rate(is) {
      now.rate = is
    },
    sign(version, refused, otherwise = {}) {
      const how = { now: world.now(), ...otherwise }
      return version === 1 ? payV1(refused, PAYER, how) : payV2(refused, PAYER, how)
    },
  }
}
