import { join } from 'node:path'
import type { X402Settings } from '../config/config.ts'
import { assert } from '../floor/assert.ts'
import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import { formatUsd, type MicroUsd } from '../money/usd.ts'
import type { Facilitator } from '../rails/x402/facilitator.ts'
import type { FacilitatorOutage } from '../rails/x402/health.ts'
import { x402Network } from '../rails/x402/networks.ts'
import type { Chain } from '../rails/x402/own/chain.ts'
import { INSTALL, loadLibraries } from '../rails/x402/own/libraries.ts'
import { OwnFacilitator } from '../rails/x402/own/own-facilitator.ts'
import { Transactions } from '../rails/x402/own/transactions.ts'
import { BadKey, type ViemChainParts, viemChain } from '../rails/x402/own/viem-chain.ts'
import type { X402Payments, X402Reconciler, X402Row } from '../rails/x402/payments.ts'
import { Reconciler } from '../rails/x402/reconciler.ts'
import { RemoteFacilitator } from '../rails/x402/remote-facilitator.ts'
import { SqliteX402Payments } from '../rails/x402/sqlite-payments.ts'
import { X402Damaged } from '../rails/x402/x402-file.ts'
import { paymentsAt } from './control-payments.ts'
import { countSettlements, type SettlementCounts } from './counted-facilitator.ts'
import { Failed } from './failed.ts'
import { shortPayment } from './short-payment.ts'
import { UnknownPayments } from './unknown-payments.ts'

/** What stands between the x402 rail and a chain. */
export interface X402Parts {
  readonly facilitator: Facilitator
  readonly payments: X402Payments
  readonly reconciler: X402Reconciler
  /** How often the facilitator gave each answer to a settlement, since the start. */
  readonly settlements: SettlementCounts
  readonly unknown: UnknownPayments
  /** Stops asking the facilitator whether it works, and closes `x402.db`. */
  close(): Promise<void>
}

/** Opens `x402.db` in the data folder, and begins to ask the facilitator whether it works. */
export async function openX402(
  settings: X402Settings,
  folder: string,
  {
    say,
    ...parts
  }: {
    readonly world: World
    readonly background: Background
    readonly say: (event: object) => void
  },
): Promise<X402Parts> {
  const payments = paymentsIn(join(folder, 'x402.db'))
  const outage = facilitatorOutage(say)
  const asked = await facilitatorOf(settings, { ...parts, payments, outage }).catch(
    (error: unknown) => {
      payments.close()
      throw error
    },
  )
  const { facilitator, settlements } = countSettlements(asked)
  const started = facilitator.start()
  const unknown = new UnknownPayments({ payments, world: parts.world, say })
  const watch = unknown.start(parts.background)
  const onLost = (row: X402Row) => say(lostEvent(row))
  const reconciler = new Reconciler({ ...parts, payments, facilitator, onLost })
  return {
    ...{ facilitator, payments, reconciler, settlements, unknown },
    async close() {
      await Promise.all([started.stop(), watch.stop()])
      payments.close()
    },
  }
}

function paymentsIn(path: string): SqliteX402Payments {
  try {
    return new SqliteX402Payments(path)
  } catch (error) {
    if (!(error instanceof X402Damaged)) throw error
    throw new Failed(`${error.message}.`, 4)
  }
}

async function facilitatorOf(
  { facilitator, maxPayment, network }: X402Settings,
  parts: {
    readonly payments: SqliteX402Payments
    readonly world: World
    readonly background: Background
    readonly outage: FacilitatorOutage
  },
): Promise<Facilitator> {
  if (facilitator.is === 'own') {
    return await ownFacilitator(facilitator, network, { ...parts, maxPayment })
  }
  const { url } = facilitator
  const headers = facilitator.headers.map(({ name, value }) => [name, value.reveal()] as const)
  return new RemoteFacilitator({ ...parts, url, network, headers: Object.fromEntries(headers) })
}

async function ownFacilitator(
  { rpc, key, usdPerEth }: Extract<X402Settings['facilitator'], { readonly is: 'own' }>,
  network: string,
  parts: {
    readonly payments: SqliteX402Payments
    readonly world: World
    readonly background: Background
    readonly outage: FacilitatorOutage
    readonly maxPayment: MicroUsd
  },
): Promise<Facilitator> {
  const libraries = await loadLibraries()
  if (libraries === null) {
    throw new Failed(
      `rails.x402.facilitator: this gate is to settle payments itself, and the libraries for that are not installed. Install them beside satgate: ${INSTALL}`,
    )
  }
  const asset = x402Network(network)?.asset
  assert(asset !== undefined, 'a network of the table')
  const node = { libraries, rpc: rpc.reveal(), key: key.reveal(), network, asset }
  const transactions = new Transactions(parts.payments.db)
  return new OwnFacilitator({ ...parts, chain: chainOf(node), transactions, usdPerEth })
}

function chainOf(node: ViemChainParts): Chain {
  try {
    return viemChain(node)
  } catch (error) {
    if (error instanceof BadKey) throw new Failed(`rails.x402.facilitator.key: ${error.message}`)
    throw error
  }
}

/** Tells the operator when payments in dollars cannot be settled, and when they can again. */
function facilitatorOutage(say: (event: object) => void): FacilitatorOutage {
  const about = (facilitator: string, since: number) => ({
    ...{ what: 'facilitator_unreachable', facilitator, since: new Date(since).toISOString() },
  })
  return {
    gone: (facilitator, reason, since) =>
      say({ event: 'problem', ...about(facilitator, since), reason }),
    back: (facilitator, since) => say({ event: 'solved', ...about(facilitator, since) }),
  }
}

const lostEvent = ({ id, requirement }: X402Row) => ({
  ...{ event: 'problem', what: 'x402_unknown', network: requirement.network },
  payment: shortPayment(id),
  usd: formatUsd(requirement.amount),
})

/** More are not counted. */
const MOST_COUNTED = 1_000

/**
 * A gate that takes no dollars looks for payments in dollars that have no end, or that are settled and
 * not credited: nobody asks the facilitator about them, and their buyers get nothing (threats F3). Tells
 * the operator once, at the start. A file that cannot be read keeps no gate from selling for sats.
 */
export function tellUnwatchedPayments(folder: string, say: (event: object) => void): void {
  const payments = readable(folder)
  if (payments === null) return
  const open = payments.open(MOST_COUNTED).length
  const usd = formatUsd(payments.outstanding())
  payments.close()
  if (open > 0) say({ event: 'problem', what: 'payments_unwatched', payments: open, usd })
}

function readable(folder: string) {
  try {
    return paymentsAt(folder)
  } catch (error) {
    if (error instanceof Failed) return null
    throw error
  }
}
