import { isObject, type JsonObject } from '../kit/json.ts'
import { ELSEWHERE, ResponseText } from '../kit/response-text.ts'

/** What one choice carries, streamed or not. */
export interface Said {
  /** Texts of the answer. All of it was generated, so all of it is output (A7). */
  readonly texts: readonly string[]
  /** Strings under keys that nobody here knows: billed, but never a reason to cut (K3). */
  readonly others: readonly string[]
  /** The same answer told once more, whole so far, beside its deltas; mostly empty (K4). */
  readonly again: string
}

/**
 * Every string that a choice carries, ids and types excepted. Null where it is nested too deeply.
 *
 * @param spoke the choice has said something by deltas already: a message is then the whole so far
 */
export function saidBy(choice: JsonObject, spoke: boolean): Said | null {
  const strings = new ResponseText()
  const { delta, message, text, ...rest } = choice
  const deltas = delta !== undefined && delta !== null
  if (isObject(delta)) strings.part(delta)
  else strings.add('text', delta, true)
  const twins = [message, text].map((twin) => {
    const own = deltas || spoke ? new ResponseText() : strings
    if (isObject(twin)) own.part(twin)
    else own.add('text', twin, true)
    strings.tooDeep ||= own.tooDeep
    return own === strings ? '' : [...own.texts, ...own.others].join('')
  })
  for (const [key, value] of Object.entries(rest)) strings.beside(key, value)
  if (strings.tooDeep) return null
  const again = twins.reduce((longest, twin) => (twin.length > longest.length ? twin : longest))
  return { texts: strings.texts, others: strings.others, again }
}

/**
 * Strings of a chunk that belong to no choice. What stands beside choices without being a text, such
 * as the sources of a search, is none. Null where it is nested too deeply.
 */
export function saidBeside(chunk: JsonObject): readonly string[] | null {
  const strings = new ResponseText()
  const apart = choicesOf(chunk).length === 0
  for (const [key, value] of Object.entries(chunk)) {
    if (key !== 'choices') {
      if (apart || ELSEWHERE.has(key.toLowerCase())) strings.beside(key, value)
    } else if (Array.isArray(value)) {
      for (const odd of value) if (!isObject(odd)) strings.add(key, odd, false)
    } else if (apart) strings.add(key, value, false)
  }
  return strings.tooDeep ? null : strings.others
}

/** The choices of a chunk or an answer, which a few backends send as an object. */
export function choicesOf({ choices }: JsonObject): JsonObject[] {
  if (Array.isArray(choices)) return choices.filter(isObject)
  if (!isObject(choices)) return []
  const single = ['delta', 'message', 'text'].some((key) => key in choices)
  return single ? [choices] : Object.values(choices).filter(isObject)
}

/** More choices than any request may ask for. */
const MOST_CHOICES = 1_024

/** `index`, or the place in the list where it is left out or impossible. */
export const indexOf = ({ index }: JsonObject, place: number): number =>
  typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < MOST_CHOICES
    ? index
    : place

/** Words that backends put into `finish_reason` while a choice goes on (K1). */
const UNFINISHED = ['', 'null', 'none', 'nil', 'undefined', 'unspecified', 'in_progress']

/** A choice that names a reason for its end. */
export const isFinished = ({ finish_reason: reason }: JsonObject): boolean =>
  typeof reason === 'string' && !UNFINISHED.includes(reason.trim().toLowerCase())

/** A choice that says nothing: LiteLLM sends one with the usage that was asked for. */
export function saysNothing(choice: JsonObject): boolean {
  if (isFinished(choice) || choice.text || choice.message) return false
  return !isObject(choice.delta) || Object.values(choice.delta).every((value) => value === null)
}
