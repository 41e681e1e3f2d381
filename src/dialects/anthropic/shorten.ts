import { isObject, type JsonObject } from '../kit/json.ts'
import { type Share, TextLeft } from '../kit/text-left.ts'
import { shortUsage } from './usage.ts'

/** The members that a shortened answer keeps. Others may contain what was taken out. */
const ANSWER = ['id', 'type', 'role', 'model'] as const

/**
 * A whole answer without what was not granted: a backend that ignores its limit made more than was paid
 * for (threats J8). Blocks are kept in their order until the tokens end, as if the backend had obeyed.
 * A call of a tool is shown whole or not at all: half of one is no JSON.
 */
export function shorten(answer: JsonObject, share: Share): JsonObject {
  const left = new TextLeft(share)
  const short: JsonObject = {}
  for (const key of ANSWER) if (answer[key] !== undefined) short[key] = answer[key]
  const blocks = Array.isArray(answer.content) ? answer.content.filter(isObject) : []
  short.content = blocks.flatMap((block) => shortBlock(block, left))
  short.stop_reason = 'max_tokens'
  short.stop_sequence = null
  if (isObject(answer.usage)) short.usage = shortUsage(answer.usage, share.output)
  return short
}

function shortBlock(block: JsonObject, left: TextLeft): JsonObject[] {
  if (left.cut) return []
  const { type, text, thinking, signature } = block
  if (type === 'text') return [{ type, text: left.text(String(text ?? '')) }]
  if (type === 'thinking') {
    const short = left.text(String(thinking ?? ''))
    // The signature is of the whole thinking, so it would not fit a part of it.
    return [{ type, thinking: short, signature: left.cut ? '' : (signature ?? '') }]
  }
  const { id: _, type: __, signature: ___, data: ____, ...said } = block
  return left.takes(JSON.stringify(said)) ? [block] : []
}
