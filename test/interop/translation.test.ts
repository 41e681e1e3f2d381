import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GateProcess } from '../support/gate-process.ts'
import { type ChatOnly, startChatOnly } from './chat-only.ts'
import { describeWithLab, inFullSuite, type Lab, openLab } from './lab.ts'
import { API_CLIENTS } from './matrix/api-clients.ts'
import { Measured } from './matrix/measure.ts'
import type { Session } from './matrix/row.ts'
import { MODEL, type ScriptedModel, startScriptedModel, WORD } from './matrix/scripted-model.ts'
import { playGate } from './opening.ts'
import { openTap, type Tap } from './tap.ts'

const CHAT = '/v1/chat/completions'
const ROWS = API_CLIENTS.filter(({ path }) => ['/v1/responses', '/v1/messages'].includes(path))

/** The SDKs of OpenAI's Responses and of Anthropic's Messages, unmodified. */
describeWithLab('clients of Responses and Messages at a backend of chat completions', () => {
  let lab: Lab
  let model: ScriptedModel
  let backend: ChatOnly
  let gate: GateProcess
  let tap: Tap
  let rich = ''

  beforeAll(async () => {
    lab = await openLab()
    await lab.install('clients')
    model = await startScriptedModel()
    backend = await startChatOnly(model.url)
    gate = await playGate(backend.url, {
      pricing: { default: '1/3', maxOutputTokens: 4000 },
      limits: { invoicesPerClient: 1000 },
    }).start()
    tap = await openTap(gate.url)
    rich = await gate.mint(1_000_000)
  })
  afterAll(async () => {
    const verdict = await gate?.command('ledger', 'verify')
    await gate?.remove()
    await tap?.close()
    await backend?.close()
    await model?.close()
    await lab?.stop()
    expect(verdict).toMatchObject({ balanced: true, open_holds: 0 })
  })

  // The apps are 2.5 GB, so only the full suite installs them.
  it.runIf(inFullSuite)('Codex gets its answer, and runs a command', async () => {
    await lab.install('apps')
    const tool = { name: 'exec_command', arguments: { cmd: 'echo satgate-$((20+1))' } }
    for (const doing of [
      { does: 'talks' },
      { does: 'calls', tool, result: 'satgate-21' },
    ] as const) {
      model.doing = doing
      const words = ['codex', `${gate.url}/v1`, rich, MODEL, 'Which bird is it?']
      const { exit, out } = JSON.parse((await lab.exec('apps', ...words)).split('\n').at(-1) ?? '')
      expect(exit).toBe(0)
      expect(out).toContain(WORD)
    }
    expect(model.told).toBe(true)
  })

  describe.each(ROWS)('$name', (row) => {
    let session: Session
    let client: Measured
    beforeAll(async () => {
      session = await row.open({ lab, url: tap.url, model: MODEL })
      client = new Measured({ gate, tap, model, rich }, row, session)
    })
    afterAll(() => session?.close())

    it('streams an answer', async () => {
      const { asked, cell } = await client.streams()
      expect([asked.error, cell]).toEqual(['', 'yes'])
      expect(backend.asked.at(-1)).toBe(CHAT)
      const event = gate.events('request').at(-1)
      expect(event).toMatchObject({ dialect: expect.stringMatching(/-as-chat$/), end: 'complete' })
    })

    it('calls a tool, and goes on with its result', async () => {
      const { asked, cell } = await client.tool()
      expect([asked?.error, cell]).toEqual(['', 'yes'])
    })

    it('keeps the part that it got when its credit runs out', async () => {
      const { cell } = await client.runsOut()
      expect(cell).toBe('part kept, 1 try')
    })

    it('keeps the part that it got when the backend breaks off', async () => {
      const { cell } = await client.breaks()
      expect(cell).toMatch(/^part kept, .*1 try$/)
    })

    it('goes on after a top-up of the same key', async () => {
      expect((await client.topsUp()).cell).toBe('yes')
    })
  })
})
