import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { banner } from '../../../src/cli/banner.ts'
import { openLog } from '../../../src/cli/log.ts'
import { PROBLEMS } from '../../../src/cli/problems.ts'
import { listenForCommands } from '../../../src/daemon/control.ts'
import { onLine, printable, printableInInk, printableJson } from '../../../src/floor/printable.ts'
import { satgateAt } from '../../support/command-line.ts'
import { real } from '../../support/world.ts'

/** Each of these does something on some terminal, or looks like something else. */
const EVIL: Readonly<Record<string, string>> = {
  CSI: '\u001b[2J\u001b[1;31m',
  'OSC 8': '\u001b]8;;https://evil.example\u0007click\u001b]8;;\u0007',
  title: '\u001b]0;owned\u0007',
  BEL: '\u0007',
  CR: 'real\rfake',
  LF: 'one\n  12:00:00  paid   1,000,000 sat',
  backspace: 'abc\b\b\b',
  C1: '\u009b2J\u009d0;x\u009c\u0085',
  DEL: '\u007f',
  override: '\u202egpj.exe\u202c\u2066\u2069\u061c',
  'zero width': 'a\u200b\u200c\u200d\u2060\ufeffb',
  'no width at all': '\u034f\u115f\u1160\u3164\uffa0\u180e\ufe0f\u{e0041}',
  'line separators': '\u2028\u2029\u000b\u000c',
  'half a character': '\ud800x\udc00',
}
const NAME = Object.values(EVIL).join('|')
const RAW = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

/** Only printable text and our own line ends. The forged line is only a part of another line. */
const expectSafe = (text: string) => {
  const rest = text.replaceAll('\n', '')
  expect(RAW.exec(rest)?.[0].codePointAt(0)).toBeUndefined()
  expect(text).not.toMatch(/^ {2}12:00:00/m)
}

let folder = ''
const world = {
  ...real,
  now: () => 1_800_000_000_000,
  random: (bytes: number) => new Uint8Array(bytes),
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satgate-terminal-'))
  mkdirSync(join(folder, 'data'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function satgate(terminal: boolean, ...argv: readonly string[]) {
  const said = await satgateAt(
    { cwd: folder, columns: terminal ? 100 : null, colour: terminal },
    ...argv,
  )
  expectSafe(said.stdout)
  expectSafe(said.stderr)
  return said
}

const mint = `https://mint.example/${NAME}`
const refusal = (why: string) => ({ ok: false, error: { why, says: NAME } })

/** Answers of a gate in which somebody else chose every field. */
const ANSWERS: readonly (readonly [command: readonly string[], answer: unknown])[] = [
  [
    ['ledger'],
    [
      {
        ...{ account: NAME, paid_msat: 1, bonus_msat: 1, held_msat: 0, owed_msat: 0 },
        ...{ available_msat: 2, leaving_msat: 1, usd_micros: 1, created_at: NAME },
      },
    ],
  ],
  [
    ['ledger', 'holds'],
    [{ id: NAME, account: NAME, model: NAME, amount_msat: 1, usd_micros: 1, opened_at: NAME }],
  ],
  [
    ['ledger', 'entries'],
    [
      {
        ...{ at: NAME, why: NAME, ref: NAME },
        postings: [{ debit: NAME, credit: `paid:${NAME}`, amount_msat: 1 }],
      },
    ],
  ],
  [['ledger', 'verify'], { balanced: false, problems: [NAME] }],
  [
    ['ledger', 'verify'],
    {
      ...{ balanced: true, accounts: 1, open_holds: 0, postings: 1 },
      drawers: [{ drawer: NAME, balance_msat: 1 }],
      buyers: { paid_msat: 1, bonus_msat: 0, held_msat: 0, owed_msat: 0, usd_micros: 1 },
    },
  ],
  [
    ['earnings'],
    {
      charges: [
        {
          ...{ day: NAME, model: NAME, requests: 1, prompt_tokens: 1, completion_tokens: 1 },
          ...{ earned_msat: 1, overrun_msat: 0 },
        },
      ],
      deposits: [{ day: NAME, rail: NAME, credit: NAME, payments: 1, amount_msat: 1 }],
      withdrawals: [{ day: NAME, source: NAME, withdrawals: 1, amount_msat: 1, fees_msat: 0 }],
    },
  ],
  [
    ['wallet', 'balance'],
    {
      ...{ sat: 1, owed: 0, withdrawable: 1, frozen: NAME },
      restored: null,
      mints: [{ mint, free: 1, held: 0, net: null, owed: 1, coins: 1, awaited: 1, problem: NAME }],
      payout: { state: 'first', to: NAME, above: 1, sat: 1, problem: NAME },
    },
  ],
  [['wallet', 'withdraw', 'you@example.com'], refusal('failed')],
  [
    ['wallet', 'withdraw', 'you@example.com'],
    { ok: true, value: { state: 'sent', sat: 1, fee: null, mint, to: NAME } },
  ],
  [['wallet', 'confirm'], { ok: true, value: { to: NAME } }],
  [['wallet', 'export'], { ok: true, value: [{ token: NAME, sat: 1, mint }] }],
  [['wallet', 'export', '--again'], [{ token: NAME, sat: 1, mint, at: 1, state: 'there' }]],
  [['wallet', 'restore'], [{ mint, added: 1, gone: 0, holds: 1, problem: NAME }]],
  [['pass', 'mint', '--sats', '1'], { pass: NAME, account: NAME, amount_sat: 1, caveats: [NAME] }],
]

describe('J22 nothing on a terminal is raw', () => {
  it.each(ANSWERS)(
    'J22 satgate %s: neither at a terminal nor piped, and JSON keeps every value',
    async (command, answer) => {
      const control = await listenForCommands(
        real,
        join(folder, 'data/control.sock'),
        async (question, { told }) => {
          told(NAME)
          return (question as { ask: string }).ask === 'about' ? { money: NAME } : answer
        },
      )
      const where = ['--data-dir', join(folder, 'data')]
      for (const terminal of [true, false]) {
        const { stdout, stderr, code } = await satgate(terminal, ...command, ...where)
        expect(`${stdout}${stderr}`.length).toBeGreaterThan(1)
        expect(stderr).not.toContain('internal error')
        // Everything except a refusal is printed for people, also into a pipe.
        if (code === 0) expect(() => JSON.parse(stdout)).toThrow()
      }
      const { stdout, json } = await satgate(false, ...command, ...where, '--json')
      // A changed value would be another key, model or address to the program that reads it.
      if (stdout !== '') {
        expect(JSON.stringify(json())).toContain(JSON.stringify(NAME).slice(1, -1))
      }
      control.close()
    },
  )

  it.each(ANSWERS.slice(0, 1))('J22 a refusal of the gate, %s', async (command) => {
    const control = await listenForCommands(real, join(folder, 'data/control.sock'), async () => {
      throw new Error(NAME)
    })
    for (const terminal of [true, false]) {
      const said = await satgate(terminal, ...command, '--data-dir', join(folder, 'data'))
      expect(said.code).toBe(1)
      expect(said.stderr.split('\n')).toHaveLength(2)
    }
    control.close()
  })

  it.each(Object.entries(EVIL))(
    'J22 settings, arguments and passes that hold %s',
    async (_, evil) => {
      const config = join(folder, 'evil.json')
      const settings = { [evil]: evil, upstream: evil, pricing: { models: { [evil]: evil } } }
      writeFileSync(config, JSON.stringify(settings))
      const good = join(folder, 'good.json')
      writeFileSync(good, JSON.stringify({ pricing: { models: { [`m${evil}`]: 1 } } }))
      for (const terminal of [true, false]) {
        await satgate(terminal, 'check', config)
        await satgate(terminal, 'check', config, '--json')
        await satgate(terminal, 'check', `${folder}/${evil}`)
        await satgate(terminal, 'config', '--config', config)
        await satgate(terminal, 'config', '--config', good)
        await satgate(terminal, 'run', '--config', config)
        await satgate(terminal, evil)
        await satgate(terminal, `--${evil}`)
        await satgate(terminal, 'ledger', evil)
        await satgate(terminal, 'ledger', '--limit', evil)
        await satgate(terminal, 'ledger', '--data-dir', join(folder, `no-${evil.length}`))
        await satgate(terminal, 'wallet', evil)
        await satgate(terminal, 'pass', 'inspect', evil)
        await satgate(terminal, 'pass', 'narrow', evil, evil)
      }
      const { stdout } = await satgate(false, 'config', '--config', good, '--json')
      if (stdout !== '') expect(JSON.parse(stdout)).toMatchObject({})
    },
  )

  const screens = [null, 40, 80, 200].flatMap((width) =>
    [false, true].map((colour) => ({ colour, columns: () => width })),
  )

  /**
   * What is printed on such a terminal, without our own colours. No other control sequence may
   * remain.
   */
  const printed = (text: string, colour: boolean): string => {
    const shown = (colour ? printableInInk : printable)(text)
    expect(shown).toBe(text)
    return colour ? stripVTControlCharacters(shown) : shown
  }

  it.each(screens)(
    'J22 the status block: names of models, of the wallet, notes; a command to copy holds only plain names (%j)',
    (out) => {
      const evil = "m'; rm -rf ~; '"
      const shown = banner(
        {
          ...{ version: '1', money: 'real', everywhere: false, publicHint: NAME },
          ...{ upstream: NAME, defaultPrice: NAME, wallet: NAME, walletHint: NAME, folder: NAME },
          ...{ dollars: NAME, invoices: true },
          ...{ url: 'http://x', publicUrl: NAME, troubles: [], notes: [NAME] },
          prices: [
            { model: evil, price: NAME, usual: false, sold: 'paid' },
            { model: NAME, price: NAME, usual: true, sold: 'paid' },
            { model: 'plain:8b', price: '1', usual: true, sold: 'paid' },
          ],
        },
        out,
      )
      expectSafe(printed(shown, out.colour))
      expect(shown.slice(shown.indexOf('curl'))).toContain('"model":"plain:8b"')
      const stuck = banner(
        {
          ...{ version: '1', money: 'play', everywhere: true, publicHint: null, publicUrl: null },
          ...{ upstream: NAME, defaultPrice: NAME, wallet: NAME, walletHint: NAME, folder: NAME },
          ...{ dollars: NAME, invoices: true },
          ...{ url: 'http://x', troubles: [NAME], notes: [], prices: [] },
        },
        out,
      )
      expectSafe(printed(stuck, out.colour))
    },
  )

  it('J22 the lines of a running gate, for people and as JSON', () => {
    const events = [
      { event: 'paid', rail: NAME, account: NAME, amount_msat: 1 },
      {
        ...{ event: 'request', id: NAME, account: NAME, dialect: NAME, model: NAME, status: 200 },
        ...{ end: 'refused', reason: NAME, ms: 1 },
      },
      {
        ...{ event: 'request', id: NAME, account: NAME, dialect: NAME, model: NAME, status: 200 },
        ...{ end: 'complete', usage: 'counted', ms: 1 },
      },
      { event: 'payout', state: 'sent', sat: 1, to: NAME },
      { event: 'problem', what: NAME, reason: NAME, [NAME]: NAME },
      { event: 'solved', what: NAME, mint: NAME },
      ...Object.entries(PROBLEMS).map(([what, { fields }]) => ({
        ...{ event: 'problem', what },
        ...Object.fromEntries(fields.map((field) => [field, NAME])),
      })),
    ]
    for (const json of [true, false]) {
      for (const { colour, columns } of screens) {
        let text = ''
        const out = {
          ...{ terminal: !json, colour, columns },
          write: (more: string) => {
            text += more
          },
        }
        const screen = openLog(out, { json, level: 'debug' }, world.now)
        screen.open({ money: 'real' })
        for (const event of events) screen.say(event)
        expectSafe(printed(text, colour))
        const lines = text.trimEnd().split('\n')
        if (json || columns() === null) expect(lines).toHaveLength(events.length)
        if (json) {
          const time = new Date(world.now()).toISOString()
          expect(lines.map((line) => JSON.parse(line))).toEqual(
            events.map((event) => ({ time, level: expect.any(String), ...event })),
          )
        }
      }
    }
  })
})

describe('J22 the one place that makes text safe', () => {
  const anything = fc.string({ unit: 'binary', maxLength: 200, size: 'max' })

  it('J22 whatever a text contains, its printed form moves no cursor', () => {
    fc.assert(
      fc.property(anything, fc.constantFrom(...Object.values(EVIL)), (text, evil) => {
        for (const one of [`${text}${evil}`, `${evil}${text}`]) {
          expect(onLine(one)).not.toMatch(RAW)
          expect(printable(one).replaceAll('\n', '')).not.toMatch(RAW)
          expect(onLine(one, 20).length).toBeLessThanOrEqual(20)
        }
      }),
    )
  })

  it('J22 JSON has the same value, and moves no cursor', () => {
    fc.assert(
      fc.property(fc.jsonValue(), anything, (value, text) => {
        const json = JSON.stringify({ [text]: [value, text, NAME] })
        expect(printableJson(json)).not.toMatch(RAW)
        expect(JSON.parse(printableJson(json))).toEqual(JSON.parse(json))
      }),
    )
  })
})
