import { inspect } from 'node:util'

/**
 * A value that must not be seen. Only `reveal` returns its text. If it is printed, logged or put
 * into JSON, it shows where it came from and nothing else (threats H3, H7).
 */
export class Secret {
  readonly #value: string
  /** `env LND_MACAROON`, `file invoice.macaroon`. */
  readonly from: string

  constructor(value: string, from: string) {
    this.#value = value
    this.from = from
  }

  /** The value, for the one place that sends it. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return `•••• (from ${this.from})`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}
