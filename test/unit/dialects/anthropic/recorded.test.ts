import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../../../src/dialects/anthropic/messages.ts'
import { countTokens } from '../../../../src/money/tokens.ts'
import { recorded } from '../../../fixtures/recorded/recorded.ts'
import { feed, mustRead } from '../../../support/dialects.ts'
import { reads } from './sample.ts'

const BACKEND = { llamacpp: 'llamacpp', ollama: 'ollama', litellm: 'other' } as const
type Server = keyof typeof BACKEND

/** A meter that was fed with the answer of a recorded exchange. */
function replay(server: Server, name: string) {
  const exchange = recorded(server, name)
  const asked = mustRead(anthropicMessages, exchange.request.toString())
  const limit = asked.limit ?? 2_048
  const granted = { output: limit, limit, count: countTokens }
  const meter = anthropicMessages.meter(asked, granted, BACKEND[server])
  if (asked.stream) return { exchange, ...feed(meter, [exchange.response]) }
  const out = meter.whole(exchange.response)
  const text = Buffer.from(out ?? []).toString()
  return { exchange, out: text, seen: { ...meter.seen }, usage: meter.usage(19) }
}

describe('what real servers sent is charged as', () => {
  it.each<[Server, string, string]>([
    // llama.cpp leaves the tokens of its cache out of input_tokens.
    ['llamacpp', 'messages', '19 (18 cached) + 6 reported'],
    ['llamacpp', 'messages-no-max-tokens', '19 (18 cached) + 43 reported'],
    ['llamacpp', 'messages-stream', '19 (18 cached) + 6 reported'],
    ['ollama', 'messages', '19 (0 cached) + 4 reported'],
    // It begins with an estimate of 5, and ends with the 19 that it read.
    ['ollama', 'messages-stream', '19 (0 cached) + 3 reported'],
    // LiteLLM made 16 tokens where 4 and 3 were asked for, and begins with zeros.
    ['litellm', 'messages', '19 (18 cached) + 16 reported'],
    ['litellm', 'messages-stream', '19 (18 cached) + 16 reported'],
  ])('%s %s: %s', (server, name, expected) => {
    const { usage, seen } = replay(server, name)
    const { input, cached, output, source } = usage
    expect(`${input} (${cached} cached) + ${output} ${source}`).toBe(expected)
    expect(seen).toMatchObject({ error: null, done: true })
  })

  it('A2 a client sees every byte of a stream that ends within its limit', () => {
    for (const server of ['llamacpp', 'ollama'] as const) {
      const { out, exchange } = replay(server, 'messages-stream')
      expect(out).toBe(exchange.response.toString())
      expect(reads(out).end).toBe('limit')
    }
  })

  it('K8 a refusal is no answer', () => {
    for (const [server, name] of [
      ['ollama', 'messages-invalid-model'],
      ['llamacpp', 'messages-count-tokens'],
    ] as const) {
      const asked = mustRead(anthropicMessages, recorded('ollama', 'messages').request.toString())
      const granted = { output: 4, limit: 4, count: countTokens }
      const meter = anthropicMessages.meter(asked, granted, BACKEND[server])
      expect(meter.whole(recorded(server, name).response)).toBeNull()
      expect(meter.usage(19)).toMatchObject({ source: 'none' })
    }
  })
})
