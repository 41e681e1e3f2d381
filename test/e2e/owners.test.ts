import { connect } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { tick, until } from '../support/buyer.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type Script, startFakeUpstream } from '../support/upstream.ts'

/** The program, and everything that could end it: every error is handled somewhere. */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

const LOST = pathToFileURL(join(import.meta.dirname, '../support/lost.mjs')).href

async function running(script: Script = {}): Promise<GateProcess> {
  const fake = await startFakeUpstream(script)
  clean.push(() => fake.close())
  const pricing = { default: '0/1000', maxOutputTokens: 100 }
  const settings = { wallet: 'play', pricing, upstream: fake.base.origin }
  const gate = new GateProcess(settings)
  clean.push(() => gate.remove())
  return gate.start({ NODE_OPTIONS: `--import ${LOST}` })
}

const chat = (pass: string, body: object = {}) => ({
  path: '/v1/chat/completions',
  body: { model: 'fake', messages: [{ role: 'user', content: 'hi' }], ...body },
  headers: { authorization: `Bearer ${pass}` },
})

const words = (count: number) => Array.from({ length: count }, () => ' word')

describe('J12 an error that nobody handles', () => {
  it.each([
    ['a rejection', 'SIGUSR2', 'Error'],
    ['an exception', 'SIGWINCH', 'TypeError'],
  ] as const)(
    'J12 %s is said without its words, what streams is finished and paid, and the exit is 1',
    async (_, signal, name) => {
      const gate = await running({ deltas: words(20), paceMs: 30 })
      const pass = await gate.mint(100)
      const stream = await gate.client.open(chat(pass, { stream: true }))
      await stream.until('word')
      const over = gate.ended()
      gate.signal(signal)
      await gate.event(({ event }) => event === 'stopping')
      // A second signal while it stops changes nothing.
      gate.signal(signal)
      const { text } = await stream.over
      expect(text.match(/word/g)).toHaveLength(20)
      expect(await over).toBe(1)
      const [fatal] = gate.events('problem')
      expect(fatal).toMatchObject({ what: 'fatal', reason: expect.stringMatching(`^${name} at `) })
      expect(gate.events().slice(-2)).toMatchObject([
        { event: 'request', end: 'complete', charged_msat: 20_000 },
        { event: 'stopped', open_holds: 0 },
      ])
      expect(`${JSON.stringify(gate.events())}${gate.stderr}`).not.toMatch(/secret|lnbc|preimage/)
      await gate.start()
      expect(await gate.command('ledger', 'verify')).toMatchObject({
        balanced: true,
        open_holds: 0,
      })
    },
  )
})

describe('J11 no command ends a running gate', () => {
  it('J11 nor do Ctrl+C in any of them, clients that reset, garbage, and endless questions', async () => {
    const gate = await running()
    const pass = await gate.mint(100)
    const path = join(gate.data, 'control.sock')
    const questions = [
      '{"ask":"verify"}\n',
      '{"ask":"entries","limit":1000}\n',
      '{"ask":"mint","sats":1,"caveats":[]}\n',
      '{"ask":"wallet","what":{"do":"balance"}}\n',
      '{"ask":"acc',
      '\u0000\u0001\n{]\n',
      '',
    ]
    for (const wait of [0, 1, 5]) {
      for (const question of questions) {
        const socket = connect(path)
        socket.on('error', () => {})
        await new Promise((then) => socket.once('connect', then))
        socket.write(question)
        await tick(wait)
        socket.destroy()
      }
    }
    const endless = connect(path)
    endless.on('error', () => {})
    const block = Buffer.alloc(1024 * 1024, 'x')
    for (let i = 0; i < 16; i += 1) endless.write(block)
    await until(() => endless.closed)
    expect((await gate.client.ask(chat(pass))).status).toBe(200)
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
    expect(gate.events('problem')).toEqual([])
    expect(await gate.stop()).toBe(0)
  })
})
