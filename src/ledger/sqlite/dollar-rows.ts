import { type Msat, msat } from '../../money/msat.ts'
import { type MicroUsd, microUsd, NO_USD } from '../../money/usd.ts'
import type { HeldDollars } from '../ledger.ts'
import type { HoldState } from '../state.ts'

/** The dollars of a hold on the disk: the JSON in `holds.dollars` (`schema-dollars.ts`). */

/** Amounts are texts, because JSON has no bigint. */
interface Kept {
  readonly rate: string
  readonly par: 0 | 1
  readonly usd: string
  readonly bought: string
  readonly charged_usd?: string
  readonly charged_bought?: string
}

export function dollarsText({ close, dollars }: HoldState): string | null {
  if (dollars === null) return null
  const { bought, par, rate, usd } = dollars
  const kept: Kept = { rate: `${rate}`, par: par ? 1 : 0, usd: `${usd}`, bought: `${bought}` }
  if (close === null) return JSON.stringify(kept)
  const charged = { charged_usd: `${close.usd}`, charged_bought: `${close.bought}` }
  return JSON.stringify({ ...kept, ...charged } satisfies Kept)
}

/** What a row says of dollars. `spent` is of the charge, and nothing while the hold is open. */
export interface DollarsOfRow {
  readonly held: HeldDollars | null
  readonly bought: bigint
  readonly spent: { readonly usd: MicroUsd; readonly bought: Msat }
}

const NOTHING: DollarsOfRow = { held: null, bought: 0n, spent: { usd: NO_USD, bought: msat(0n) } }

export function dollarsOf(json: string | null): DollarsOfRow {
  if (json === null) return NOTHING
  const kept: Kept = JSON.parse(json)
  const bought = msat(BigInt(kept.bought))
  const { par, rate, usd } = kept
  return {
    held: { rate: BigInt(rate), par: par === 1, usd: microUsd(BigInt(usd)), bought },
    bought,
    spent: {
      usd: microUsd(BigInt(kept.charged_usd ?? 0)),
      bought: msat(BigInt(kept.charged_bought ?? 0)),
    },
  }
}
