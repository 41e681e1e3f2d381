import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/buyer.ts'
import { ENDINGS, type Ending, endingSettings, letGo } from '../support/endings.ts'
import { startGate } from '../support/gate.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'
import { openTap } from './tap.ts'

const run = promisify(execFile)
const MODEL = 'fake'
const READERS = fileURLToPath(new URL('./readers', import.meta.url))

/** What a client understood of a stream. */
interface Read {
  readonly text: string
  /** The whole error as JSON or text. Empty if there is none. */
  readonly error: string
  /** Null if this client does not tell it. */
  readonly finish: string | null
}

/** Lets a client read one ending through a gate, with a tap that shows what was sent. */
async function reads(
  ending: Ending,
  eventEnd: string,
  client: (base: string, pass: string) => Promise<Read>,
): Promise<void> {
  const gate = await startGate({ settings: endingSettings(ending) })
  const pass = await gate.buy(1_000)
  const tap = await openTap(gate.url)
  try {
    gate.fake.script = ending.script(eventEnd)
    const reading = client(`${tap.url}/v1`, pass.text)
    const seen = () => (tap.tapped.length === 0 ? '' : tap.last().answer)
    const asked = () => gate.fake.seen.some(({ method }) => method === 'POST')
    await until(() => asked() || gate.fake.running > 0 || seen() !== '')
    await ending.meanwhile?.(gate, seen)
    const read = await reading
    const { text, error, finish } = ending.reads
    if (text !== undefined) expect(read.text).toBe(text)
    if (error === null) expect(read.error).toBe('')
    else expect(read.error).toContain(error)
    if (read.finish !== null && error === null) expect(read.finish).toBe(finish)
    await until(async () => (await gate.balance(pass)).held_msat === 0)
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000 - ending.msat)
  } finally {
    letGo()
    await tap.close()
  }
}

const LINE_ENDS = [
  ['LF', '\n\n'],
  ['CRLF', '\r\n\r\n'],
] as const

describeWithLab('K2 every ending of a stream, read by SDKs that nobody here wrote', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.stop())

  describe.each(['openai-node', 'openai-python'])("OpenAI's SDK: %s", (client) => {
    it.each(ENDINGS)('K2 $name', async (ending) => {
      await reads(ending, '\n\n', async (base, pass) => {
        const printed = await lab
          .exec('clients', client, base, pass, MODEL, 'stream')
          .catch((error: Error & { stdout?: string }) => error.stdout ?? String(error))
        const told = JSON.parse(printed.trim().split('\n').at(-1) ?? '')
        const error = told.ok === true ? '' : JSON.stringify(told.error)
        return { text: told.text ?? '', error, finish: null }
      })
    })
  })
})

/** Why the Go suite cannot run here. Null if it can. In CI, a reason is an error. */
const goMissing = ((): string | null => {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' })
    return null
  } catch {
    if (process.env.CI === 'true') throw new Error('go is not installed')
    return 'go is not installed'
  }
})()

const suite = "K2 every ending of a stream, read by OpenAI's Go SDK"
;(goMissing === null ? describe : describe.skip)(
  goMissing === null ? suite : `${suite} (skipped: ${goMissing})`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'satgate-go-'))
    const program = join(folder, 'read')
    beforeAll(async () => {
      await run('go', ['build', '-o', program, '.'], { cwd: READERS })
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    describe.each(LINE_ENDS)('lines ended by %s', (_, eventEnd) => {
      it.each(ENDINGS)('K2 $name', async (ending) => {
        await reads(ending, eventEnd, async (base, pass) => {
          const usage = ending.usage === true ? 'usage' : 'plain'
          const { stdout } = await run(program, [base, pass, MODEL, usage])
          const told = JSON.parse(stdout)
          expect(told.joined).toBe(true)
          return { text: told.text, error: told.error, finish: told.finish }
        })
      })
    })
  },
)
