import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GateProcess } from '../support/gate-process.ts'
import { describeInFullSuite, describeWithLab, inFullSuite, type Lab, openLab } from './lab.ts'
import { API_CLIENTS } from './matrix/api-clients.ts'
import { APPS } from './matrix/apps.ts'
import { CLAUDE_CODE, CURL, installClaudeCode, OLLAMA } from './matrix/commands.ts'
import { type Bench, Measured, type Works } from './matrix/measure.ts'
import type { Row, Session } from './matrix/row.ts'
import {
  LAST_WORD,
  MODEL,
  type ScriptedModel,
  startScriptedModel,
} from './matrix/scripted-model.ts'
import { cellsOf, readTable, withoutVersion, writeTable } from './matrix/table.ts'
import { playGate } from './opening.ts'
import { openTap, type Tap } from './tap.ts'

const QUICK = [CURL, ...API_CLIENTS]
const SLOW = [...APPS, CLAUDE_CODE, OLLAMA]
/** Only the whole suite measures every row. */
const WRITES = inFullSuite && process.env.WRITE_CLIENTS !== undefined

/**
 * The programs that people use, unmodified, each asked the same six things. What they do is compared
 * with the table in docs/clients.md, or is written there.
 */
const committed = readTable()
const measured = new Map<string, readonly string[]>()
let lab: Lab
let gate: GateProcess
let model: ScriptedModel
let tap: Tap
let bench: Bench

async function open(...parts: readonly string[]): Promise<void> {
  lab = await openLab()
  for (const part of parts) await lab.install(part)
  model = await startScriptedModel()
  gate = await playGate(model.url, {
    pricing: { default: '1/3', maxOutputTokens: 4000 },
    limits: { invoicesPerClient: 1000 },
    dialects: { keyPath: true },
  }).start()
  tap = await openTap(gate.url)
  bench = { gate, tap, model, rich: await gate.mint(1_000_000) }
}

async function close(): Promise<void> {
  const verdict = await gate?.command('ledger', 'verify')
  await gate?.remove()
  await tap?.close()
  await model?.close()
  await lab?.stop()
  if (WRITES) {
    const names = [...QUICK, ...SLOW].map(({ name }) => name)
    writeTable(new Map([...readTable(), ...measured]), names, new Date().toISOString().slice(0, 10))
  }
  expect(verdict).toMatchObject({ balanced: true, open_holds: 0 })
}

/** The six columns of one client. */
function columnsOf(row: Row): void {
  const works: Works = {
    ...{ streams: '', tool: '', refused: '', runsOut: '', breaks: '', topsUp: '' },
  }
  let session: Session
  let client: Measured
  beforeAll(async () => {
    session = await row.open({ lab, url: tap.url, model: MODEL })
    client = new Measured(bench, row, session)
  })
  afterAll(() => session?.close())

  it('streams an answer', async () => {
    const { cell, asked } = await client.streams()
    works.streams = cell
    expect(asked).toMatchObject({ ok: true, tries: 1 })
    expect(cell).toBe('yes')
  })

  it.skipIf(typeof row.tool === 'string')('calls a tool', async () => {
    const { cell, asked } = await client.tool()
    works.tool = cell
    expect(asked).toMatchObject({ ok: true })
    expect(cell).toBe('yes')
  })

  it('reads the 402', async () => {
    const { cell, asked } = await client.refused()
    works.refused = cell
    expect(asked.sent.map(({ status }) => status)).not.toContain(200)
    expect(cell).toMatch(/^price and link/)
  })

  it('its credit runs out in the middle of an answer', async () => {
    const { cell, asked } = await client.runsOut()
    works.runsOut = cell
    expect(asked.sent.map(({ status }) => status)).toContain(200)
    expect(asked.text).not.toContain(LAST_WORD)
  })

  it('the backend breaks in the middle of an answer', async () => {
    const { cell, asked } = await client.breaks()
    works.breaks = cell
    expect(asked.sent.map(({ status }) => status)).toContain(200)
  })

  it('goes on after a top-up of the same key', async () => {
    const { cell, refused, asked } = await client.topsUp()
    works.topsUp = cell
    expect(refused.sent.at(-1)?.status).toBe(402)
    expect(asked).toMatchObject({ ok: true })
    expect(cell).toBe('yes')
  })

  it('does what docs/clients.md says', () => {
    const tool = typeof row.tool === 'string' ? row.tool : works.tool
    const cells = cellsOf(row, { ...works, tool })
    measured.set(row.name, cells)
    if (!WRITES)
      expect(withoutVersion(cells)).toEqual(withoutVersion(committed.get(row.name) ?? []))
  })
}

function rowsOf(rows: readonly Row[]): void {
  for (const row of rows) describe(row.name, () => columnsOf(row))
}

describeWithLab('libraries against a gate', () => {
  beforeAll(() => open('clients'))
  afterAll(close)
  rowsOf(QUICK)
})

describeInFullSuite('apps against a gate', () => {
  beforeAll(async () => {
    await open('apps', 'ollama')
    installClaudeCode()
  })
  afterAll(close)
  rowsOf(SLOW)
})
