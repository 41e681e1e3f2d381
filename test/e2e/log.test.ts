import { afterEach, describe, expect, it } from 'vitest'
import { alive } from '../support/alive.ts'
import { until } from '../support/buyer.ts'
import { GateProcess } from '../support/gate-process.ts'
import { startFakeUpstream } from '../support/upstream.ts'

/** A model with which a request has 1.9 KB in the log: each of these is escaped there. */
const LONG = '\u200b'.repeat(256)

/** The log of the program, read by a real pipe. */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

async function started(env = {}): Promise<{ gate: GateProcess; pass: string }> {
  const fake = await startFakeUpstream({ models: [{ id: 'fake' }, { id: LONG }] })
  clean.push(() => fake.close())
  const pricing = { default: '0/1000', maxOutputTokens: 10 }
  const gate = new GateProcess({ wallet: 'play', pricing, upstream: fake.base.origin })
  clean.push(() => gate.remove())
  await gate.start(env)
  return { gate, pass: await gate.mint(100_000) }
}

const asked = (model: string, pass: string) => ({
  path: '/v1/chat/completions',
  body: { model, messages: [{ role: 'user', content: 'hi' }] },
  headers: { authorization: `Bearer ${pass}` },
})

async function many(gate: GateProcess, pass: string, count: number): Promise<void> {
  const one = () => gate.client.ask(asked(LONG, pass))
  for (let n = 0; n < count; n += 20) await Promise.all(Array.from({ length: 20 }, one))
}

describe('a reader that reads', () => {
  it('has every line of a gate that was stopped, in order, and the last one is the end', async () => {
    const { gate, pass } = await started()
    const { stdout } = gate
    const events = gate.events()
    for (let n = 0; n < 20; n += 1) await gate.client.ask(asked('fake', pass))
    expect(stdout.isPaused()).toBe(false)
    expect(await gate.stop()).toBe(0)
    const requests = events.filter(({ event }) => event === 'request')
    expect(requests).toHaveLength(20)
    expect(events.slice(-2)).toMatchObject([
      { event: 'stopping' },
      { event: 'stopped', answers: 20 },
    ])
  })

  it('has every line in front of the one about a mistake that ended the gate', async () => {
    const mistake = "process.on('SIGUSR2', () => { throw new TypeError('a mistake') })"
    const module = `data:text/javascript,${encodeURIComponent(mistake)}`
    const { gate, pass } = await started({ NODE_OPTIONS: `--import=${module}` })
    const events = gate.events()
    for (let n = 0; n < 5; n += 1) await gate.client.ask(asked('fake', pass))
    gate.signal('SIGUSR2')
    expect(await gate.ended()).toBe(1)
    expect(events.filter(({ event }) => event === 'request')).toHaveLength(5)
    expect(events.at(-3)).toMatchObject({ event: 'problem', what: 'fatal' })
    expect(events.at(-1)).toMatchObject({ event: 'stopped', answers: 5 })
  })

  it('has every line that is older than a moment after kill -9', async () => {
    const { gate, pass } = await started()
    const events = gate.events()
    await gate.client.ask(asked('fake', pass))
    await until(() => events.some(({ event }) => event === 'request'))
    await gate.kill9()
    expect(events.at(-1)).toMatchObject({ event: 'request', status: 200 })
  })
})

describe('a reader that stops', () => {
  it('and goes on: is told how many lines are missing, and where; nobody waited for it', async () => {
    const { gate, pass } = await started()
    gate.stdout.pause()
    await many(gate, pass, 4_000)
    expect((await gate.client.ask(asked('fake', pass))).status).toBe(200)
    const events = gate.events()
    gate.stdout.resume()
    await until(() => events.some(({ what }) => what === 'log_dropped'))
    const gap = events.find(({ what }) => what === 'log_dropped')
    expect(gap).toMatchObject({ event: 'problem', level: 'warn' })
    expect(gap?.lines).toBeGreaterThan(100)
    await gate.client.ask(asked('fake', pass))
    expect(await gate.stop()).toBe(0)
    const requests = events.filter(({ event }) => event === 'request')
    expect(requests.length + gap?.lines).toBe(4_000 + 2)
    expect(events.at(-1)?.event).toBe('stopped')
    const all = await gate.command('ledger', 'verify')
    expect(all).toMatchObject({ balanced: true, open_holds: 0 })
  })

  it('and never goes on: the gate ends all the same', async () => {
    const { gate, pass } = await started()
    gate.stdout.pause()
    await many(gate, pass, 1_000)
    const { pid = 0, stdout } = gate
    gate.signal('SIGTERM')
    await until(() => !alive(pid))
    stdout.resume()
    expect(await gate.ended()).toBe(0)
  })
})

describe('a pipe that was closed', () => {
  it('ends neither the gate nor what it takes', async () => {
    const { gate, pass } = await started()
    gate.stdout.destroy()
    for (let n = 0; n < 5; n += 1)
      expect((await gate.client.ask(asked('fake', pass))).status).toBe(200)
    expect(await gate.stop()).toBe(0)
    const entries = await gate.command('ledger', 'verify')
    expect(entries).toMatchObject({ balanced: true, open_holds: 0 })
  })
})
