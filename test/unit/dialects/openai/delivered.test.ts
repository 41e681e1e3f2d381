import { describe, expect, it } from 'vitest'
import { readJson } from '../../../../src/dialects/kit/tolerant-json.ts'
import { bytes, feed } from '../../../support/dialects.ts'
import { choice, DONE, END, event, meter, run, say } from './chat-events.ts'

describe('J9 what cannot be read is not delivered', () => {
  const SECRET = '"choices":[{"index":0,"delta":{"content":"secret"}}]'
  const deep = `${'['.repeat(200)}"secret"${']'.repeat(200)}`
  const abyss = `${'['.repeat(100_000)}"secret"${']'.repeat(100_000)}`
  it.each([
    ['a comma too many', `data: {${SECRET},}\n\n`],
    ['a comment in the JSON', `data: {/* x */${SECRET}}\n\n`],
    ['single quotes', `data: ${`{${SECRET}}`.replaceAll('"', "'")}\n\n`],
    ['keys without quotes', 'data: {choices:[{delta:{content:"secret"}}]}\n\n'],
    ['JSON that is cut off', `data: {${SECRET}\n\n`],
    ['a control character in a string', `data: {${SECRET.replace('secret', 'secret\t')}}\n\n`],
    ['two objects in one event', `data: {"a":1} {${SECRET}}\n\n`],
    ['a list of chunks', `data: [{${SECRET}}]\n\n`],
    ['a text', 'data: secret\n\n'],
    ['a string', 'data: "secret"\n\n'],
    ['a number', 'data: 42424242\n\n'],
    ['a line that is no field', `{${SECRET}}\n\n`],
    ['a field in capitals', `DATA: {${SECRET}}\n\n`],
    ['a field behind white space', ` data: {${SECRET}}\n\n`],
    ['another field', 'text: secret\n\n'],
    ['such a line behind a whole event', `${END.trimEnd()}\nsecret\n\n`],
    ['UTF-16', `data: ${Buffer.from(`{${SECRET}}`, 'utf16le').toString('latin1')}\n\n`],
    ['deep nesting', `data: {"choices":[{"index":0,"delta":{"content":${deep}}}]}\n\n`],
    ['deeper nesting', `data: {"choices":[{"index":0,"delta":{"odd":${abyss}}}]}\n\n`],
    ['deep thinking', `data: {"choices":[{"delta":{"reasoning":${deep}}}]}\n\n`],
    ['a deep message', `data: {"choices":[{"delta":{"content":""},"message":${deep}}]}\n\n`],
    ['deep arguments', `data: {"choices":[{"delta":{"function_call":{"arguments":${deep}}}}]}\n\n`],
    ['words behind the mark of the end', 'data: [DONE] secret\n\n'],
  ])('%s', (name, odd) => {
    const { seen, usage, out } = run(say('word') + odd + say('secret') + END + DONE)
    expect(out).not.toContain('secret')
    expect(out).toContain('word')
    if (!name.startsWith('words behind')) expect(seen.error).not.toBeNull()
    expect(usage).toMatchObject({ output: 1, source: 'counted' })
    // The same before anything was said: nothing is sent.
    const alone = run(odd + say('secret')).out
    expect(alone).toBe(name.startsWith('such a line') ? END : '')
  })

  it.each([
    ['an event without its end, behind the last reason', `${say('a')}${END}data: secret`],
    ['a line without its end', `${say('a')}${END}secret`],
  ])('%s, if the stream ends', (_, stream) => {
    expect(run(stream).out).not.toContain('secret')
  })

  it('NaN and the like are values, and inside a text they are text', () => {
    const text = '{"a":NaN,"b":[-Infinity,Infinity],"c":"\\"NaN\\" \\\\","d":{"NaN":-NaN}}'
    const value = { a: null, b: [null, null], c: '"NaN" \\', d: { NaN: null } }
    expect(readJson(text)).toEqual(value)
    for (const odd of ['{"a":NaN1}', '{"a":nul}', 'NaN NaN', '{NaN:1}', '"NaN']) {
      expect(readJson(odd)).toBeUndefined()
    }
  })

  it('invalid UTF-8 costs the same in any pieces, on the fast path or not', () => {
    const odd = (raw: Buffer) =>
      Buffer.concat([
        bytes('data: {"choices":[{"index":0,"delta":{"content":"'),
        raw,
        bytes('"}}]}\n\n'),
      ])
    const halves = [[0xe2, 0x82], [0xac], [0xff, 0x41], [0xc3], [0xa9]].map((raw) =>
      odd(Buffer.from(raw)),
    )
    const fast = feed(meter(), halves)
    const slow = feed(
      meter(),
      halves.map((half) => Buffer.concat([bytes(':\n'), half])),
    )
    expect(fast.seen).toEqual(slow.seen)
    expect(fast.usage).toEqual(slow.usage)
  })
})

describe('K8 an error in a stream', () => {
  const ERRORS: readonly unknown[] = [
    { object: 'error', message: 'no', type: 'BadRequestError', code: 400 },
    { type: 'error', error: { type: 'overloaded_error', message: 'no' } },
    { type: 'error', message: 'no' },
    { detail: 'no' },
    { detail: [{ msg: 'no' }] },
    { code: 500, message: 'no' },
    { code: 'E', msg: 'no' },
    { error: 'no' },
    { error: { code: 7 } },
    { error_code: 17, error_msg: 'no' },
    { errors: [{ message: 'no' }] },
    { status: 'error', message: 'no' },
    { success: false },
    { choices: [{ index: 0, error: { message: 'no' }, delta: {} }] },
    { choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }] },
    { error: { message: 'no' }, choices: [{ index: 0, delta: { content: 'no' } }] },
  ]
  it.each(ERRORS.map((error) => [error]))('before any output is free: %j', (error) => {
    for (const stream of [event(error), event(error) + DONE, `: ping\n\n${event(error)}${DONE}`]) {
      const { seen, usage, out } = run(stream)
      expect(seen).toMatchObject({ output: false, done: false, finished: false })
      expect(seen.error).not.toBeNull()
      expect(usage).toMatchObject({ output: 0, source: 'none' })
      expect(out).toBe('')
    }
    const whole = meter()
    expect(whole.whole(bytes(error))).toBeNull()
    expect(whole.seen.output).toBe(false)
  })

  it.each(ERRORS.map((error) => [error]))(
    'midway leaves what flowed to be charged: %j',
    (error) => {
      const { seen, usage, out } = run(say('word') + event(error) + say('more') + DONE)
      expect(seen).toMatchObject({ output: true, done: false })
      expect(seen.error).not.toBeNull()
      expect(usage).toMatchObject({ output: 1, source: 'counted' })
      expect(out).toBe(say('word'))
    },
  )

  it('by the name of its event', () => {
    for (const named of [
      'event: error\ndata: {"msg":"no"}\n\n',
      'event:error\nid: 7\ndata: {}\n\n',
    ]) {
      expect(run(named + DONE)).toMatchObject({ out: '', seen: { output: false, done: false } })
      expect(run(say('word') + named + DONE)).toMatchObject({ out: say('word') })
    }
  })

  it.each([
    ['[DONE] alone', DONE],
    ['[DONE] without its blank line', 'data: [DONE]'],
    ['comments and [DONE]', `: a\n\n: b\n\n${DONE}`],
    [
      'a usage alone',
      `${event({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 9 } })}${DONE}`,
    ],
    ['chunks without choices', event({ id: 'x' }) + event({ choices: [] }) + DONE],
    ['a message of another API', event({ message: { content: 'no' } }) + DONE],
    ['choices in capitals', event({ Choices: [{ Delta: { Content: 'no' } }] }) + DONE],
    ['nothing', ''],
  ])('%s is no answer', (_, stream) => {
    const { seen, out } = run(stream)
    expect(seen).toMatchObject({ output: false, done: false, finished: false })
    expect(out).toBe('')
  })

  it('what came before the first choice is delivered with it', () => {
    const before = `: hello\n\n${event({ choices: [], prompt_filter_results: [] })}`
    expect(run(before + say('a') + END + DONE).out).toBe(before + say('a') + END + DONE)
  })

  it('and a text in it is counted then', () => {
    const { seen, usage } = run(event({ message: { content: 'abcd' } }) + END + DONE)
    expect(seen).toMatchObject({ output: true, done: true })
    expect(usage).toMatchObject({ output: 1, source: 'counted' })
  })

  it('and its size is bounded', () => {
    const watching = meter()
    for (let i = 0; i < 100; i += 1) watching.stream(bytes(`: ${'x'.repeat(1_000)}\n\n`))
    expect(watching.seen.error).toContain('does not begin')
  })
})

describe('K9 every string that a delta carries is output', () => {
  it.each<[string, object]>([
    [
      'thinking in typed parts',
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'abcd' }] }] },
    ],
    ['a part of content', { content: [{ type: 'text', text: 'abcd' }] }],
    ['a part without a type', { content: ['abcd'] }],
    ['content as an object', { content: { parts: [{ text: 'abcd' }] } }],
    ['content as a number', { content: 1234 }],
    ['an unknown key', { novel: 'abcd' }],
    ['deep under unknown keys', { a: { b: [{ c: 'abcd' }] } }],
    ['what was said of sound', { audio: { id: 'x', transcript: 'abcd' } }],
    ['details of thinking', { reasoning_details: [{ type: 'reasoning.text', text: 'abcd' }] }],
    ['the same thinking twice, once', { reasoning: 'abcd', reasoning_details: [{ text: 'abcd' }] }],
    ['two kinds of thinking', { reasoning: 'ab', thinking: 'cd' }],
    ['a word under data', { data: 'abcd' }],
    ['a key in capitals', { Content: 'abcd' }],
    ['arguments as an object', { tool_calls: [{ function: { arguments: {} } }], content: 'ab' }],
  ])('%s', (_, delta) => {
    expect(run(choice({ delta }) + END).usage).toMatchObject({ output: 1, source: 'counted' })
  })

  const BASE64 = Buffer.alloc(3_000, 'secret').toString('base64')
  it.each<[string, object]>([
    ['a signature', { signature: BASE64 }],
    ['encrypted thinking', { reasoning_details: [{ type: 'reasoning.encrypted', data: BASE64 }] }],
    ['encrypted content', { encrypted_content: BASE64 }],
    ['a signature as a token', { signature: `${BASE64.slice(0, 90)}.${BASE64.slice(0, 90)}` }],
    ['sound', { audio: { id: 'x', data: BASE64 } }],
    ['ids and types', { id: 'abc', type: 'text', role: 'assistant', tool_call_id: 'call_1' }],
  ])('K3 but not %s', (_, delta) => {
    expect(run(choice({ delta })).seen).toMatchObject({ output: false, over: false })
  })

  it('K3 strings under unknown keys are charged, and never a reason to cut', () => {
    const { seen, usage } = run(choice({ delta: { novel: 'x'.repeat(40_000) } }).repeat(3) + END)
    expect(seen.over).toBe(false)
    expect(usage.output).toBe(1_000)
    expect(run(say('x'.repeat(40_000)) + END).seen.over).toBe(true)
  })

  it('keys that a buyer has chosen hide nothing', () => {
    const schema = Object.fromEntries(
      Array.from({ length: 400 }, (_, i) => [`a${i}_id`, 'word '.repeat(20)]),
    )
    const whole = meter()
    whole.whole(bytes({ choices: [{ message: { content: schema }, finish_reason: 'stop' }] }))
    expect(whole.usage(7).output).toBe(1_000)
    expect(run(choice({ delta: { type: 'x'.repeat(400) } }) + END).usage.output).toBe(100)
    expect(run(choice({ delta: {}, provider: 'x'.repeat(400) }) + END).usage.output).toBe(100)
  })

  it('an answer told token by token beside itself is counted once', () => {
    const content = Array.from({ length: 50 }, () => ({ token: ' word', top_logprobs: [] }))
    const text = ' word'.repeat(50)
    const { usage } = run(choice({ delta: { content: text }, logprobs: { content } }) + END)
    expect(usage.output).toBe(Math.ceil(text.length / 4))
  })

  it('K1 a text under an unknown key means that the choice goes on, too', () => {
    const { seen } = run(say('a') + END + choice({ delta: { novel: 'abcd' } }))
    expect(seen).toMatchObject({ finished: false, finishes: 1 })
  })

  it('K4 of a delta and a message only the delta is read', () => {
    const both = choice({ delta: { content: 'abcd' }, message: { content: 'abcd' } })
    expect(run(both + END).usage.output).toBe(1)
    const last = choice({ delta: {}, message: { content: 'abcd1234' }, finish_reason: 'stop' })
    expect(run(say('abcd') + say('1234') + last).usage.output).toBe(2)
    const alone = choice({ message: { content: 'abcd' } })
    expect(run(alone.repeat(3) + END).usage.output).toBe(3)
  })
})
