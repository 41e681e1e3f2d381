import { describe, expect, it } from 'vitest'
import { CHAT } from '../../../../src/dialects/openai/endpoint.ts'
import { OwnBytes } from '../../../../src/dialects/openai/own-bytes.ts'

const bytes = (text: string) => Buffer.from(text)
const CHUNK = { id: 'a', object: 'chat.completion.chunk', created: 3, model: 'm', choices: [] }
const EVENT = `data: ${JSON.stringify(CHUNK)}`

/** The state after one event of a stream with these line ends. */
function having(event: string): OwnBytes {
  const own = new OwnBytes(CHAT, 'asked')
  own.learn(CHUNK, event)
  own.passes(bytes(event))
  return own
}

describe('the bytes of our own in a stream', () => {
  it.each([
    ['whole', '\n\n', ''],
    ['whole, CRLF', '\r\n\r\n', ''],
    ['whole, CR', '\r\r', ''],
    ['parted by one line feed (K7)', '\n', '\n'],
    ['parted by one CRLF', '\r\n', '\r\n'],
    ['without any line end', '', '\n\n'],
  ])('K2 begin after the blank line of an event that is %s', (_, end, missing) => {
    expect(having(EVENT + end).end('', 'note')).toMatch(new RegExp(`^${missing}: note\\r?\\n?$`))
    expect(having(EVENT + end).event({ x: 1 })).toMatch(new RegExp(`^${missing}data: `))
    expect(having(EVENT + end).keepAlive(0)).toMatch(new RegExp(`^${missing}data: `))
  })

  it('K2 after a blank line no further line end is missing', () => {
    const own = having(`${EVENT}\n`)
    own.passes(bytes('\n'))
    expect(own.end('', 'note')).toBe(': note\n')
  })

  it('K2 [DONE] without its blank line gets one', () => {
    expect(having(`${EVENT}\n\n`).end('data: [DONE]', 'note')).toBe(': note\ndata: [DONE]\n\n')
    expect(having(`${EVENT}\r\n\r\n`).end('data: [DONE]\r\n', 'n')).toBe(
      ': n\r\ndata: [DONE]\r\n\r\n',
    )
  })

  it('K2 a comment before the first chunk is followed by an empty chunk, also before an error event', () => {
    const own = new OwnBytes(CHAT, 'asked')
    expect(own.keepAlive(0)).toBe(': waiting for the model\n')
    expect(own.event({ error: {} })).toMatch(
      /^data: .*"delta":\{\}.*\n\ndata: \{"error":\{\}\}\n\n$/,
    )
    expect(own.event({ error: {} })).toBe('data: {"error":{}}\n\n')
  })

  it('K2 a stream whose first chunk has no id gets its head from the first chunk that has one', () => {
    const own = new OwnBytes(CHAT, 'asked')
    own.learn({ id: '', model: '', choices: [] }, 'data: {}\n\n')
    own.learn(CHUNK, `${EVENT}\n\n`)
    expect(own.chunk({})).toEqual({ ...CHUNK, choices: undefined })
  })

  it('K2 a stream without ids gets none from us, because a reader would take ours for another stream', () => {
    const own = new OwnBytes(CHAT, 'asked')
    own.learn({ choices: [] }, 'data: {"choices":[]}\n\n')
    expect(own.keepAlive(0)).not.toContain('"id"')
  })

  it('K2 if every choice has finished, nothing is sent', () => {
    expect(having(`${EVENT}\n\n`).keepAlive(undefined)).toBe('')
  })

  it('K2 lines end like those of the first chunk, whatever comes before it', () => {
    const own = new OwnBytes(CHAT, 'asked')
    own.learn({ choices: [] }, ': hello\ndata: {"choices":[]}\r\n\r\n')
    own.learn({ choices: [] }, 'data: {"choices":[]}\n\n')
    expect(own.end('', 'note')).toBe(': note\r\n')
  })
})
