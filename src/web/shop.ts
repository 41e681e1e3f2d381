import type { Api } from './api.ts'
import type { AskedInvoices } from './asked.ts'
import type { Keys } from './keys.ts'

/** What every part of the page needs. */
export interface Shop {
  readonly api: Api
  readonly keys: Keys
  readonly asked: AskedInvoices
  readonly play: boolean
  /** `sat`, or `play sat` for play money. */
  readonly unit: string
}
