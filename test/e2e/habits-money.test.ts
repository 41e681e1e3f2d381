import { describe, expect, it } from 'vitest'
import { startGate } from '../support/gate.ts'

/**
 * The price of streams of unusual backends, through a whole gate. Input is free, and an output
 * token costs one sat.
 */
const PRICES = { pricing: { default: '0/1000', maxOutputTokens: 50 } }

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const delta = (delta: object, more: object = {}) =>
  event({ id: 'x', choices: [{ index: 0, delta, finish_reason: null }], ...more })
const say = (content: string) => delta({ content })
const END = event({ id: 'x', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
const DONE = 'data: [DONE]\n\n'
const usage = (completion_tokens: number, more: object = {}) => ({
  prompt_tokens: 3,
  completion_tokens,
  ...more,
})
const words = (count: number) => Array.from({ length: count }, () => say(' word')).join('')

async function ask(pieces: readonly string[], stream = true) {
  const gate = await startGate({ settings: PRICES })
  gate.fake.script = stream
    ? { pieces }
    : { pieces, headers: { 'content-type': 'application/json' } }
  const pass = await gate.buy(1_000)
  const answer = await gate.chat(pass, { stream })
  const { end, usage, charged_msat } = await gate.last()
  await gate.proof()
  return { answer, paid: [end, usage, (charged_msat ?? 0) / 1_000] }
}

describe('a stream that writes its tokens in unusual ways', () => {
  const sofar = Array.from({ length: 40 }, (_, i) => ' word'.repeat(i + 1))
  it.each<[string, string, [string, number]]>([
    ['K3 one character per delta', [...' word word'].map(say).join('') + END, ['counted', 2]],
    ['K3 loading notes first', delta({ content: '' }).repeat(60) + words(3) + END, ['counted', 3]],
    [
      'K3 a long signature',
      say(' word') + delta({ signature: 'QUJD'.repeat(5_000) }) + END,
      ['counted', 1],
    ],
    ['K4 the text so far, no usage', sofar.map(say).join('') + END, ['counted', 40]],
    [
      'K4 the text so far, and a running usage',
      sofar.map((content, i) => delta({ content }, { usage: usage(i + 1) })).join('') + END,
      ['reported', 40],
    ],
    [
      'K4 a message beside the delta',
      event({
        choices: [{ index: 0, delta: { content: ' word' }, message: { content: ' word' } }],
      }).repeat(3) + END,
      ['counted', 3],
    ],
    ['K7 parted by one line feed', (words(3) + END).replaceAll('\n\n', '\n'), ['counted', 3]],
    [
      'K9 thinking in typed parts',
      delta({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: ' word word' }] }] }) +
        END,
      ['counted', 2],
    ],
    [
      'K10 a total above the sum',
      words(2) + END + event({ choices: [], usage: usage(2, { total_tokens: 25 }) }),
      ['reported', 22],
    ],
    [
      'J16 hidden thinking past the limit',
      words(2) + END + event({ choices: [], usage: usage(5_120) }),
      ['counted', 50],
    ],
    [
      'J9 -Infinity in every event',
      words(3).replaceAll('"index":0', '"index":0,"logprobs":-Infinity') + END,
      ['counted', 3],
    ],
  ])('%s: all of it arrives, and is paid once', async (_, text, [source, sats]) => {
    const { answer, paid } = await ask([text, DONE])
    expect(answer.status).toBe(200)
    // The request did not ask for usage.
    const own = text.replaceAll(/,"usage":\{[^}]*\}/g, '').trimEnd()
    expect(answer.text).toContain(own.slice(0, 200))
    expect(answer.text.endsWith(DONE)).toBe(true)
    expect(paid).toEqual(['complete', source, sats])
  })

  it('K7 each line is sent before the next one comes', async () => {
    const gate = await startGate({ settings: PRICES })
    const line = (text: string) => `${say(text).trimEnd()}\n`
    gate.fake.script = { pieces: [line('one'), line(' two'), `${END}${DONE}`], paceMs: 400 }
    const pass = await gate.buy(1_000)
    const stream = await gate.client.open(gate.chatQuestion(pass, { stream: true }))
    await stream.until('one')
    expect(stream.text()).not.toContain('two')
    await stream.over
  })
})

describe('what cannot be read', () => {
  it.each([
    ['broken JSON', 'data: {"choices":[{"delta":{"content":"secret"}},]}\n\n'],
    ['a line that is no field', '{"choices":[{"delta":{"content":"secret"}}]}\n\n'],
    ['a text', 'data: secret\n\n'],
  ])('J9 %s ends the stream, undelivered; what came before is paid', async (_, odd) => {
    const { answer, paid } = await ask([words(3), odd, say('secret').repeat(100), DONE])
    expect(answer.text).not.toContain('secret')
    expect(answer.text).toContain('"code":"upstream_error"')
    expect(paid).toEqual(['upstream_failed', 'counted', 3])
  })

  it.each([
    ['an error object', event({ object: 'error', message: 'out of memory', code: 500 })],
    ['a detail', event({ detail: 'out of memory' })],
    ['a code and a message', event({ code: 7, message: 'out of memory' })],
    ['an error type', event({ type: 'error', message: 'out of memory' })],
    ['nothing', ''],
    ['a usage alone', event({ choices: [], usage: usage(9) })],
    ['broken JSON at once', 'data: {"choices":[{"delta":{"content":"out of memory"}},]}\n\n'],
  ])('K8 %s and [DONE]: 502, free', async (_, text) => {
    const { answer, paid } = await ask([text + DONE])
    expect([answer.status, answer.json.error.code]).toEqual([502, 'upstream_error'])
    expect(answer.text).not.toContain('out of memory')
    expect(paid).toEqual(['upstream_failed', 'none', 0])
  })

  it.each([
    ['an error object', { object: 'error', message: 'out of memory', code: 500 }],
    ['an error in a choice', { choices: [{ error: { message: 'out of memory' }, message: {} }] }],
  ])('K8 the same as when buffered: %s', async (_, body) => {
    const { answer, paid } = await ask([JSON.stringify(body)], false)
    expect([answer.status, paid]).toEqual([502, ['upstream_failed', 'none', 0]])
  })
})

describe('a backend that does not stop', () => {
  it('K3 in one burst: nothing is sent after the event that was too much', async () => {
    const { answer, paid } = await ask([words(3_000), END, DONE])
    const delivered = answer.text.match(/word/g)?.length ?? 0
    expect(delivered).toBeGreaterThan(4 * 50)
    expect(delivered).toBeLessThan(8 * 50)
    expect(answer.text).toContain('"finish_reason":"length"')
    expect(paid).toEqual(['complete', 'counted', 50])
  })
})
