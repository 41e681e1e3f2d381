import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeMint, startFakeMint } from '../support/fake-mint.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'
import { buy, pageOf } from './buy.ts'
import { Machine, registryMissing } from './machine.ts'

/** The port of the backend in the README. */
const OLLAMA = 11_434

/** The lines of fenced blocks that install a clone and then use it. */
function commandsOf(readme: string): readonly string[] {
  const blocks = [...readme.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  return blocks
    .flatMap((block) => block.split('\n'))
    .filter((line) => line.startsWith('npm ci'))
    .map((line) => line.replace(/\s+#.*/, ''))
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
  })
  server.close()
  return free
}

describe.skipIf(registryMissing !== null)('the first two commands of README', () => {
  let machine: Machine
  let clone: string
  let commands: readonly string[]
  let env: Readonly<Record<string, string>>
  let mint: FakeMint
  let backend: FakeUpstream

  beforeAll(async () => {
    machine = new Machine()
    clone = machine.clone()
    commands = commandsOf(readFileSync(join(clone, 'README.md'), 'utf8'))
    mint = await startFakeMint()
    // This run uses its own mint, so the public mints are not called.
    env = { ...(await machine.node20()), SATGATE_WALLET_MINTS: JSON.stringify([mint.url]) }
    const script = { deltas: ['Hel', 'lo'], models: [{ id: 'fake', object: 'model' }] }
    backend = await startFakeUpstream(script, (await isFree(OLLAMA)) ? OLLAMA : 0)
  })
  afterAll(async () => {
    await backend?.close()
    await mint?.stop()
    machine?.remove()
  })

  it('are for a clone, and come before what needs the published package', () => {
    const readme = readFileSync(join(clone, 'README.md'), 'utf8')
    expect(commands.slice(0, 2)).toEqual([
      `npm ci && npm start -- --upstream http://localhost:${OLLAMA}`,
      'npm ci && npm test',
    ])
    const npx = readme.search(/^npx /m)
    expect(npx === -1 || readme.indexOf(commands[1] ?? '') < npx).toBe(true)
  })

  it('start a gate on Node 20 that asks to be paid, is paid, and answers', async () => {
    expect((await machine.run('node --version', clone, env)).stdout).toMatch(/^v20\./)
    const start = (commands[0] ?? '').replace(String(OLLAMA), String(backend.port))
    const gate = await machine.gate(start, clone, env)
    const sold = await buy(gate.url, (invoice) => mint.pay(invoice))
    const page = await pageOf(gate.url)
    const { stdout } = await gate.stop()
    expect(sold).toEqual({ cost: expect.any(Number), text: 'Hello' })
    expect(sold.cost).toBeGreaterThan(0)
    expect(page).toContain('<!doctype')
    expect(stdout).toContain('"wallet":"ecash"')
    expect(stdout).toContain('"event":"stopped"')
  })

  it('run the tests on Node 20: one folder of them here, all of them in CI', async () => {
    const test = `${commands[1]} -- test/unit/money`
    const { code, stdout, stderr } = await machine.run(test, clone, env)
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/Tests .*[1-9]\d* passed/)
  })
})
