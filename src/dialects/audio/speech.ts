import { number, object, ref, text } from '../../floor/json-schema.ts'
import { err, ok } from '../../floor/result.ts'
import { type Asked, type Dialect, type Malformed, UNKNOWN_TERMS } from '../dialect.ts'
import { ambiguous, modelRefused, refuse } from '../kit/checks.ts'
import { fold, folded, type JsonObject } from '../kit/json.ts'
import { type Document, readObject, splice } from '../kit/json-object.ts'
import { NEVER_PASSED } from '../kit/never-passed.ts'
import { Readable } from '../kit/readable.ts'
import { type Sifted, sift } from '../kit/sift.ts'
import { openAiErrors } from '../openai/errors.ts'
import { isSound, soundType } from './sniff-sound.ts'
import { SoundMeter } from './sound-meter.ts'
import { charactersOf, slowestSeconds, spokenSeconds } from './spoken.ts'

const JSON_TYPE = 'application/json'

/** The fields of a request that pass (threats J16). */
const PASSED: ReadonlySet<string> = new Set([
  ...['model', 'input', 'voice', 'response_format', 'speed', 'instructions', 'stream_format'],
])
const KNOWN: ReadonlySet<string> = new Set([...PASSED, ...NEVER_PASSED])
const PASSING = { passed: PASSED, switches: new Set<string>() }

/** Bytes of a second of each format: usually, and at most. */
const FORMATS: Readonly<Record<string, { readonly usual: number; readonly most: number }>> = {
  mp3: { usual: 20_000, most: 40_000 },
  opus: { usual: 8_000, most: 64_000 },
  aac: { usual: 16_000, most: 40_000 },
  flac: { usual: 48_000, most: 96_000 },
  wav: { usual: 48_000, most: 96_000 },
  pcm: { usual: 48_000, most: 96_000 },
}
const USUAL_FORMAT = 'mp3'
/** Characters of a text (OpenAI API reference, "Create speech"). */
const MOST_CHARACTERS = 4_096
const [SLOWEST_SPEED, FASTEST_SPEED] = [0.25, 4]
/** Bytes of a file's head and pictures. */
const AROUND_BYTES = 65_536
const AROUND = 64
const NOTHING = new Uint8Array(0)

interface Kept {
  readonly document: Document
  readonly sifted: Sifted
}

/** `POST /v1/audio/speech` (OpenAI API reference, "Create speech"). The sound is streamed as it comes. */
export const audioSpeech: Dialect = {
  name: 'openai-speech',
  path: '/v1/audio/speech',
  headers: [],
  read(body, _, { also } = UNKNOWN_TERMS) {
    const read = readObject(body)
    if (!read.ok) return err(refuse(read.error.code, read.error.message))
    const document = read.value
    const refusal = requestRefused(document.value)
    if (refusal !== null) return err(refusal)
    return ok(askedOf(body, { document, sifted: sift(PASSING, document.value, also) }))
  },
  rewrite({ splice: kept }) {
    const { document, sifted } = kept as Kept
    const body = splice(document, sifted.gone ?? new Set(), sifted.anew)
    return { body, contentType: JSON_TYPE, headers: {} }
  },
  respell: () => null,
  meter(asked) {
    const { most, splice: kept } = asked
    const { usual } = formatOf((kept as Kept).document.value)
    return new SoundMeter(asked, (most.second ?? 1) * usual)
  },
  wire: {
    streamType: soundType,
    answerType: soundType,
    isAnswer: (status) => status === 200,
    headers: [],
    isStream: isSound,
    errors: openAiErrors,
  },
  docs: {
    name: 'Speech',
    summary: 'Speech from a text',
    request: {
      type: JSON_TYPE,
      schema: object(['model', 'input', 'voice'], {
        model: ref('ModelName'),
        input: text('At most 4,096 characters.'),
        voice: text(),
        response_format: { enum: Object.keys(FORMATS) },
        speed: number(SLOWEST_SPEED, FASTEST_SPEED),
        instructions: text(),
      }),
      parts: {},
    },
    answer: { type: 'audio/mpeg', schema: { type: 'string', format: 'binary' }, parts: {} },
    stream: null,
    example: () => null,
  },
}

const formatOf = ({ response_format: name }: JsonObject) =>
  FORMATS[typeof name === 'string' ? name : USUAL_FORMAT] ?? { usual: 1, most: 1 }

const speedOf = ({ speed }: JsonObject): number => (typeof speed === 'number' ? speed : 1)

function requestRefused(request: JsonObject): Malformed | null {
  const key = folded(request, KNOWN)
  if (key !== null) return ambiguous(key, fold(key))
  const refusal = modelRefused(request)
  if (refusal !== null) return refusal
  const { input, instructions, response_format: format, speed, voice } = request
  if (typeof input !== 'string' || input === '' || charactersOf(input) > MOST_CHARACTERS) {
    const message = `input must be a text of 1 to ${MOST_CHARACTERS} characters.`
    return refuse('invalid_value', message, 'input')
  }
  if (voice !== undefined && (typeof voice !== 'string' || voice.length > 256))
    return refuse('invalid_type', 'voice must be the name of a voice.', 'voice')
  if (given(format) && !(typeof format === 'string' && Object.hasOwn(FORMATS, format))) {
    const message = `response_format must be one of ${Object.keys(FORMATS).join(', ')}.`
    return refuse('invalid_value', message, 'response_format')
  }
  if (given(speed) && !(Number(speed) >= SLOWEST_SPEED && Number(speed) <= FASTEST_SPEED))
    return refuse('invalid_value', 'speed must be a number from 0.25 to 4.', 'speed')
  if (given(speed) && typeof speed !== 'number')
    return refuse('invalid_type', 'speed must be a number, without quotes.', 'speed')
  if (given(instructions) && !(typeof instructions === 'string' && instructions.length <= 4_096)) {
    const message = 'instructions must be a text of at most 4,096 characters.'
    return refuse('invalid_value', message, 'instructions')
  }
  return streamRefused(request)
}

const given = (value: unknown): boolean => value !== undefined && value !== null

const streamRefused = ({ stream_format: format }: JsonObject): Malformed | null =>
  format === undefined || format === null || format === 'audio'
    ? null
    : refuse(
        'unsupported_parameter',
        'The sound itself is streamed here: leave stream_format out, or write audio.',
        'stream_format',
      )

function askedOf(body: Uint8Array, kept: Kept): Asked {
  const request = kept.document.value
  const input = String(request.input)
  const readable = new Readable()
  readable.text(input)
  if (typeof request.instructions === 'string') readable.text(request.instructions)
  const speed = speedOf(request)
  const byte = slowestSeconds(input, speed) * formatOf(request).most + AROUND_BYTES
  return {
    dialect: 'openai-speech',
    body,
    model: String(request.model),
    ...{ stream: true, wantsUsage: false, ignored: kept.sifted.ignored, limit: null, prompts: 1 },
    ...{ longest: 1, choices: 1, hasOutput: false, plain: true, parts: 1 },
    most: {
      input: readable.bound + AROUND,
      second: spokenSeconds(input, speed),
      character: charactersOf(input),
      byte,
    },
    texts: () => readable.texts(),
    ids: readable.ids,
    sold: ['second', 'character', 'byte'],
    splice: kept,
    forget(this: { body: Uint8Array; splice: unknown }) {
      this.body = NOTHING
      this.splice = null
    },
  }
}
