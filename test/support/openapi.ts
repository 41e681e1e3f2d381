interface Answer {
  readonly description: string
  readonly headers?: Readonly<Record<string, object>>
  readonly content?: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>>
}

export interface Operation {
  readonly operationId: string
  readonly parameters?: readonly { readonly name: string; readonly schema: object }[]
  readonly responses: Readonly<Record<string, Answer>>
  readonly security?: readonly Readonly<Record<string, unknown>>[]
  readonly 'x-payment-info'?: { readonly offers: readonly Readonly<Record<string, unknown>>[] }
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>
}

/** Parts that a reader of the document finds in their place: schemas keep their names. */
const IN_PLACE = /^#\/components\/(responses|headers|parameters)\/(.+)$/

/** The paths of a document, with each response, header and parameter at the place of its `$ref`. */
export function pathsOf({ components, paths }: OpenApi): OpenApi['paths'] {
  const inPlace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inPlace)
    if (typeof value !== 'object' || value === null) return value
    const { $ref } = value as { readonly $ref?: unknown }
    const [, kind, name] = (typeof $ref === 'string' ? IN_PLACE.exec($ref) : null) ?? []
    if (kind !== undefined && name !== undefined) {
      const part = components[kind]?.[name]
      if (part === undefined) throw new Error(`${$ref} leads nowhere`)
      return inPlace(part)
    }
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inPlace(one)]))
  }
  return inPlace(paths) as OpenApi['paths']
}

/** What an operation says of a status: by itself, or in `default`, whose description names it. */
export function saidOf({ responses }: Operation, status: number): Answer | undefined {
  const { [status]: exact, default: others } = responses
  const named = new RegExp(`\\b${status}\\b`).test(others?.description ?? '')
  return exact ?? (named ? others : undefined)
}
