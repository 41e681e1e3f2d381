import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../support/buyer.ts'
import { type FakeMint, startFakeMint } from '../support/fake-mint.ts'
import { GateProcess } from '../support/gate-process.ts'
import { lacks } from '../support/terminal.ts'
import { startFakeUpstream } from '../support/upstream.ts'

/** The program on a full disk: every write to a file is refused. */
const FULL = pathToFileURL(join(import.meta.dirname, '../support/full-disk.mjs')).href
const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

const disk = (gate: GateProcess, is: 'full' | 'free') => {
  const limit = is === 'full' ? '0:unlimited' : 'unlimited:unlimited'
  execFileSync('prlimit', ['--pid', String(gate.pid), `--fsize=${limit}`])
}

async function shop(): Promise<{ mint: FakeMint; gate: GateProcess }> {
  const [fake, mint] = await Promise.all([startFakeUpstream({}), startFakeMint({ sockets: false })])
  const wallet = { mints: [mint.url] }
  const gate = new GateProcess({ upstream: fake.base.origin, wallet })
  clean.push(
    () => fake.close(),
    () => mint.stop(),
    () => gate.remove(),
  )
  return { mint, gate: await gate.start() }
}

/**
 * The limit of file sizes with which nothing more can be written. It is at least 32 KiB, because
 * SQLite keeps its shared memory in a file of that size.
 */
const written = (gate: GateProcess): number => {
  const sizes = ['ledger.db-wal', 'ecash.db-wal'].map(
    (name) => statSync(join(gate.data, name)).size,
  )
  return Math.max(32_768, Math.min(...sizes))
}

const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }
const chat = async (gate: GateProcess, pass: string | null = null) => {
  const headers = pass === null ? {} : { authorization: `Bearer ${pass}` }
  return (await gate.client.ask({ path: '/v1/chat/completions', body: HELLO, headers })).status
}
const invoice = (gate: GateProcess) =>
  gate.client.ask({ path: '/create-invoice', body: { amountSats: 100 } })

describe.skipIf(lacks('prlimit'))('J12 a disk that is full', { timeout: 60_000 }, () => {
  it('J12 a payment at the mint does not end the gate: 503 until it is written, then credited, and nothing is lost', async () => {
    const { mint, gate } = await shop()
    const bought = await invoice(gate)
    const paying = (await invoice(gate)).json
    const pass = `${bought.json.macaroon}:${mint.pay(bought.json.bolt11)}`
    await until(async () => (await chat(gate, pass)) === 200)
    disk(gate, 'full')
    const second = `${paying.macaroon}:${mint.pay(paying.bolt11)}`
    await until(async () => (await chat(gate)) === 503)
    expect((await invoice(gate)).status).toBe(503)
    // The answer that meets the full disk is still sent. It is settled in memory and written later.
    await until(async () => (await chat(gate, pass)) === 503)
    await gate.event(({ event, what }) => event === 'problem' && what === 'ledger_commit')
    expect((await gate.client.ask({ path: '/health' })).json.ledger).not.toBe('ok')
    disk(gate, 'free')
    await until(async () => (await chat(gate, second)) === 200)
    await until(async () => (await chat(gate)) === 402)
    expect(gate.events().filter(({ what }) => what === 'fatal')).toEqual([])
    expect(await gate.command('wallet', 'balance')).toMatchObject({ balance_sat: 200 })
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true, open_holds: 0 })
    expect(mint.issuedSat()).toBe(200)
    expect(await gate.stop()).toBe(0)
  })

  it('J12 nor does it end the gate at each start: the gate runs, sells nothing, and credits what was paid', async () => {
    const { mint, gate } = await shop()
    const { json } = await invoice(gate)
    disk(gate, 'full')
    const pass = `${json.macaroon}:${mint.pay(json.bolt11)}`
    await gate.event(({ what }) => what === 'background_failed')
    await gate.kill9()
    for (let starts = 0; starts < 2; starts += 1) {
      await gate.start({
        NODE_OPTIONS: `--import ${FULL}`,
        TEST_FILE_BYTES: String(written(gate)),
      })
      await until(async () => (await chat(gate)) === 503)
      expect((await invoice(gate)).status).toBe(503)
      await gate.kill9()
    }
    await gate.start()
    await until(async () => (await chat(gate, pass)) === 200)
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
    expect(mint.issuedSat()).toBe(100)
  })
})
