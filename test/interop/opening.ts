import { expect } from 'vitest'
import { GateProcess } from '../support/gate-process.ts'
import { PRICE } from './buyer.ts'
import type { Lab, PartEnv } from './lab.ts'

/**
 * A gate with play money and these prices, not started. The output limit is 64 tokens if a request
 * names none.
 */
export const playGate = (
  upstream: string,
  more: Readonly<Record<string, unknown>> = {},
): GateProcess =>
  new GateProcess({
    ...{ upstream, wallet: 'play', pricing: { default: PRICE, maxOutputTokens: 64 } },
    ...more,
  })

/**
 * A gate whose payments the lab's node receives, not started. `node` are the variables of the part
 * `lnd`.
 */
export const lndGate = (
  upstream: string | undefined,
  node: PartEnv,
  { maxOutputTokens, url = node.LND_REST }: { readonly maxOutputTokens: number; url?: string },
): GateProcess =>
  new GateProcess({
    upstream,
    wallet: {
      kind: 'lnd',
      url,
      key: { file: node.LND_INVOICE_MACAROON },
      tlsCert: node.LND_TLS_CERT,
    },
    pricing: { default: PRICE, maxOutputTokens },
    // One client requests all invoices here, and none of them may be a shared one.
    limits: { invoicesPerClient: 1000 },
  })

/** What a suite opened before its tests. Undefined if that failed. */
interface Opened {
  readonly lab: Lab | undefined
  readonly gate: GateProcess | undefined
  readonly between?: { close(): Promise<unknown> | undefined } | undefined
}

/** Closes all of it, and proves the books of the gate. */
export async function closeProved({ lab, gate, between }: Opened): Promise<void> {
  const verdict = await gate?.command('ledger', 'verify')
  await gate?.remove()
  await between?.close()
  await lab?.stop()
  // Without a gate, `beforeAll` failed, and its own error says why.
  if (gate === undefined) return
  expect(verdict).toMatchObject({ balanced: true, open_holds: 0 })
}
