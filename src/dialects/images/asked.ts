import type { Asked } from '../dialect.ts'
import type { JsonObject } from '../kit/json.ts'
import { Readable } from '../kit/readable.ts'
import { IMAGE_TOKENS } from './answer.ts'
import { imagesOf, kindOf } from './fields.ts'

/** Tokens that a model puts around a prompt. */
const AROUND = 64
const NOTHING = new Uint8Array(0)

/**
 * The record of a request for images. `pictures`: the tokens of the pictures that it brings. Tokens are in
 * the bound because some backends report them; they cost something only if the price names them.
 */
export function imagesAsked(
  body: Uint8Array,
  about: {
    readonly dialect: string
    readonly request: JsonObject
    readonly pictures: number
    readonly ignored: readonly string[]
    readonly splice: unknown
  },
): Asked {
  const { dialect, ignored, pictures, request, splice } = about
  const readable = new Readable()
  if (typeof request.prompt === 'string') readable.text(request.prompt)
  readable.tokens(pictures)
  const image = imagesOf(request)
  return {
    dialect,
    body,
    model: String(request.model),
    ...{ stream: false, wantsUsage: false, ignored, limit: null, prompts: 1, longest: 1 },
    ...{ choices: 1, hasOutput: false, plain: true, parts: 1 },
    most: { input: readable.bound + AROUND, output: image * IMAGE_TOKENS, image },
    texts: () => readable.texts(),
    ids: readable.ids,
    sold: ['image'],
    image: kindOf(request),
    splice,
    forget(this: { body: Uint8Array; splice: unknown }) {
      this.body = NOTHING
      this.splice = null
    },
  }
}
