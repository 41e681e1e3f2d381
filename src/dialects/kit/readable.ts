import type { Json } from './json.ts'
import { jsonBytes, worstBytes } from './worst-bytes.ts'

/** Bytes of what stands around a key: quotes, a colon, a comma. */
const AROUND_KEY = 4

/**
 * What a model can read of a request. One walk finds both what the tokens are at most and the texts
 * that an estimate counts, so that no text can be in one of them alone (threats J2).
 */
export class Readable {
  /** Tokens that everything walked so far is at most. */
  bound = 0
  /** Token ids that came as numbers: each is a token, and no text. */
  ids = 0
  readonly texts: string[] = []

  text(text: string): void {
    this.bound += worstBytes(text)
    if (text !== '') this.texts.push(text)
  }

  tokens(count: number): void {
    this.bound += count
    this.ids += count
  }

  /**
   * A string as it stands, a list or an object as the JSON that a template writes of it: a thousand
   * empty strings have no letter, and are thousands of tokens all the same.
   */
  value(value: Json): void {
    if (typeof value !== 'object' || value === null) {
      this.text(String(value))
      return
    }
    const json = JSON.stringify(value)
    this.bound += jsonBytes(json)
    this.texts.push(json)
  }

  /** The members of an object; the names of those in `known` are no text of the buyer's. */
  members(object: { readonly [key: string]: Json }, known: ReadonlySet<string>): void {
    for (const [key, inner] of Object.entries(object)) {
      if (!known.has(key)) this.#key(key)
      this.value(inner)
    }
  }

  #key(key: string): void {
    this.text(key)
    this.bound += AROUND_KEY
  }
}
