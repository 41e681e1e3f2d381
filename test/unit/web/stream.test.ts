import { describe, expect, it } from 'vitest'
import { answerOf, type Piece, piecesOf } from '../../../src/web/stream.ts'

const chunk = (choice: object): string => `data: ${JSON.stringify({ choices: [choice] })}\n\n`
const text = (content: string): string => chunk({ delta: { content } })

/** The pieces of a stream that arrives in chunks of that many bytes. */
async function read(stream: string, size: number): Promise<Piece[]> {
  const bytes = new TextEncoder().encode(stream)
  const body = new ReadableStream<Uint8Array>({
    start(to) {
      for (let at = 0; at < bytes.length; at += size) to.enqueue(bytes.slice(at, at + size))
      to.close()
    },
  })
  const pieces: Piece[] = []
  for await (const piece of piecesOf(body)) pieces.push(piece)
  return pieces
}

const CASES: readonly (readonly [string, string, readonly Piece[]])[] = [
  ['text', text('é日') + text('!'), [said('é日'), said('!')]],
  ['the cost', ': satgate cost_msat=52\ndata: [DONE]\n\n', [{ is: 'cost', msat: 52 }]],
  ['other comments', ': ping\n: satgate cost_msat=x\n', []],
  ['an end', chunk({ delta: {}, finish_reason: 'length' }), [{ is: 'finish', reason: 'length' }]],
  ['an error', 'data: {"error":{"message":"gone"}}\n\n', [{ is: 'error', message: 'gone' }]],
  ['thoughts', chunk({ delta: { reasoning_content: 'hm' } }), [{ is: 'thinking' }]],
  ['a usage chunk', 'data: {"choices":[],"usage":{}}\n\n', []],
  ['what is no JSON', 'data: {oops\n\ndata: null\n\nevent: x\n\n', []],
  ['CRLF and no last line end', text('a').replaceAll('\n', '\r\n') + text('b').trim(), ab()],
]

function said(words: string): Piece {
  return { is: 'text', text: words }
}
function ab(): readonly Piece[] {
  return [said('a'), said('b')]
}

describe('a streamed answer', () => {
  it.each(CASES)('is read: %s, however it is cut', async (_, stream, pieces) => {
    for (const size of [1, 2, 7, 1_000]) expect(await read(stream, size)).toEqual(pieces)
  })
})

describe('an answer', () => {
  const pieces = async (text: string, headers: Record<string, string>): Promise<Piece[]> => {
    const read: Piece[] = []
    for await (const piece of answerOf(new Response(text, { headers }))) read.push(piece)
    return read
  }

  it('is read whole if the backend does not stream', async () => {
    const choices = [{ message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }]
    const headers = { 'content-type': 'application/json; charset=utf-8', 'x-cost-msat': '15' }
    expect(await pieces(JSON.stringify({ choices }), headers)).toEqual([
      said('hi'),
      { is: 'finish', reason: 'stop' },
      { is: 'cost', msat: 15 },
    ])
    expect(await pieces('{oops', { 'content-type': 'application/json' })).toEqual([])
  })

  it('is read as it comes if it streams', async () => {
    const headers = { 'content-type': 'text/event-stream' }
    expect(await pieces(text('a') + text('b'), headers)).toEqual(ab())
  })
})
