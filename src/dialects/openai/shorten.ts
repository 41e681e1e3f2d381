import { isObject, type JsonObject } from '../kit/json.ts'
import { type Share, TextLeft } from '../kit/text-left.ts'
import { choicesOf, isFinished } from './choices.ts'

/** The members that a shortened answer keeps. Others may contain what was taken out. */
const ANSWER = ['id', 'object', 'created', 'model', 'system_fingerprint', 'service_tier'] as const
/** The texts of a message, in the order in which a model makes them. Thinking has several names. */
const THINKING = ['reasoning', 'reasoning_content', 'thinking'] as const
const TEXTS = [...THINKING, 'content', 'refusal'] as const

/**
 * A whole answer, or one event, without what was not granted: a backend that ignores its limit made
 * more than was paid for (threats J8). Each choice ends where its tokens end, with the
 * finish_reason `length`, as if the backend had obeyed. A tool call is shown whole or not at all:
 * half of one is no JSON.
 */
export function shorten(answer: JsonObject, share: Share): JsonObject {
  const short: JsonObject = {}
  for (const key of ANSWER) if (answer[key] !== undefined) short[key] = answer[key]
  short.choices = choicesOf(answer).map((choice) => shortChoice(choice, share))
  if (isObject(answer.usage)) short.usage = shortUsage(answer.usage, share.output)
  return short
}

function shortChoice(choice: JsonObject, share: Share): JsonObject {
  const left = new TextLeft(share)
  const { index, text, message, delta } = choice
  const short: JsonObject = index === undefined ? {} : { index }
  if (typeof text === 'string') short.text = left.text(text)
  if (isObject(delta)) short.delta = shortMessage(delta, left)
  else if (isObject(message)) short.message = shortMessage(message, left)
  if (!left.cut) return { ...choice }
  // In a stream, the end of a choice gets an event of its own, unless the choice has ended here.
  const ends = delta === undefined || isFinished(choice)
  return { ...short, logprobs: null, finish_reason: ends ? 'length' : null }
}

function shortMessage(message: JsonObject, left: TextLeft): JsonObject {
  const short: JsonObject = message.role === undefined ? {} : { role: message.role }
  for (const key of TEXTS) {
    const value = message[key]
    if (value === undefined) continue
    // The same thinking under another name counts once.
    const twin = THINKING.find((name) => name !== key && name in short && message[name] === value)
    short[key] = twin === undefined ? left.value(value, key) : (short[twin] ?? null)
  }
  const { tool_calls: calls, function_call: call } = message
  if (isObject(call) && left.takes(callText(call))) short.function_call = call
  if (!Array.isArray(calls)) return short
  const whole = calls.filter((one) => isObject(one) && left.takes(callText(one)))
  return whole.length === 0 ? short : { ...short, tool_calls: whole }
}

const callText = ({ id: _, type: __, index: ___, ...said }: JsonObject): string =>
  JSON.stringify(said)

/** The usage of what is shown. The details are left out, because they are about what was made. */
function shortUsage({ prompt_tokens, completion_tokens }: JsonObject, most: number): JsonObject {
  const made = typeof completion_tokens === 'number' ? Math.min(completion_tokens, most) : most
  if (typeof prompt_tokens !== 'number') return { completion_tokens: made }
  return { prompt_tokens, completion_tokens: made, total_tokens: prompt_tokens + made }
}
