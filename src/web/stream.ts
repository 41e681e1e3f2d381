import { field } from './json.ts'

/** One piece of an answer. */
export type Piece =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'thinking' }
  | { readonly is: 'cost'; readonly msat: number }
  | { readonly is: 'finish'; readonly reason: string }
  | { readonly is: 'error'; readonly message: string }

/** The pieces of an answer. Some backends send it whole although a stream was asked for. */
export async function* answerOf(response: Response): AsyncGenerator<Piece> {
  const { body, headers } = response
  if (headers.get('content-type')?.startsWith('application/json') !== true) {
    if (body !== null) yield* piecesOf(body)
    return
  }
  yield* piecesOfChunk(parsed(await response.text()))
  const cost = headers.get('x-cost-msat')
  if (cost !== null) yield { is: 'cost', msat: Number(cost) }
}

/** The pieces of a chat completion as server-sent events (HTML standard 9.2), in order. */
export async function* piecesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Piece> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    const lines = (
      rest + (done ? decoder.decode() : decoder.decode(value, { stream: true }))
    ).split(/\r?\n/)
    rest = done ? '' : (lines.pop() ?? '')
    for (const line of lines) yield* piecesOfLine(line)
    if (done) return
  }
}

/** The gate's cost is a comment, `: satgate cost_msat=52`; everything else is data. */
function piecesOfLine(line: string): readonly Piece[] {
  const cost = /^: ?satgate cost_msat=(\d+)/.exec(line)
  if (cost !== null) return [{ is: 'cost', msat: Number(cost[1]) }]
  const data = /^data: ?(.*)$/.exec(line)?.[1]
  if (data === undefined || data === '[DONE]') return []
  return piecesOfChunk(parsed(data))
}

/** A chunk of a stream has a `delta`, a whole answer has a `message`. */
function piecesOfChunk(chunk: unknown): readonly Piece[] {
  const message = field(field(chunk, 'error'), 'message')
  if (typeof message === 'string') return [{ is: 'error', message }]
  const choices = field(chunk, 'choices')
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
  const delta = field(choice, 'delta') ?? field(choice, 'message')
  const text = field(delta, 'content')
  const thought = field(delta, 'reasoning_content') ?? field(delta, 'reasoning')
  const reason = field(choice, 'finish_reason')
  const pieces: Piece[] = []
  if (typeof thought === 'string' && thought !== '') pieces.push({ is: 'thinking' })
  if (typeof text === 'string' && text !== '') pieces.push({ is: 'text', text })
  if (typeof reason === 'string') pieces.push({ is: 'finish', reason })
  return pieces
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
