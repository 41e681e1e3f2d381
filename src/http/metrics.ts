import { createServer } from 'node:http'
import type { Registry } from 'prom-client'
import type { Background } from '../floor/background.ts'
import type { Counts } from '../gate/counts.ts'
import type { Books } from '../ledger/open-ledger.ts'
import type { MicroUsd } from '../money/usd.ts'

/** Everything that the metrics are read from. */
export interface Measured {
  readonly gate: {
    running(): number
    openInvoices(): number
    /** Whether the backend answered when it was last asked. */
    upstreamUp(): boolean
    readonly wallets: { readonly up: boolean; readonly members: readonly unknown[] }
    /** Withdrawals of buyers that are not over. */
    readonly withdrawals: { readonly open: number }
  }
  readonly books: Books
  /** Null if no dollars are taken. */
  readonly x402: MeasuredDollars | null
  readonly counts: Counts
  /** Lines of the log that were dropped since the start. */
  logDropped(): number
}

/** What the metrics say of payments in dollars. */
export interface MeasuredDollars {
  readonly facilitator: { readonly up: boolean }
  /** How often the facilitator gave each answer to a settlement. */
  readonly settlements: ReadonlyMap<string, number>
  /** Payments of which nobody knows for some time whether they arrived. */
  readonly unknown: { readonly count: number }
  /** Payments that are on their way. */
  readonly payments: { outstanding(): MicroUsd }
}

/** The setting `metrics`. Null if metrics are off. */
export interface MetricsAddress {
  readonly host: string
  readonly port: number
}

/**
 * Serves metrics in the text format of Prometheus. They have a listener of their own, never the
 * public one (threats H4). The earnings come from the ledger, so a restart does not reset them.
 */
export async function startMetrics(
  address: MetricsAddress | null,
  measured: Measured,
  background: Background,
): Promise<{ close(): Promise<void> }> {
  if (address === null) return { close: async () => {} }
  const registry = await register(measured)
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end()
      return
    }
    background.once('metrics', async () => {
      try {
        const page = await registry.metrics()
        response.writeHead(200, { 'content-type': registry.contentType }).end(page)
      } catch (error) {
        response.writeHead(500).end()
        throw error
      }
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, resolve)
  })
  server.on('error', (error) => background.failed('metrics', error))
  return {
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function register(measured: Measured): Promise<Registry> {
  const { gate, books, counts, logDropped, x402 } = measured
  const { Counter, Gauge, Registry, collectDefaultMetrics } = await import('prom-client')
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'satgate_' })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `satgate_${name}`,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name: `satgate_${name}_total`,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  gauge('requests_running', 'Requests at the upstream now', () => gate.running())
  gauge('invoices_open', 'Unpaid invoices with a secret', () => gate.openInvoices())
  gauge('withdrawals_open', 'Withdrawals that are not over', () => gate.withdrawals.open)
  gauge('upstream_up', '1 if the backend answers', () => (gate.upstreamUp() ? 1 : 0))
  if (gate.wallets.members.length > 0) {
    gauge('wallet_up', '1 if a wallet answers', () => (gate.wallets.up ? 1 : 0))
  }
  gauge('ledger_healthy', '1 if commits are in time', () => (books.healthy() ? 1 : 0))
  counter('prompt_tokens', 'Prompt tokens charged', () => counts.promptTokens)
  counter('completion_tokens', 'Completion tokens charged', () => counts.completionTokens)
  counter('charged_msat', 'Charged since the start, msat', () => counts.chargedMsat)
  counter('overrun_msat', 'Flowed past everything a buyer had, msat', () => counts.overrunMsat)
  counter('withdrawn_msat', 'Paid back to buyers, msat', () => counts.withdrawnMsat)
  counter('counted', 'Requests charged by our own count', () => counts.counted)
  counter('log_dropped', 'Lines of the log that nobody took', logDropped)
  if (x402 !== null) {
    gauge('x402_up', '1 if the facilitator answers', () => (x402.facilitator.up ? 1 : 0))
    gauge('x402_unknown', 'Payments in dollars without an end', () => x402.unknown.count)
    addDollars({ books, x402, Counter, Gauge, registers })
  }
  new Counter({
    name: 'satgate_requests_total',
    help: 'Requests by how they ended',
    labelNames: ['end', 'status'],
    registers,
    collect() {
      this.reset()
      for (const { end, status, n } of counts.requests.values()) this.inc({ end, status }, n)
    },
  })
  new Gauge({
    name: 'satgate_earned_msat',
    help: 'Earned in all, by model, out of the books',
    labelNames: ['model'],
    registers,
    async collect() {
      this.reset()
      for (const { earned, model } of await books.statement.earnedBy(MOST_MODELS)) {
        this.set({ model: model === '' ? OTHERS : model }, Number(earned))
      }
    },
  })
  return registry
}

const MICRO = 1_000_000

function addDollars(parts: {
  readonly books: Books
  readonly x402: MeasuredDollars
  readonly registers: Registry[]
  readonly Counter: typeof import('prom-client').Counter
  readonly Gauge: typeof import('prom-client').Gauge
}): void {
  const { books, x402, Counter, Gauge, registers } = parts
  new Counter({
    name: 'satgate_x402_settlements_total',
    help: 'Settlements that the facilitator was asked for, by its answer',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset()
      for (const outcome of OUTCOMES) this.inc({ outcome }, x402.settlements.get(outcome) ?? 0)
    },
  })
  new Gauge({
    name: 'satgate_dollars_outstanding',
    help: 'Dollars that buyers have paid and not spent, and those on their way',
    registers,
    async collect() {
      const unspent = await books.ledger.outstandingUsd()
      this.set(Number(unspent + x402.payments.outstanding()) / MICRO)
    },
  })
}

const OUTCOMES = ['settled', 'refused', 'unreachable', 'unknown'] as const

/**
 * How many models have a series of their own: those that earned most. All others share one name.
 * This bounds the page: if a price has a `*` and the backend accepts any name, a buyer can invent a
 * million names for a few thousand sats. A page with all of them would stop the gate and its
 * reader.
 */
const MOST_MODELS = 500
const OTHERS = '(others)'
