import { describe, expect, it } from 'vitest'
import type { Backend } from '../../../../src/dialects/dialect.ts'
import { dialects } from '../../../../src/dialects/index.ts'
import { countTokens } from '../../../../src/money/tokens.ts'
import { clientReads } from '../../../contract/openai.ts'
import { type Recorded, recorded } from '../../../fixtures/recorded/recorded.ts'
import { feed, HEAD, mustRead } from '../../../support/dialects.ts'

const BACKEND = { llamacpp: 'llamacpp', ollama: 'ollama', litellm: 'other' } as const

/** A meter that was fed with the answer of a recorded exchange. */
function replay(exchange: Recorded, backend: Backend) {
  const dialect = dialects.find(({ path }) => path === exchange.path)
  if (dialect === undefined) throw new Error(exchange.path)
  const asked = mustRead(dialect, exchange.request.toString())
  const limit = asked.limit ?? 2_048
  const granted = { output: limit * asked.choices, limit, count: countTokens }
  const meter = dialect.meter(asked, granted, backend)
  if (asked.stream) return feed(meter, [exchange.response])
  const out = meter.whole(exchange.response)
  return { out: Buffer.from(out ?? []).toString(), seen: { ...meter.seen }, usage: meter.usage(19) }
}

type Server = keyof typeof BACKEND
describe('what real servers sent is charged as', () => {
  // The estimate of the prompt is 7 tokens for a stream, and 19 for a whole answer.
  it.each<[Server, string, string]>([
    ['llamacpp', 'chat', '19 (0 cached) + 40 reported'],
    ['llamacpp', 'chat-thinking', '21 (19 cached) + 16 reported'],
    ['llamacpp', 'chat-tools', '244 (0 cached) + 46 reported'],
    ['llamacpp', 'chat-json-schema', '19 (18 cached) + 60 reported'],
    ['llamacpp', 'chat-stream', '19 (18 cached) + 6 reported'], // by its timings
    ['llamacpp', 'chat-stream-usage', '19 (18 cached) + 6 reported'],
    ['llamacpp', 'chat-stream-usage-false', '19 (18 cached) + 6 reported'],
    ['llamacpp', 'chat-thinking-stream', '21 (20 cached) + 16 reported'],
    ['llamacpp', 'chat-tools-stream', '244 (243 cached) + 46 reported'],
    ['llamacpp', 'chat-logprobs-stream', '19 (18 cached) + 2 reported'],
    ['llamacpp', 'chat-n2-stream', '19 (18 cached) + 6 reported'], // a usage for each choice
    ['llamacpp', 'chat-n2', '19 (18 cached) + 7 counted'], // it reports one of two choices
    ['llamacpp', 'chat-stream-aborted', '7 (0 cached) + 5 counted'],
    ['llamacpp', 'completion', '2 (0 cached) + 6 reported'],
    ['llamacpp', 'completion-prompts', '19 (1 cached) + 4 counted'], // and one of two prompts
    ['llamacpp', 'completion-stream', '2 (1 cached) + 4 reported'],
    ['llamacpp', 'completion-stream-usage', '2 (1 cached) + 4 reported'],
    ['llamacpp', 'embeddings-base64', '4 (0 cached) + 0 reported'],
    ['ollama', 'chat', '19 (0 cached) + 59 reported'],
    ['ollama', 'chat-n2', '19 (0 cached) + 4 reported'], // it makes one choice, whatever n
    ['ollama', 'chat-max-completion-tokens', '19 (0 cached) + 59 reported'], // it ignored the limit
    ['ollama', 'chat-stream', '7 (0 cached) + 2 counted'],
    ['ollama', 'chat-stream-usage', '19 (0 cached) + 4 reported'],
    ['ollama', 'completion', '14 (0 cached) + 4 reported'],
    ['ollama', 'completion-stream', '7 (0 cached) + 2 counted'],
    ['ollama', 'completion-stream-usage', '14 (0 cached) + 3 reported'], // zeros in all but the last
    ['ollama', 'embeddings-base64', '4 (0 cached) + 0 reported'],
    ['ollama', 'native-chat', '19 (0 cached) + 4 reported'],
    ['ollama', 'native-chat-stream', '19 (0 cached) + 3 reported'],
    ['ollama', 'native-chat-stream-aborted', '7 (0 cached) + 3 counted'],
    ['ollama', 'native-generate', '14 (0 cached) + 4 reported'],
    ['ollama', 'native-generate-stream', '14 (0 cached) + 3 reported'],
    ['ollama', 'native-embed', '7 (0 cached) + 0 reported'],
    ['ollama', 'native-embeddings-old', '19 (0 cached) + 0 counted'], // it reports nothing
    ['litellm', 'chat', '19 (18 cached) + 6 reported'],
    ['litellm', 'chat-stream', '7 (0 cached) + 3 counted'],
    ['litellm', 'chat-stream-usage', '19 (18 cached) + 4 reported'],
    ['litellm', 'completion', '2 (1 cached) + 4 reported'],
    ['litellm', 'completion-stream', '7 (0 cached) + 2 counted'], // zeros only
    ['llamacpp', 'responses', '19 (18 cached) + 6 reported'],
    ['llamacpp', 'responses-stream', '19 (18 cached) + 6 reported'],
    ['ollama', 'responses', '19 (0 cached) + 4 reported'],
    ['ollama', 'responses-stream', '19 (0 cached) + 3 reported'],
    ['litellm', 'responses', '19 (18 cached) + 3 reported'],
  ])('%s %s: %s', (server, name, expected) => {
    const { usage, seen } = replay(recorded(server, name), BACKEND[server])
    const { input, cached, output, source } = usage
    expect(`${input} (${cached} cached) + ${output} ${source}`).toBe(expected)
    expect(seen).toMatchObject({ error: null, done: !name.endsWith('aborted') })
  })
})

describe('A2 what a client sees that did not ask for usage', () => {
  const unasked = (exchange: Recorded): Recorded => {
    const { stream_options: _, ...request } = JSON.parse(exchange.request.toString())
    return { ...exchange, request: Buffer.from(JSON.stringify(request)) }
  }

  /** Events without the values that differ between two runs. */
  const events = (stream: string): unknown[] =>
    clientReads(stream).map((event) => {
      if (typeof event !== 'object') return event
      const { id: _, created: __, timings: ___, ...rest } = event as Record<string, unknown>
      return rest
    })

  it.each<[Server, string, string]>([
    ['llamacpp', 'chat-stream-usage', 'chat-stream'],
    ['ollama', 'chat-stream-usage', 'chat-stream'],
    ['ollama', 'completion-stream-usage', 'completion-stream'],
    ['litellm', 'chat-stream-usage', 'chat-stream'],
  ])('%s %s is then %s', (server, name, plain) => {
    const { out } = replay(unasked(recorded(server, name)), BACKEND[server])
    expect(events(out)).toEqual(events(recorded(server, plain).response.toString()))
  })

  it('llama.cpp sends the usage of completions anyway: it stays, byte for byte', () => {
    const exchange = unasked(recorded('llamacpp', 'completion-stream-usage'))
    expect(replay(exchange, 'llamacpp').out).toBe(exchange.response.toString())
  })

  it('and a client that asked for it sees every byte', () => {
    for (const [server, name] of [
      ['llamacpp', 'chat-stream-usage'],
      ['llamacpp', 'chat-n2-stream'],
      ['ollama', 'completion-stream-usage'],
      ['litellm', 'chat-stream-usage'],
    ] as const) {
      const exchange = recorded(server, name)
      expect(replay(exchange, BACKEND[server]).out).toBe(exchange.response.toString())
    }
  })
})

it('A7 I6 Ollama ignored the limit: the meter reports it when our own count is four times the grant', () => {
  const exchange = recorded('ollama', 'chat-stream')
  const [chat] = dialects
  const asked = mustRead(chat!, exchange.request.toString())
  const meter = chat!.meter(asked, { output: 50, limit: 50, count: countTokens }, 'ollama')
  const [first] = exchange.response.toString().split(/(?<=\n\n)/)
  let text = ''
  while (!meter.seen.over && text.length < 10_000) {
    meter.stream(Buffer.from(first!))
    text += JSON.parse(first!.slice(6)).choices[0].delta.content
  }
  const tokens = countTokens(text)
  expect(tokens).toBeGreaterThan(4 * 50)
  expect(tokens).toBeLessThan(8 * 50)
})

it('A7 the beginning of a picture, at which llama.cpp failed, is refused before', () => {
  const [chat] = dialects
  const read = chat!.read(recorded('llamacpp', 'chat-image').request, HEAD)
  expect(read).toMatchObject({ ok: false, error: { status: 400, code: 'unsupported_content' } })
})
