import type { Api } from './api.ts'
import type { AskedInvoices } from './asked.ts'
import type { Keys } from './keys.ts'

/** What every part of the page needs. */
export interface Shop {
  readonly api: Api
  readonly keys: Keys
  readonly asked: AskedInvoices
  readonly play: boolean
  /** Play money, or that of a test network. */
  readonly worthless: boolean
  /** `sat`, `play sat` or `test sat`. */
  readonly unit: string
  /** 32 random hex digits. */
  randomId(): string
}
