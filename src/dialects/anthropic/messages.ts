import { assert } from '../../floor/assert.ts'
import { err, ok } from '../../floor/result.ts'
import { type Asked, type Dialect, UNKNOWN_TERMS, type Wire } from '../dialect.ts'
import { AnswerMeter } from '../kit/answer-meter.ts'
import { isObject, type JsonObject } from '../kit/json.ts'
import { type Document, splice } from '../kit/json-object.ts'
import { ResponseUsage } from '../kit/response-usage.ts'
import { named, type Sifted } from '../kit/sift.ts'
import { EVENT_STREAM, isEventStream, isLabelledEvents } from '../kit/sniff-sse.ts'
import { betasOf } from './betas.ts'
import { JSON_TYPE, MESSAGES_DOCS } from './docs.ts'
import { anthropicErrors } from './errors.ts'
import { limitOf, type Opened, open } from './request.ts'
import { MessagesSpelling } from './spelling.ts'

const VERSION = 'anthropic-version'
const BETA = 'anthropic-beta'
const STREAM_TYPE = `${EVENT_STREAM}; charset=utf-8`

/** The most tokens that a template puts around each message, call or tool, and around all of them. */
const AROUND_PART = 16
const AROUND_ALL = 64

/** What `read` keeps of a request for `rewrite` and `meter`. */
class Parsed {
  readonly document: Document
  readonly sifted: Sifted
  readonly headers: Readonly<Record<string, string>>

  constructor({ document, sifted }: Opened, headers: Readonly<Record<string, string>>) {
    this.document = document
    this.sifted = sifted
    this.headers = headers
  }
}

/** `POST /v1/messages` (Anthropic API reference, "Create a Message"). */
export const anthropicMessages: Dialect = {
  name: 'anthropic-messages',
  path: '/v1/messages',
  headers: [VERSION, BETA],
  read(body, { headers }, terms = UNKNOWN_TERMS) {
    const opened = open(body, terms)
    if (!opened.ok) return err(opened.error)
    const version = headers[VERSION]
    const betas = betasOf(headers[BETA])
    const passed = {
      ...(version === undefined ? {} : { [VERSION]: version }),
      ...(betas.passed === null ? {} : { [BETA]: betas.passed }),
    }
    const ignored = [...opened.value.sifted.ignored, ...named(betas.left)]
    return ok(put(body, opened.value, { ignored, headers: passed }))
  },
  rewrite(asked, output) {
    assert(Number.isSafeInteger(output) && output >= 0, `not an output limit: ${output}`)
    const { document, sifted, headers } = parsed(asked)
    const limit = Math.max(1, output)
    const gone = new Set([...(sifted.gone ?? []), 'max_tokens'])
    const added = [`"max_tokens":${limit}`]
    const thinking = thinkingWithin(sifted.request, limit)
    if (thinking === null) added.push(...sifted.anew)
    else {
      gone.add('thinking')
      added.push(...sifted.anew.filter((member) => !member.startsWith('"thinking":')), thinking)
    }
    return { body: splice(document, gone, added), contentType: JSON_TYPE, headers }
  },
  // The gate adds no field that the API could do without.
  respell: () => null,
  meter(asked, granted, backend) {
    const usage = new ResponseUsage({ asked, granted, prompts: 1, shown: 1 })
    return new AnswerMeter(new MessagesSpelling(usage, { asked, backend }), usage)
  },
  wire: wire(),
  docs: MESSAGES_DOCS,
}

/** The least that may be given to thinking (Anthropic API reference, "Extended thinking"). */
const LEAST_BUDGET = 1_024

/**
 * The budget of thinking must be below the output limit, or Anthropic refuses the request. If the
 * granted limit is not above it, the budget shrinks. If not even the least budget fits, the model
 * answers without thinking, so that a small balance buys a short answer and not a refusal.
 * @returns the member and its name as JSON; null if it stays as the client wrote it
 */
function thinkingWithin({ thinking }: JsonObject, limit: number): string | null {
  if (!isObject(thinking)) return null
  const { budget_tokens: budget } = thinking
  if (typeof budget !== 'number' || budget < limit) return null
  if (limit <= LEAST_BUDGET) return '"thinking":{"type":"disabled"}'
  return `"thinking":${JSON.stringify({ ...thinking, budget_tokens: limit - 1 })}`
}

function wire(): Wire {
  return {
    streamType: () => STREAM_TYPE,
    isAnswer: (status) => status === 200,
    headers: [],
    answerType: (label) => (label === null || isLabelledEvents(label) ? JSON_TYPE : label),
    isStream: isEventStream,
    errors: anthropicErrors,
  }
}

/** Puts an opened request and its headers together. */
function put(
  body: Uint8Array,
  opened: Opened,
  {
    ignored,
    headers,
  }: { readonly ignored: readonly string[]; readonly headers: Readonly<Record<string, string>> },
): Asked {
  const { readable, parts, sifted } = opened
  const { request } = sifted
  const templated = request.tools !== undefined || request.chat_template_kwargs !== undefined
  return {
    dialect: 'anthropic-messages',
    body,
    model: String(request.model),
    stream: request.stream === true,
    wantsUsage: true,
    ignored,
    limit: limitOf(request),
    ...{ prompts: 1, longest: 1, choices: 1, hasOutput: true },
    plain: !templated,
    most: { input: readable.bound + AROUND_PART * parts + AROUND_ALL },
    texts: () => readable.texts(),
    ids: readable.ids,
    parts,
    splice: new Parsed(opened, headers),
    // Of the record that it is called on: later steps have copies of this one.
    forget(this: { body: Uint8Array; splice: unknown }) {
      this.body = NOTHING
      this.splice = null
      readable.forget()
    },
  }
}

const NOTHING = new Uint8Array(0)

function parsed(asked: Asked): Parsed {
  assert(asked.splice instanceof Parsed, 'a request that another dialect has read')
  return asked.splice
}
