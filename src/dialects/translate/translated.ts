import { assert } from '../../floor/assert.ts'
import { err, ok } from '../../floor/result.ts'
import { type Asked, type Dialect, type Malformed, UNKNOWN_TERMS } from '../dialect.ts'
import { isObject, type JsonObject, parse } from '../kit/json.ts'
import { named } from '../kit/sift.ts'
import { asBuffer } from '../kit/sse.ts'
import { openaiChat } from '../openai/chat.ts'
import { promptOf } from '../openai/usage-so-far.ts'
import type { AnswerWriter } from './answer-writer.ts'
import { Saying, says } from './saying.ts'
import { TranslatingMeter } from './translating-meter.ts'

/** How one API is translated to chat completions, and their answers back. */
export interface Translation {
  /** The API as messages name it: `the Messages API`. */
  readonly api: string
  /** The fields that are translated. Any other that passes in the API itself is refused. */
  readonly fields: ReadonlySet<string>
  /** The request without its output limit. What cannot be said is refused in `said`. */
  request(said: Saying, request: JsonObject): JsonObject
  /** What the answer needs of the request. It is kept until the answer has ended. */
  keeps(request: JsonObject): JsonObject
  writer(asked: Asked, kept: JsonObject, whole: boolean): AnswerWriter
}

/** What `read` keeps of a request. */
class Translated {
  readonly chat: Asked
  readonly kept: JsonObject

  constructor(chat: Asked, kept: JsonObject) {
    this.chat = chat
    this.kept = kept
  }
}

const NOTHING = new Uint8Array(0)
/** A limit that makes no setting of the request smaller. It is not translated. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER
const JSON_HEAD = { contentType: 'application/json', headers: {} }

/**
 * An API for a backend that lacks it: its requests are read as the API itself reads them, translated to
 * chat completions, and read once more as those. So the translated request is what is priced, rewritten
 * and sent; the client sees answers, errors and streams of its own API.
 */
export function translated(native: Dialect, translation: Translation): Dialect {
  return {
    name: `${native.name}-as-chat`,
    path: native.path,
    headers: native.headers,
    read(body, head, terms = UNKNOWN_TERMS) {
      const asked = native.read(body, head, terms)
      if (!asked.ok) return asked
      // What the backend would get of it in its own API, so that nothing else is translated either.
      const { body: passing } = native.rewrite(asked.value, NO_LIMIT, terms.backend)
      const request = requestOf(passing)
      const said = new Saying(translation.api)
      for (const name in request) {
        const known = translation.fields.has(name) || terms.also.has(name)
        if (!known && says(request[name])) said.cannot(name)
      }
      const chat = translation.request(said, request)
      for (const name of terms.also) if (request[name] !== undefined) chat[name] ??= request[name]
      if (said.refusal !== null) return err(said.refusal)
      const read = openaiChat.read(Buffer.from(JSON.stringify(chat)), JSON_HEAD, terms)
      if (!read.ok) return err(aboutTranslated(read.error))
      const left = [...new Set([...asked.value.ignored, ...said.leftOut, ...read.value.ignored])]
      const own = { ...asked.value, ignored: named(left) }
      return ok(put(`${native.name}-as-chat`, own, read.value, translation.keeps(request)))
    },
    rewrite(asked, output, backend, refused) {
      const { chat } = translatedOf(asked)
      const sent = openaiChat.rewrite(chat, output, backend, refused)
      return { ...sent, path: openaiChat.path }
    },
    respell: (asked, refusal, before) =>
      openaiChat.respell(translatedOf(asked).chat, refusal, before),
    meter(asked, granted, backend) {
      const { chat, kept } = translatedOf(asked)
      const known = { ...chat, most: asked.most }
      return new TranslatingMeter(
        openaiChat.meter(known, granted, backend),
        (whole) => translation.writer(asked, kept, whole),
        () => promptOf(known, granted),
      )
    },
    wire: {
      ...openaiChat.wire,
      streamType: () => native.wire.streamType(null),
      answerType: () => native.wire.answerType(null),
      errors: native.wire.errors,
    },
    docs: native.docs,
  }
}

/** A request that the API itself has written. */
function requestOf(body: Uint8Array): JsonObject {
  const request = parse(asBuffer(body).toString('utf8'))
  assert(isObject(request), 'the API has written this request')
  return request
}

const aboutTranslated = (refusal: Malformed): Malformed => ({
  ...refusal,
  message: `${refusal.message} This is about the request as it is translated to chat completions, because the model server does not have the API that it was sent to.`,
})

/**
 * The record of a translated request: the price is that of the request to chat completions, and the
 * limit is the client's, which the gate writes in the name that the backend takes.
 */
function put(
  dialect: string,
  own: Pick<Asked, 'ignored' | 'limit'>,
  chat: Asked,
  kept: JsonObject,
): Asked {
  const { ignored, limit } = own
  return {
    ...chat,
    ...{ dialect, ignored, limit },
    splice: new Translated({ ...chat, limit, wantsUsage: true }, kept),
    // Of the record that it is called on: later steps have copies of this one.
    forget(this: { body: Uint8Array; splice: unknown }) {
      this.body = NOTHING
      this.splice = null
      chat.forget()
    },
  }
}

function translatedOf(asked: Asked): Translated {
  assert(asked.splice instanceof Translated, 'a request that another dialect has read')
  return asked.splice
}
