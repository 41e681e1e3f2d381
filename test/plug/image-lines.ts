import type {
  Asked,
  Counted,
  Dialect,
  Envelope,
  Malformed,
  Meter,
  Problem,
  Seen,
} from '../../src/dialects/dialect.ts'
import { isObject, type JsonObject, parse } from '../../src/dialects/kit/json.ts'
import { readObject } from '../../src/dialects/kit/json-object.ts'
import { object, text, whole } from '../../src/floor/json-schema.ts'
import { err, ok } from '../../src/floor/result.ts'
import type { Msat } from '../../src/money/msat.ts'
import type { Quantities } from '../../src/money/quantities.ts'

/**
 * A dialect that differs from OpenAI's in everything: it streams lines of JSON, is paid by the
 * image, writes its errors as strings, and streams unless a client asks it not to. It exists only
 * in tests, to show that such a dialect needs no change under `src`.
 */
export const imageLines: Dialect = {
  name: 'image-lines',
  path: '/api/draw',
  headers: ['x-draw-version'],
  read(body, head) {
    const read = readObject(body)
    if (!read.ok) return err(refused(read.error.code, read.error.message))
    const { model, prompt, count = 1, stream = true } = read.value.value
    if (typeof model !== 'string' || model === '' || model.length > 256)
      return err(refused('invalid_model', 'model must be the name of a model.'))
    if (typeof prompt !== 'string') return err(refused('invalid_prompt', 'prompt must be a text.'))
    if (!Number.isInteger(count) || Number(count) < 1 || Number(count) > 10)
      return err(refused('invalid_count', 'count must be a whole number from 1 to 10.'))
    if (typeof stream !== 'boolean')
      return err(refused('invalid_stream', 'stream must be true or false.'))
    const images = Number(count)
    const request = {
      model,
      prompt,
      count: images,
      stream,
      version: head.headers['x-draw-version'],
    }
    return ok(asked(body, request))
  },
  rewrite(asked) {
    const { version, ...sent } = asked.splice as Request
    return {
      body: Buffer.from(JSON.stringify(sent)),
      contentType: 'application/json',
      headers: version === undefined ? {} : { 'x-draw-version': version },
    }
  },
  respell: () => null,
  meter: (asked) => new LineMeter(asked.most.image ?? 0),
  wire: {
    streamType: () => 'application/x-ndjson',
    isAnswer: (status) => status === 200,
    headers: [],
    answerType: (label) => (label === null || /ndjson/.test(label) ? 'application/json' : label),
    isStream: (_, first) => {
      const line = Buffer.from(first).toString().trimStart()
      // An answer in one piece has all of its images in one list.
      if (line === '' || '{"images"'.startsWith(line)) return null
      return !line.startsWith('{"images"')
    },
    errors: errorsAsStrings(),
  },
  docs: {
    name: 'Draw',
    summary: 'Images, a line of JSON for each',
    request: {
      type: 'application/json',
      schema: object(['model', 'prompt'], {
        model: text(),
        prompt: text(),
        count: whole('1 to 10.'),
        stream: { type: 'boolean', default: true },
      }),
      parts: {},
    },
    answer: {
      type: 'application/json',
      schema: object(['images', 'done'], { images: { type: 'array' }, done: { const: true } }),
      parts: {},
    },
    stream: {
      type: 'application/x-ndjson',
      schema: text('A line of JSON for each image.'),
      cost: 'The line before the last one tells the cost, as in `{"cost_msat":52}`.',
    },
    example: () => null,
  },
}

interface Request {
  readonly model: string
  readonly prompt: string
  readonly count: number
  readonly stream: boolean
  readonly version: string | undefined
}

const refused = (code: string, message: string): Malformed => ({
  ...{ status: 400, code, message, param: null },
})

function asked(body: Uint8Array, request: Request): Asked {
  return {
    dialect: 'image-lines',
    body,
    model: request.model,
    stream: request.stream,
    wantsUsage: true,
    ignored: [],
    limit: null,
    prompts: 1,
    longest: 1,
    choices: 1,
    hasOutput: false,
    plain: true,
    most: { input: 0, image: request.count },
    texts: () => [],
    ids: 0,
    parts: 0,
    splice: request,
    forget(this: { body: Uint8Array }) {
      this.body = new Uint8Array(0)
    },
  }
}

/** Errors as Ollama's clients read them. */
function errorsAsStrings(): Envelope {
  return {
    name: 'Draw',
    contentType: 'application/json; charset=utf-8',
    error: ({ message }) => ({ error: message }),
    schema: { error: text() },
    parts: {},
  }
}

const LF = 0x0a
const MOST_LINE = 1024 * 1024

/** Passes whole lines and counts images. Holds the last line back, because the cost comes before it. */
class LineMeter implements Meter {
  readonly #granted: number
  readonly seen: { -readonly [Name in keyof Seen]: Seen[Name] } = {
    output: false,
    finished: false,
    finishes: 0,
    done: false,
    over: false,
    error: null,
  }
  #held = Buffer.alloc(0)
  #images = 0
  #reported: number | null = null
  #last = ''
  #ended = false

  constructor(granted: number) {
    this.#granted = granted
  }

  stream(chunk: Uint8Array): Uint8Array {
    if (this.#ended) return Buffer.alloc(0)
    this.#held = Buffer.concat([this.#held, chunk])
    const passed: string[] = []
    for (let end = this.#held.indexOf(LF); end !== -1 && !this.#ended; ) {
      const line = this.#held.toString('utf8', 0, end)
      this.#held = this.#held.subarray(end + 1)
      if (this.#passes(line)) passed.push(`${line}\n`)
      end = this.#held.indexOf(LF)
    }
    if (this.#held.length > MOST_LINE) this.#fail('a line of the upstream has no end')
    return Buffer.from(passed.join(''))
  }

  /** Whether a line may be shown. */
  #passes(line: string): boolean {
    if (line.trim() === '') return false
    const value = parse(line)
    if (!isObject(value)) return this.#fail('a line of the upstream cannot be read')
    if (value.error !== undefined) return this.#fail(String(value.error))
    if (value.done === true) return this.#done(value, line)
    if (typeof value.image !== 'string') return false
    if (this.#images === this.#granted) {
      this.seen.over = true
      this.#ended = true
      return false
    }
    this.#images += 1
    this.seen.output = true
    return true
  }

  #done(value: JsonObject, line: string): false {
    if (typeof value.count === 'number') this.#reported = value.count
    this.#last = `${line}\n`
    this.#finish()
    return false
  }

  #finish(): void {
    this.seen.finished = true
    this.seen.finishes = 1
    this.seen.done = true
    this.#ended = true
  }

  #fail(why: string): false {
    this.seen.error ??= why
    this.#ended = true
    return false
  }

  rest(): Uint8Array {
    const out = this.#held.length === 0 ? Buffer.alloc(0) : this.stream(Buffer.from('\n'))
    this.#ended = true
    return out
  }

  whole(body: Uint8Array): Uint8Array | null {
    const answer = parse(Buffer.from(body).toString('utf8'))
    if (!isObject(answer) || !Array.isArray(answer.images) || answer.images.length === 0)
      return null
    this.#images = Math.min(answer.images.length, this.#granted)
    this.seen.over = answer.images.length > this.#granted
    this.#reported = this.#images
    this.seen.output = true
    this.#finish()
    if (!this.seen.over) return body
    const images = answer.images.slice(0, this.#granted)
    return Buffer.from(JSON.stringify({ images, done: true }))
  }

  asStream(whole: Uint8Array, cost: Msat | null = null): Uint8Array {
    const answer = parse(Buffer.from(whole).toString('utf8'))
    const images = isObject(answer) && Array.isArray(answer.images) ? answer.images : []
    const lines = images.map((image) => `${JSON.stringify({ image })}\n`)
    return Buffer.from(`${lines.join('')}${costLine(cost)}${line({ done: true })}`)
  }

  finish(cost: Msat | null = null): Uint8Array {
    return this.#end(this.#last, cost)
  }

  #end(last: string, cost: Msat | null): Uint8Array {
    this.#last = ''
    this.#ended = true
    const told = this.#told
    this.#told = true
    return told ? Buffer.alloc(0) : Buffer.from(costLine(cost) + last)
  }

  #told = false

  /** Readers of lines ignore an empty one. */
  keepAlive(): Uint8Array {
    return Buffer.from(this.#ended ? '' : '\n')
  }

  cut(cost: Msat | null = null): Uint8Array {
    return this.#end(line({ done: true, done_reason: 'limit', count: this.#images }), cost)
  }

  broken({ message }: Pick<Problem, 'code' | 'message'>, cost: Msat | null = null): Uint8Array {
    return this.#end(line({ error: message }), cost)
  }

  sofar(): Quantities {
    return { image: this.#images }
  }

  usage(): Counted {
    const flowed = this.#images > 0
    const believed = this.#reported !== null && this.#reported === this.#images
    return {
      image: this.#images,
      source: believed ? 'reported' : flowed ? 'counted' : 'none',
      reportedInput: null,
    }
  }
}

const line = (value: object): string => `${JSON.stringify(value)}\n`
const costLine = (cost: Msat | null): string =>
  cost === null ? '' : line({ cost_msat: Number(cost) })
