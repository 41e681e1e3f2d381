import { describe, expect, it } from 'vitest'
import { ollamaChat } from '../../../../src/dialects/ollama/chat.ts'
import { ollamaEmbed } from '../../../../src/dialects/ollama/embed.ts'
import { ollamaGenerate } from '../../../../src/dialects/ollama/generate.ts'
import { msat } from '../../../../src/money/msat.ts'
import { countTokens } from '../../../../src/money/tokens.ts'
import { bytes, feed, grant, mustRead } from '../../../support/dialects.ts'
import { png } from '../../../support/pictures.ts'
import { CHAT_LINES, COUNTS, clientReads, GENERATE_LINES } from './lines.ts'

const CHAT = { model: 'fake', messages: [{ role: 'user', content: 'hi' }] }
const APIS = [
  ['/api/chat', ollamaChat, CHAT, CHAT_LINES],
  ['/api/generate', ollamaGenerate, { model: 'fake', prompt: 'hi' }, GENERATE_LINES],
] as const

describe.each(APIS)(
  '%s, as servers write its stream',
  (_, dialect, body, { line, last, stream, whole }) => {
    const metered = (output?: number, more = {}) =>
      dialect.meter(mustRead(dialect, { ...body, ...more }), grant(output), 'other')
    const fed = (text: string) => feed(metered(), [bytes(text)])
    const usual = { input: 5, output: 3, source: 'reported' }
    const plain = fed(stream)

    it.each([
      ['A9 CRLF', stream.replaceAll('\n', '\r\n')],
      ['A9 blank lines between', stream.replaceAll('\n', '\n\n')],
      ['A9 the last line without its end', stream.trimEnd()],
      [
        'A9 white space around a line',
        stream.replaceAll('{"model"', '  {"model"').replaceAll('\n', ' \n'),
      ],
      ['K3 loading notes first', line('').repeat(30) + stream],
      [
        'K1 a reason on every line',
        stream.replaceAll('"done":false', '"done":false,"done_reason":""'),
      ],
      [
        'K4 the counts on every line',
        stream.replaceAll('"done":false', '"done":false,"prompt_eval_count":5,"eval_count":1'),
      ],
      [
        'K4 zero counts on every line',
        stream.replaceAll('"done":false', '"done":false,"prompt_eval_count":0,"eval_count":0'),
      ],
      ['a line after the last one', `${stream}${line(' and more')}`],
      ['the mark of another API at the end', `${stream}[DONE]\n`],
    ])('%s: billed and read the same', (_, text) => {
      const { out, usage } = fed(text)
      expect(usage).toMatchObject(usual)
      expect(clientReads(out)).toEqual(clientReads(plain.out))
    })

    it('J8 the line that ends the answer brings no more than was granted', () => {
      const own = metered(1)
      const text = line('Hi') + last({ ...COUNTS, eval_count: 1 }, ' word'.repeat(4_000))
      const out = Buffer.concat([own.stream(bytes(text)), own.cut(msat(1n))]).toString()
      expect(out.length).toBeLessThan(1_000)
      expect(clientReads(out).end).toBe('limit')
      expect(out.match(/"done":true/g)).toHaveLength(1)
    })

    it('J9 NaN and Infinity are read as the most tolerant client reads them', () => {
      const odd = stream.replaceAll('"done":false', '"done":false,"x":-Infinity,"y":NaN')
      expect(fed(odd).usage).toMatchObject(usual)
    })

    it('A9 the counts of the last line count, with cached tokens in them', () => {
      expect(fed(line('a') + last({ prompt_eval_count: 60, eval_count: 7 })).usage).toMatchObject({
        ...{ input: 60, cached: 0, output: 7, source: 'reported' },
      })
    })

    it.each([
      ['A6 no prompt count, as older versions wrote for a cached prompt', { eval_count: 3 }, 7, 3],
      ['A6 no counts', {}, 7, 2],
      ['A6 a negative count', { prompt_eval_count: -1, eval_count: -5 }, 7, 2],
      ['A6 a count as text', { prompt_eval_count: '5', eval_count: '9' }, 7, 3],
      ['A6 half a token', { prompt_eval_count: 5.5, eval_count: 0.5 }, 7, 2],
      ['A6 zero for some text', { prompt_eval_count: 0, eval_count: 0 }, 7, 2],
    ])('%s: counted, never free', (_, counts, input, output) => {
      expect(fed(line('Hi there') + last(counts)).usage).toMatchObject({
        ...{ input, output, source: 'counted' },
      })
    })

    it('J16 a report above the limit is charged at the limit, unless our own count is above it too', () => {
      const meter = metered(10)
      const { usage } = feed(meter, [
        bytes(line('Hi') + last({ prompt_eval_count: 5, eval_count: 5_000 })),
      ])
      expect(usage).toMatchObject({ input: 5, output: 10, source: 'counted' })
    })

    it('A5 an explicit zero counts where nothing flowed', () => {
      const { usage } = fed(line('') + last({ prompt_eval_count: 5, eval_count: 0 }))
      expect(usage).toMatchObject({ input: 5, output: 0 })
    })

    it.each([
      ['an error as text', '{"error":"out of memory at 10.0.0.1"}\n'],
      ['an error as an object', '{"error":{"message":"x"}}\n'],
      ['an error that says done', '{"error":"x","done":true}\n'],
      ['J9 half a line of JSON, and its end', '{"model":"fake","mes\n'],
      ['J9 a number', '5\n'],
      ['J9 HTML', '<html>\n'],
      [
        'J9 nested too deeply',
        `${line('', { tool_calls: JSON.parse('['.repeat(90) + ']'.repeat(90)) })}`,
      ],
    ])('K8 %s breaks the stream, and does not leave', (_, bad) => {
      const meter = metered()
      const before = Buffer.from(meter.stream(bytes(line('Hi')))).toString()
      expect(Buffer.from(meter.stream(bytes(bad + stream)))).toHaveLength(0)
      expect(meter.seen.error).not.toBeNull()
      const end = meter.broken({ code: 'upstream_error', message: 'It broke.' }, msat(5n))
      const told = before + Buffer.from(end).toString()
      expect(told.trimEnd().split('\n').at(-1)).toBe('{"error":"It broke.","cost_msat":5}')
      expect(clientReads(told)).toEqual({ made: 'Hi', end: 'error' })
      expect(meter.usage(7)).toMatchObject({ source: 'counted' })
    })

    it('K8 an error at the very beginning is no answer at all', () => {
      const meter = metered()
      expect(meter.stream(bytes('{"error":"x"}\n'))).toHaveLength(0)
      expect(meter.seen).toMatchObject({ output: false, done: false })
      expect(meter.usage(7)).toMatchObject({ source: 'none' })
    })

    it('K18 one line that is the whole answer is no stream, whatever its label', () => {
      const { isStream, answerType } = dialect.wire
      expect(isStream('application/x-ndjson', bytes(`${whole}\n`))).toBe(false)
      expect(isStream('application/json', bytes(stream))).toBe(true)
      expect(isStream(null, bytes(stream))).toBe(true)
      expect(answerType('application/x-ndjson')).toBe('application/json')
    })

    it('J8 a line that is far too much by itself is cut, and ends as at a limit', () => {
      const meter = metered(10)
      const out = Buffer.from(meter.stream(bytes(line('word '.repeat(5_000))))).toString()
      expect(meter.seen.over).toBe(true)
      const read = clientReads(out + Buffer.from(meter.cut(msat(5n))).toString())
      expect(read.end).toBe('limit')
      expect(read.made.length).toBeGreaterThan(10)
      expect(read.made.length).toBeLessThan(400)
    })

    it('J8 a whole answer beyond the grant is shortened, and says length', () => {
      const meter = metered(10)
      const body = last({ prompt_eval_count: 5, eval_count: 5_000 }, 'word '.repeat(5_000))
      const short = JSON.parse(Buffer.from(meter.whole(bytes(body)) ?? []).toString())
      expect(short).toMatchObject({ done: true, done_reason: 'length', eval_count: 10 })
      expect(clientReads(JSON.stringify(short)).made.length).toBeLessThan(100)
      // The hold is the most that is charged.
      expect(meter.usage(7).output).toBeGreaterThanOrEqual(10)
    })

    it('A7 an answer with thinking that fits a schema is made in two runs: the output is counted', () => {
      const thinking = 'I think about it for quite a while. '.repeat(10)
      const text =
        line('', { thinking }) + line('{"a":1}') + last({ prompt_eval_count: 5, eval_count: 3 })
      const asked = (more: object) => {
        const request = mustRead(dialect, { ...body, ...more })
        const meter = dialect.meter(request, { ...grant(), count: countTokens }, 'ollama')
        return feed(meter, [bytes(text)]).usage
      }
      const own = countTokens(thinking) + countTokens('{"a":1}')
      expect(asked({})).toMatchObject({ output: 3, source: 'reported' })
      const constrained = asked({ format: { type: 'object' } })
      expect(constrained).toMatchObject({ input: 5, source: 'counted' })
      expect(Math.abs((constrained.output ?? 0) - own)).toBeLessThan(5)
    })
  },
)

describe('K9 every string of a message is output', () => {
  it.each([
    ['content', { content: 'word '.repeat(100) }],
    ['thinking', { content: '', thinking: 'word '.repeat(100) }],
    [
      'the arguments of a call',
      {
        ...{ content: '' },
        tool_calls: [{ function: { name: 'f', arguments: { a: 'word '.repeat(100) } } }],
      },
    ],
    ['a member that nobody knows', { content: '', said: 'word '.repeat(100) }],
  ])('%s', (_, message) => {
    const meter = ollamaChat.meter(mustRead(ollamaChat, CHAT), grant(), 'other')
    const line = `${JSON.stringify({ model: 'fake', message: { role: 'assistant', ...message }, done: false })}\n`
    meter.stream(bytes(line))
    expect(meter.usage(7).output).toBeGreaterThanOrEqual(100)
  })

  it('of a whole answer, calls that do not fit are left out', () => {
    const call = (text: string) => ({ function: { name: 'f', arguments: { text } } })
    const tool_calls = [call('short'), call('word '.repeat(2_000)), call('short')]
    const message = { role: 'assistant', content: '', tool_calls }
    const meter = ollamaChat.meter(mustRead(ollamaChat, CHAT), grant(100), 'other')
    const body = { model: 'fake', message, done: true, prompt_eval_count: 5, eval_count: 9_000 }
    const short = JSON.parse(Buffer.from(meter.whole(bytes(body)) ?? []).toString())
    expect(short.message.tool_calls).toEqual([call('short')])
  })
})

describe('L19 pictures', () => {
  const picture = png([640, 480]).toString('base64')
  const tokens = (body: object, dialect: typeof ollamaChat = ollamaChat) => {
    const asked = mustRead(dialect, body)
    expect(asked.texts().join('')).not.toContain(picture.slice(0, 40))
    return [asked.ids, asked.most.input] as const
  }
  const message = (images: unknown) => ({
    model: 'm',
    messages: [{ role: 'user', content: 'hi', images }],
  })

  it('have a bound each, in messages and in a prompt, and pass', () => {
    const [one, most] = tokens(message([picture]))
    expect(one).toBeGreaterThan(50)
    expect(most).toBeGreaterThan(one)
    expect(tokens(message([picture, picture]))[0]).toBe(2 * one)
    expect(tokens({ model: 'm', prompt: 'hi', images: [picture] }, ollamaGenerate)[0]).toBe(one)
    const { body } = ollamaChat.rewrite(mustRead(ollamaChat, message([picture])), 9, 'ollama')
    expect(JSON.parse(Buffer.from(body).toString()).messages[0].images).toEqual([picture])
    expect(tokens(message([]))[0]).toBe(0)
  })

  it.each([
    ['no list', picture],
    ['no text', [5]],
    ['no base64', ['%%%']],
    ['no picture', [Buffer.from('<svg/>').toString('base64')]],
    ['a URL', ['http://169.254.169.254/x.png']],
    ['a picture that fills the memory', [png([60_000, 60_000]).toString('base64')]],
    ['too many', Array(101).fill(picture)],
  ])('%s is refused by name', (_, images) => {
    for (const [dialect, body] of [
      [ollamaChat, message(images)],
      [ollamaGenerate, { model: 'm', prompt: 'hi', images }],
    ] as const) {
      const read = dialect.read(bytes(body), { contentType: null, headers: {} })
      expect(read).toMatchObject({
        ok: false,
        error: { status: 400, param: expect.stringMatching(/images/) },
      })
    }
  })
})

describe('/api/embed', () => {
  const whole = (answer: object) => {
    const meter = ollamaEmbed.meter(
      mustRead(ollamaEmbed, { model: 'm', input: ['a', 'b'] }),
      grant(),
      'other',
    )
    return [meter.whole(bytes(answer)) !== null, meter.usage(7)] as const
  }
  it.each([
    [{ embeddings: [[1]], prompt_eval_count: 4 }, true, 4, 'reported'],
    [{ embeddings: [[1]] }, true, 7, 'counted'],
    [{ embeddings: [[1]], prompt_eval_count: -4 }, true, 7, 'counted'],
    [{ embeddings: 'AAAA' }, false, 7, 'none'],
  ])('%j', (answer, read, input, source) => {
    const [is, usage] = whole(answer)
    expect(is).toBe(read)
    if (read) expect(usage).toMatchObject({ input, output: 0, source })
    else expect(usage.source).toBe('none')
  })
})
