import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeCloudflared, fakeCloudflared } from '../support/cloudflared.ts'
import { GateProcess } from '../support/gate-process.ts'
import { lacks, quoted, Terminal } from '../support/terminal.ts'
import { startFakeUpstream } from '../support/upstream.ts'
import { startLndDouble } from '../unit/wallets/lnd/lnd-double.ts'

/** Asks a person at a terminal once whether the gate should become public. */
const PROGRAM = fileURLToPath(new URL('../../bin/satgate.ts', import.meta.url))
const QUESTION = /Put this gate on the internet through Cloudflare\? \[Y\/n\]/
const READY = /http:\/\/127\.0\.0\.1:\d+(?=\/v1|")/

const clean: (() => unknown)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

describe.skipIf(lacks('script'))('the tunnel, the first time', () => {
  let cloudflared: FakeCloudflared
  let gate: GateProcess
  beforeEach(async () => {
    cloudflared = fakeCloudflared()
    clean.push(() => cloudflared.remove())
    const lnd = await startLndDouble()
    lnd.traps.network = 'bc' as never
    clean.push(() => lnd.stop())
    const upstream = await startFakeUpstream({})
    clean.push(() => upstream.close())
    gate = new GateProcess({})
    clean.push(() => gate.remove())
    const key = join(gate.folder, 'invoice.macaroon')
    writeFileSync(key, Buffer.from(lnd.macaroonHex, 'hex'), { mode: 0o600 })
    const wallet = { kind: 'lnd', url: lnd.url, key: { file: key } }
    gate.configure({ upstream: upstream.base.origin, wallet, tunnel: 'auto' })
  })

  const env = () => ({ ...process.env, PATH: `${cloudflared.folder}:${process.env.PATH}` })

  /** A run by a person at a terminal. */
  function atTerminal(...flags: readonly string[]): Terminal {
    const words = [process.execPath, PROGRAM, ...flags].map(quoted).join(' ')
    const terminal = new Terminal(`exec ${words}`, { cwd: gate.folder, env: env() })
    clean.push(() => terminal.close())
    return terminal
  }

  async function stopped(terminal: Terminal): Promise<number | null> {
    const [url] = await terminal.until(READY)
    // Once it answers, it also listens for Ctrl+C.
    await fetch(`${url}/health`)
    terminal.type('\u0003')
    return terminal.ended()
  }

  it('opens on Enter, and by itself the next time', async () => {
    const first = atTerminal()
    await first.until(QUESTION)
    expect(cloudflared.starts).toBe(0)
    first.type('\r')
    const [{ url }] = await Promise.all([
      cloudflared.spoken(),
      first.until(/public\b.*trycloudflare/),
    ])
    expect(first.text).toContain(url)
    expect(await stopped(first)).toBe(0)
    const second = atTerminal()
    await second.until(/public\b.*trycloudflare/)
    expect(second.text).not.toMatch(QUESTION)
    expect(await stopped(second)).toBe(0)
    await gate.start(env())
    expect(gate.events('ready')).toMatchObject([{ tunnel: 'open', tunnel_why: 'answered_yes' }])
  })

  it('stays closed on n, says how to change that, and is not asked for again', async () => {
    const first = atTerminal()
    await first.until(QUESTION)
    first.type('n\r')
    await first.until(/you said no to the tunnel/)
    expect(await stopped(first)).toBe(0)
    const second = atTerminal()
    expect(await stopped(second)).toBe(0)
    expect(second.text).not.toMatch(QUESTION)
    await gate.start(env())
    const [ready] = gate.events('ready')
    expect(ready).toMatchObject({ tunnel: 'off', tunnel_why: 'answered_no', public_url: null })
    expect(cloudflared.starts).toBe(0)
  })

  it('Ctrl+C at the question stops the gate, and leaves the folder to the next one', async () => {
    const first = atTerminal()
    await first.until(QUESTION)
    first.type('\u0003')
    expect(await first.ended()).toBe(130)
    expect(existsSync(join(gate.data, 'answers.json'))).toBe(false)
    const second = atTerminal()
    await second.until(QUESTION)
    second.type('\u0004')
    await second.until(/was not answered/)
    expect(await stopped(second)).toBe(0)
    expect(existsSync(join(gate.data, 'answers.json'))).toBe(false)
    expect(cloudflared.starts).toBe(0)
  })

  it.each([['--tunnel'], ['--no-tunnel'], ['--json']])('%s asks nothing', async (flag) => {
    const terminal = atTerminal(flag)
    expect(await stopped(terminal)).toBe(0)
    expect(terminal.text).not.toMatch(QUESTION)
    expect(cloudflared.starts).toBe(flag === '--no-tunnel' ? 0 : 1)
    if (flag === '--json') expect(terminal.text).toContain('"event":"ready"')
  })

  it('without a terminal it opens, and the ready event says that nobody was asked', async () => {
    await gate.start(env())
    const { url } = await cloudflared.spoken()
    const [ready] = gate.events('ready')
    expect(ready).toMatchObject({ public_url: url, tunnel: 'open', tunnel_why: 'nobody_to_ask' })
    expect(gate.stderr).toContain('there was no terminal to ask on')
    expect(existsSync(join(gate.data, 'answers.json'))).toBe(false)
  })
})
