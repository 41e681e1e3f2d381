import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { ELSEWHERE, ResponseText, type Said } from '../kit/response-text.ts'

/**
 * All strings in a choice, without ids and types. Null if it is nested too deeply.
 *
 * @param spoke the choice has sent deltas before. Then a message is the whole answer so far
 */
export function saidBy(choice: JsonObject, spoke: boolean): Said | null {
  const strings = new ResponseText()
  const { delta, message, text } = choice
  const deltas = delta !== undefined && delta !== null
  if (isObject(delta)) strings.part(delta)
  else strings.add('text', delta, true)
  let again = ''
  for (const twin of [message, text]) {
    if (twin === undefined || twin === null) continue
    const own = deltas || spoke ? new ResponseText() : strings
    if (isObject(twin)) own.part(twin)
    else own.add('text', twin, true)
    strings.tooDeep ||= own.tooDeep
    const whole = own === strings ? '' : own.texts.join('') + own.others.join('')
    if (whole.length > again.length) again = whole
  }
  for (const key in choice) {
    if (key !== 'delta' && key !== 'message' && key !== 'text') strings.beside(key, choice[key])
  }
  if (strings.tooDeep) return null
  return { texts: strings.texts, others: strings.others, again }
}

/**
 * The strings of a chunk that belong to no choice. What stands beside the choices and is no text,
 * such as the sources of a search, is left out. Null if it is nested too deeply.
 */
export function saidBeside(chunk: JsonObject): readonly string[] | null {
  const strings = new ResponseText()
  const apart = choicesOf(chunk).length === 0
  for (const key in chunk) {
    const value = chunk[key]
    if (key !== 'choices') {
      if (apart || ELSEWHERE.has(key.toLowerCase())) strings.beside(key, value)
    } else if (Array.isArray(value)) {
      for (const odd of value) if (!isObject(odd)) strings.add(key, odd, false)
    } else if (apart) strings.add(key, value, false)
  }
  return strings.tooDeep ? null : strings.others
}

/** The choices of a chunk or an answer. A few backends send an object instead of a list. */
export function choicesOf({ choices }: JsonObject): JsonObject[] {
  if (Array.isArray(choices)) return areObjects(choices) ? choices : choices.filter(isObject)
  if (!isObject(choices)) return []
  const single = ['delta', 'message', 'text'].some((key) => key in choices)
  return single ? [choices] : Object.values(choices).filter(isObject)
}

const areObjects = (list: Json[]): list is JsonObject[] => list.every(isObject)

/** More choices than any request may ask for. */
const MOST_CHOICES = 1_024

/** The choice's `index`. Its place in the list if the index is missing or impossible. */
export const indexOf = ({ index }: JsonObject, place: number): number =>
  typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < MOST_CHOICES
    ? index
    : place

/** Backends put these words into `finish_reason` while a choice still goes on (K1). */
const UNFINISHED = ['', 'null', 'none', 'nil', 'undefined', 'unspecified', 'in_progress']

/** The choice names a reason for its end. */
export const isFinished = ({ finish_reason: reason }: JsonObject): boolean =>
  typeof reason === 'string' && !UNFINISHED.includes(reason.trim().toLowerCase())

/** The choice contains nothing. LiteLLM sends such a choice with the usage that was asked for. */
export function saysNothing(choice: JsonObject): boolean {
  if (isFinished(choice) || choice.text || choice.message) return false
  return !isObject(choice.delta) || Object.values(choice.delta).every((value) => value === null)
}
