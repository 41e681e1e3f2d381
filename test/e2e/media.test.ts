import { describe, expect, it } from 'vitest'
import type { Question } from '../support/ask.ts'
import { bearer, type Pass } from '../support/buyer.ts'
import { type Field, FORM_HEAD, form, mp3, png } from '../support/forms.ts'
import { startGate } from '../support/gate.ts'
import type { Script } from '../support/upstream.ts'

// No backend of this suite serves images or sound: the answers have the documented shapes.

const PRICES = {
  sd: { image: { '512x512': 4, '1024x1024': 20, '1024x1024/hd': 40 } },
  flat: { image: 30 },
  call: { request: 25 },
  whisper: { second: 1.5 },
  bytes: { byte: 0.001 },
  tts: { character: 0.5 },
  chat: '1',
  gift: 'free',
}
const start = (script: Script = {}) =>
  startGate({ script, settings: { pricing: { default: 'refuse', models: PRICES } } })

const json = (path: string, body: object, pass: Pass | null = null): Question => ({
  ...{ path, body, headers: bearer(pass) },
})
const sent = (path: string, fields: readonly Field[], pass: Pass | null = null): Question => ({
  path,
  body: form(fields),
  headers: { ...bearer(pass), 'content-type': FORM_HEAD.contentType ?? '' },
})

const MESSAGES = [{ role: 'user', content: 'hi' }]
const draw = (model: string, more = {}, pass: Pass | null = null) =>
  json('/v1/images/generations', { model, prompt: 'a cat', ...more }, pass)
const edit = (model: string, fields: readonly Field[], pass: Pass | null = null) =>
  sent(
    '/v1/images/edits',
    [['model', model], ['prompt', 'a hat'], ['image', png(), 'a.png'], ...fields],
    pass,
  )
const hear = (model: string, bytes: number, pass: Pass | null = null) =>
  sent(
    '/v1/audio/transcriptions',
    [
      ['model', model],
      ['file', mp3(bytes), 'a.mp3'],
    ],
    pass,
  )
const say = (model: string, input: string, pass: Pass | null = null) =>
  json('/v1/audio/speech', { model, input, voice: 'alloy' }, pass)

describe('I8 L19 the 402 asks for what the request can cost, and paying it admits the request', () => {
  it.each<[string, Question, number, number]>([
    [
      'two images of the table',
      draw('sd', { n: 2, size: '1024x1024', quality: 'low' }),
      40,
      20_000,
    ],
    ['an image that leaves all open', draw('sd'), 40, 40_000],
    ['three at one price', draw('flat', { n: 3 }), 90, 30_000],
    ['images by the request', draw('call', { n: 5 }), 25, 25_000],
    [
      'an edit',
      edit('sd', [
        ['n', '2'],
        ['size', '1024x1024'],
        ['quality', 'hd'],
      ]),
      80,
      40_000,
    ],
    ['a recording by its seconds', hear('whisper', 75_000), 150, 4_500],
    ['a recording by its bytes', hear('bytes', 75_000), 75, 75_000],
    ['a recording by the request', hear('call', 75_000), 25, 25_000],
    ['a speech by its characters', say('tts', 'x'.repeat(100)), 50, 50_000],
    ['a speech by the request', say('call', 'x'.repeat(100)), 25, 25_000],
  ])('%s', async (_, question, asks, costs) => {
    const gate = await start()
    const refused = await gate.ask(question)
    expect(refused.status).toBe(402)
    expect(refused.json.l402.amount_sats).toBe(asks)
    expect(gate.fake.seen.filter(({ method }) => method === 'POST')).toEqual([])
    const pass = await gate.accept(refused)
    const answer = await gate.ask({
      ...question,
      headers: { ...question.headers, ...bearer(pass) },
    })
    expect(answer.status).toBe(200)
    expect((await gate.balance(pass)).balance_msat).toBe(asks * 1_000 - costs)
    await gate.proof()
  })

  it('one sat less does not buy it', async () => {
    const gate = await start()
    const pass = await gate.buy(89)
    expect((await gate.ask(draw('flat', { n: 3 }, pass))).status).toBe(402)
    expect((await gate.balance(pass)).balance_msat).toBe(89_000)
  })
})

describe('A12 a price sells only what it names', () => {
  it.each<[string, Question, string]>([
    ['images by a price of tokens', draw('chat'), 'no_price_for_images'],
    ['a recording by it', hear('chat', 750), 'no_price_for_seconds'],
    ['a speech by it', say('chat', 'a'), 'no_price_for_seconds'],
    ['a speech by a price of images', say('flat', 'a'), 'no_price_for_seconds'],
    [
      'a chat by a price of images',
      json('/v1/chat/completions', { model: 'flat', messages: MESSAGES }),
      'no_price_for_tokens',
    ],
    [
      'a chat by the request alone',
      json('/v1/chat/completions', { model: 'call', messages: MESSAGES }),
      'no_price_for_tokens',
    ],
    ['a model without a price', draw('other'), 'model_not_found'],
  ])('%s', async (_, question, code) => {
    const gate = await start()
    expect(await gate.ask(question)).toMatchObject({ status: 404, json: { error: { code } } })
    expect(await gate.last()).toMatchObject({ status: 404, reason: code })
  })

  it('a free model is free in every way', async () => {
    const gate = await start()
    for (const question of [draw('gift'), hear('gift', 750), say('gift', 'a')]) {
      expect((await gate.ask(question)).status).toBe(200)
    }
  })

  it.each([
    [draw('sd', { size: '2048x2048' }), 'It has one for: 512x512, 1024x1024, 1024x1024/hd.'],
    [draw('flat', { size: '4096x4096' }), '2048 × 2048'],
  ])('A15 a size without a price is refused, with the list', async (question, said) => {
    const gate = await start()
    const { status, json } = await gate.ask(question)
    expect([status, json.error.param]).toEqual([400, 'size'])
    expect(json.error.message).toContain(said)
  })
})

describe('what is sent is what is charged', () => {
  it('I13 L19 a size that was left open is sent as the one that is charged', async () => {
    const gate = await start()
    const pass = await gate.buy(100)
    await gate.ask(draw('sd', { size: 'auto', style: 'vivid', steps: 900 }, pass))
    expect(gate.fake.seen.at(-1)?.json).toEqual({
      ...{ model: 'sd', prompt: 'a cat', size: '1024x1024', quality: 'hd', style: 'vivid' },
    })
  })

  it('I13 a form is written anew: the fields that pass, and the long answer', async () => {
    const gate = await start()
    const pass = await gate.buy(500)
    const fields: Field[] = [
      ['model', 'whisper'],
      ['file', mp3(7_500), 'über.mp3'],
      ['vad', '1'],
    ]
    const answer = await gate.ask(sent('/v1/audio/transcriptions', fields, pass))
    expect(answer.json).toEqual({ text: 'a b' })
    expect(answer.headers['x-satgate-ignored']).toBe('vad')
    expect(answer.headers['x-cost-msat']).toBe('4500')
    const { bytes, headers } = gate.fake.seen.at(-1) ?? { bytes: Buffer.alloc(0), headers: {} }
    expect(headers['content-type']).toMatch(/^multipart\/form-data; boundary=satgate-[0-9a-f]{40}$/)
    const text = bytes.toString('latin1')
    expect(text.match(/name="[^"]*"/g)).toEqual(
      ['model', 'file', '_ber.mp3', 'response_format'].map((name) => `name="${name}"`),
    )
    expect(bytes.includes(mp3(7_500))).toBe(true)
  })

  it('the log and /v1/usage show what was charged', async () => {
    const gate = await start()
    const pass = await gate.buy(500)
    await gate.ask(draw('flat', { n: 2 }, pass))
    await gate.ask(hear('whisper', 75_000, pass))
    await gate.ask(say('tts', 'x'.repeat(100), pass))
    const { data } = (await gate.ask({ path: '/v1/usage', headers: bearer(pass) })).json
    expect(data).toMatchObject([
      { characters: 100, charged_msat: 50_000, held_msat: 50_000 },
      { seconds: 3, bytes: 75_000, charged_msat: 4_500, held_msat: 150_000 },
      { images: 1, charged_msat: 30_000, held_msat: 60_000 },
    ])
    expect(await gate.last(3)).toMatchObject({ dialect: 'openai-speech', usage: 'reported' })
    await gate.proof()
  })
})

describe('nothing is charged for what did not come', () => {
  it.each<[string, Question, Script]>([
    ['a 500', draw('flat'), { status: 500, body: 'no' }],
    ['K8 an error with 200', draw('flat'), { status: 200, body: '{"error":{"message":"no"}}' }],
    ['K8 no image', draw('flat'), { status: 200, body: '{"data":[]}' }],
    [
      'J21 an image on the own network',
      draw('flat'),
      { status: 200, body: '{"data":[{"url":"http://10.0.0.1/a"}]}' },
    ],
    ['K8 JSON for a recording', hear('whisper', 750), { status: 200, body: '{"error":"no"}' }],
    [
      'K8 JSON for sound',
      say('tts', 'abc'),
      { status: 200, body: '{"error":"no"}', headers: { 'content-type': 'audio/mpeg' } },
    ],
    [
      'K8 a page for sound',
      say('tts', 'abc'),
      { status: 200, body: '<html>', headers: { 'content-type': 'audio/mpeg' } },
    ],
    [
      'no sound',
      say('tts', 'abc'),
      { status: 200, body: '', headers: { 'content-type': 'audio/mpeg' } },
    ],
    ['a backend that is gone', say('tts', 'abc'), { refuse: true }],
  ])('%s', async (_, question, script) => {
    const gate = await start()
    const pass = await gate.buy(100)
    gate.fake.script = { ...gate.fake.script, ...script }
    const answer = await gate.ask({
      ...question,
      headers: { ...question.headers, ...bearer(pass) },
    })
    expect(answer.status).toBe(502)
    expect(answer.json.error.message).toEqual(expect.any(String))
    expect(answer.text).not.toContain('10.0.0.1')
    expect((await gate.balance(pass)).balance_msat).toBe(100_000)
    await gate.proof()
  })

  it.each<[string, Question, number]>([
    [
      'a file name with a path',
      sent('/v1/audio/transcriptions', [
        ['model', 'whisper'],
        ['file', mp3(750), '../a.mp3'],
      ]),
      400,
    ],
    [
      'a playlist of addresses',
      sent('/v1/audio/transcriptions', [
        ['model', 'whisper'],
        ['file', '#EXTM3U\nhttp://10.0.0.1', 'a.mp3'],
      ]),
      400,
    ],
    [
      'a picture that fills the memory',
      sent('/v1/images/edits', [
        ['model', 'sd'],
        ['prompt', 'a'],
        ['image', png(50_000, 50_000), 'a.png'],
      ]),
      400,
    ],
    ['JSON in place of a form', json('/v1/images/edits', { model: 'sd', prompt: 'a' }), 415],
    ['an image at an address', draw('flat', { image_url: 'http://10.0.0.1/a.png' }), 400],
  ])('%s is refused before anything is held or sent', async (_, question, status) => {
    const gate = await start()
    const pass = await gate.buy(100)
    const answer = await gate.ask({
      ...question,
      headers: { ...question.headers, ...bearer(pass) },
    })
    expect(answer.status).toBe(status)
    expect(answer.json.error.message).toEqual(expect.any(String))
    expect(gate.fake.seen.filter(({ method }) => method === 'POST')).toEqual([])
    expect((await gate.balance(pass)).balance_msat).toBe(100_000)
  })
})

describe('sound flows as it comes', () => {
  const TYPE = { 'content-type': 'audio/mpeg' }
  const SOUND = `ID3\u0004${'s'.repeat(60)}`

  it('G9 the first bytes leave at once, and the end tells the cost in a trailer', async () => {
    const next = Promise.withResolvers<void>()
    const gate = await start({ pieces: [SOUND, () => next.promise, 'end'], headers: TYPE })
    const pass = await gate.buy(100)
    const question = say('tts', 'x'.repeat(100), pass)
    const stream = await gate.client.open({
      ...question,
      headers: { ...question.headers, te: 'trailers' },
    })
    await stream.until('sss')
    expect(stream.headers['content-type']).toBe('audio/mpeg')
    next.resolve()
    expect(await stream.over).toEqual({ text: `${SOUND}end`, cut: false })
    expect((await gate.balance(pass)).balance_msat).toBe(50_000)
    await gate.proof()
  })

  it('A3 J15 a buyer who leaves pays for the text that was ordered, and the backend stops', async () => {
    const gate = await start({ pieces: [SOUND, () => new Promise(() => {})], headers: TYPE })
    const pass = await gate.buy(100)
    const stream = await gate.client.open(say('tts', 'x'.repeat(100), pass))
    await stream.until('sss')
    stream.leave()
    expect(await gate.last()).toMatchObject({ end: 'client_left', charged_msat: 50_000 })
    await gate.fake.untilAborted()
    await gate.proof()
  })

  it('a buyer who leaves an image pays what was held: nobody sees how far it was', async () => {
    const began = Promise.withResolvers<void>()
    const gate = await start()
    gate.fake.script = {
      before: () => {
        began.resolve()
        return new Promise(() => {})
      },
    }
    const pass = await gate.buy(100)
    const asked = gate.client.open(draw('flat', { n: 2 }, pass)).catch(() => null)
    await began.promise
    gate.client.close()
    await asked
    expect(await gate.last()).toMatchObject({ end: 'client_left', charged_msat: 60_000, images: 2 })
  })

  it('a speech that breaks off breaks the connection, and costs the part that came', async () => {
    const gate = await start({ pieces: [SOUND], headers: { ...TYPE, 'content-length': '9999' } })
    const pass = await gate.buy(100)
    const stream = await gate.client.open(say('tts', 'x'.repeat(100), pass))
    expect((await stream.over).cut).toBe(true)
    expect(await gate.last()).toMatchObject({ end: 'upstream_failed', charged_msat: 500 })
    await gate.proof()
  })
})

describe('K5 a backend without the long answer', () => {
  it('gets the short one that the client asked for, and the bound is charged', async () => {
    const gate = await start()
    const pass = await gate.buy(500)
    const short: Script = { status: 200, body: '{"text":"a b"}' }
    gate.fake.script = {
      ...{ status: 400, body: '{"error":{"message":"response_format must be json"}}' },
      before: async () => {
        gate.fake.script = short
      },
    }
    const answer = await gate.ask(hear('whisper', 7_500, pass))
    expect([answer.status, answer.json]).toEqual([200, { text: 'a b' }])
    const sent = gate.fake.seen
      .filter(({ method }) => method === 'POST')
      .map(({ bytes }) => `${bytes}`)
    expect(sent.map((text) => text.includes('verbose_json'))).toEqual([true, false])
    expect(await gate.last()).toMatchObject({ seconds: 10, charged_msat: 15_000, usage: 'counted' })
  })
})
