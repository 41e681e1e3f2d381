import type { Api } from './api.ts'
import type { AskedInvoices } from './asked.ts'
import type { Keys } from './keys.ts'

/** What every part of the page stands on. */
export interface Shop {
  readonly api: Api
  readonly keys: Keys
  readonly asked: AskedInvoices
  readonly play: boolean
  /** `sat`, or `play sat` where the money is not real. */
  readonly unit: string
}
