import { list, object, ref, type Schema, text } from '../../floor/json-schema.ts'
import { err, ok } from '../../floor/result.ts'
import {
  type Asked,
  type Dialect,
  type Malformed,
  type Refused,
  UNKNOWN_TERMS,
  type Wire,
} from '../dialect.ts'
import { modelRefused, refuse } from '../kit/checks.ts'
import { type Form, type FormFields, readFields } from '../kit/form.ts'
import type { JsonObject } from '../kit/json.ts'
import { Readable } from '../kit/readable.ts'
import { WholeMeter } from '../kit/whole-meter.ts'
import { openAiErrors } from '../openai/errors.ts'
import { isRecording, longestSeconds } from './recording.ts'
import { FORMATS, readTranscript } from './transcript.ts'

const JSON_TYPE = 'application/json'
const FORM = 'multipart/form-data'
const NO_STREAM = 'A transcript is delivered in one piece here: leave stream out.'
const NO_STATE = 'Voices of known speakers are not taken here.'

const COMMON = ['model', 'prompt', 'response_format', 'temperature'] as const
const TRANSCRIBED = [
  ...['language', 'chunking_strategy', 'timestamp_granularities[]', 'include[]'],
] as const
const FILES = new Set(['file'])
const REFUSED = {
  ...{ stream: NO_STREAM, url: 'Send the recording itself: no address is read here.' },
  ...{ 'known_speaker_names[]': NO_STATE, 'known_speaker_references[]': NO_STATE },
}

interface Kept {
  readonly form: Form
  readonly format: string
}

function fromRecording(api: {
  readonly name: string
  readonly path: string
  readonly documented: { readonly name: string; readonly summary: string }
  readonly fields: FormFields
}): Dialect {
  return {
    name: api.name,
    path: api.path,
    headers: [],
    read(body, head, { also } = UNKNOWN_TERMS) {
      const read = readFields(body, head, { fields: api.fields, also })
      if (!read.ok) return read
      const form = read.value
      const refusal = requestRefused(form)
      return refusal === null ? ok(askedOf(body, form, api.name)) : err(refusal)
    },
    rewrite({ splice }, _output, _backend, refused = NONE) {
      const { form } = splice as Kept
      const longer = asksForMore(splice as Kept) && !refused.has(FORMAT)
      return { ...form.written(longer ? { [FORMAT]: 'verbose_json' } : {}), headers: {} }
    },
    respell({ splice }, refusal, before) {
      if (!asksForMore(splice as Kept) || before.has(FORMAT)) return null
      const said = Buffer.from(refusal).toString('utf8')
      return /response_format|verbose_json/.test(said) ? new Set([...before, FORMAT]) : null
    },
    meter(asked) {
      const { format } = asked.splice as Kept
      return new WholeMeter(asked, (body) => readTranscript(body, format, asked))
    },
    wire: WIRE,
    docs: {
      ...api.documented,
      request: { type: FORM, schema: REQUEST, parts: {} },
      answer: { type: JSON_TYPE, schema: object(['text'], { text: text() }), parts: {} },
      stream: null,
      example: () => null,
    },
  }
}

const FORMAT = 'response_format'
const NONE: Refused = new Set()

/**
 * A short answer does not tell how long the recording is, on many servers. So the gate asks for the long
 * one and delivers the short one, as it does with the usage of a stream.
 */
const asksForMore = ({ form, format }: Kept): boolean =>
  format === 'json' && form.text('include[]') === undefined

const REQUEST: Schema = object(['model', 'file'], {
  model: ref('ModelName'),
  file: { type: 'string', format: 'binary' },
  language: text(),
  prompt: text(),
  response_format: { enum: FORMATS },
  temperature: { type: 'number' },
  'timestamp_granularities[]': list(text()),
})

const PLAIN = /^text\/(?:plain|vtt|srt)\b|^application\/(?:x-subrip|json)\b/i

const WIRE: Wire = {
  streamType: () => 'text/event-stream',
  answerType: (label) => {
    if (label === null) return JSON_TYPE
    return PLAIN.test(label) ? label : 'text/plain; charset=utf-8'
  },
  isAnswer: (status) => status === 200,
  headers: [],
  isStream: () => false,
  errors: openAiErrors,
}

/** `POST /v1/audio/transcriptions` (OpenAI API reference, "Create transcription"). A form with a file. */
export const audioTranscriptions: Dialect = fromRecording({
  name: 'openai-transcriptions',
  path: '/v1/audio/transcriptions',
  documented: { name: 'Transcription', summary: 'The words of a recording' },
  fields: { texts: new Set([...COMMON, ...TRANSCRIBED]), files: FILES, refused: REFUSED },
})

/** `POST /v1/audio/translations` (OpenAI API reference, "Create translation"). The same, into English. */
export const audioTranslations: Dialect = fromRecording({
  name: 'openai-translations',
  path: '/v1/audio/translations',
  documented: { name: 'Translation', summary: 'The words of a recording in English' },
  fields: { texts: new Set(COMMON), files: FILES, refused: REFUSED },
})

function requestRefused(form: Form): Malformed | null {
  const request = form.texts
  const refusal = modelRefused(request)
  if (refusal !== null) return refusal
  const [file] = form.files('file')
  if (file === undefined)
    return refuse('missing_required_parameter', 'file is missing: send a recording.', 'file')
  if (!isRecording(file.bytes)) {
    const message = 'file is no recording in FLAC, MP3, MP4, MPEG, OGG, WAV or WebM.'
    return refuse('invalid_audio', message, 'file')
  }
  return wordsRefused(request)
}

const MOST_PROMPT = 16_384

function wordsRefused({
  chunking_strategy: chunks,
  language,
  prompt,
  response_format: format,
  temperature,
}: JsonObject): Malformed | null {
  if (format !== undefined && !FORMATS.some((one) => one === format))
    return refuse('invalid_value', `response_format must be one of ${FORMATS.join(', ')}.`, FORMAT)
  if (chunks !== undefined && chunks !== 'auto') {
    const message = 'chunking_strategy must be auto, or left out.'
    return refuse('unsupported_parameter', message, 'chunking_strategy')
  }
  if (language !== undefined && !/^[A-Za-z_-]{2,32}$/.test(String(language)))
    return refuse('invalid_value', 'language must be a code such as en.', 'language')
  if (temperature !== undefined && !/^\d(?:\.\d{1,16})?$/.test(String(temperature)))
    return refuse('invalid_value', 'temperature must be a number from 0 to 1.', 'temperature')
  return String(prompt ?? '').length > MOST_PROMPT
    ? refuse('invalid_value', `prompt has at most ${MOST_PROMPT} characters.`, 'prompt')
    : null
}

const AROUND = 64
const NOTHING = new Uint8Array(0)

function askedOf(body: Uint8Array, form: Form, dialect: string): Asked {
  const { model, prompt, response_format: format = 'json' } = form.texts
  const readable = new Readable()
  if (typeof prompt === 'string') readable.text(prompt)
  const byte = form.files('file').reduce((sum, { bytes }) => sum + bytes.length, 0)
  return {
    dialect,
    body,
    model: String(model),
    ...{ stream: false, wantsUsage: false, ignored: form.ignored, limit: null, prompts: 1 },
    ...{ longest: 1, choices: 1, hasOutput: false, plain: true, parts: 1 },
    most: { input: readable.bound + AROUND, second: longestSeconds(byte), byte },
    texts: () => readable.texts(),
    ids: readable.ids,
    sold: ['second', 'byte'],
    splice: { form, format: String(format) } satisfies Kept,
    forget(this: { body: Uint8Array; splice: unknown }) {
      this.body = NOTHING
      this.splice = null
    },
  }
}
