import type { SoldRoute } from './selling.ts'

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
  readonly parameters?: readonly Parameter[]
  /** Of the gate's own endpoints. What is sold describes its body in its dialect. */
  readonly body?: { readonly type: string; readonly schema: string; readonly required: boolean }
  /** The media types of a 200, each with its schema. Null if it never answers 200, or is sold. */
  readonly ok: Readonly<Record<string, object>> | null
  /** What a 202 means, with the body of a 200. Left out if it never answers 202. */
  readonly pending?: string
  /** What is sold by this operation. Its dialect describes the body and the answer. */
  readonly sold?: SoldRoute
  /** The name of the envelope of its errors. Left out for the usual one. */
  readonly errors?: string
  /** All other statuses that it answers. */
  readonly others: readonly number[]
}

export interface Parameter {
  readonly name: string
  readonly in: 'query' | 'path' | 'header'
  readonly required: boolean
  readonly schema: object
  readonly description?: string
  /** Its name below `components`, if several operations have it. */
  readonly shared?: string
}
