import type { Asked } from '../dialect.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { asBuffer } from '../kit/sse.ts'
import { readJson } from '../kit/tolerant-json.ts'
import type { WholeAnswer } from '../kit/whole-meter.ts'

/** The formats of an answer. Those of JSON have a text in `text`. */
export const FORMATS = ['json', 'verbose_json', 'diarized_json', 'text', 'srt', 'vtt'] as const
const TEXTS: ReadonlySet<string> = new Set(['text', 'srt', 'vtt'])

/** The members of a short answer (OpenAI API reference, "The transcription object"). */
const SHORT: ReadonlySet<string> = new Set(['text', 'usage', 'logprobs'])

/**
 * Reads an answer: charged are the seconds that it tells, at most the bound of the file; the bound if it
 * tells none (threats J16, L19). Null if it is an error or a page (threats K8).
 * @param format what the client asked for
 */
export function readTranscript(
  body: Uint8Array,
  format: string,
  { most }: Pick<Asked, 'most'>,
): WholeAnswer | null {
  const text = asBuffer(body).toString('utf8')
  const { byte = 0, second: longest = 0 } = most
  const answer = /^\s*[{[]/.test(text) ? readJson(text) : undefined
  const used = (told: number | null): Omit<WholeAnswer, 'shown'> => {
    const believed = told !== null && told > 0
    const second = believed ? Math.min(longest, Math.ceil(told)) : longest
    return { used: { second, byte }, reported: believed && told <= longest }
  }
  if (isObject(answer)) {
    if (typeof answer.text !== 'string' || given(answer.error)) return null
    const shown = format === 'json' ? shortened(answer, body) : body
    return { ...used(secondsIn(answer)), shown }
  }
  if (!TEXTS.has(format) || text.trim() === '' || /^\s*<(?:!doctype|html)/i.test(text)) return null
  if (answer !== undefined && answer !== null) return null
  if (format === 'vtt' && !text.startsWith('WEBVTT')) return null
  return { ...used(format === 'text' ? null : lastTime(text)), shown: body }
}

const given = (value: Json | undefined): boolean => value !== undefined && value !== null

/** The gate asks for a long answer to know its seconds. The client that wants a short one gets that. */
function shortened(answer: JsonObject, body: Uint8Array): Uint8Array {
  const entries = Object.entries(answer)
  const short = entries.filter(([name]) => SHORT.has(name))
  return short.length === entries.length
    ? body
    : Buffer.from(JSON.stringify(Object.fromEntries(short)))
}

/** What an answer says about the length of the sound: the largest figure counts. Null if nothing does. */
function secondsIn({ duration, segments, usage }: JsonObject): number | null {
  const ofUsage = isObject(usage) && usage.type === 'duration' ? usage.seconds : undefined
  const ends = Array.isArray(segments) ? segments.map((one) => isObject(one) && one.end) : []
  const told = [duration, ofUsage, ...ends].map(secondsOf).filter((one) => one !== null)
  return told.length === 0 ? null : told.reduce((most, one) => Math.max(most, one), 0)
}

/** Some servers write the figure as a text. */
function secondsOf(value: unknown): number | null {
  const seconds = typeof value === 'string' && value.length < 20 ? Number(value) : value
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 ? seconds : null
}

const TIMES = /--> +(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})/g

/** The end of the last subtitle in seconds. Null if there is none. */
function lastTime(text: string): number | null {
  let most: number | null = null
  for (const [, hours = '0', minutes, seconds, part] of text.matchAll(TIMES)) {
    const end = Number(hours) * 3_600 + Number(minutes) * 60 + Number(`${seconds}.${part}`)
    most = Math.max(most ?? 0, end)
  }
  return most
}
