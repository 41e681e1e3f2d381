import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Sweep } from '../../../src/floor/sweep.ts'
import { type BodyLimits, readBody } from '../../../src/http/body.ts'
import { BodyShare, strangersBounds } from '../../../src/http/body-share.ts'
import { real } from '../../support/world.ts'

const LIMIT = 300_000

/** A request whose body the test writes in pieces. */
function requestOf(declared: number | null): IncomingMessage & PassThrough {
  const headers =
    declared === null ? { 'transfer-encoding': 'chunked' } : { 'content-length': `${declared}` }
  const pipe = new PassThrough({ highWaterMark: 1_000_000 })
  return Object.assign(pipe, { headers, complete: false }) as never
}

const limitsOf = (share: BodyShare, more: Partial<BodyLimits> = {}): BodyLimits => ({
  world: real,
  limit: LIMIT,
  deadlineMs: 10_000,
  deadlines: new Sweep(real),
  share,
  whose: { holder: 'somebody', site: 'somewhere' },
  ...more,
})
const newShare = () => new BodyShare(strangersBounds(LIMIT), Date.now)

/** Writes `body` in pieces of these sizes, and the rest in one piece. */
function send(request: PassThrough, body: Buffer, sizes: readonly number[]): void {
  let at = 0
  for (const size of sizes) {
    if (at < body.length) request.write(body.subarray(at, at + size))
    at += size
  }
  if (at < body.length) request.write(body.subarray(at))
  request.end()
}

describe('J7 one growing buffer', () => {
  it('J7 holds what came, in any pieces, and counts the buffer as long as it lives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200_000 }),
        fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 40, size: 'max' }),
        fc.boolean(),
        async (length, sizes, declares) => {
          const bytes = Uint8Array.from({ length }, (_, at) => at % 251)
          const share = newShare()
          const request = requestOf(declares ? bytes.length : null)
          const reading = readBody(request, limitsOf(share))
          send(request, Buffer.from(bytes), sizes)
          const read = await reading
          if (!read.ok) throw new Error(read.error.code)
          expect(Buffer.compare(read.value.bytes, bytes)).toBe(0)
          const held = read.value.bytes.buffer.byteLength
          expect(share.bytes).toBeGreaterThanOrEqual(bytes.length)
          expect(share.bytes).toBeLessThanOrEqual(Math.max(16_384, bytes.length * 1.5))
          if (declares) expect(held).toBeLessThanOrEqual(Math.max(bytes.length, 65_536))
          read.value.release()
          read.value.release()
          expect(share.bytes).toBe(0)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('J7 one byte at a time costs no more than all at once', async () => {
    const share = newShare()
    const request = requestOf(null)
    const reading = readBody(request, limitsOf(share))
    const most = { bytes: 0 }
    for (let at = 0; at < 50_000; at += 1) {
      request.write('x')
      if (at % 64 === 0) await Promise.resolve()
      most.bytes = Math.max(most.bytes, share.bytes)
    }
    request.end()
    const read = await reading
    expect(read.ok && read.value.bytes.length).toBe(50_000)
    expect(most.bytes).toBeLessThanOrEqual(75_000)
  })

  it('J7 a body of one piece is that piece, without a copy', async () => {
    const request = requestOf(5)
    const reading = readBody(request, limitsOf(newShare()))
    const piece = Buffer.from('hello')
    request.end(piece)
    const read = await reading
    expect(read.ok && read.value.bytes.buffer).toBe(piece.buffer)
  })

  it('J7 a declared length takes no room before its bytes are there', async () => {
    const share = newShare()
    const request = requestOf(LIMIT)
    const reading = readBody(request, limitsOf(share))
    expect(share.bytes).toBe(0)
    request.write('x')
    await new Promise(setImmediate)
    expect(share.bytes).toBe(16_384)
    request.destroy()
    const cut = await reading
    expect([!cut.ok && cut.error.code, share.bytes]).toEqual(['incomplete_body', 0])
  })
})

describe('J7 a refused body keeps nothing', () => {
  it.each<[string, string, (request: PassThrough) => void, Partial<BodyLimits>]>([
    ['too long', 'request_too_large', (request) => void request.end('x'.repeat(LIMIT + 1)), {}],
    ['too slow', 'request_timeout', (request) => void request.write('x'), { deadlineMs: 20 }],
    ['cut', 'incomplete_body', (request) => void request.destroy(), {}],
  ])('J7 %s', async (_, code, then, more) => {
    const share = newShare()
    const request = requestOf(null)
    const reading = readBody(request, limitsOf(share, more))
    then(request)
    const read = await reading
    expect([!read.ok && read.error.code, share.bytes]).toEqual([code, 0])
  })

  it('J7 beyond the bound: a 503 that may soon be tried again, and the rest is thrown away', async () => {
    const bounds = {
      total: 20_000,
      smallOnly: 0,
      each: 20_000,
      eachLarge: 20_000,
      largeEach: 1,
      site: 20_000,
    }
    const share = new BodyShare(bounds, Date.now)
    const request = requestOf(null)
    const reading = readBody(request, limitsOf(share))
    request.write(Buffer.alloc(20_001))
    await new Promise(setImmediate)
    expect(share.bytes).toBe(0)
    request.end(Buffer.alloc(100_000))
    const read = await reading
    expect(!read.ok && read.error).toMatchObject({
      status: 503,
      code: 'bodies_busy',
      retryAfterSeconds: 1,
    })
    expect(request.readableLength).toBe(0)
  })
})
