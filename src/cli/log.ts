import type { Out } from '../daemon/host.ts'
import type { StoppedEvent } from '../daemon/stop.ts'
import { plural } from '../floor/plural.ts'
import { onLine, printableJson } from '../floor/printable.ts'
import type { GateEvent } from '../gate/ports.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { formatSat } from '../money/msat.ts'
import { unitOf } from '../money/unit.ts'
import { formatUsd } from '../money/usd.ts'
import { EVENTS, levelOf, nameOf } from './events.ts'
import { PROBLEMS, sentenceOf } from './problems.ts'
import {
  columnsOf,
  cutName,
  fill,
  hang,
  hangFields,
  type Ink,
  inkOf,
  LONGEST_NAME,
  widthOf,
} from './terminal.ts'

/** Characters of the description of a problem. */
const LONGEST = 300
/** Terminals narrower than this get shorter lines, with model names of so many columns. */
const WIDE = 100
const SHORT_NAME = 16

/** JSON on one line. Characters that could control a terminal are escaped (threats H8). */
export const jsonLine = (value: unknown): string => `${printableJson(JSON.stringify(value))}\n`

/** `log` of the settings. */
export interface LogOptions {
  readonly json: boolean
  readonly level: 'error' | 'warn' | 'info' | 'debug'
}

/** The log of a run. */
export interface EventLog {
  say(event: object): void
  /**
   * Call it when the status block is printed. Before, problems are kept back from people, because
   * many are over by then. It returns the sentences of the others, which the block shows.
   */
  open(about: { readonly money: MoneyKind }): readonly string[]
}

const ORDER = ['error', 'warn', 'info', 'debug']

/**
 * Prints events: as lines for people, or as one JSON object a line with `time` and `level` first.
 * At `warn` and `error` only problems are printed. `debug` adds to each request what was held and
 * how long it waited.
 */
export function openLog(out: LogOut, options: LogOptions, now: () => number): EventLog {
  const lines = new LogLines(out, options.level === 'debug')
  const quiet = quietAt(options.level)
  const timeText = makeTimeText()
  return {
    say(event) {
      const name = nameOf(event)
      if (quiet.has(name)) return
      if (!options.json) return lines.say(event, now())
      const head = `{"time":"${timeText(now())}","level":"${levelOf(event)}",`
      const line = printableJson(`${head}${JSON.stringify(event).slice(1)}\n`)
      if (name === 'request' && out.soon !== undefined) out.soon(line)
      else out.write(line)
    },
    open: (about) => lines.open(about),
  }
}

/** Where the log goes. `soon` is for lines that may wait for others for a few ms: requests. */
type LogOut = Out & { soon?(line: string): void }

/** The events that are not printed at this level. */
function quietAt(level: LogOptions['level']): ReadonlySet<string> {
  const most = ORDER.indexOf(level)
  const quiet = Object.entries(EVENTS).filter(([, kind]) => ORDER.indexOf(kind.saidFrom) > most)
  return new Set(quiet.map(([name]) => name))
}

/** Times in RFC 3339. Most events of a busy gate come in the same second as the one before. */
function makeTimeText(): (ms: number) => string {
  let last = Number.NaN
  let text = ''
  return (ms) => {
    const second = Math.floor(ms / 1000)
    if (second !== last) text = new Date(second * 1000).toISOString().slice(0, -4)
    last = second
    return `${text}${String(Math.floor(ms) - second * 1000).padStart(3, '0')}Z`
  }
}

type ProblemEvent = Extract<GateEvent, { event: 'problem' | 'solved' }>
type RequestEvent = Extract<GateEvent, { event: 'request' }>

/** Prints one line for each event. No line contains a prompt, a key or an invoice. */
class LogLines {
  readonly #out: LogOut
  readonly #debug: boolean
  /** Problems that began before the status block and are not over. Null after the block. */
  #waiting: ProblemEvent[] | null = []
  /** The sentences of problems that were printed and are not over. */
  readonly #told = new Map<string, string>()
  #unit = 'sat'
  /** Columns that each field of a request has needed so far. */
  readonly #widths: number[] = [8]

  constructor(out: LogOut, debug: boolean) {
    this.#out = out
    this.#debug = debug
  }

  open({ money }: Parameters<EventLog['open']>[0]): readonly string[] {
    this.#unit = unitOf(money)
    const waiting = this.#waiting ?? []
    this.#waiting = null
    return waiting.map((event) => this.#remember(event))
  }

  say(event: object, now: number): void {
    if (!isLine(event)) return
    if (event.event === 'problem') this.#begun(event, now)
    else if (event.event === 'solved') this.#solved(event, now)
    else if (event.event === 'request') this.#request(event, now)
    else if (event.event === 'paid') this.#paid(event, now)
    else if (event.event === 'withdrawn') this.#withdrawn(event, now)
    else if (event.event === 'payout') this.#payout(event, now)
    else this.#stopped(event)
  }

  #begun(event: ProblemEvent, at: number): void {
    if (this.#waiting !== null) {
      this.#waiting.push(event)
      return
    }
    const again = this.#told.get(keyOf(event)) === said(event)
    const sentence = this.#remember(event)
    if (again) return
    const { red, bold } = this.#ink()
    this.#write(`  ${this.#clock(at)}  ${red(bold('PROBLEM'))}  `, sentence)
  }

  /** A problem without an end is not remembered, so it is printed each time. */
  #remember(event: ProblemEvent): string {
    if (PROBLEMS[event.what]?.ends !== undefined) this.#told.set(keyOf(event), said(event))
    return said(event)
  }

  #solved(event: ProblemEvent, at: number): void {
    this.#told.delete(keyOf(event))
    if (this.#waiting !== null) {
      this.#waiting = this.#waiting.filter((one) => keyOf(one) !== keyOf(event))
      return
    }
    this.#write(`  ${this.#clock(at)}  ${this.#ink().green('solved')}   `, said(event))
  }

  #paid(event: Extract<GateEvent, { event: 'paid' }>, at: number): void {
    const paid =
      'amount_usd_micros' in event
        ? `$${formatUsd(BigInt(event.amount_usd_micros))}`
        : `${sat(event.amount_msat)} ${this.#unit}`
    const text = `${this.#ink().bold(paid)} by ${onLine(event.rail)}  ${onLine(event.account)}`
    this.#write(`  ${this.#clock(at)}  ${this.#ink().green('paid')}  `, text)
  }

  #withdrawn(event: Extract<GateEvent, { event: 'withdrawn' }>, at: number): void {
    const { account, amount_msat, fee_msat, kind, state } = event
    const amount = this.#ink().bold(`${sat(amount_msat)} ${this.#unit}`)
    const how =
      state === 'paid'
        ? `fee ${sat(fee_msat)} ${this.#unit}`
        : this.#ink().red('failed: given back')
    const text = `${amount} as ${onLine(kind)}  ${onLine(account)}  ${how}`
    this.#write(`  ${this.#clock(at)}  withdrawn  `, text)
  }

  #payout({ state, sat: sats, fee_sat: fee, to }: PayoutEvent, at: number): void {
    // The command that asked for it, or a PROBLEM line, says why it failed.
    if (state === 'failed') return
    const amount = `${whole(sats)} ${this.#unit} to ${onLine(to, LONGEST)}`
    const cost = fee === undefined ? '' : `, the mint kept a fee of ${whole(fee)} ${this.#unit}`
    const text = state === 'paid' ? `${amount} has arrived${cost}` : `${amount} is on its way`
    this.#write(`  ${this.#clock(at)}  payout  `, text)
  }

  #request(event: RequestEvent, at: number): void {
    const ink = this.#ink()
    const status = colourOf(event, ink)(String(event.status))
    const more = this.#debug ? waited(event, this.#unit) : []
    const head = `  ${this.#clock(at)}  ${status}  `
    const fields = [...this.#fields(event, ink), ...more]
    const line = `${hangFields(head, fields, widthOf(this.#out))}\n`
    if (this.#out.soon === undefined) this.#out.write(line)
    else this.#out.soon(line)
  }

  /** The fields of a request in columns. A narrow terminal gets fewer fields. */
  #fields(event: RequestEvent, ink: Ink): string[] {
    const narrow = (widthOf(this.#out) ?? WIDE) < WIDE
    const model = cutName(event.model ?? '-', narrow ? SHORT_NAME : LONGEST_NAME)
    const dialect = onLine(event.dialect?.replace('openai-', '') ?? '-', LONGEST_NAME)
    const named = [this.#wide(0, model), ...(narrow ? [] : [this.#wide(1, dialect)])]
    if (event.end === 'refused') return [...named, onLine(event.reason ?? 'refused', LONGEST)]
    const { prompt_tokens: input = 0, completion_tokens: output = 0, left_msat } = event
    const left = narrow || left_msat === undefined ? '' : ` (${sat(left_msat)} ${this.#unit} left)`
    return [
      ...named,
      this.#wide(2, `${whole(input)}→${whole(output)} tokens`, true),
      this.#wide(3, `${sat(event.charged_msat ?? 0)} ${this.#unit}`, true),
      this.#wide(4, `${(event.ms / 1000).toFixed(1)} s`, true),
      `${onLine(event.account ?? 'free')}${left}`,
      ...this.#observed(event, ink),
      // The backend reported no usage, or one that cannot be true.
      ...(event.usage === 'counted' ? [ink.faint('counted here')] : []),
      ...(event.end === 'complete' ? [] : [ink.red(event.end)]),
    ]
  }

  /** In mode `observe`: what the request would have cost, or why it would have been refused. */
  #observed({ would_charge_msat: charge, would_refuse: why }: RequestEvent, ink: Ink): string[] {
    if (charge === undefined) return []
    const refused = why === undefined ? [] : [ink.red(`would be refused: ${onLine(why, LONGEST)}`)]
    return [ink.faint(`would be ${sat(charge)} ${this.#unit}`), ...refused]
  }

  /** Pads a field to the widest one that its column has had. */
  #wide(column: number, text: string, right = false): string {
    const width = Math.max(this.#widths[column] ?? 0, columnsOf(text))
    this.#widths[column] = width
    return fill(text, width, right)
  }

  #stopped({ answers, earned_msat, held_msat, open_holds: open }: StoppedEvent): void {
    const held = open === 0 ? '' : ` (${sat(held_msat ?? 0)} ${this.#unit})`
    const holds =
      open === null ? 'the ledger does not say what is held' : `${plural(open, 'hold')} open${held}`
    const earned = this.#ink().bold(`${sat(earned_msat)} ${this.#unit} earned`)
    this.#write('  ', `stopped: ${plural(answers, 'answer')}, ${earned}, ${holds}`)
  }

  #write(head: string, text: string): void {
    this.#out.write(`${hang(head, text, widthOf(this.#out))}\n`)
  }

  #clock(ms: number): string {
    return this.#ink().faint(new Date(ms).toTimeString().slice(0, 8))
  }

  #ink(): Ink {
    return inkOf(this.#out)
  }
}

interface PayoutEvent {
  readonly event: 'payout'
  readonly state: string
  readonly sat: number
  readonly fee_sat?: number
  readonly to: string
}

const LINES = new Set(['paid', 'withdrawn', 'request', 'problem', 'solved', 'payout', 'stopped'])
const isLine = (event: object): event is GateEvent | PayoutEvent | StoppedEvent =>
  LINES.has(nameOf(event))

/** Problems of the same kind are told apart by what they are about. */
const keyOf = ({ what, mint, to, work, account, source }: ProblemEvent): string =>
  JSON.stringify([what, mint, to, work, account, source])

const said = (event: ProblemEvent): string =>
  sentenceOf(event, event.event === 'solved', (text) => onLine(text, LONGEST))

/** An answer that broke off is not shown as a success, although its status was 200. */
function colourOf({ status, end }: RequestEvent, ink: Ink): (text: string) => string {
  if (status >= 500 || end === 'upstream_failed' || end === 'stalled') return ink.red
  return status >= 400 ? ink.yellow : ink.green
}

const waited = (event: RequestEvent, unit: string): string[] => [
  `held ${sat(event.held_msat ?? 0)} ${unit}`,
  `first token after ${event.ttft_ms ?? '-'} ms`,
  onLine(event.id),
]

const whole = (count: number): string => count.toLocaleString('en-US')
const sat = (msat: number): string => formatSat(BigInt(msat))
