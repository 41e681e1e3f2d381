import { until } from './buyer.ts'
import type { TestGate } from './gate.ts'
import type { Reading } from './readers.ts'
import type { Script } from './upstream.ts'

/** Input costs nothing, and an output token costs one sat. */
export const endingSettings = ({ limit }: Ending) => ({
  pricing: { default: '0/1000', maxOutputTokens: limit ?? 200 },
})

/** One way in which a stream can go, and what every reader of it must have seen. */
export interface Ending {
  readonly name: string
  /** What the backend sends. `end` is the end of each event. */
  readonly script: (end: string) => Script
  /** The request asks for usage. */
  readonly usage?: boolean
  /** The output limit if the request names none. */
  readonly limit?: number
  /** What happens while it runs. */
  readonly meanwhile?: (gate: TestGate, seen: () => string) => Promise<void>
  readonly reads: Partial<Reading>
  readonly msat: number
  /** The stream ends with `[DONE]`. */
  readonly ends: boolean
}

const chunk = (end: string, part: object) =>
  `data: ${JSON.stringify({ id: 'real', object: 'chat.completion.chunk', created: 7, model: 'm', ...part })}${end}`
const word = (end: string, text: string) =>
  chunk(end, { choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })
const stop = (end: string) =>
  chunk(end, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
const usage = (end: string) =>
  chunk(end, { choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } })
const done = (end: string) => `data: [DONE]${end}`
const all = (end: string) => [word(end, 'a'), word(end, 'b'), stop(end), usage(end), done(end)]
/** Waits until the test lets it go on. */
let go: () => void = () => {}

/** Lets a backend that waits go on to its end. */
export const letGo = (): void => go()

const hold = () =>
  new Promise<void>((then) => {
    go = then
  })
const WHOLE = {
  id: 'real',
  object: 'chat.completion',
  created: 7,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'ab' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
}

/** Moves the time on until the gate sends something into a silent stream by itself. */
async function silence(gate: TestGate, seen: () => string, what: RegExp): Promise<void> {
  const before = seen().match(what)?.length ?? 0
  gate.world.skip(10_500)
  await until(() => (seen().match(what)?.length ?? 0) > before)
}

const COMMENT = /^: waiting/gm
const EMPTY = /"delta":\{\},"logprobs":null,"finish_reason":null/g
const FULL = { text: 'ab', finish: 'stop', error: null, ids: ['real'] }

export const ENDINGS: readonly Ending[] = [
  {
    name: 'complete, usage not asked for',
    script: (end) => ({ pieces: all(end) }),
    reads: { ...FULL, usage: [] },
    msat: 2_000,
    ends: true,
  },
  {
    name: 'complete, usage asked for',
    script: (end) => ({ pieces: all(end) }),
    usage: true,
    reads: { ...FULL, usage: [{ prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }] },
    msat: 2_000,
    ends: true,
  },
  {
    name: 'cut at the ceiling',
    script: (end) => ({
      pieces: [...Array.from({ length: 60 }, () => word(end, ' word'.repeat(10))), hold],
    }),
    limit: 3,
    reads: { finish: 'length', error: null, ids: ['real'] },
    msat: 3_000,
    ends: true,
  },
  {
    name: 'an error event of the backend midway',
    script: (end) => ({
      pieces: [word(end, 'a'), word(end, 'b'), `data: {"error":{"message":"x"}}${end}`],
    }),
    reads: { text: 'ab', error: 'upstream_error', ids: ['real'] },
    msat: 1_000,
    ends: false,
  },
  {
    name: 'the backend breaks off within an event',
    script: (end) => ({ pieces: [word(end, 'a'), word(end, 'b'), word(end, 'c').slice(0, 40)] }),
    reads: { text: 'ab', error: 'upstream_error', ids: ['real'] },
    msat: 1_000,
    ends: false,
  },
  {
    name: 'a backend without [DONE]',
    script: (end) => ({ pieces: all(end).slice(0, 4) }),
    reads: { ...FULL },
    msat: 2_000,
    ends: false,
  },
  {
    name: 'a backend without [DONE], its last event without a blank line',
    script: (end) => ({ pieces: [word(end, 'a'), word(end, 'b'), stop(end).trimEnd()] }),
    reads: { ...FULL },
    msat: 1_000,
    ends: false,
  },
  {
    name: 'kept open before the first event',
    script: (end) => ({ pieces: [hold, ...all(end)] }),
    meanwhile: async (gate, seen) => {
      await silence(gate, seen, COMMENT)
      await silence(gate, seen, COMMENT)
      go()
    },
    reads: { ...FULL },
    msat: 2_000,
    ends: true,
  },
  {
    name: 'kept open in the middle',
    script: (end) => ({ pieces: [word(end, 'a'), hold, ...all(end).slice(1)] }),
    meanwhile: async (gate, seen) => {
      await until(() => seen().includes('"a"'))
      await silence(gate, seen, EMPTY)
      await silence(gate, seen, EMPTY)
      go()
    },
    reads: { ...FULL },
    msat: 2_000,
    ends: true,
  },
  {
    name: 'kept open, then refused',
    script: () => ({ before: hold, status: 500, body: 'no' }),
    meanwhile: async (gate, seen) => {
      await silence(gate, seen, COMMENT)
      go()
    },
    reads: { text: '', error: 'upstream_error' },
    msat: 0,
    ends: false,
  },
  {
    name: 'kept open, then answered in one piece',
    script: () => ({
      before: hold,
      body: JSON.stringify(WHOLE),
      headers: { 'content-type': 'application/json' },
    }),
    meanwhile: async (gate, seen) => {
      await silence(gate, seen, COMMENT)
      go()
    },
    reads: { ...FULL },
    msat: 2_000,
    ends: true,
  },
  {
    name: 'the backend goes silent',
    script: (end) => ({ pieces: [word(end, 'a'), word(end, 'b'), hold] }),
    meanwhile: async (gate, seen) => {
      await until(() => seen().includes('"b"'))
      gate.world.skip(121_000)
    },
    reads: { text: 'ab', error: 'upstream_timeout' },
    msat: 1_000,
    ends: false,
  },
  {
    name: 'the gate stops',
    script: (end) => ({ pieces: [word(end, 'a'), hold] }),
    meanwhile: async (gate, seen) => {
      await until(() => seen().includes('"a"'))
      await gate.composed.endStreams()
    },
    reads: { text: 'a', error: 'stopping' },
    msat: 0,
    ends: false,
  },
]
