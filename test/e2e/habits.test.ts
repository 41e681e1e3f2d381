import { describe, expect, it } from 'vitest'
import { startGate } from '../support/gate.ts'
import type { Script } from '../support/upstream.ts'

/** Habits of backends from public reports, each through a whole gate. */

/** An input token costs nothing and an output token one sat. */
const PRICES = { pricing: { default: '0/1000', maxOutputTokens: 200 } }

const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`
const choice = (content: string, finish_reason: unknown = null, more: object = {}) =>
  event({ id: 'x', choices: [{ index: 0, delta: { content }, finish_reason }], ...more })
const usage = (output: number) => ({ prompt_tokens: 3, completion_tokens: output })
const REPORT = event({ id: 'x', choices: [], usage: usage(4) })
const DONE = 'data: [DONE]\n\n'
const WORDS = ['one', ' two', ' three', ' four']

async function ask(script: Script, body: object = {}) {
  const gate = await startGate({ settings: PRICES })
  gate.fake.script = script
  const pass = await gate.buy(1_000)
  const answer = await gate.chat(pass, { stream: true, ...body })
  const last = await gate.last()
  await gate.proof()
  return { answer, last, sats: (last.charged_msat ?? 0) / 1_000 }
}

/** What a client shows that reads line by line. */
function shown(text: string): string {
  const data = text.split('\n').filter((line) => line.startsWith('data: {'))
  const deltas = data.map((line) => JSON.parse(line.slice(6)).choices?.[0]?.delta?.content ?? '')
  return deltas.join('')
}

describe('K1 a finish_reason that means nothing', () => {
  it('all words, [DONE] and the reported usage arrive, and the two seconds begin anew with each', async () => {
    const reasons = ['', 'null', 'none', {}, 'stop']
    await Promise.all(
      reasons.map(async (reason) => {
        const words = WORDS.map((word) => choice(word, reason))
        const pieces = [...words, choice('', 'stop'), REPORT, DONE]
        const { answer, last, sats } = await ask({ pieces, paceMs: 700 })
        expect(shown(answer.text)).toBe('one two three four')
        expect(answer.text.endsWith(DONE)).toBe(true)
        expect([reason, last.end, last.usage, sats]).toEqual([reason, 'complete', 'reported', 4])
      }),
    )
  })

  it('and ends if nothing more comes', async () => {
    const words = WORDS.map((word) => choice(word, 'stop'))
    const { answer, last } = await ask({ pieces: words, staysOpen: true })
    expect(shown(answer.text)).toBe('one two three four')
    expect([last.end, last.usage]).toEqual(['complete', 'counted'])
  })
})

describe('K18 a stream with another label', () => {
  const stream = [...WORDS.map((word) => choice(word)), choice('', 'stop'), REPORT, DONE].join('')
  const label = (type: string | null): Record<string, string> =>
    type === null ? {} : { 'content-type': type }

  it.each([
    ['application/json', 'application/json', stream],
    ['no label', null, stream],
    ['text/plain, a comment first', 'text/plain', `: hello\n\n${stream}`],
    ['a byte order mark and blank lines first', 'application/json', `\uFEFF\n\n${stream}`],
    ['an event name first', 'application/octet-stream', `event: x\n${stream}`],
  ])('%s: is a stream, and is metered as one', async (_, type, text) => {
    for (const pieces of [[text], [...text]]) {
      const { answer, last, sats } = await ask({ pieces, headers: label(type) })
      expect(answer.headers['content-type']).toContain('text/event-stream')
      expect(shown(answer.text)).toBe('one two three four')
      expect([last.end, last.usage, sats]).toEqual(['complete', 'reported', 4])
    }
  })

  const whole = JSON.stringify({
    choices: [{ index: 0, message: { content: 'one two' }, finish_reason: 'stop' }],
    usage: usage(2),
  })
  it.each([['application/json'], ['text/event-stream']])(
    'an answer that is no stream, labelled %s, is metered whole',
    async (type) => {
      const { answer, last, sats } = await ask({ pieces: [whole], headers: label(type) })
      expect([answer.status, answer.json.choices[0].message.content]).toEqual([200, 'one two'])
      expect(answer.headers['content-type']).toContain('application/json')
      expect([last.end, last.usage, sats]).toEqual(['complete', 'reported', 2])
    },
  )

  it.each([['<html>no</html>'], [''], ['\n\n'], ['da']])(
    '%j is no answer: 502, free',
    async (text) => {
      const { answer, sats } = await ask({ pieces: [text], headers: {} })
      expect([answer.status, sats]).toEqual([502, 0])
    },
  )
})
