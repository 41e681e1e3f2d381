import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import type { Saying } from './saying.ts'

/**
 * A namespace is a group of functions that the client runs. Chat completions have no groups, so such a
 * function gets the name of both, and a call of it is told apart again.
 */
export const nameIn = (space: string, name: string): string => `${space}__${name}`

/** The longest name of a function at OpenAI. */
const LONGEST = 64

/** The functions of a namespace with the names that they have in chat completions. */
export function functionsOf(said: Saying, tool: JsonObject, param: string): readonly JsonObject[] {
  const space = said.text(tool.name, `${param}.name`)
  return said.objects(tool.tools, `${param}.tools`).map((inner, at) => {
    const name = nameIn(space, said.text(inner.name, `${param}.tools[${at}].name`))
    if (name.length > LONGEST) said.cannot(`${param}.tools[${at}].name`, 'is too long there')
    return { ...inner, name }
  })
}

/** Refuses names that two functions would have. */
export function namedOnce(said: Saying, tools: readonly JsonObject[]): void {
  const names = new Set<Json | undefined>()
  for (const { function: shape } of tools) {
    const name = isObject(shape) ? shape.name : undefined
    if (names.has(name)) said.cannot('tools', 'would have two functions of one name there')
    names.add(name)
  }
}

/** The namespace and the name of each such function, by its name in chat completions. */
export function namespacesOf(tools: Json | undefined): JsonObject {
  // Without a prototype, so that no name is known which nobody sent.
  const known: JsonObject = Object.create(null)
  if (!Array.isArray(tools)) return known
  for (const tool of tools) {
    if (!isObject(tool) || tool.type !== 'namespace' || !Array.isArray(tool.tools)) continue
    const { name: namespace } = tool
    for (const inner of tool.tools) {
      if (!isObject(inner) || typeof inner.name !== 'string' || typeof namespace !== 'string')
        continue
      known[nameIn(namespace, inner.name)] = { namespace, name: inner.name }
    }
  }
  return known
}
