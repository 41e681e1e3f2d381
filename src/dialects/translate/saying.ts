import type { Malformed } from '../dialect.ts'
import { refuse } from '../kit/checks.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'

/**
 * Collects what one translation of a request cannot say. The first such place is refused by name: a
 * request that chat completions cannot carry exactly is not guessed at.
 */
export class Saying {
  refusal: Malformed | null = null
  readonly leftOut = new Set<string>()
  readonly #api: string

  /** `api` is what the client speaks, for messages: `the Messages API`. */
  constructor(api: string) {
    this.#api = api
  }

  /**
   * Refuses a part of the request.
   * @param why what chat completions lack, as the rest of a sentence after the name of the part
   */
  cannot(param: string, why = 'has no counterpart there'): void {
    this.refusal ??= refuse(
      'not_translatable',
      `The model server does not have ${this.#api}, so the request is translated to chat completions, and ${param} ${why}. Leave it out.`,
      param,
    )
  }

  /** Refuses every member of an object that is not known and says something. */
  only(object: JsonObject, known: ReadonlySet<string>, param: string): void {
    for (const key in object) {
      if (!known.has(key) && says(object[key])) this.cannot(`${param}.${key.slice(0, 64)}`)
    }
  }

  /** The value as a text; refuses any other value. */
  text(value: Json | undefined, param: string): string {
    if (typeof value !== 'string') this.cannot(param, 'is no text')
    return typeof value === 'string' ? value : ''
  }

  /** The objects of a list; refuses any other value. */
  objects(value: Json | undefined, param: string): readonly JsonObject[] {
    if (Array.isArray(value) && value.every(isObject)) return value
    this.cannot(param, 'is no list of objects')
    return []
  }
}

/** Null says the same as nothing. */
export const says = (value: Json | undefined): boolean => value !== undefined && value !== null

/**
 * Texts that stand one after the other as one text. vLLM and llama.cpp join the parts of a content in
 * the same way, and some templates of models take no list.
 */
export const joined = (texts: readonly string[]): string => texts.join('\n')

/** A copy without the members that say nothing. */
export function saying(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  const said: JsonObject = {}
  for (const key in members) {
    const value = members[key]
    if (value !== undefined && value !== null) said[key] = value
  }
  return said
}
