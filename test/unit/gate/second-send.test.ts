import { describe, expect, it } from 'vitest'
import { refusedFields } from '../../../src/dialects/openai/refused-fields.ts'
import type { Sent, UpstreamListener, UpstreamRequest } from '../../../src/gate/ports.ts'
import { SecondSend } from '../../../src/gate/second-send.ts'

interface Sending {
  readonly request: UpstreamRequest
  readonly listener: UpstreamListener
  aborted: boolean
  letGo(): void
}

/** An upstream that the test controls, and what the gate heard from it. */
function stage(otherwise: (refusal: string) => string | null) {
  const sendings: Sending[] = []
  const heard: string[] = []
  const state = { worked: 0, released: false }
  const upstream = {
    send(request: UpstreamRequest, listener: UpstreamListener): Sent {
      const letGo = () => listener.onReleased()
      const sending: Sending = { request, listener, aborted: false, letGo }
      sendings.push(sending)
      return {
        resume: () => heard.push('resume'),
        abort: () => {
          sending.aborted = true
          letGo()
        },
      }
    },
  }
  const listener: UpstreamListener = {
    onHead: (status) => heard.push(`head ${status}`),
    onData: (chunk) => heard.push(`data ${chunk.length}`) > 0,
    onEnd: () => heard.push('end'),
    onError: (kind) => heard.push(kind),
    onReleased: () => {
      state.released = true
    },
  }
  const request = {
    ...{ method: 'POST', path: '/v1/chat/completions', query: '', headers: {}, passes: [] },
    ...{ body: Buffer.from('first'), contentType: 'application/json' },
  }
  const spelling = {
    otherwise(refusal: Uint8Array) {
      const body = otherwise(Buffer.from(refusal).toString())
      return body === null ? null : Buffer.from(body)
    },
    worked: () => {
      state.worked += 1
    },
  }
  const send = new SecondSend(upstream, listener, { request, spelling })
  const at = (index: number): Sending => {
    const sending = sendings[index]
    if (sending === undefined) throw new Error(`only ${sendings.length} were sent`)
    return sending
  }
  return { at, sendings, heard, state, send }
}

const turn = () => new Promise((then) => setImmediate(then))

describe('K5 a request that is sent a second time', () => {
  it('is heard as one answer, and its slot is taken until the second request is over', async () => {
    const { at, heard, state } = stage(() => 'second')
    at(0).listener.onHead(400, {})
    at(0).listener.onData(Buffer.from('no'))
    at(0).letGo()
    at(0).listener.onEnd()
    await turn()
    expect([heard, state.released]).toEqual([[], false])
    expect(Buffer.from(at(1).request.body ?? '').toString()).toBe('second')
    at(1).listener.onHead(200, {})
    expect(state.worked).toBe(1)
    at(1).listener.onData(Buffer.from('yes'))
    at(1).listener.onEnd()
    expect(heard).toEqual(['head 200', 'data 3', 'end'])
    await turn()
    expect(state.released).toBe(false)
    at(1).letGo()
    await turn()
    expect(state.released).toBe(true)
  })

  it('a refusal for which nothing can be changed is passed unchanged', async () => {
    const { at, heard, state, sendings } = stage(() => null)
    at(0).listener.onHead(422, {})
    at(0).listener.onData(Buffer.from('no'))
    at(0).letGo()
    await turn()
    at(0).listener.onEnd()
    expect(heard).toEqual(['head 422', 'data 2', 'end'])
    await turn()
    expect([sendings.length, state.released, state.worked]).toEqual([1, true, 0])
  })

  it('nothing is sent twice after a byte of a 200, whatever follows', () => {
    const { at, heard, sendings } = stage(() => 'second')
    at(0).listener.onHead(200, {})
    at(0).listener.onData(Buffer.from('a'))
    at(0).listener.onError('broken', '')
    expect([heard, sendings.length]).toEqual([['head 200', 'data 1', 'broken'], 1])
  })

  it('a second refusal passes', () => {
    const { at, heard, state, sendings } = stage(() => 'second')
    at(0).listener.onHead(400, {})
    at(0).listener.onEnd()
    at(1).listener.onHead(400, {})
    at(1).listener.onData(Buffer.from('no'))
    at(1).listener.onEnd()
    expect([heard, sendings.length, state.worked]).toEqual([['head 400', 'data 2', 'end'], 2, 0])
  })

  it('a refusal that breaks off or is too long is passed on', () => {
    const broken = stage(() => 'second')
    broken.at(0).listener.onHead(400, {})
    broken.at(0).listener.onData(Buffer.from('no'))
    broken.at(0).listener.onError('broken', '')
    expect(broken.heard).toEqual(['head 400', 'data 2', 'broken'])
    const long = stage(() => 'second')
    long.at(0).listener.onHead(400, {})
    long.at(0).listener.onData(Buffer.alloc(70_000))
    long.at(0).listener.onData(Buffer.alloc(5))
    long.at(0).listener.onEnd()
    expect(long.heard).toEqual(['head 400', 'data 70000', 'data 5', 'end'])
    expect(long.sendings).toHaveLength(1)
  })

  it('for a buyer who has left nothing is sent', async () => {
    const { at, heard, send, sendings, state } = stage(() => 'second')
    at(0).listener.onHead(400, {})
    send.abort()
    at(0).listener.onEnd()
    await turn()
    expect([heard, sendings.length, at(0).aborted, state.released]).toEqual([[], 1, true, true])
  })
})

describe('K5 which field an error names', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['param', { error: { param: 'max_tokens' } }, ['max_tokens']],
    ['a part of it', { error: { param: 'stream_options.include_usage' } }, ['stream_options']],
    [
      'two places',
      { detail: [{ loc: ['body', 'max_tokens'] }, { loc: ['stream_options'] }] },
      ['max_tokens', 'stream_options'],
    ],
    [
      'a code, and the name that comes first',
      {
        error: {
          code: 'unsupported_parameter',
          message: "'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
        },
      },
      ['max_tokens'],
    ],
    [
      'a code, and param first',
      { error: { code: 'unsupported_parameter', param: 'temperature', message: 'max_tokens' } },
      [],
    ],
    [
      'a sentence of its own',
      { error: { message: 'Unrecognized request arguments supplied: foo, stream_options' } },
      ['stream_options'],
    ],
    [
      'a sentence in another',
      { error: { message: 'He said: Unrecognized request argument supplied: stream_options' } },
      [],
    ],
    ['a field that is not ours', { error: { param: 'temperature' } }, []],
    [
      'a prompt that is repeated',
      { error: { message: 'bad: max_tokens', code: 'invalid_prompt' } },
      [],
    ],
    ['no object', 'max_tokens', []],
  ])('by %s', (_, body, fields) => {
    expect(refusedFields(Buffer.from(JSON.stringify(body)))).toEqual(fields)
  })

  it('text that is no JSON names none', () => {
    expect(refusedFields(Buffer.from('<html>max_tokens'))).toEqual([])
  })
})
