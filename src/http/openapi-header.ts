/** A header of an answer, as OpenAPI describes it. */
export const header = (description: string, type = 'string'): object => ({
  description,
  schema: { type },
})
