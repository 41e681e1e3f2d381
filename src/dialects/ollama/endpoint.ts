import { assert } from '../../floor/assert.ts'
import { err, ok, type Result } from '../../floor/result.ts'
import {
  type Asked,
  type Dialect,
  type Docs,
  type Granted,
  type Malformed,
  type MediaTerms,
  type Meter,
  UNKNOWN_TERMS,
  type Wire,
} from '../dialect.ts'
import { isObject, type JsonObject } from '../kit/json.ts'
import { type Document, splice } from '../kit/json-object.ts'
import type { Readable } from '../kit/readable.ts'
import { type Passing, type Sifted, sift } from '../kit/sift.ts'
import { isLineStream, NDJSON } from '../kit/sniff-lines.ts'
import { JSON_TYPE } from './docs.ts'
import { ollamaErrors } from './errors.ts'
import { limitOf, written } from './options.ts'
import { open, readRest, tooMuch } from './request.ts'

/** What one of the four APIs reads in its own part of a request. */
export interface Prompt {
  readonly prompts: number
  /** The share of the longest prompt in all of them, from 0 to 1. */
  readonly longest: number
  /** Messages and tool calls, or prompts. A template puts tokens around each. */
  readonly parts: number
  readonly readable: Readable
  /** The request has no prompt: the gate answers it itself (`here.ts`). */
  readonly here: ((now: number) => Uint8Array) | null
}

/** What distinguishes one of Ollama's four APIs from the others. */
export interface Endpoint {
  readonly name: string
  readonly path: string
  /** The key of the prompt. */
  readonly key: 'messages' | 'prompt' | 'input'
  readonly passing: Passing
  readonly hasOutput: boolean
  /** OpenAI's API for the same. */
  readonly instead: string
  readonly docs: Docs
  find(request: JsonObject, media: MediaTerms): Result<Prompt, Malformed>
  meter(asked: Asked, granted: Granted, request: JsonObject): Meter
}

/** What `read` keeps of a request for `rewrite` and `meter`. */
class Parsed {
  readonly document: Document
  readonly sifted: Sifted

  constructor(document: Document, sifted: Sifted) {
    this.document = document
    this.sifted = sifted
  }
}

const NO_HEADERS = {}

/** Makes one of Ollama's four APIs. It sends no usage options: the last line always has the counts. */
export function ollamaDialect(endpoint: Endpoint): Dialect {
  const { docs, hasOutput, key, name, passing, path } = endpoint
  return {
    name,
    path,
    headers: [],
    read(body, _, { also, backend, media } = UNKNOWN_TERMS) {
      const opened = open(body, also, key)
      if (!opened.ok) return opened
      const document = opened.value
      const sifted = sift(passing, document.value, also)
      const refusal = tooMuch(sifted.request, backend, document)
      if (refusal !== null) return err(refusal)
      const prompt = endpoint.find(document.value, media)
      if (!prompt.ok) return prompt
      return ok(put(endpoint, body, { document, sifted, prompt: prompt.value }))
    },
    rewrite(asked, output) {
      const { document, sifted } = parsed(asked)
      assert(Number.isSafeInteger(output) && output >= 0, `not an output limit: ${output}`)
      const { options } = sifted.request
      const gone = new Set(sifted.gone ?? [])
      const added = sifted.anew.filter((member) => !member.startsWith('"options":'))
      if (hasOutput || isObject(options)) {
        gone.add('options')
        // A limit of 0 is never sent, because Ollama reads it as no limit.
        added.push(written(options, hasOutput ? Math.max(1, output) : null))
      }
      const same = added.length === 0 && document.members.every((member) => !gone.has(member.key))
      const body = same ? asked.body : splice(document, gone, added)
      return { body, contentType: JSON_TYPE, headers: NO_HEADERS }
    },
    respell: () => null,
    meter: (asked, granted) => endpoint.meter(asked, granted, parsed(asked).sifted.request),
    wire: hasOutput ? STREAMED : WHOLE,
    docs,
    instead: endpoint.instead,
  }
}

const WHOLE: Wire = {
  streamType: () => NDJSON,
  isAnswer: (status) => status === 200,
  headers: [],
  answerType: (label) => (label === null || label.startsWith(NDJSON) ? JSON_TYPE : label),
  isStream: () => false,
  errors: ollamaErrors,
}
const STREAMED: Wire = { ...WHOLE, isStream: isLineStream }

const NOTHING = new Uint8Array(0)
/** The most tokens that a template puts around each message or prompt, and around all of them. */
const AROUND_PART = 16
const AROUND_ALL = 64

/** Puts an opened request and its prompt together. */
function put(
  { hasOutput, key, name }: Endpoint,
  body: Uint8Array,
  parts: { readonly document: Document; readonly sifted: Sifted; readonly prompt: Prompt },
): Asked {
  const { document, sifted, prompt } = parts
  const { request } = sifted
  const { here, longest, prompts, readable } = prompt
  readRest(parts, key, readable)
  const around = prompt.parts + (Array.isArray(request.tools) ? request.tools.length : 0)
  return {
    dialect: name,
    body,
    model: String(request.model),
    // Ollama streams unless it is told not to.
    stream: hasOutput && request.stream !== false,
    wantsUsage: true,
    ignored: sifted.ignored,
    limit: hasOutput ? limitOf(document.value) : null,
    ...{ prompts, longest, choices: 1, hasOutput },
    plain: request.tools === undefined && request.format === undefined,
    most: { input: readable.bound + AROUND_PART * around + AROUND_ALL },
    texts: () => readable.texts(),
    ids: readable.ids,
    parts: around,
    ...(here === null ? {} : { here }),
    splice: new Parsed(document, sifted),
    // Of the record that it is called on: later steps have copies of this one.
    forget(this: { body: Uint8Array; splice: unknown }) {
      this.body = NOTHING
      this.splice = null
      readable.forget()
    },
  }
}

function parsed(asked: Asked): Parsed {
  assert(asked.splice instanceof Parsed, 'a request that another dialect has read')
  return asked.splice
}
