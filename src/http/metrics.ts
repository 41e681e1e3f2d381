import { createServer } from 'node:http'
import type { Books } from '../ledger/books.ts'

/** What a page of metrics is read from. */
export interface Measured {
  readonly gate: {
    running(): number
    openInvoices(): number
    readonly line: { readonly up: boolean }
  }
  readonly books: Books
  now(): number
}

/** `metrics` of the settings; null where they are off. */
export interface MetricsAddress {
  readonly host: string
  readonly port: number
}

/**
 * Prometheus' text format on a listener of its own, never on the public one (threats H4). Earned
 * money comes from the books, so that it survives a restart.
 */
export async function startMetrics(
  address: MetricsAddress | null,
  measured: Measured,
): Promise<{ close(): Promise<void> }> {
  if (address === null) return { close: async () => {} }
  const { Registry, Gauge, collectDefaultMetrics } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'satgate_' })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `satgate_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  const { gate, books } = measured
  gauge('requests_running', 'Requests at the upstream now', () => gate.running())
  gauge('invoices_open', 'Unpaid invoices with a secret', () => gate.openInvoices())
  gauge('wallet_up', '1 where the wallet answers', () => (gate.line.up ? 1 : 0))
  gauge('ledger_healthy', '1 where commits are in time', () => (books.healthy() ? 1 : 0))
  const labels = ['model'] as const
  const earned = new Gauge({
    name: 'satgate_earned_msat',
    help: 'Earned, in msat, by model',
    labelNames: labels,
    registers: [registry],
    async collect() {
      const sums = new Map<string, bigint>()
      for (const row of await books.statement.earnings()) {
        sums.set(row.model, (sums.get(row.model) ?? 0n) + row.earned)
      }
      for (const [model, sum] of sums) this.set({ model }, Number(sum))
    },
  })
  void earned
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-type': registry.contentType })
    response.end(await registry.metrics())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, resolve)
  })
  return {
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
