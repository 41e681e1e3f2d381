import { createRequire } from 'node:module'

/** What is wrong with a value, in words. Empty if the value fits. */
export type Check = (value: unknown) => readonly string[]

interface Compiled {
  (value: unknown): boolean
  readonly errors?: readonly { readonly instancePath: string; readonly message?: string }[] | null
}
interface Ajv {
  addSchema(schema: object, key: string): void
  compile(schema: object): Compiled
}

/** The validator of JSON Schema 2020-12, which the validator for OpenAPI is built on. */
const beside = createRequire(
  createRequire(import.meta.url).resolve('@seriousme/openapi-schema-validator'),
)
const { default: Ajv2020 } = beside('ajv/dist/2020.js') as {
  default: new (options: object) => Ajv
}
const addFormats = beside('ajv-formats').default as (ajv: Ajv) => void

/** Checks values against a schema. `root` is a document to which `$ref` may point, as `root#/…`. */
export function checker(schema: object, root?: object): Check {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats(ajv)
  if (root !== undefined) ajv.addSchema(root, 'root')
  const fits = ajv.compile(schema)
  return (value) =>
    fits(value)
      ? []
      : (fits.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}
