/** JSON Schemas (2020-12), written in few words. Members beside the named ones are allowed. */

export type Schema = Readonly<Record<string, unknown>>

export const text = (description?: string): Schema => ({
  type: 'string',
  ...(description === undefined ? {} : { description }),
})

export const whole = (description?: string): Schema => ({
  type: 'integer',
  minimum: 0,
  ...(description === undefined ? {} : { description }),
})

export const number = (minimum: number, maximum: number): Schema => ({
  type: 'number',
  minimum,
  maximum,
})

export const flag: Schema = { type: 'boolean' }

export const list = (items: Schema): Schema => ({ type: 'array', items })

export const object = (
  required: readonly string[],
  properties: Readonly<Record<string, Schema>>,
): Schema => ({
  type: 'object',
  ...(required.length === 0 ? {} : { required }),
  properties,
})

/** A schema of an OpenAPI document, by its name. */
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })
