import { describe, expect, it } from 'vitest'
import type { Reply } from '../../../src/gate/ports.ts'
import { requestBody } from '../../../src/gate/request-body.ts'
import { type Asking, StoredAnswers } from '../../../src/gate/stored-answers.ts'
import { TestWorld } from '../../support/world.ts'

const KEPT = 10 * 60_000
const MB = 1024 * 1024
const PAYMENT = 'x402:1'

const asking = (body = '{"a":1}', path = '/v1/chat/completions', method = 'POST'): Asking => ({
  ...{ path, method, body: requestBody({ body: Buffer.from(body) }) },
})
const silent: Reply = {
  head: () => {},
  write: () => true,
  end: () => {},
  breakOff: () => {},
  onDrain: () => {},
  onGone: () => {},
  headSent: false,
  backlog: 0,
}
const HEADERS = [
  ...['content-type', 'text/plain', 'X-Satgate-Pass', 'secret', 'x-credit-balance', '9'],
  ...['x-payment-response', 'settled', 'x-request-id', 'one'],
]

function bed() {
  const world = new TestWorld()
  const store = new StoredAnswers(world)
  const begin = (account = 'a', request = asking()) => store.begin(account, PAYMENT, request)
  /** Gives a whole answer in two pieces. */
  const answer = (
    account = 'a',
    how: { body?: Uint8Array; well?: boolean; status?: number } = {},
  ) => {
    const keeping = begin(account)
    const reply = keeping?.copying(silent)
    const { body = Buffer.from('hello'), status = 200, well = true } = how
    reply?.head(status, HEADERS)
    reply?.write(body)
    if (well) keeping?.endsWell()
    reply?.end(Buffer.from('!'))
    keeping?.over()
  }
  const find = (request = asking(), account = 'a', payment = PAYMENT) =>
    store.find(account, payment, request)
  return { world, store, begin, answer, find }
}

describe('L1 the answer to a payment that everybody may know', () => {
  it('is kept as it was, without what is for the holder of the pass', () => {
    const { answer, find } = bed()
    answer()
    expect(find()).toEqual({
      status: 200,
      headers: ['content-type', 'text/plain', 'x-payment-response', 'settled'],
      body: Buffer.from('hello!'),
    })
  })

  it.each([
    ['another body', asking('{"a":2}'), 'a', PAYMENT],
    ['no body', asking(''), 'a', PAYMENT],
    ['another path', asking(undefined, '/v1/embeddings'), 'a', PAYMENT],
    ['another method', asking(undefined, undefined, 'PUT'), 'a', PAYMENT],
    ['another payment', asking(), 'a', 'x402:2'],
    ['another account', asking(), 'b', PAYMENT],
  ] as const)('is not for %s', (_, request, account, payment) => {
    const { answer, find } = bed()
    answer()
    expect(find(request, account, payment)).toBeNull()
  })

  it('is kept for ten minutes after its end, and then is nowhere', () => {
    const { answer, find, store, world } = bed()
    answer()
    world.skip(KEPT - 10_000)
    expect(find()).not.toBeNull()
    world.skip(10_000)
    expect([find(), store.bytes]).toEqual([null, 0])
  })

  it('is dropped when a pass of its account is used, also while it runs', () => {
    const { answer, begin, find, store } = bed()
    answer()
    store.used('b')
    expect(find()).not.toBeNull()
    store.used('a')
    expect([find(), store.bytes]).toEqual([null, 0])
    const keeping = begin()
    expect(find()).toBe('running')
    const reply = keeping?.copying(silent)
    reply?.head(200, HEADERS)
    store.used('a')
    keeping?.endsWell()
    reply?.end(Buffer.from('late'))
    expect([find(), store.bytes]).toEqual([null, 0])
  })

  it('is not kept if it is larger than 1 MB', () => {
    const { answer, find, store } = bed()
    answer('a', { body: Buffer.alloc(MB) })
    expect([find(), store.bytes]).toEqual([null, 0])
  })

  it.each([
    ['broke off', { well: false }],
    ['is an error', { status: 502 }],
  ])('is lost if it %s, so the same request is answered anew', (_, how) => {
    const { answer, find, store } = bed()
    answer('a', how)
    expect([find(), find(asking('other')), store.bytes]).toEqual(['lost', null, 1024])
    answer()
    expect(find()).toMatchObject({ status: 200, body: Buffer.from('hello!') })
  })

  it('is lost if the request had none, until a pass is used', () => {
    const { begin, find, store } = bed()
    begin()?.over()
    expect(find()).toBe('lost')
    begin()
    expect(find()).toBe('running')
    store.used('a')
    expect([find(), store.bytes]).toEqual([null, 0])
  })

  it('is not kept of a request without a body', () => {
    const { begin, find, store } = bed()
    expect(begin('a', asking(''))).toBeNull()
    expect([find(), store.bytes]).toEqual([null, 0])
  })

  it('all together have 32 MB at most: the oldest goes', () => {
    const { answer, find, store } = bed()
    for (let n = 0; n < 40; n += 1) answer(`${n}`, { body: Buffer.alloc(MB - 1024) })
    expect(store.bytes).toBeLessThanOrEqual(32 * MB)
    expect([find(asking(), '0'), find(asking(), '39') === null]).toEqual([null, false])
  })
})
