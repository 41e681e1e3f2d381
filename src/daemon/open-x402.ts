import { join } from 'node:path'
import type { X402Settings } from '../config/config.ts'
import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import { formatUsd } from '../money/usd.ts'
import type { Facilitator } from '../rails/x402/facilitator.ts'
import type { FacilitatorOutage } from '../rails/x402/health.ts'
import type { X402Payments, X402Reconciler, X402Row } from '../rails/x402/payments.ts'
import { Reconciler } from '../rails/x402/reconciler.ts'
import { RemoteFacilitator } from '../rails/x402/remote-facilitator.ts'
import { SqliteX402Payments } from '../rails/x402/sqlite-payments.ts'
import { X402Damaged } from '../rails/x402/x402-file.ts'
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
export function openX402(
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
): X402Parts {
  const payments = paymentsIn(join(folder, 'x402.db'))
  const { facilitator, settlements } = countSettlements(
    facilitatorOf(settings, { ...parts, outage: facilitatorOutage(say) }),
  )
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

function facilitatorOf(
  { facilitator, network }: X402Settings,
  parts: {
    readonly world: World
    readonly background: Background
    readonly outage: FacilitatorOutage
  },
): Facilitator {
  if (facilitator.is === 'own') throw new Failed('an own facilitator cannot be used yet', 2)
  const { url } = facilitator
  const headers = facilitator.headers.map(({ name, value }) => [name, value.reveal()] as const)
  return new RemoteFacilitator({ ...parts, url, network, headers: Object.fromEntries(headers) })
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
