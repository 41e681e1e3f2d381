import { isObject, type Json, type JsonObject } from './json.ts'

/** The same thinking under three names: only one of them is counted. */
const REASONING = ['reasoning', 'reasoning_content', 'thinking'] as const

/**
 * Every text that one choice carries, streamed or not: legacy text, content, reasoning, refusal,
 * tool calls by name and arguments. All of it was generated, so all of it is output (threats A7).
 */
export function textsOf(choice: JsonObject): string[] {
  const texts: string[] = []
  add(texts, choice.text)
  for (const part of [choice.delta, choice.message]) {
    if (!isObject(part)) continue
    addContent(texts, part.content)
    const reasoning = REASONING.map((key) => part[key]).find((text) => text)
    add(texts, reasoning)
    add(texts, part.refusal)
    addCall(texts, part.function_call)
    if (!Array.isArray(part.tool_calls)) continue
    for (const call of part.tool_calls) {
      if (!isObject(call)) continue
      addCall(texts, call.function)
      addCall(texts, call.custom)
    }
  }
  return texts
}

function addContent(texts: string[], content: Json | undefined): void {
  if (Array.isArray(content)) {
    for (const part of content) if (isObject(part)) add(texts, part.text)
  } else add(texts, content)
}

function addCall(texts: string[], call: Json | undefined): void {
  if (!isObject(call)) return
  add(texts, call.name)
  add(texts, isObject(call.arguments) ? JSON.stringify(call.arguments) : call.arguments)
  add(texts, call.input)
}

function add(texts: string[], text: Json | undefined): void {
  if (typeof text === 'string' && text !== '') texts.push(text)
}

/** The choices of a chunk or an answer. */
export const choicesOf = (chunk: JsonObject): JsonObject[] =>
  Array.isArray(chunk.choices) ? chunk.choices.filter(isObject) : []

/** `index`, or the place in the list where it is left out. */
export const indexOf = (choice: JsonObject, place: number): number =>
  typeof choice.index === 'number' ? choice.index : place

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
