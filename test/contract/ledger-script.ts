import { expect } from 'vitest'
import { steady, type World } from '../../src/floor/world.ts'
import type { Entry } from '../../src/ledger/entry.ts'
import type {
  HoldRefused,
  Limit,
  Settled,
  Unit,
  UsdTerms,
  Window,
} from '../../src/ledger/ledger.ts'
import type { Books } from '../../src/ledger/open-ledger.ts'
import { msat } from '../../src/money/msat.ts'
import type { Clamped } from '../../src/money/price.ts'
import { QUANTITIES, type Quantities } from '../../src/money/quantities.ts'
import { microUsd } from '../../src/money/usd.ts'
import { real } from '../support/world.ts'
import { WITHDRAWAL_VERBS } from './withdrawal-script.ts'

/**
 * A ledger's behaviour as lines a stranger can read: `command → answer`, money in msat.
 *
 *   clock 2026-11-21T12:00:00Z
 *   deposit p1 ann 1000                                → ok, 1000 left
 *   hold h1 ann 1..100 price=10+1 input=5 m1:spend<=500/day → 100 tokens for 110
 *   settle h1 40 in=5 out=30                           → 40 charged, 960 left
 *   release h1 | expire | expire 12:00:30Z | extend h1 25 until=60000
 *   balance ann                                        → paid 960, bonus 0, held 0
 *   left m1:spend<=500/day                             → 460
 *   usage ann pass=p before=h2 limit=10                → h1
 *   usage ann charged=yes                              → h1:40
 *   prune 12:00:30Z                                    → 2 left
 *   entries                                            → settle h1, hold h1, deposit p1
 *   deposit p2 ann 1000 source=lnd tier=100            → ok, 1100 left
 *   withdraw w1 ann lnd 500 fee=10                     → ok, 590 left
 *   (more of withdrawals in `withdrawal-script.ts`)
 *   deposit x1 ann 1000 usd                            → ok, 0 left and 1000 µ$
 *   hold h1 ann 1..100 rate=60000 usd=0+0.6            (dollars may pay; the price is in dollars too)
 *   outstanding | postings h1
 *   reopen
 *   gate b                                             (what follows happens at another gate)
 *   settle h1 40 image=2                               → 40 charged, 960 left
 *
 * A hold asks for `least..most` output tokens (`of=image`: images) at `price=fixed+each` (0+1 unless said) and lives for
 * `until` ms (60,000 unless said). A limit is `meter:unit<=max/window`. `patient=yes`: it waits for what
 * running requests keep. `worst=fixed+input`: what limits in a request are judged by.
 */

export interface Opened {
  readonly books: Books
  /** Closes the books and opens them again. */
  reopen(): Promise<Books>
  /** The ledger of another gate over the same store. Null if only one gate can use the store. */
  readonly beside: ((gate: string) => Books) | null
  dispose(): Promise<void>
}

export type Open = (world: World) => Promise<Opened>

export class ScriptWorld implements World {
  time = Date.UTC(2026, 10, 21, 12)
  #steady = steady(() => this.time)
  now(): number {
    return this.#steady()
  }
  random(bytes: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(bytes).fill(7)
  }
  elapsed = real.elapsed
  after = real.after
  turn = real.turn
}

/** Runs a script and compares each answer with the written one. The books must balance. */
export async function play(open: Open, script: string): Promise<void> {
  const world = new ScriptWorld()
  const opened = await open(world)
  try {
    let { books } = opened
    const said: string[] = []
    const lines = script.split('\n').map((line) => line.replace(/\s+/g, ' ').trim())
    const wanted = lines.filter((line) => line !== '' && !line.startsWith('#'))
    for (const line of wanted) {
      const [command = ''] = line.split(' → ')
      if (command === 'reopen') books = await opened.reopen()
      const [, gate] = /^gate (.+)$/.exec(command) ?? []
      if (gate !== undefined && opened.beside !== null) books = opened.beside(gate)
      const answer =
        command === 'reopen' || gate !== undefined ? null : await perform(books, world, command)
      said.push(answer === null ? command : `${command} → ${answer}`)
    }
    expect(said).toEqual(wanted)
    expect(await books.statement.verify()).toMatchObject({ ok: true })
  } finally {
    await opened.dispose()
  }
}

async function perform(books: Books, world: ScriptWorld, command: string): Promise<string | null> {
  const [verb = '', ...words] = command.split(' ')
  const run = VERBS[verb]
  if (run === undefined) throw new Error(`no such verb: ${command}`)
  return run({ books, world, words: words.filter((w) => !w.includes('=')), ...named(words) })
}

export interface Line {
  readonly books: Books
  readonly world: ScriptWorld
  readonly words: readonly string[]
  readonly limits: readonly Limit[]
  readonly option: (name: string, otherwise: string) => string
}

function named(words: readonly string[]): Pick<Line, 'limits' | 'option'> {
  const limits = words.filter((word) => word.includes('<=')).map(limitOf)
  const options = new Map(
    words
      .filter((w) => w.includes('=') && !w.includes('<='))
      .map((w) => {
        const at = w.indexOf('=')
        return [w.slice(0, at), w.slice(at + 1)]
      }),
  )
  return { limits, option: (name, otherwise) => options.get(name) ?? otherwise }
}

export function limitOf(text: string): Limit {
  const [, meter = '', unit, max = '', window] = /^(.+):(\w+)<=(\d+)\/(\w+)$/.exec(text) ?? []
  return { meter, unit: unit as Unit, window: window as Window, max: BigInt(max) }
}

const timeOf = (text: string): number =>
  Date.parse(text.includes('T') ? text : `2026-11-21T${text}`)

const micro = (text: string): bigint => BigInt(Math.round(Number(text) * 1_000_000))

const used = (option: Line['option']): Quantities =>
  Object.fromEntries(
    QUANTITIES.flatMap((name) => {
      const count = option(name, '')
      return count === '' ? [] : [[name, Number(count)]]
    }),
  )

/** `rate=60000`: what dollars pay by. `usd=1+0.6`: the price is in dollars, fixed and each in µ$. */
function termsOf(option: Line['option']): UsdTerms | undefined {
  const rate = option('rate', '')
  if (rate === '') return undefined
  const [fixed = '', each] = option('usd', '').split('+')
  const price = each === undefined ? null : { base: micro(fixed), each: micro(each) }
  return { rate: BigInt(rate) * 100_000_000n, price }
}

const unitsOf = (of: string): string => (of === 'output' ? 'tokens' : `of ${of}`)

const VERBS: Readonly<Record<string, (line: Line) => Promise<string | null>>> = {
  ...WITHDRAWAL_VERBS,

  async clock({ words, world }) {
    world.time = timeOf(words[0] ?? '')
    return null
  },

  async deposit({ books, option, words, world }) {
    const [payment = '', account = '', amount = '', credit = 'paid'] = words
    const native = { amount, unit: 'msat', rate: '1' }
    const head = { payment, account, native, rail: option('rail', 'l402'), at: world.now() }
    const done = await books.ledger.deposit(
      credit === 'usd'
        ? { ...head, credit, amount: microUsd(BigInt(amount)) }
        : {
            ...head,
            amount: msat(BigInt(amount)),
            credit: credit as 'paid' | 'bonus',
            source: option('source', '') || undefined,
            bonus: msat(BigInt(option('tier', '0'))),
          },
    )
    if (!done.ok) return done.error
    const { available, usd } = done.value
    return `ok, ${available} left${usd > 0n || credit === 'usd' ? ` and ${usd} µ$` : ''}`
  },

  async outstanding({ books }) {
    return `${await books.ledger.outstandingUsd()} µ$`
  },

  async postings({ books, words }) {
    const entries = await books.statement.entries(1_000)
    const own = entries.filter(({ ref }) => ref === words[0])
    const moves = ({ postings, why }: Entry) =>
      `${why} ${postings.map((one) => `${one.debit}>${one.credit} ${one.amount}`).join(', ')}`
    return own.map(moves).join(' | ') || 'nothing'
  },

  async hold({ books, limits, option, words, world }) {
    const [id = '', account = '', range = ''] = words
    const [least, most] = range.split('..').map(Number)
    const [fixed = '', each = ''] = option('price', '0+1').split('+')
    const pass = option('pass', '')
    const [worst = '', worstInput] = option('worst', '').split('+')
    const held = await books.ledger.hold({
      id,
      account,
      price: { base: micro(fixed), each: micro(each) },
      quantities: { input: Number(option('input', '0')) },
      clamped: option('of', 'output') as Clamped,
      patient: option('patient', 'no') === 'yes',
      usd: termsOf(option),
      ...(worstInput === undefined
        ? {}
        : {
            worst: {
              price: { base: micro(worst), each: micro(each) },
              quantities: { input: Number(worstInput) },
            },
          }),
      least: least ?? 0,
      most: most ?? 0,
      limits,
      at: world.now(),
      deadline: world.now() + Number(option('until', '60000')),
      what: {
        model: option('model', 'llama3'),
        dialect: 'openai-chat',
        pass: pass === '' ? null : pass,
      },
    })
    return held.ok
      ? `${held.value.granted} ${unitsOf(option('of', 'output'))} for ${held.value.amount}`
      : refusal(held.error)
  },

  async extend({ books, option, words, world }) {
    const deadline = world.now() + Number(option('until', '60000'))
    const done = await books.ledger.extend(words[0] ?? '', deadline, msat(BigInt(words[1] ?? '')))
    return done.ok ? 'ok' : done.error
  },

  async settle({ books, option, words, world }) {
    const done = await books.ledger.settle(words[0] ?? '', {
      amount: msat(BigInt(words[1] ?? '')),
      quantities: {
        ...{ input: Number(option('in', '0')), cached: 0, output: Number(option('out', '0')) },
        ...used(option),
      },
      usd: option('usd', '') === '' ? undefined : microUsd(BigInt(option('usd', ''))),
      usage: 'reported',
      end: 'complete',
      at: world.now(),
    })
    return done.ok ? settled(done.value) : done.error
  },

  async release({ books, words, world }) {
    const done = await books.ledger.release(words[0] ?? '', 'refused', world.now())
    return done.ok ? settled(done.value) : done.error
  },

  async expire({ books, words, world }) {
    const { ledger } = books
    const at = words[0] === undefined ? null : timeOf(words[0])
    const done = await (at === null ? ledger.recover(world.now()) : ledger.expire(at))
    return done.map((one) => `${one.id}: ${settled(one)}`).join('; ') || 'nothing'
  },

  async prune({ books, words }) {
    return `${await books.prune(timeOf(words[0] ?? ''))} left`
  },

  async entries({ books }) {
    const entries = await books.statement.entries(1_000)
    return entries.map(({ why, ref }) => `${why} ${ref}`).join(', ') || 'nothing'
  },

  async balance({ books, words }) {
    const balance = await books.ledger.balance(words[0] ?? '')
    if (balance === null) return 'none'
    const owed = balance.owed === 0n ? '' : `, owed ${balance.owed}`
    const leaving = balance.leaving === 0n ? '' : `, leaving ${balance.leaving}`
    const usd = balance.usd === 0n ? '' : `, ${balance.usd} µ$`
    const { bonus, held, paid } = balance
    return `paid ${paid}, bonus ${bonus}, held ${held}${leaving}${owed}${usd}`
  },

  async left({ books, limits, world }) {
    const [limit] = limits
    return limit === undefined ? 'no limit' : `${await books.ledger.left(limit, world.now())}`
  },

  async usage({ books, option, words }) {
    const pass = option('pass', '')
    const before = option('before', '')
    const rows = await books.ledger.usage(words[0] ?? '', pass === '' ? null : pass, {
      limit: Number(option('limit', '10')),
      before: before === '' ? null : before,
    })
    const shown = rows.map(({ charged, id }) =>
      option('charged', 'no') === 'yes' ? `${id}:${charged}` : id,
    )
    return shown.join(' ') || 'nothing'
  },
}

function settled({ after, charged, overrun, owed }: Settled): string {
  const debt = owed === 0n ? '' : `${owed} owed, `
  return `${charged} charged, ${debt}${overrun === 0n ? '' : `${overrun} overrun, `}${after} left`
}

function refusal(refused: HoldRefused): string {
  if (refused.why === 'limit_reached') {
    const { left, limit, resetsAt } = refused
    const until = resetsAt === null ? 'for ever' : `until ${new Date(resetsAt).toISOString()}`
    return `limit_reached at ${limit.meter}, ${left} left, ${until}`
  }
  if (refused.why === 'insufficient_funds') {
    return `insufficient_funds, needs ${refused.needed} of ${refused.balance}`
  }
  if (refused.why === 'held') return `held, needs ${refused.needed}, has ${refused.available} free`
  return refused.why
}
