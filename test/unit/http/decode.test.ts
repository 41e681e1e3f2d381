import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { CODINGS, type Coding, encoded, labelOf } from '../../support/encoded.ts'
import { asked, Bench, chat, hear, settled, soon } from '../../support/hear.ts'

const bench = new Bench()
afterEach(() => bench.clean())

const ALL = Object.keys(CODINGS) as Coding[]
const EVENTS = ['data: {"a":1}\n\n', 'data: {"a":2}\n\n', 'data: [DONE]\n\n']
const headers = (coding: string) => ({ 'content-encoding': coding })

describe('K17 an answer that is encoded although nobody asked for it', () => {
  it.each(ALL)('K17 %s: a whole one is decoded', async (coding) => {
    const body = Buffer.concat(await encoded(coding, ['{"choices":', '[]}']))
    const { upstream } = await bench.both({ body, headers: headers(labelOf(coding)) })
    const heard = await asked(upstream)
    expect([heard.status, heard.text, heard.end]).toEqual([200, '{"choices":[]}', 'end'])
    await heard.released
  })

  it.each(ALL)('K17 %s: a stream whose events wait for each other is decoded', async (coding) => {
    const parts = await encoded(coding, EVENTS)
    let heardEvents = 0
    const heardOne = (event: number) => async () => {
      while (heardEvents <= event) await soon(2)
    }
    const { upstream } = await bench.both({
      pieces: parts.flatMap((part, at) => (at < EVENTS.length ? [part, heardOne(at)] : [part])),
      headers: headers(labelOf(coding)),
    })
    const heard = await settled(
      hear(upstream, chat({ stream: true }), ({ text }) => {
        heardEvents = text.split('\n\n').length - 1
        return true
      }),
    )
    expect([heard.text, heard.end]).toEqual([EVENTS.join(''), 'end'])
  })

  it('K17 two codings one over the other, an old name, and identity', async () => {
    const body = gzipSync(gzipSync('ok'))
    const { upstream } = await bench.both({ body, headers: headers('X-GZip, gzip, identity') })
    expect((await asked(upstream)).text).toBe('ok')
  })

  it.each(['compress', 'snappy', 'gzip, exi', 'gzip, gzip, gzip', 'constructor'])(
    'K17 %s: broken, and not one byte of it is heard',
    async (coding) => {
      const { upstream } = await bench.both({ body: gzipSync('ok'), headers: headers(coding) })
      const heard = await asked(upstream)
      expect([heard.text, heard.end, heard.calls]).toEqual(['', 'broken', ['head', 'broken']])
    },
  )

  it('K17 what does not decode is broken', async () => {
    const { upstream } = await bench.both({ body: 'plain text', headers: headers('gzip') })
    const heard = await asked(upstream)
    expect([heard.text, heard.end]).toEqual(['', 'broken'])
  })

  it('K17 a missing end is accepted; what came before a break is heard before the break', async () => {
    const parts = await encoded('gzip', EVENTS)
    const short = await bench.both({ pieces: parts.slice(0, -1), headers: headers('gzip') })
    expect(await asked(short.upstream)).toMatchObject({ text: EVENTS.join(''), end: 'end' })
    const { fake, upstream } = await bench.both({
      pieces: [...parts.slice(0, 2), () => Promise.reject(new Error('cut'))],
      headers: headers('gzip'),
    })
    expect(fake.running).toBe(0)
    expect(await asked(upstream)).toMatchObject({ text: `${EVENTS[0]}${EVENTS[1]}`, end: 'broken' })
  })

  it('K17 a bomb is decoded only as far as it is read, and not at all once nobody listens', async () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(256 * 1024 * 1024)))
    const { upstream } = await bench.both({ body: bomb, headers: headers('gzip, gzip') })
    let taken = 0
    const heard = hear(upstream, chat({}), () => {
      taken += 1
      return false
    })
    while (taken === 0) await soon(5)
    await soon(50)
    expect(heard.text.length).toBeLessThan(1024 * 1024)
    const before = taken
    heard.sent.resume()
    while (taken === before) await soon(5)
    heard.sent.abort()
    const after = heard.calls.length
    await soon(50)
    expect(heard.calls).toHaveLength(after)
    await heard.released
  })

  it('K17 a slow reader hears all of it, in order', async () => {
    const text = Array.from({ length: 40_000 }, (_, at) => `line ${at}\n`).join('')
    const body = Buffer.concat(await encoded('br', [text]))
    const { upstream } = await bench.both({ body, headers: headers('br') })
    const heard = hear(upstream, chat({}), (self) => {
      setImmediate(() => self.sent.resume())
      return false
    })
    await settled(heard)
    expect(heard.text === text).toBe(true)
    expect(heard.end).toBe('end')
  })
})
