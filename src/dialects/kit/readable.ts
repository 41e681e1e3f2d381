import type { Json } from './json.ts'
import { jsonBytes, worstBytes } from './worst-bytes.ts'

/** The quotes, the colon and the comma around a key, in bytes. */
const AROUND_KEY = 4

/**
 * Collects what a model can read of a request. One walk finds both the bound of its tokens and the
 * texts that an estimate counts, so no text can be in only one of them (threats J2).
 */
export class Readable {
  /** The most tokens that everything so far can be. */
  bound = 0
  /** Token ids that came as numbers. Each is one token, and none is text. */
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
   * Adds a string as it stands, and a list or an object as the JSON that a template writes of it. A
   * thousand empty strings contain no letter, and still are thousands of tokens.
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

  /** Adds the members of an object. A name counts as text unless it is in `known`. */
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
