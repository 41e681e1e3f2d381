/** The parts of an OpenAPI document that have a name below `components`. */
export type Kind = 'schemas' | 'responses' | 'headers' | 'parameters'

/**
 * What several operations of an OpenAPI document say alike is written once, below `components`, and
 * referred to. So an API more makes the document longer by what only this API says.
 */
export interface Shared {
  /**
   * A reference to this part. An equal part that has a name already is used again under that name.
   * Throws if the name belongs to another part, which is a mistake in the program.
   */
  refer(kind: Kind, name: string, part: object): object
  /** Everything that was referred to, as `components` has it. */
  components(): Readonly<Record<Kind, Readonly<Record<string, object>>>>
}

/** By the text of the part. */
type Parts = Map<string, { readonly name: string; readonly part: object }>

export function makeShared(): Shared {
  const parts: Readonly<Record<Kind, Parts>> = {
    schemas: new Map(),
    responses: new Map(),
    headers: new Map(),
    parameters: new Map(),
  }
  return {
    refer: (kind, name, part) => {
      const text = JSON.stringify(part)
      const known = parts[kind].get(text)
      if (known === undefined) {
        if (isTaken(name, parts[kind])) throw new Error(`Two ${kind} of OpenAPI are ${name}.`)
        parts[kind].set(text, { name, part })
      }
      return { $ref: `#/components/${kind}/${known?.name ?? name}` }
    },
    components: () => ({
      schemas: named(parts.schemas),
      responses: named(parts.responses),
      headers: named(parts.headers),
      parameters: named(parts.parameters),
    }),
  }
}

const isTaken = (name: string, parts: Parts): boolean =>
  [...parts.values()].some((other) => other.name === name)

const named = (parts: Parts): Readonly<Record<string, object>> =>
  Object.fromEntries([...parts.values()].map(({ name, part }) => [name, part]))
