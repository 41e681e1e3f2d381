import { describe, expect, it } from 'vitest'
import { audioSpeech } from '../../../../src/dialects/audio/speech.ts'
import {
  audioTranscriptions,
  audioTranslations,
} from '../../../../src/dialects/audio/transcriptions.ts'
import type { Asked, Dialect, RequestHead } from '../../../../src/dialects/dialect.ts'
import { runDialectContract } from '../../../contract/dialect.ts'
import { bytes, grant, HEAD } from '../../../support/dialects.ts'
import { type Field, FORM_HEAD, form, mp3 } from '../../../support/forms.ts'

// The answers have the documented shapes (OpenAI API reference, "Audio"); no server was recorded.
const MODEL: Field = ['model', 'whisper-1']
const FILE: Field = ['file', mp3(75_000), 'a.mp3']
const SHORT = '{"text":"hello","usage":{"type":"duration","seconds":9}}'
const SAYS = { model: 'tts-1', input: 'Hello.', voice: 'alloy' }

runDialectContract(audioSpeech, {
  request: JSON.stringify({ ...SAYS, speed: 1.5, response_format: 'opus' }),
  model: 'tts-1',
  refused: ['{"input":"a","voice":"b"}', '{"model":"m","voice":"b"}', '{"model":"m","input":""}'],
  answer: null,
  noAnswers: [],
  usage: {},
  streaming: null,
})

for (const dialect of [audioTranscriptions, audioTranslations]) {
  runDialectContract(dialect, {
    head: FORM_HEAD,
    request: form([MODEL, FILE, ['prompt', 'Ümlaut'], ['temperature', '0.2']]),
    model: 'whisper-1',
    refused: ['{}', form([MODEL]), form([FILE]), form([MODEL, ['file', 'text', 'a.mp3']])],
    answer: SHORT,
    noAnswers: ['{"error":{"message":"no"}}', '{"text":1}', '{"text":"a","error":"half"}'],
    usage: { second: 9, byte: 75_000 },
    streaming: null,
  })
}

const asked = (dialect: Dialect, body: unknown, head: RequestHead = HEAD): Asked => {
  const read = dialect.read(bytes(body), head)
  if (!read.ok) throw new Error(read.error.message)
  return read.value
}
const speech = (more: object) => asked(audioSpeech, { ...SAYS, ...more })

describe('L19 a speech is bounded by its text', () => {
  it.each([
    ['a'.repeat(150), 1, 10, 150],
    ['a'.repeat(150), 2, 5, 150],
    ['a'.repeat(150), 0.25, 40, 150],
    ['a'.repeat(151), 1, 11, 151],
    ['1'.repeat(150), 1, 60, 150],
    ['中'.repeat(150), 1, 30, 150],
    ['🙂'.repeat(150), 1, 60, 150],
    ['a', 4, 1, 1],
  ])('%s at speed %d is %d seconds and %d characters', (input, speed, second, character) => {
    expect(speech({ input, speed }).most).toMatchObject({ second, character })
  })

  it.each<[object, string]>([
    [{ speed: 0.1 }, 'speed'],
    [{ speed: 5 }, 'speed'],
    [{ speed: '1' }, 'speed'],
    [{ speed: Number.NaN }, ''],
    [{ input: 'a'.repeat(4_097) }, 'input'],
    [{ input: ['a'] }, 'input'],
    [{ voice: { id: 'voice_1' } }, 'voice'],
    [{ response_format: 'midi' }, 'response_format'],
    [{ stream_format: 'sse' }, 'stream_format'],
    [{ instructions: 'a'.repeat(4_097) }, 'instructions'],
    [{ Input: 'b' }, 'input'],
  ])('A15 L18 %j is refused by its name', (more, param) => {
    const read = audioSpeech.read(bytes({ ...SAYS, ...more }), HEAD)
    if (param === '') return expect(read.ok).toBe(true)
    return expect(read).toMatchObject({ ok: false, error: { status: 400, param } })
  })

  it('J16 fields that nobody knows stay here, and are named', () => {
    const request = speech({ stream: true, download_format: 'wav' })
    expect(request.ignored).toEqual(['stream', 'download_format'])
    const { body } = audioSpeech.rewrite(request, 0, 'other')
    expect(JSON.parse(Buffer.from(body).toString())).toEqual(SAYS)
  })
})

describe('an answer with sound', () => {
  const metered = (input = 'a'.repeat(300)) =>
    audioSpeech.meter(speech({ input }), grant(0), 'other')
  const sound = (size: number) => Buffer.alloc(size, 7)

  it('leaves as it comes, and costs the whole text and the bytes that came', () => {
    const meter = metered()
    expect(meter.stream(sound(10))).toHaveLength(10)
    expect(meter.stream(sound(20))).toHaveLength(20)
    expect(meter.seen).toMatchObject({ output: true, done: false })
    expect(meter.rest()).toHaveLength(0)
    expect(meter.seen).toMatchObject({ done: true, finished: true })
    expect(meter.usage(7)).toEqual({
      ...{ second: 20, character: 300, byte: 30, source: 'reported', reportedInput: null },
    })
  })

  it('that breaks off costs its part; J15 of a buyer who leaves, the whole text', () => {
    const meter = metered()
    meter.stream(sound(100_000))
    expect(meter.usage(7)).toMatchObject({ character: 75, second: 5, byte: 100_000 })
    expect(meter.usage(7, true)).toMatchObject({ character: 300, second: 20, byte: 100_000 })
    expect(metered().usage(7)).toMatchObject({ source: 'none' })
  })

  it('J8 ends where more comes than was held for', () => {
    const request = speech({})
    const meter = audioSpeech.meter(request, grant(0), 'other')
    const most = request.most.byte ?? 0
    expect(meter.stream(sound(most + 1))).toHaveLength(most)
    expect(meter.seen.over).toBe(true)
    expect(meter.stream(sound(1))).toHaveLength(0)
    expect(meter.usage(7)).toMatchObject({ byte: most })
  })

  const { isStream, streamType } = audioSpeech.wire
  it.each<[string | null, string, boolean | null]>([
    ['audio/mpeg', 'ID3\x04\x00', true],
    ['audio/mpeg', '\xff\xfb\x90', true],
    ['audio/wav', 'RIFF\x24\x00\x00\x00WAVE', true],
    ['audio/pcm', '\x00\x00\x00\x00', true],
    ['application/octet-stream', 'OggS\x00', true],
    [null, 'fLaC\x00', true],
    ['audio/mpeg', '', null],
    ['audio/mpeg', 'ID3', null],
    ['audio/mpeg', '{"error":{"message":"no"}}', false],
    ['audio/mpeg', '{"error":"\u00e4"}', false],
    ['audio/mpeg', '\n {"error": "no"}', false],
    ['audio/mpeg', '<html>', false],
    ['audio/mpeg', 'Internal Server Error', false],
    [null, 'data: {"a":1}\n\n   ', false],
    ['application/json', 'ID3\x04\x00', false],
    ['text/html', '\xff\xfb\x90', false],
  ])('K8 K18 labelled %s, %j is sound: %s', (label, first, isSound) => {
    expect(isStream(label, Buffer.from(first, 'latin1'))).toBe(isSound)
  })

  it.each([
    ['audio/mpeg', 'audio/mpeg'],
    ['audio/L16; rate=24000; channels=1', 'audio/L16; rate=24000; channels=1'],
    [null, 'application/octet-stream'],
    ['text/html', 'application/octet-stream'],
    ['audio/mpeg, text/html', 'application/octet-stream'],
  ])('the type of %j is %s', (label, type) => {
    expect(streamType(label)).toBe(type)
  })
})

describe('L19 a recording is bounded by its bytes, whatever it says of itself', () => {
  const transcribe = (...fields: Field[]) =>
    audioTranscriptions.read(form([MODEL, ...fields]), FORM_HEAD)

  it.each([
    [750, 1],
    [751, 2],
    [1_000_000, 1_334],
  ])('%d bytes are %d seconds at most', (size, second) => {
    const read = transcribe(['file', mp3(size), 'a.mp3'])
    expect(read).toMatchObject({
      value: { most: { second, byte: size }, sold: ['second', 'byte'] },
    })
  })

  it('a WAV that says that it is empty has no lower bound', () => {
    const wav = Buffer.alloc(75_000)
    wav.write('RIFF\0\0\0\0WAVEfmt ', 'latin1')
    wav.write('data\0\0\0\0', 36, 'latin1')
    expect(transcribe(['file', wav, 'a.wav'])).toMatchObject({ value: { most: { second: 100 } } })
  })

  it.each<[string, Field[], string]>([
    ['a playlist', [['file', '#EXTM3U\nhttp://10.0.0.1/a.mp3', 'a.m3u8']], 'invalid_audio'],
    ['no file', [], 'missing_required_parameter'],
    ['two files', [FILE, FILE], 'duplicate_key'],
    ['a path', [['file', mp3(100), '/srv/a.mp3']], 'invalid_form'],
    ['an address', [FILE, ['url', 'http://10.0.0.1']], 'unsupported_parameter'],
    ['a stream', [FILE, ['stream', 'true']], 'unsupported_parameter'],
    ['a format that nobody knows', [FILE, ['response_format', 'html']], 'invalid_value'],
    ['voices', [FILE, ['known_speaker_names[]', 'a']], 'unsupported_parameter'],
    [
      'a list of settings',
      [FILE, ['chunking_strategy', '{"type":"server_vad"}']],
      'unsupported_parameter',
    ],
  ])('G11 L18 with %s it is refused', (_, fields, code) => {
    expect(transcribe(...fields)).toMatchObject({ ok: false, error: { status: 400, code } })
  })
})

describe('a transcript costs the seconds that its backend tells, at most the bound', () => {
  const metered = (format: string | null, answer: string, size = 75_000) => {
    const fields: Field[] = [MODEL, ['file', mp3(size), 'a.mp3']]
    if (format !== null) fields.push(['response_format', format])
    const request = asked(audioTranscriptions, form(fields), FORM_HEAD)
    const meter = audioTranscriptions.meter(request, grant(0), 'other')
    const shown = meter.whole(bytes(answer))
    return { shown: shown === null ? null : Buffer.from(shown).toString(), usage: meter.usage(7) }
  }
  const SRT = '1\n00:00:00,000 --> 00:00:02,500\na\n\n2\n00:00:02,500 --> 00:01:01,200\nb\n'
  const LONG = '{"task":"transcribe","language":"en","duration":8.47,"text":"a","segments":[]}'

  it.each<[string | null, string, number, string]>([
    [null, SHORT, 9, 'reported'],
    ['verbose_json', LONG, 9, 'reported'],
    ['verbose_json', '{"text":"a","duration":"8.47"}', 9, 'reported'],
    ['verbose_json', '{"text":"a","duration":0,"segments":[{"end":7.5}]}', 8, 'reported'],
    ['srt', SRT, 62, 'reported'],
    ['vtt', 'WEBVTT\n\n00:00.000 --> 00:03.000\na\n', 3, 'reported'],
    ['verbose_json', '{"text":"a","duration":86400}', 100, 'counted'],
    ['verbose_json', '{"text":"a","duration":0}', 100, 'counted'],
    ['verbose_json', '{"text":"a","duration":-5}', 100, 'counted'],
    [null, '{"text":"a"}', 100, 'counted'],
    [null, '{"text":"a","usage":{"type":"tokens","input_tokens":5}}', 100, 'counted'],
    ['text', 'a\n', 100, 'counted'],
  ])('L19 J16 %s %s costs %d seconds, %s', (format, answer, second, source) => {
    expect(metered(format, answer).usage).toMatchObject({ second, source, byte: 75_000 })
  })

  it.each([
    ['text', '{"error":"no"}'],
    ['text', '<html>no'],
    ['text', ' '],
    ['vtt', 'no'],
    ['json', 'hello'],
    ['json', '[]'],
  ])('K8 asked for %s, %j is no answer', (format, answer) => {
    expect(metered(format, answer)).toMatchObject({ shown: null, usage: { source: 'none' } })
  })

  it('the long answer is asked for to know the seconds, and the short one is delivered', () => {
    const request = asked(audioTranscriptions, form([MODEL, FILE]), FORM_HEAD)
    const sent = audioTranscriptions.rewrite(request, 0, 'other')
    expect(Buffer.from(sent.body).toString('latin1')).toContain('verbose_json')
    expect(metered(null, LONG)).toMatchObject({ shown: '{"text":"a"}', usage: { second: 9 } })
    expect(metered('verbose_json', LONG).shown).toBe(LONG)
  })

  it('K5 a backend that refuses the long one gets what the client wrote', () => {
    const request = asked(audioTranscriptions, form([MODEL, FILE]), FORM_HEAD)
    const says = bytes('{"error":{"message":"response_format verbose_json is not supported"}}')
    const refused = audioTranscriptions.respell(request, says, new Set())
    if (refused === null) throw new Error('it is not spelled anew')
    const [first, second] = [undefined, refused].map((names) =>
      audioTranscriptions.rewrite(request, 0, 'other', names),
    )
    expect(second?.contentType).toBe(first?.contentType)
    expect(Buffer.from(second?.body ?? '').toString('latin1')).not.toContain('verbose_json')
    expect(audioTranscriptions.respell(request, says, refused)).toBeNull()
    const own = asked(
      audioTranscriptions,
      form([MODEL, FILE, ['response_format', 'verbose_json']]),
      FORM_HEAD,
    )
    expect(audioTranscriptions.respell(own, says, new Set())).toBeNull()
  })
})
