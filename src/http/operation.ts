/** An endpoint. `/openapi.json` is written from the list of these. */
export interface Operation {
  readonly path: string
  /** In lower case. */
  readonly method: string
  readonly id: string
  readonly summary: string
  /**
   * `paid`: paid by tokens. `pass`: needs a pass, and charges nothing. `either`: with a pass or
   * without.
   */
  readonly needs: 'paid' | 'pass' | 'either' | 'nothing'
  readonly parameters?: readonly object[]
  readonly body?: { readonly type: string; readonly schema: string; readonly required: boolean }
  /** The media types of a 200, each with its schema. Null if it never answers 200. */
  readonly ok: Readonly<Record<string, object>> | null
  /** What a 202 means, with the body of a 200. Left out if it never answers 202. */
  readonly pending?: string
  /** The name of the envelope of its errors. Left out for the usual one. */
  readonly errors?: string
  /** All other statuses that it answers. */
  readonly others: readonly number[]
}
