import type { Background } from '../../floor/background.ts'
import type { World } from '../../floor/world.ts'
import { NO_USD } from '../../money/usd.ts'
import { askJson, objectIn, type Transport } from '../../outbound/ask-json.ts'
import { explain, type Failure } from '../../outbound/failure.ts'
import { plainTransport } from '../../outbound/transport.ts'
import type { Facilitator, Settlement, Verified } from './facilitator.ts'
import { askOf, isAbout, isTransaction, type Version, versionsIn } from './facilitator-wire.ts'
import { FacilitatorHealth, type FacilitatorOutage, type Trouble } from './health.ts'
import { type X402Payment, type X402Requirement, x402PaymentId } from './payment.ts'
import { isOutOfGas, loggable, meaningOf } from './reasons.ts'
import { SettleQueue } from './settle-queue.ts'

/** ms. A chain makes a block every two seconds or so, and a settlement waits for its block. */
const VERIFY_WITHIN = 10_000
const SETTLE_WITHIN = 30_000
/** Bytes. The longest refusals quote a whole call. */
const ANSWER = 64 * 1024
const SUPPORTED = 1024 * 1024
/** ms that a facilitator without money for gas is left alone. */
const NO_GAS = 60_000

export interface RemoteFacilitatorParts {
  readonly url: string
  /** The operator’s, for example `Authorization`. They are secrets. */
  readonly headers: Readonly<Record<string, string>>
  /** As CAIP-2 writes it. */
  readonly network: string
  readonly world: World
  readonly background: Background
  readonly outage: FacilitatorOutage
  readonly transport?: Transport
}

/**
 * Somebody else’s facilitator, over HTTP. What it says is taken apart so that only what is certain counts
 * as settled or refused: everything else is unknown (threats F2, F3, F9).
 */
export class RemoteFacilitator implements Facilitator {
  readonly name: string
  /** No facilitator says how little it settles. */
  readonly least = NO_USD
  readonly #parts: RemoteFacilitatorParts
  readonly #base: string
  readonly #health: FacilitatorHealth
  readonly #queue: SettleQueue
  #versions: readonly Version[] = []

  constructor(parts: RemoteFacilitatorParts) {
    this.#parts = parts
    this.name = new URL(parts.url).host
    this.#base = parts.url.replace(/\/+$/, '')
    this.#queue = new SettleQueue(parts.world)
    this.#health = new FacilitatorHealth({ ...parts, name: this.name, check: () => this.#check() })
  }

  get up(): boolean {
    return this.#health.up
  }

  start(): { stop(): Promise<void> } {
    return this.#health.start()
  }

  async verify(payment: X402Payment, requirement: X402Requirement): Promise<Verified> {
    const body = askOf(this.#versionFor(payment), payment, requirement)
    const answer = await this.#ask('verify', { body, deadlineMs: VERIFY_WITHIN, most: ANSWER })
    if (!answer.ok) return this.#unreachable(explain(answer.error))
    const { status, json } = answer.value
    const said = objectIn(json)
    if (said?.isValid === false) return { is: 'refused', reason: loggable(said.invalidReason) }
    if (status === 200 && said?.isValid === true) return { is: 'valid' }
    return this.#unreachable(unreadable(status))
  }

  async settle(
    payment: X402Payment,
    requirement: X402Requirement,
    again?: 'again',
  ): Promise<Settlement> {
    const id = x402PaymentId(requirement, payment.authorization)
    const settlement = await this.#queue.run(id, () => this.#settle(payment, requirement))
    // An earlier call may have settled it, and a facilitator does not say which one did.
    if (again !== undefined && settlement.is === 'refused') return { ...settlement, is: 'unknown' }
    return settlement
  }

  async #settle(payment: X402Payment, requirement: X402Requirement): Promise<Settlement> {
    const body = askOf(this.#versionFor(payment), payment, requirement)
    const answer = await this.#ask('settle', { body, deadlineMs: SETTLE_WITHIN, most: ANSWER })
    const settlement = answer.ok
      ? settlementIn(answer.value, payment.authorization.from, requirement.network)
      : notAnswered(answer.error)
    if (settlement.is === 'unreachable' && settlement.reason === OUT_OF_GAS) {
      this.#health.found({ reason: OUT_OF_GAS, waitMs: NO_GAS })
    } else if (settlement.is === 'unreachable' || settlement.is === 'unknown') {
      this.#health.suspect()
    }
    return settlement
  }

  /** The payment is the same in both versions, so one that it does not settle is sent in the other. */
  #versionFor({ x402Version }: X402Payment): Version {
    const other = x402Version === 2 ? 1 : 2
    return !this.#versions.includes(x402Version) && this.#versions.includes(other)
      ? other
      : x402Version
  }

  #unreachable(reason: string): Verified {
    this.#health.suspect()
    return { is: 'unreachable', reason }
  }

  async #check(): Promise<Trouble> {
    const answer = await this.#ask('supported', { deadlineMs: VERIFY_WITHIN, most: SUPPORTED })
    if (!answer.ok) return { reason: explain(answer.error) }
    const { status, json } = answer.value
    if (status !== 200 || objectIn(json) === null) return { reason: unreadable(status) }
    this.#versions = versionsIn(json, this.#parts.network)
    if (this.#versions.length > 0) return null
    return { reason: `it does not settle payments of the scheme exact on ${this.#parts.network}` }
  }

  #ask(
    path: 'verify' | 'settle' | 'supported',
    how: { readonly body?: object; readonly deadlineMs: number; readonly most: number },
  ) {
    const { world, headers, transport = plainTransport } = this.#parts
    const url = new URL(`${this.#base}/${path}`)
    return askJson({ transport, world }, { url, headers, ...how })
  }
}

const OUT_OF_GAS = 'its account has no money for gas'

const unreadable = (status: number): string =>
  status === 200
    ? 'its answer cannot be read'
    : status >= 300 && status <= 399
      ? `it redirects (HTTP ${status}): set its real address`
      : `it answers with HTTP ${status}`

interface Answered {
  readonly status: number
  readonly json: unknown
}

/** Answers of a server that did not work on the request. */
const NOT_WORKED_ON = new Set([401, 403, 404, 405, 413, 415, 429])

function settlementIn({ status, json }: Answered, from: string, network: string): Settlement {
  const said = objectIn(json)
  if (said === null || typeof said.success !== 'boolean' || status >= 500) {
    const is = NOT_WORKED_ON.has(status) ? 'unreachable' : 'unknown'
    return { is, reason: unreadable(status) }
  }
  const { success, transaction, errorReason, errorMessage } = said
  if (success) {
    if (status !== 200) return { is: 'unknown', reason: unreadable(status) }
    if (!isTransaction(transaction)) return { is: 'unknown', reason: 'it names no transaction' }
    if (isAbout(said, { from, network }))
      return { is: 'settled', transaction: transaction.toLowerCase() }
    return { is: 'unknown', reason: 'it speaks of another payment' }
  }
  const reason = loggable(errorReason)
  if (typeof transaction === 'string' && transaction !== '') return { is: 'unknown', reason }
  if (isOutOfGas(errorMessage) || isOutOfGas(errorReason)) {
    return { is: 'unreachable', reason: OUT_OF_GAS }
  }
  return { is: meaningOf(errorReason) === null ? 'unknown' : 'refused', reason }
}

/** Failures before a request can leave: no connection was made, or nobody was found to be trusted. */
const NOTHING_SENT: ReadonlySet<Failure['why']> = new Set([
  ...(['refused', 'unknown_host', 'no_lookup'] as const),
  ...(['untrusted', 'expired', 'not_yet_valid', 'another_name'] as const),
])

function notAnswered(failure: Failure): Settlement {
  const sent = !NOTHING_SENT.has(failure.why) && failure.code !== 'UND_ERR_CONNECT_TIMEOUT'
  return { is: sent ? 'unknown' : 'unreachable', reason: explain(failure) }
}
