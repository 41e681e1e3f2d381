import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { tick, until } from '../support/buyer.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type FakeUpstream, type Script, startFakeUpstream } from '../support/upstream.ts'
import { real } from '../support/world.ts'

/** The program, killed and stopped. Everything that it has promised must be on disk. */
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

/** An output token costs one sat, and prompts are free. */
async function gateOf(
  script: Script = {},
  settings: object = {},
): Promise<{ fake: FakeUpstream; gate: GateProcess }> {
  const fake = await startFakeUpstream(script)
  clean.push(() => fake.close())
  return { fake, gate: processOf({ upstream: fake.base.origin, ...settings }) }
}

function processOf(settings: object): GateProcess {
  const pricing = { default: '0/1000', maxOutputTokens: 100 }
  const gate = new GateProcess({ wallet: 'play', pricing, ...settings })
  clean.push(() => gate.remove())
  return gate
}

const chat = (pass: string, body: object = {}) => ({
  path: '/v1/chat/completions',
  body: { model: 'fake', messages: [{ role: 'user', content: 'hi' }], ...body },
  headers: { authorization: `Bearer ${pass}` },
})

/** Buys a pass as a buyer does. */
async function buy(gate: GateProcess, amountSats: number): Promise<string> {
  const { json } = await gate.client.ask({ path: '/create-invoice', body: { amountSats } })
  const paid = await gate.client.ask({ path: '/play/pay', body: { invoice: json.bolt11 } })
  return `${json.macaroon}:${paid.json.preimage}`
}

const balance = async (gate: GateProcess, pass: string) =>
  (await gate.client.ask({ path: '/v1/balance', headers: { authorization: `Bearer ${pass}` } }))
    .json

const words = (count: number) => Array.from({ length: count }, () => ' word')
const data = (gate: GateProcess, name: string) => join(gate.folder, 'data', name)

/** The output and the exit code of a start that failed. */
const refusal = (gate: GateProcess): Promise<string> =>
  gate.start().then(
    () => 'it started',
    (error: Error) => error.message,
  )

describe('B6 kill -9', () => {
  it('in the middle of a stream: the next start charges what was journalled and no more, and the books balance', async () => {
    const { fake, gate } = await gateOf({ deltas: words(100), paceMs: 60 })
    await gate.start()
    const pass = await buy(gate, 1_000)
    const stream = await gate.client.open(chat(pass, { stream: true }))
    await until(() => (stream.text().match(/word/g)?.length ?? 0) >= 25)
    const flowed = stream.text().match(/word/g)?.length ?? 0
    await gate.kill9()
    expect((await stream.over).cut).toBe(true)
    await gate.start()
    await fake.untilAborted()
    expect(gate.events('problem')).toMatchObject([{ what: 'holds_recovered', holds: 1 }])
    const left = await balance(gate, pass)
    expect(left.held_msat).toBe(0)
    const charged = (1_000_000 - left.balance_msat) / 1_000
    expect(charged).toBeGreaterThan(0)
    expect(charged).toBeLessThanOrEqual(flowed)
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true, open_holds: 0 })
  })

  it('after a payment: what /play/pay confirmed is there, and is credited once', async () => {
    const { gate } = await gateOf()
    await gate.start()
    const { json } = await gate.client.ask({ path: '/create-invoice', body: { amountSats: 77 } })
    const paid = await gate.client.ask({ path: '/play/pay', body: { invoice: json.bolt11 } })
    await gate.kill9()
    await gate.start()
    const pass = `${json.macaroon}:${paid.json.preimage}`
    expect((await balance(gate, pass)).balance_msat).toBe(77_000)
    expect((await gate.client.ask(chat(pass))).status).toBe(200)
    // Payments wait for the disk. Charges are written a few ms later, more on a busy machine.
    await tick(1_000)
    await gate.kill9()
    await gate.start()
    expect((await balance(gate, pass)).balance_msat).toBe(75_000)
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
  })

  it('in the middle of deposits: every balance that was shown is there, and none twice', async () => {
    const { gate } = await gateOf()
    await gate.start()
    const shown: string[] = []
    const load = Array.from({ length: 8 }, async () => {
      for (;;) {
        const pass = await buy(gate, 7)
        await balance(gate, pass)
        shown.push(pass)
      }
    })
    for (const one of load) one.catch(() => {})
    await until(() => shown.length > 10)
    await gate.kill9()
    await Promise.allSettled(load)
    await gate.start()
    for (const pass of shown) expect((await balance(gate, pass)).balance_msat).toBe(7_000)
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
  })

  it('at any moment of a busy minute: every answered request is in the books, and they balance', async () => {
    const { gate } = await gateOf({ deltas: words(3), paceMs: 2 })
    await gate.start()
    const pass = await buy(gate, 5_000)
    const costs: number[] = []
    const load = Array.from({ length: 8 }, async (_, i) => {
      for (;;) {
        const answered = await gate.client.ask(chat(pass, { stream: i % 2 === 0, max_tokens: 5 }))
        costs.push(Number(answered.headers['x-cost-msat'] ?? answered.trailers['x-cost-msat']))
      }
    })
    for (const one of load) one.catch(() => {})
    await until(() => costs.length > 30)
    await gate.kill9()
    await Promise.allSettled(load)
    await gate.start()
    const told = costs.reduce((sum, cost) => sum + cost, 0)
    const left = await balance(gate, pass)
    // A settlement is written a few ms later, so the last answers may be free, but nothing else.
    expect(5_000_000 - left.balance_msat).toBeGreaterThanOrEqual(told - 16 * 3_000)
    expect(5_000_000 - left.balance_msat).toBeLessThanOrEqual(told + 8 * 5_000)
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true, open_holds: 0 })
  })
})

describe('SIGTERM', () => {
  it.each(['SIGTERM', 'SIGHUP'] as const)(
    '%s lets a stream finish, refuses what is new, and leaves no hold',
    async (signal) => {
      const { gate } = await gateOf({ deltas: words(20), paceMs: 40 })
      await gate.start()
      const pass = await buy(gate, 100)
      const stream = await gate.client.open(chat(pass, { stream: true }))
      await stream.until('word')
      const events = gate.events()
      const exit = gate.ended()
      gate.signal(signal)
      // A closing terminal sends its signal twice.
      if (signal === 'SIGHUP') gate.signal(signal)
      const { text } = await stream.over
      expect(text.match(/word/g)).toHaveLength(20)
      expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
      expect(await exit).toBe(0)
      expect(events.slice(-2)).toMatchObject([
        { event: 'request', end: 'complete', charged_msat: 20_000 },
        { event: 'stopped', open_holds: 0, held_msat: 0, answers: 1, earned_msat: 20_000 },
      ])
      expect(await gate.command('ledger', 'verify')).toMatchObject({
        balanced: true,
        open_holds: 0,
      })
    },
  )

  it('ends streams that still run after its time, and gives their money back', async () => {
    const { gate } = await gateOf(
      { deltas: words(100), paceMs: 200 },
      { timeouts: { shutdown: '1s' } },
    )
    await gate.start()
    const pass = await buy(gate, 100)
    const stream = await gate.client.open(chat(pass, { stream: true }))
    await stream.until('word')
    const events = gate.events()
    expect(await gate.stop()).toBe(0)
    expect((await stream.over).text).toContain('"code":"stopping"')
    expect(events.at(-1)).toMatchObject({ open_holds: 0, answers: 0, earned_msat: 0 })
    expect(events.at(-2)).toMatchObject({ end: 'stopped', charged_msat: 0 })
  })
})

describe('where it does not start', () => {
  it('on a folder that another gate uses: refused by name, and the first gate goes on', async () => {
    const { fake, gate } = await gateOf()
    await gate.start()
    const second = processOf({ upstream: fake.base.origin, dataDir: join(gate.folder, 'data') })
    expect(await refusal(second)).toMatch(/ended with 1: .*another gate runs on .*--data-dir/s)
    const pass = await buy(gate, 10)
    expect((await gate.client.ask(chat(pass))).status).toBe(200)
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
  })

  it('on a port that is taken, if the operator chose it', async () => {
    const { fake } = await gateOf()
    const holder = createServer()
    await new Promise<void>((then) => holder.listen(0, '127.0.0.1', then))
    clean.push(() => new Promise((then) => holder.close(then)))
    const { port } = holder.address() as { port: number }
    const gate = processOf({ upstream: fake.base.origin, port })
    expect(await refusal(gate)).toMatch(
      new RegExp(`ended with 1: .*port ${port} is taken by .*--port`, 's'),
    )
  })

  it('C12 without the root key of a ledger with accounts', async () => {
    const { gate } = await gateOf()
    await gate.start()
    const pass = await buy(gate, 10)
    await gate.stop()
    const key = data(gate, 'root.key')
    expect(statSync(key).mode & 0o777).toBe(0o600)
    renameSync(key, `${key}.away`)
    expect(await refusal(gate)).toMatch(/ended with 4: .*root\.key is missing/s)
    expect(existsSync(key)).toBe(false)
    writeFileSync(key, 'not a key', { mode: 0o600 })
    expect(await refusal(gate)).toMatch(/ended with 4: .*root\.key is unreadable/s)
    renameSync(`${key}.away`, key)
    await gate.start()
    expect((await gate.client.ask(chat(pass))).status).toBe(200)
  })

  it('on a damaged ledger, however it is damaged: exit code 4, and the file is unchanged', async () => {
    const { gate } = await gateOf()
    await gate.start()
    const pass = await buy(gate, 10)
    await gate.stop()
    const path = data(gate, 'ledger.db')
    const whole = readFileSync(path)
    for (const damaged of [
      whole.subarray(0, whole.length >> 1),
      Buffer.from('hello, this is no ledger at all'.repeat(100)),
      Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, 0xff)]),
    ]) {
      writeFileSync(path, damaged)
      expect(await refusal(gate)).toMatch(/ended with 4: /)
      expect(readFileSync(path).equals(damaged)).toBe(true)
    }
    writeFileSync(path, whole)
    await gate.start()
    expect((await balance(gate, pass)).balance_msat).toBe(10_000)
  })

  it.each([
    ['host: 0.0.0.0', { host: '0.0.0.0' }],
    ['host: ::', { host: '::' }],
    ['a host that only begins like one of this machine', { host: '127.evil.example' }],
    ['publicUrl', { publicUrl: 'https://gate.example' }],
  ])('play money with %s: 2', async (_, settings) => {
    const { gate } = await gateOf({}, settings)
    expect(await refusal(gate)).toMatch(/ended with 2: .*play money/s)
    expect(existsSync(data(gate, 'ledger.db'))).toBe(false)
  })

  it('I9 ledger_refuses_other_money_kind: a ledger of real money takes no play money', async () => {
    const { openSqliteBooks } = await import('../../src/ledger/sqlite.ts')
    const { gate } = await gateOf()
    const world = {
      ...real,
      now: () => Date.now(),
      random: (bytes: number) => new Uint8Array(bytes),
    }
    await openSqliteBooks({ path: data(gate, 'ledger.db'), kind: 'real', world }).close()
    expect(await refusal(gate)).toMatch(/ended with 1: .*real.*play|ended with 1: .*play.*real/s)
  })
})

describe('the folder', () => {
  it('H4 its socket is only for its owner; commands about the books ask the running gate', async () => {
    const { gate } = await gateOf()
    await gate.start()
    const socket = statSync(data(gate, 'control.sock'))
    expect([socket.isSocket(), socket.mode & 0o777]).toEqual([true, 0o600])
    expect(statSync(data(gate, 'ledger.db')).mode & 0o077).toBe(0)
    const pass = await gate.mint(5)
    expect(await balance(gate, pass)).toMatchObject({
      balance_msat: 5_000,
      bonus_msat: 5_000,
      paid_msat: 0,
    })
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true, accounts: 1 })
  })

  it('H3 contains no secret of a buyer: no presented preimage, no pass, no prompt', async () => {
    const { gate } = await gateOf({}, { log: { level: 'debug' } })
    await gate.start()
    const pass = await buy(gate, 10)
    const prompt = 'my-secret-prompt-4711'
    await gate.client.ask(chat(pass, { messages: [{ role: 'user', content: prompt }] }))
    await gate.stop()
    const said = `${JSON.stringify(gate.events())}${gate.stderr}`
    for (const secret of [prompt, ...pass.split(':')]) {
      expect(said).not.toContain(secret)
      // The play wallet is also the payer, so its own preimages are in its store.
      if (secret === pass.split(':')[1]) continue
      expect(readFileSync(data(gate, 'ledger.db')).includes(secret)).toBe(false)
    }
  })
})
