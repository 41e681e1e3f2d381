import { assert } from '../../floor/assert.ts'
import { err, ok, type Result } from '../../floor/result.ts'
import {
  type Asked,
  type Dialect,
  type Docs,
  type Envelope,
  type Malformed,
  type MediaTerms,
  UNKNOWN_TERMS,
} from '../dialect.ts'
import { ambiguous, modelRefused, refuse } from './checks.ts'
import { folded, type Json, type JsonObject } from './json.ts'
import { type Document, readObject, splice } from './json-object.ts'
import { NEVER_PASSED } from './never-passed.ts'
import { type OnePiece, onePieceMeter } from './one-piece.ts'
import type { Readable } from './readable.ts'
import { type Sifted, sift } from './sift.ts'

/** What such an API reads in its own part of a request. */
export interface Input {
  /** Each is answered by itself, in a context of its own. */
  readonly prompts: number
  /** The share of the longest prompt in all of them, from 0 to 1. */
  readonly longest: number
  /** The most tokens that a template puts around each prompt. */
  readonly around: number
  readonly readable: Readable
}

/** An API that reads a model's input and makes no output: it takes and gives one JSON object. */
export interface InputApi {
  readonly name: string
  readonly path: string
  /** The fields that pass. Those of them that a model reads are read by `find`. */
  readonly passed: ReadonlySet<string>
  find(request: JsonObject, media: MediaTerms): Result<Input, Malformed>
  readonly answer: OnePiece
  readonly errors: Envelope
  readonly docs: Docs
}

const JSON_TYPE = 'application/json'
const NO_HEADERS = {}

/** Makes a dialect of such an API. Its input is bounded before, and charged as reported or counted. */
export function inputDialect(api: InputApi): Dialect {
  const { name, path, passed, errors, docs } = api
  return {
    name,
    path,
    headers: [],
    read(body, _, { also, media } = UNKNOWN_TERMS) {
      const read = readObject(body)
      if (!read.ok) return err(refuse(read.error.code, read.error.message))
      const document = read.value
      const { value } = document
      const refusal = unclear(value, passed, also) ?? modelRefused(value)
      if (refusal !== null) return err(refusal)
      const sifted = sift({ passed, switches: new Set() }, value, also)
      const found = api.find(sifted.request, media)
      return found.ok ? ok(put(api, document, { sifted, input: found.value })) : found
    },
    rewrite(asked) {
      const { document, sifted } = parsed(asked)
      const body = sifted.gone === null ? asked.body : splice(document, sifted.gone, [])
      return { body, contentType: JSON_TYPE, headers: NO_HEADERS }
    },
    respell: () => null,
    meter: (asked, granted) => onePieceMeter(api.answer, asked, granted),
    wire: {
      streamType: () => JSON_TYPE,
      isAnswer: (status) => status === 200,
      headers: [],
      answerType: (label) => (label?.startsWith(JSON_TYPE) ? label : JSON_TYPE),
      isStream: () => false,
      errors,
    },
    docs,
  }
}

function unclear(
  request: JsonObject,
  passed: ReadonlySet<string>,
  also: ReadonlySet<string>,
): Malformed | null {
  const key = folded(request, passed) ?? folded(request, NEVER_PASSED) ?? folded(request, also)
  return key === null || also.has(key) ? null : ambiguous(key, key)
}

/** What `read` keeps of a request for `rewrite`. */
class Parsed {
  readonly document: Document
  readonly sifted: Sifted

  constructor(document: Document, sifted: Sifted) {
    this.document = document
    this.sifted = sifted
  }
}

const NOTHING = new Uint8Array(0)
/** The most tokens that a template puts around all prompts. */
const AROUND_ALL = 64

function put(
  { name, passed }: InputApi,
  document: Document,
  { sifted, input }: { readonly sifted: Sifted; readonly input: Input },
): Asked {
  const { readable, prompts, around, longest } = input
  const { request, ignored } = sifted
  // A field that the operator lets pass may be read by the model.
  for (const key in request) {
    if (!passed.has(key)) readable.member(document, key, request[key] as Json)
  }
  return {
    dialect: name,
    body: document.body,
    model: String(request.model),
    ...{ stream: false, wantsUsage: false, ignored, limit: null },
    ...{ prompts, longest, choices: 1, hasOutput: false, plain: true },
    most: { input: readable.bound + around * prompts + AROUND_ALL },
    parts: prompts,
    texts: () => readable.texts(),
    ids: readable.ids,
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
