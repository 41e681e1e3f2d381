/**
 * What a person sees at a terminal of 80 and of 120 columns, and once in colour, where ESC is `␛`. The
 * files are rewritten by UPDATE_GOLDEN=1: look at what changed.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Banner, banner } from '../../../src/cli/banner.ts'
import { EVENTS } from '../../../src/cli/events.ts'
import { openLog } from '../../../src/cli/log.ts'
import { priceLines } from '../../../src/cli/prices.ts'
import { PROBLEMS } from '../../../src/cli/problems.ts'
import { columnsOf } from '../../../src/cli/terminal.ts'
import { printableInInk } from '../../../src/floor/printable.ts'
import { helpWith } from '../../../src/http/unreachable.ts'
import type { MoneyKind } from '../../../src/ledger/ledger.ts'
import { parsePrice } from '../../../src/money/parse.ts'
import type { Priced } from '../../../src/money/pricing.ts'

const FOLDER = new URL('../../golden/terminal/', import.meta.url)
const ESC = String.fromCharCode(27)

/** Noon, wherever the test runs. */
const NOON = new Date(2026, 10, 26, 12, 1, 7).getTime()

interface Terminal {
  readonly columns: number
  readonly colour: boolean
}
const TERMINALS: readonly (readonly [string, Terminal])[] = [
  ['80', { columns: 80, colour: false }],
  ['120', { columns: 120, colour: false }],
  ['80-colour', { columns: 80, colour: true }],
]

const outOf = ({ columns, colour }: Terminal) => ({ colour, columns: () => columns })

const usual = (model: string) => ({
  ...{ model, price: '1 sat per 1,000 tokens', usual: true, sold: 'paid' as const },
})

const REAL: Banner = {
  ...{ version: '0.1.0', money: 'real', url: 'http://127.0.0.1:3000', everywhere: false },
  publicUrl: null,
  publicHint: 'only this machine reaches it: --tunnel, or --public-url URL',
  upstream: 'Ollama at localhost:11434, 3 models',
  defaultPrice: '1 sat per 1,000 tokens',
  prices: ['qwen3:8b', 'llama3.2:3b', 'nomic-embed-text:latest'].map(usual),
  wallet: 'ecash at mint.minibits.cash, 0 sat',
  walletHint: 'the mint holds it: satgate wallet withdraw',
  dollars: null,
  invoices: true,
  folder: '/srv/.satgate',
  troubles: [],
  notes: [
    "back up /srv/.satgate: its files are your earnings, your buyers' balances and the keys to both",
  ],
}

const LONG = 'hf.co/unsloth/DeepSeek-R1-Distill-Qwen-32B-GGUF:Q4_K_M'
const MANY = [
  {
    model: LONG,
    price: '2 sat in, 8 sat out per 1,000 tokens',
    usual: false,
    sold: 'paid' as const,
  },
  { model: 'gpt-oss:120b', price: 'not for sale', usual: false, sold: 'no' as const },
  { model: 'all-minilm', price: 'free', usual: false, sold: 'free' as const },
  ...Array.from({ length: 14 }, (_, at) =>
    usual(`hf.co/somebody/A-Model-Of-${at}-Billion-GGUF:Q8_0`),
  ),
]

/** Their characters take two columns, or consist of several code points. */
const WIDE = ['通义千问-2.5-七十二亿参数-指令微调版', 'かな-モデル', 'm-👩‍👩‍👧-é']

const REFUSED = helpWith('unreachable: ECONNREFUSED: connect', new URL('http://localhost:11434'))

const BLOCKS: Readonly<Record<string, Banner>> = {
  real: REAL,
  play: {
    ...{ ...REAL, money: 'play', publicHint: null, folder: '/srv/.satgate-play', notes: [] },
    ...{ wallet: 'play money (worth nothing)', walletHint: '' },
  },
  'wide-names': {
    ...{ ...REAL, notes: [], walletHint: '' },
    prices: [
      ...WIDE.map((model) => ({ ...usual(model), usual: false })),
      ...WIDE.map(usual),
      usual('plain'),
    ],
  },
  free: {
    ...{ ...REAL, notes: [], defaultPrice: 'free' },
    prices: [{ model: 'qwen3:8b', price: 'free', usual: true, sold: 'free' }],
  },
  test: { ...REAL, money: 'test', wallet: 'ecash at testnut.cashu.space, 0 test sat', notes: [] },
  dollars: {
    ...{ ...REAL, wallet: null, walletHint: '', invoices: false, notes: [] },
    dollars: 'USDC on Base to 0x2096…287c, settled by facilitator.example.com',
  },
  'all-rails': {
    ...{ ...REAL, notes: [] },
    dollars: 'USDC on Base to 0x2096…287c, settled by this gate',
  },
  'many-models': {
    ...REAL,
    ...{ upstream: `vLLM at gpu.lan:8000, ${MANY.length} models`, prices: MANY, everywhere: true },
    ...{ wallet: 'lnd at localhost:8080', walletHint: '', url: 'http://localhost:3000', notes: [] },
    publicHint: 'no address from outside is known: --public-url URL',
  },
  'no-backend': {
    ...REAL,
    ...{ upstream: 'localhost:11434, no list of models yet', prices: [], notes: [] },
    troubles: [
      PROBLEMS.upstream_unreachable?.begins((name) => (name === 'detail' ? REFUSED : '')) ?? '',
    ],
  },
  tunnel: {
    ...REAL,
    publicUrl: 'https://random-words-of-cloudflare.trycloudflare.com',
    notes: [
      'anybody can reach the public address. It is a new one after each start. --no-tunnel: none',
      'port 3000 was taken',
    ],
  },
}

const request = (about: object) => ({
  ...{
    event: 'request',
    id: '01a2174f5b9db842224aa429',
    account: 'a91f0b22',
    dialect: 'openai-chat',
  },
  ...{ model: 'qwen3:8b', status: 200, end: 'complete', usage: 'reported', prompt_tokens: 312 },
  ...{ completion_tokens: 1_204, held_msat: 2_106, charged_msat: 1_516, left_msat: 498_484 },
  ...{ ttft_ms: 31, ms: 3_100 },
  ...about,
})

const since = '2026-11-26T11:58:02.000Z'
const RUN: readonly object[] = [
  { event: 'paid', rail: 'l402', account: 'a91f0b22', amount_msat: 500_000 },
  request({}),
  request({ model: LONG, left_msat: 496_000, prompt_tokens: 12, completion_tokens: 40, ms: 420 }),
  request({ account: null, left_msat: undefined, charged_msat: 0, dialect: 'openai-embeddings' }),
  request({ status: 402, end: 'refused', reason: 'payment_required', account: null }),
  request({ status: 200, end: 'upstream_failed', usage: 'counted', charged_msat: 120 }),
  request({ status: 503, end: 'refused', reason: 'upstream_unreachable', account: null }),
  {
    ...{ event: 'problem', what: 'upstream_unreachable', reason: 'refused', since },
    ...{ url: 'http://localhost:11434', detail: REFUSED },
  },
  // The same problem again is not printed.
  {
    ...{ event: 'problem', what: 'upstream_unreachable', reason: 'refused', since },
    ...{ url: 'http://localhost:11434', detail: REFUSED },
  },
  { event: 'solved', what: 'upstream_unreachable', since },
  {
    ...{ event: 'problem', what: 'wallet_unreachable', wallet: 'lnd', since },
    ...{ label: 'lnd at localhost:8080', reason: 'its wallet is locked: run lncli unlock' },
  },
  { event: 'solved', what: 'wallet_unreachable', wallet: 'lnd', label: 'lnd at localhost:8080' },
  {
    ...{ event: 'problem', what: 'mint_unreachable', mint: 'https://mint.example/Bitcoin' },
    reason: 'its host name is not known',
  },
  { event: 'solved', what: 'mint_unreachable', mint: 'https://mint.example/Bitcoin' },
  { event: 'payout', state: 'sent', sat: 20_000, to: 'you@example.com' },
  { event: 'payout', state: 'paid', sat: 20_000, fee_sat: 12, to: 'you@example.com' },
  { event: 'problem', what: 'tunnel_down' },
  { event: 'solved', what: 'tunnel_down', public_url: 'https://other-words.trycloudflare.com' },
  { event: 'problem', what: 'holds_recovered', holds: 1 },
  { event: 'problem', what: 'internal_error', error: 'TypeError', at: 'gate/price.ts:12' },
  { event: 'problem', what: 'not_in_the_table', colour: 'blue' },
  { event: 'stopping' },
  { event: 'stopped', open_holds: 0, held_msat: 0, answers: 12, earned_msat: 3_402 },
]

const SHORT_RUN: readonly object[] = [
  ...RUN.slice(0, 3),
  { event: 'stopped', open_holds: 2, held_msat: 1_250, answers: 1, earned_msat: 1_516 },
]

function runAt(terminal: Terminal, events: readonly object[], money: MoneyKind = 'real'): string {
  let text = ''
  const write = (more: string) => {
    text += more
  }
  const out = { ...outOf(terminal), terminal: true, write }
  const screen = openLog(out, { json: false, level: 'info' }, () => NOON)
  screen.open({ money })
  for (const event of events) screen.say(event)
  return text
}

const CASES: Readonly<Record<string, (terminal: Terminal) => string>> = {
  ...Object.fromEntries(
    Object.entries(BLOCKS).map(([name, about]) => [
      `block-${name}`,
      (terminal: Terminal) => banner(about, outOf(terminal)),
    ]),
  ),
  run: (terminal) => runAt(terminal, RUN),
  'run-play': (terminal) => runAt(terminal, SHORT_RUN, 'play'),
  'run-wide-names': (terminal) =>
    runAt(
      terminal,
      [...WIDE, 'plain', LONG].map((model) => request({ model })),
    ),
  'run-test': (terminal) => {
    const payout = { event: 'payout', state: 'paid', sat: 20_000, fee_sat: 12 }
    return runAt(terminal, [{ ...payout, to: 'you@example.com' }, ...SHORT_RUN], 'test')
  },
}

/** Each problem in its own words, with all of its fields. */
const PROBLEM_RUN = Object.entries(PROBLEMS).flatMap(([what, { fields, ends }]) => {
  const known = Object.fromEntries(
    fields.map((field) => [field, ['holds', 'lines'].includes(field) ? 2 : field]),
  )
  const about = { what, ...known, ...(what.startsWith('invoices') ? { invoices: 1 } : {}) }
  const solved = { event: 'solved', ...about, public_url: 'https://other.trycloudflare.com' }
  return [{ event: 'problem', ...about }, ...(ends === undefined ? [] : [solved])]
})
const ALL = { ...CASES, problems: (terminal: Terminal) => runAt(terminal, PROBLEM_RUN) }

describe('golden terminal', () => {
  const cases = Object.entries(ALL).flatMap(([name, shown]) =>
    TERMINALS.map(([size, terminal]) => ({ file: `${name}-${size}.txt`, shown, terminal })),
  )

  it.each(cases)('$file', ({ file, shown, terminal }) => {
    const text = shown(terminal)
    if (terminal.colour) expect(printableInInk(text)).toBe(text)
    const path = new URL(file, FOLDER)
    const kept = text.replaceAll(ESC, '␛')
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, kept)
    expect(kept).toBe(readFileSync(path, 'utf8'))
  })

  it.each(cases)('no line of $file is wider than the terminal, but for a word that is', (one) => {
    const { columns } = one.terminal
    for (const line of stripVTControlCharacters(one.shown(one.terminal)).split('\n')) {
      const words = line.trim().split(/\s+/)
      if (words.length > 1) expect(columnsOf(line), line).toBeLessThanOrEqual(columns)
    }
  })

  it('lists the models as priceLines does', () => {
    const { prices } = priceLines(
      { fallback: { in: 'refuse' }, models: [] } as unknown as Parameters<typeof priceLines>[0],
      [{ id: 'm', priced: { is: 'refused' } }],
      'sat',
    )
    expect(prices).toEqual([{ model: 'm', price: 'not for sale', usual: false, sold: 'no' }])
  })

  it('shows prices in play sat if the money is play money', () => {
    const price = parsePrice('1/3')
    if (!price.ok) throw new Error(price.error)
    const priced = { is: 'priced', price: price.value } as unknown as Priced
    const shown = priceLines(
      { fallback: price.value, models: [] },
      [{ id: 'm', priced }],
      'play sat',
    )
    const inPlay = '1 play sat in, 3 play sat out per 1,000 tokens'
    expect(shown).toEqual({
      defaultPrice: inPlay,
      prices: [{ model: 'm', price: inPlay, usual: true, sold: 'paid' }],
    })
  })
})

describe('a terminal of any width', () => {
  const commands = /^ *(?:curl |-d |"messages"|satgate pass)/
  it.each([40, 41, 60, 79, 100, 200])('of %d columns holds every line but a command', (columns) => {
    for (const [name, shown] of Object.entries(ALL)) {
      for (const line of shown({ columns, colour: false }).split('\n')) {
        const words = line.trim().split(/\s+/)
        // An address stays whole too, so that it can be copied.
        const whole = words.some((word) => columnsOf(word) > columns - 20)
        if (whole || commands.test(line) || line.includes('try it')) continue
        expect(columnsOf(line), `${name}: ${line}`).toBeLessThanOrEqual(columns)
      }
    }
  })
})

describe('problems before the status block', () => {
  const gone = { event: 'problem', what: 'upstream_unreachable', detail: 'nothing listens' }
  const silent = { event: 'problem', what: 'wallet_unreachable', label: 'lnd', reason: 'no answer' }

  function started(...events: readonly object[]) {
    let text = ''
    const out = {
      ...{ terminal: true, colour: false, columns: () => null },
      write: (more: string) => (text += more),
    }
    const screen = openLog(out, { json: false, level: 'info' }, () => NOON)
    for (const event of events) screen.say(event)
    expect(text).toBe('')
    const block = screen.open({ money: 'real' })
    return { screen, block, lines: () => text.split('\n').slice(0, -1) }
  }

  it('are in the block, and are not printed again as a line', () => {
    const { block, screen, lines } = started(gone, silent)
    expect(block).toEqual([
      expect.stringContaining('nothing listens'),
      expect.stringContaining('lnd'),
    ])
    screen.say(gone)
    expect(lines()).toEqual([])
    screen.say({ event: 'solved', what: 'upstream_unreachable' })
    expect(lines()).toEqual([expect.stringContaining('solved   the model server answers')])
    screen.say(gone)
    expect(lines()).toHaveLength(2)
  })

  it('that end before it are printed nowhere', () => {
    const solved = { event: 'solved', what: 'wallet_unreachable' }
    const { block, lines } = started(silent, gone, solved)
    expect(block).toHaveLength(1)
    expect(lines()).toEqual([])
  })

  it('with another reason are printed again', () => {
    const { screen, lines } = started(gone)
    screen.say({ ...gone, detail: 'its certificate is not trusted' })
    expect(lines()).toEqual([expect.stringContaining('PROBLEM  its certificate')])
  })

  it('of two mints are two problems', () => {
    const of = (mint: string) => ({ event: 'problem', what: 'mint_busy', mint })
    const { block } = started(of('a'), of('b'), { event: 'solved', what: 'mint_busy', mint: 'a' })
    expect(block).toEqual([expect.stringContaining('the mint b')])
  })
})

describe('events for programs', () => {
  it('begin with the time and their level', () => {
    let text = ''
    const out = {
      ...{ terminal: false, colour: false, columns: () => null },
      write: (more: string) => (text += more),
    }
    const screen = openLog(out, { json: true, level: 'info' }, () => NOON)
    for (const event of RUN) screen.say(event)
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toHaveLength(RUN.length)
    for (const line of lines) {
      expect(Object.keys(line).slice(0, 3)).toEqual(['time', 'level', 'event'])
      expect(line.time).toBe(new Date(NOON).toISOString())
    }
    const levels = Object.fromEntries(lines.map(({ event, what, level }) => [what ?? event, level]))
    expect(levels).toMatchObject({ paid: 'info', stopped: 'info', holds_recovered: 'warn' })
    expect(levels.internal_error).toBe('error')
  })

  it('have only the fields of the table', () => {
    for (const event of RUN) {
      const { event: name, what, ...fields } = event as Record<string, string>
      if (what === 'not_in_the_table') continue
      const known = [...(EVENTS[name ?? '']?.fields ?? []), ...(PROBLEMS[what ?? '']?.fields ?? [])]
      expect([...known, 'public_url']).toEqual(expect.arrayContaining(Object.keys(fields)))
    }
  })

  it.each([
    ['error', ['problem', 'payout', 'stopping', 'stopped']],
    ['warn', ['problem', 'solved', 'payout', 'stopping', 'stopped']],
    ['info', ['paid', 'request', 'problem', 'solved', 'payout', 'stopping', 'stopped']],
  ] as const)('log.level %s says %j', (level, names) => {
    let text = ''
    const out = {
      ...{ terminal: false, colour: false, columns: () => null },
      write: (more: string) => (text += more),
    }
    const screen = openLog(out, { json: true, level }, () => NOON)
    for (const event of RUN) screen.say(event)
    const said = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).event)
    expect([...new Set(said)].sort()).toEqual([...names].sort())
  })
})
