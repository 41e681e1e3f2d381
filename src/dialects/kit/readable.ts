import type { Json } from './json.ts'
import type { Document } from './json-object.ts'
import { jsonBytes, worstBytes } from './worst-bytes.ts'

/** The quotes, the colon and the comma around a key, in bytes. */
const AROUND_KEY = 4

/** A list or an object whose JSON is written only if somebody counts it. */
interface Written {
  /** Undefined when it was let go of. */
  value: Json | undefined
  /** As the client wrote it. */
  bytes: Uint8Array
}

/**
 * Collects what a model can read of a request. One walk finds both the bound of its tokens and the
 * texts that an estimate counts, so no text can be in only one of them (threats J2).
 */
export class Readable {
  /** The most tokens that everything so far can be. */
  bound = 0
  /** Token ids that came as numbers. Each is one token, and none is text. */
  ids = 0
  readonly #texts: string[] = []
  /** Outermost members. A template writes tools before messages, so they come first. */
  readonly #members: Written[] = []

  text(text: string): void {
    this.bound += worstBytes(text)
    if (text !== '') this.#texts.push(text)
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
    this.#texts.push(json)
  }

  /** The same for an outermost member of a body. Most need no JSON of them: the bytes tell. */
  member({ body, members }: Document, key: string, value: Json): void {
    const member = members.find((one) => one.key === key)
    if (typeof value !== 'object' || value === null || member === undefined) {
      this.value(value)
      return
    }
    this.bound += member.json ?? jsonBytes(JSON.stringify(value))
    this.#members.push({ value, bytes: body.subarray(member.value, member.end) })
  }

  /** Adds the members of an object. A name counts as text unless it is in `known`. */
  members(object: { readonly [key: string]: Json }, known: ReadonlySet<string>): void {
    for (const key in object) {
      if (!known.has(key)) this.key(key)
      this.value(object[key] as Json)
    }
  }

  /** Adds the name of a member that nobody knows. */
  key(key: string): void {
    this.text(key)
    this.bound += AROUND_KEY
  }

  /** Every string that is in the bound, outermost members first. */
  texts(): readonly string[] {
    return [...this.#members.map(jsonOf), ...this.#texts]
  }

  /** Lets go of the body and its value. What `texts` needs of them is copied. */
  forget(): void {
    for (const text of this.#members) {
      if (text.value === undefined) continue
      text.value = undefined
      const own = Buffer.allocUnsafeSlow(text.bytes.length)
      own.set(text.bytes)
      text.bytes = own
    }
  }
}

const jsonOf = ({ value, bytes }: Written): string =>
  JSON.stringify(value === undefined ? JSON.parse(Buffer.from(bytes).toString('utf8')) : value)
