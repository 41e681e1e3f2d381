import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startGate, type TestGate } from '../support/gate.ts'
import { dataUrl, mp3, png } from '../support/pictures.ts'
import { openTill, type Till } from '../support/till.ts'

let till: Till
beforeAll(async () => {
  till = await openTill()
})
afterAll(() => till.gate.close())
beforeEach(() => {
  till.gate.events.length = 0
})

/** The most tokens of a picture of this size. */
const BOUND = 7_560
const SCREEN = dataUrl(png([1_920, 1_080]))

const about = (part: object) => ({
  messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, part] }],
})
const picture = (url: string) => about({ type: 'image_url', image_url: { url } })
const usage = (input: number) => ({
  deltas: ['a', 'b'],
  usage: 'own' as const,
  usageValue: { prompt_tokens: input, completion_tokens: 2, total_tokens: input + 2 },
})

describe.each([{ stream: false }, { stream: true }])('a prompt with a picture, %j', (stream) => {
  it('A7 costs what the backend reports', async () => {
    till.says(usage(1_105))
    expect((await till.charged({ ...picture(SCREEN), ...stream })).cost).toBe(1_105 + 4)
  })

  it('A7 a report above the bound is charged at the bound and what a template may add', async () => {
    till.says(usage(1_000_000))
    const { cost } = await till.charged({ ...picture(SCREEN), ...stream })
    expect(cost).toBeGreaterThan(BOUND)
    expect(cost).toBeLessThan(BOUND + 2_048 + 300)
  })

  it('A7 costs its bound if the backend reports nothing', async () => {
    till.says({ deltas: ['a', 'b'], usage: 'none' })
    const { cost } = await till.charged({ ...picture(SCREEN), ...stream })
    expect(cost).toBeGreaterThan(BOUND)
    expect(cost).toBeLessThan(BOUND + 300)
  })

  it('L19 sound costs what the backend reports, at most its bound', async () => {
    const data = mp3(31_000).toString('base64')
    const sound = about({ type: 'input_audio', input_audio: { data, format: 'mp3' } })
    till.says(usage(300))
    expect((await till.charged({ ...sound, ...stream })).cost).toBe(300 + 4)
    till.says(usage(1_000_000))
    const { cost } = await till.charged({ ...sound, ...stream })
    expect(cost).toBeGreaterThan(1_920)
    expect(cost).toBeLessThan(1_920 + 2_048 + 300)
  })
})

const REFUSED: readonly [string, string][] = [
  ['L19 a picture of 100,000 × 100,000 pixels', dataUrl(png([100_000, 100_000]))],
  ['L19 a second header of that size', dataUrl(png([1, 1], [100_000, 100_000]))],
  ['bytes that are no picture', 'data:image/png;base64,aGVsbG8='],
  ['a document', dataUrl(Buffer.from('%PDF-1.7'), 'application/pdf')],
  ['G11 127.0.0.1', 'http://127.0.0.1/a.png'],
  ['G11 the same as a number', 'http://2130706433/a.png'],
  ['G11 the address of metadata', 'http://169.254.169.254/latest/meta-data/'],
  ['G11 IPv6', 'http://[::1]/a.png'],
  ['G11 a name in a local network', 'http://printer.local/a.png'],
  ['G11 a file', 'file:///etc/passwd'],
]

describe.each([{ remoteUrls: false }, { remoteUrls: true }])('with %j', ({ remoteUrls }) => {
  let gate: TestGate
  beforeAll(async () => {
    const settings = { pricing: { default: '1/2' }, media: { remoteUrls } }
    gate = await startGate({ shared: true, settings })
  })
  afterAll(() => gate.close())

  it.each(REFUSED)('%s is refused, and costs nothing', async (_, url) => {
    const pass = await gate.buy(100)
    const seen = gate.fake.seen.length
    const refused = await gate.chat(pass, picture(url))
    expect(refused.status).toBe(400)
    expect(refused.json.error.param).toBe('messages[0].content[1].image_url.url')
    expect(gate.fake.seen).toHaveLength(seen)
    expect((await gate.balance(pass)).balance_msat).toBe(100_000)
    expect(gate.log()).not.toContain(url)
    await gate.proof()
  })

  it(`G11 a picture on a public server is ${remoteUrls ? 'taken' : 'refused'}`, async () => {
    const pass = await gate.buy(100)
    const answer = await gate.chat(pass, picture('https://pictures.example/a.png'))
    expect(answer.status).toBe(remoteUrls ? 200 : 400)
  })

  it('I8 the offer of a 402 pays for a prompt with a picture', async () => {
    const refused = await gate.chat(null, picture(SCREEN))
    expect(refused.status).toBe(402)
    expect(refused.json.amount_sats).toBeGreaterThanOrEqual(8)
    const pass = await gate.accept(refused)
    expect((await gate.chat(pass, picture(SCREEN))).status).toBe(200)
    await gate.proof()
  })
})
