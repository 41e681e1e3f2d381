/** The requests for every target. Only the headers differ that a target needs. */

/** `messages` and `ollama` are paced streams of these APIs. The others are chat completions. */
export type Kind = 'whole' | 'burst' | 'paced' | 'messages' | 'ollama'

export const isPaced = (kind: Kind): boolean =>
  kind === 'paced' || kind === 'messages' || kind === 'ollama'

export const PATHS: Readonly<Record<Kind, string>> = {
  whole: '/v1/chat/completions',
  burst: '/v1/chat/completions',
  paced: '/v1/chat/completions',
  messages: '/v1/messages',
  ollama: '/api/chat',
}

/**
 * 50 events, the first after 5 ms. A stream lasts about a second, so 1,000 of them are 50,000
 * events/s.
 */
export const PACED = { events: 50, firstMs: 5, everyMs: 20 }

/** One measurement, done by `load.ts`. */
export interface Job {
  readonly port: number
  readonly request: string
  readonly status: number
  readonly connections: number
  /** Seconds that are measured, after the ramp. */
  readonly seconds: number
  /** The job ends earlier when that many requests have been answered. Null: it does not. */
  readonly requests: number | null
  /** ms over which the start of the connections is spread. They are not measured. */
  readonly rampMs: number
  /**
   * Requests per second, whatever the answers do. Null: each connection sends its next request
   * after an answer.
   */
  readonly rate: number | null
}

export interface Figures {
  /** Complete answers per second. */
  readonly perSecond: number
  /** ms from the request to the end of the answer. Null if none ended. */
  readonly p50: number | null
  readonly p99: number | null
  /** Requests that were answered whole while it measured. */
  readonly count: number
  /** ms from the request to the first event. Null if there was no stream. */
  readonly firstP50: number | null
  readonly firstP99: number | null
  /** Another status, a broken connection, or an incomplete answer. A run with an error does not count. */
  readonly errors: number
}

const TURN =
  'Name the three things that a streaming proxy must never do, and give one reason for each of them. '

const SYSTEM = 'You answer in short and plain sentences.'
const USER = { role: 'user', content: TURN.repeat(8) }
const WITH_SYSTEM = [{ role: 'system', content: SYSTEM }, USER]
const LIMITS = { max_tokens: 200, temperature: 0.7 }
const STREAMED = { ...LIMITS, stream: true, stream_options: { include_usage: true } }

/** The same chat in each API. */
const BODIES: Readonly<Record<Kind, object>> = {
  whole: { messages: WITH_SYSTEM, ...LIMITS },
  burst: { messages: WITH_SYSTEM, ...STREAMED },
  paced: { messages: WITH_SYSTEM, ...STREAMED },
  messages: { system: SYSTEM, messages: [USER], ...LIMITS, stream: true },
  ollama: { messages: WITH_SYSTEM, options: { num_predict: 200, temperature: 0.7 } },
}

/** A chat of about 1 kB, as bytes of HTTP/1.1. `headers` are further lines of its head. */
export function requestOf(kind: Kind, headers: readonly string[]): string {
  const body = JSON.stringify({ model: kind, ...BODIES[kind] })
  const lines = [
    `POST ${PATHS[kind]} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...headers,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
