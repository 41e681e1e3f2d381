import { describe, expect, it } from 'vitest'
import {
  type ApiBed,
  apiBed,
  JSON_TYPE,
  REPORT,
  streamOf,
  TEXT,
  WORDS,
} from '../support/api-bed.ts'
import type { ApiRow, StreamRow } from '../support/api-row.ts'
import { ROWS } from '../support/api-rows.ts'
import { tick, until } from '../support/buyer.ts'

/** The habits of backends that every dialect with streams meets, through a whole gate. */

const STREAMING = ROWS.flatMap((row): [string, ApiRow, StreamRow][] =>
  row.stream === null ? [] : [[row.path, row, row.stream]],
)

describe.each(STREAMING)('%s: a stream', (_, row, stream) => {
  const streamed = (bed: ApiBed, more: object = {}) => bed.ask({ ...row.streams, ...more })
  const complete = { made: TEXT, end: 'done' }
  const isLines = stream.type.includes('json')

  it('K8 an error before any output is 502, written as this API writes it, and free', async () => {
    for (const pieces of [
      [stream.fails('secret of 10.0.0.7')],
      [''],
      ['\n\n'],
      ['data: [DONE]\n\n'],
      ['<html>no</html>'],
      ['{"object":"error","message":"secret of 10.0.0.7"}\n'],
    ]) {
      const bed = await apiBed(row)
      bed.streams(pieces)
      const { status, json, text } = await streamed(bed)
      expect([pieces, status, row.refusal(json ?? {})]).toEqual([pieces, 502, expect.any(String)])
      expect(text).not.toContain('10.0.0.7')
      expect(await bed.spent()).toBe(0)
      await bed.gate.proof()
    }
  })

  it('K8 an error behind its beginning ends it, and is free', async () => {
    const bed = await apiBed(row)
    bed.streams([stream.opens, stream.fails('secret of 10.0.0.7')])
    const { status, json, text } = await streamed(bed)
    if (status === 200) expect(stream.reads(text)).toEqual({ made: '', end: 'error' })
    else expect([status, row.refusal(json)]).toEqual([502, expect.any(String)])
    expect(text).not.toContain('10.0.0.7')
    expect(await bed.spent()).toBe(0)
    await bed.gate.proof()
  })

  it.each([
    ['before its first output', 0],
    ['between its words', 2],
    ['behind its last word', 3],
  ])('K2 silent for 10 s %s, it is kept open by bytes that disturb no reader', async (_, at) => {
    const bed = await apiBed(row)
    let goOn = () => {}
    const silence = new Promise<void>((then) => {
      goOn = then
    })
    const words = WORDS.map(stream.says)
    bed.streams([
      ...(at === 0 ? [] : [stream.opens + words.slice(0, at).join('')]),
      () => silence,
      (at === 0 ? stream.opens : '') + words.slice(at).join(''),
      stream.closes(TEXT, REPORT),
    ])
    const sent = bed.gate.client.start(bed.question({ ...row.streams }))
    let text = ''
    const over = sent.answer.then(async (response) => {
      for await (const piece of response.setEncoding('utf8')) text += piece
    })
    const last = WORDS[at - 1]?.trim() ?? ''
    await until(() => bed.gate.fake.running === 1 && text.includes(last))
    await tick(30)
    for (let times = 0; times < 2; times += 1) {
      const before = text.length
      bed.gate.world.advance(16_000)
      await until(() => text.length > before)
      expect(stream.reads(text)).toEqual({ made: WORDS.slice(0, at).join(''), end: null })
    }
    goOn()
    await over
    expect(stream.reads(text)).toEqual(complete)
    expect(await bed.spent()).toBe(8)
    await bed.gate.proof()
  })

  it.each<[string, (stream: string) => string]>([
    ['K7 CR LF for LF', (text) => text.replaceAll('\n', '\r\n')],
    [
      'J9 NaN in every event',
      (text) => text.replaceAll(/(^|data: )\{/gm, '$1{"nan":[NaN,-Infinity],'),
    ],
    [
      'K3 a byte order mark first, where JSON does not forbid it',
      (text) => (isLines ? text : `\uFEFF${text}`),
    ],
    ['J9 blank lines between events', (text) => text.replaceAll('\n\n', '\n\n\n\n')],
    [
      'J9 comments, where there are comments',
      (text) => (isLines ? text : `: hi\n\n${text.replaceAll('\n\n', '\n\n: hi\n\n')}`),
    ],
    ['J9 white space around its values', (text) => text.replaceAll(/(^|data: )\{/gm, '$1 \t{')],
    ['K7 no line end at its end', (text) => text.trimEnd()],
  ])('%s: it is read, and costs the same', async (_, bend) => {
    const bed = await apiBed(row)
    bed.streams([bend(streamOf(row))])
    const { text } = await streamed(bed)
    const plain = text.replaceAll(/NaN|-Infinity/g, '0').replace('\uFEFF', '')
    expect(stream.reads(plain.replaceAll(' \t{', '{'))).toEqual(complete)
    expect(await bed.spent()).toBe(8)
    await bed.gate.proof()
  })

  it.each(['application/json', 'text/plain', 'application/octet-stream', ''])(
    'K18 labelled %j, it is a stream all the same',
    async (label) => {
      const bed = await apiBed(row)
      bed.streams([streamOf(row)], { headers: label === '' ? {} : { 'content-type': label } })
      const { text, headers } = await streamed(bed)
      expect(headers['content-type']).toContain(stream.type)
      expect(stream.reads(text)).toEqual(complete)
      expect(await bed.spent()).toBe(8)
    },
  )

  it('K18 an answer in one piece to a request for a stream is delivered and charged once', async () => {
    for (const type of [JSON_TYPE, { 'content-type': stream.type }]) {
      const bed = await apiBed(row)
      bed.answers(JSON.stringify(row.whole(TEXT, REPORT)), { headers: type })
      const { status, text, json, headers } = await streamed(bed)
      const isStream = headers['content-type']?.includes(stream.type)
      const read = isStream ? stream.reads(text) : row.said(json)
      expect([status, read]).toEqual([200, complete])
      expect(await bed.spent()).toBe(8)
      await bed.gate.proof()
    }
  })
})
