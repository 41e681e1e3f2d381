import type { GateEvent } from './ports.ts'

/** Counters since the start, for the metrics. No money depends on them. */
export class Counts {
  /** Requests by how they ended and by status. */
  readonly requests = new Map<
    string,
    { readonly end: string; readonly status: number; n: number }
  >()
  promptTokens = 0
  completionTokens = 0
  chargedMsat = 0
  overrunMsat = 0
  /** Sats that left, without fees. */
  withdrawnMsat = 0
  /** Requests whose usage was counted here because the backend's could not be believed. */
  counted = 0

  /** Counts one event. Other events than requests and withdrawals are ignored. */
  see(event: object): void {
    if (isWithdrawn(event)) this.withdrawnMsat += event.amount_msat
    if (!isRequest(event)) return
    const key = `${event.end} ${event.status}`
    const known = this.requests.get(key) ?? { end: event.end, status: event.status, n: 0 }
    known.n += 1
    this.requests.set(key, known)
    this.promptTokens += event.prompt_tokens ?? 0
    this.completionTokens += event.completion_tokens ?? 0
    this.chargedMsat += event.charged_msat ?? 0
    this.overrunMsat += event.overrun_msat ?? 0
    if (event.usage === 'counted') this.counted += 1
  }
}

const isWithdrawn = (event: object): event is Extract<GateEvent, { event: 'withdrawn' }> =>
  'event' in event && event.event === 'withdrawn' && 'state' in event && event.state === 'paid'

const isRequest = (event: object): event is Extract<GateEvent, { event: 'request' }> =>
  'event' in event && event.event === 'request'
