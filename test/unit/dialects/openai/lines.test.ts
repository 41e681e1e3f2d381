import { describe, expect, it } from 'vitest'
import { msat } from '../../../../src/money/msat.ts'
import { clientReads } from '../../../contract/openai.ts'
import { bytes } from '../../../support/dialects.ts'
import { DONE, END, event, meter, run, say } from './chat-events.ts'

describe('events with one line feed between them', () => {
  const line = (stream: string) => stream.trimEnd()
  const REPORT = event({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 } })

  it('K7 each is sent at once, and a usage that we asked for is removed without its neighbours', () => {
    const watching = meter()
    const lines = [say('a'), say('b'), END].map((each) => `${line(each)}\n`)
    for (const each of lines) {
      expect(Buffer.from(watching.stream(bytes(each))).toString()).toBe(each)
    }
    expect(watching.stream(bytes(`${line(REPORT)}\n`))).toHaveLength(0)
    expect(watching.stream(bytes(DONE))).toHaveLength(0)
    const end = Buffer.from(watching.finish(msat(7n))).toString()
    expect(end).toBe(`\n: satgate cost_msat=7\n${DONE}`)
    expect(watching.usage(7)).toMatchObject({ input: 5, output: 2, source: 'reported' })
  })

  it('K7 [DONE] needs no blank line while the connection stays open', () => {
    for (const end of ['\n', '\r\n']) {
      const watching = meter()
      const lines = [say('a'), END].map((each) => `${line(each)}${end}`).join('')
      watching.stream(bytes(`${lines}data: [DONE]${end}`))
      expect(watching.seen.done).toBe(true)
      expect(Buffer.from(watching.finish()).toString()).toBe(`${end}data: [DONE]${end}${end}`)
    }
  })

  it('K7 our own bytes begin with the missing line feed, and make no empty event', () => {
    const watching = meter()
    const out: string[] = []
    const add = (part: Uint8Array) => void out.push(Buffer.from(part).toString())
    add(watching.stream(bytes(`${line(say('a'))}\n`)))
    add(watching.keepAlive())
    add(watching.stream(bytes('\n')))
    add(watching.stream(bytes(`${line(say('b'))}\n`)))
    add(watching.broken({ code: 'x', message: 'x' }))
    const text = out.join('')
    expect(clientReads(text)).toHaveLength(4)
    expect(text).not.toContain('\n\n\n')
  })

  it('K7 a usage in an event of its own is removed with its blank line', () => {
    for (const stream of [
      say('a') + END + REPORT + DONE,
      `${say('a')}${END}: x\n${REPORT}${DONE}`,
    ]) {
      expect(run(stream).out).toBe(say('a') + END + DONE)
    }
  })

  it('K7 an event of several lines stays one, also if one of them is an object', () => {
    const value = { choices: [{ index: 0, delta: { content: 'abcd' }, finish_reason: 'stop' }] }
    const lines = JSON.stringify(value, null, 1).replaceAll('{\n', '{ \n').split('\n')
    const odd = [
      '{"choices":[',
      '{"index":0,"delta":{"content":"abcd"},"finish_reason":"stop"}',
      ']}',
    ]
    for (const parts of [lines, odd]) {
      const text = `${parts.map((part) => `data: ${part}\n`).join('')}\n${DONE}`
      const { out, seen, usage } = run(text)
      expect([out, seen.error, seen.finished, usage.output]).toEqual([text, null, true, 1])
    }
  })
})
