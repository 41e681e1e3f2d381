import { onLine, printableJson } from '../floor/printable.ts'
import type { GateEvent } from '../gate/ports.ts'
import { formatSat } from '../money/msat.ts'
import type { Out } from './host.ts'

/** Characters of a name, and of what is wrong. */
const MOST = 60
const LONGEST = 300

const plain = (text: string): string => onLine(text, MOST)

const clock = (ms: number): string => new Date(ms).toTimeString().slice(0, 8)
const whole = (count: number): string => count.toLocaleString('en-US')
const sat = (msat: number): string => formatSat(BigInt(msat))

/** One event as a line for a person: what, how much, for whom; never a prompt, key or invoice. */
function lineOf(event: GateEvent, now: number): string {
  const at = clock(now)
  switch (event.event) {
    case 'paid':
      return `${at}  paid   ${sat(event.amount_msat)} sat by ${event.rail}  ${event.account}`
    case 'request':
      return `${at}  ${requestLine(event)}`
    case 'problem':
      return `${at}  PROBLEM  ${details(event)}`
    case 'solved':
      return `${at}  solved   ${details(event)}`
  }
}

type RequestEvent = Extract<GateEvent, { event: 'request' }>

function requestLine(event: RequestEvent): string {
  const what = `${event.status}  ${plain(event.model ?? '-')}  ${short(event.dialect)}`
  if (event.end === 'refused') return `${what}  ${event.reason ?? 'refused'}`
  const tokens = `${whole(event.prompt_tokens ?? 0)}→${whole(event.completion_tokens ?? 0)} tokens`
  const guessed = event.usage === 'counted' ? ' (counted)' : ''
  const cost = `${sat(event.charged_msat ?? 0)} sat`
  const left = event.left_msat === undefined ? '' : ` (${sat(event.left_msat)} sat left)`
  const end = event.end === 'complete' ? '' : `  ${event.end}`
  const who = `${event.account ?? 'free'}${left}`
  return `${what}  ${tokens}${guessed}  ${cost}  ${(event.ms / 1000).toFixed(1)} s  ${who}${end}`
}

const short = (dialect: string | null): string => dialect?.replace('openai-', '') ?? '-'

function details(event: { readonly what: string; readonly [detail: string]: unknown }): string {
  const rest = Object.entries(event).filter(([name]) => name !== 'event' && name !== 'what')
  const words = rest.map(([name, value]) => `${name} ${onLine(String(value), LONGEST)}`)
  return [event.what.replaceAll('_', ' '), ...words].join('  ')
}

/** JSON on one line, and nothing in it that moves a cursor where a person looks at it (threats H8). */
export const jsonLine = (value: unknown): string => `${printableJson(JSON.stringify(value))}\n`

/** `log` of the settings. */
export interface Log {
  readonly json: boolean
  readonly level: 'error' | 'warn' | 'info' | 'debug'
}

/**
 * The sink of a run: lines for people on a terminal, one JSON object a line otherwise. `warn` and
 * `error` leave out what goes well; `debug` tells of each request what was held and how it waited.
 */
export function sayTo(out: Out, log: Log, now: () => number): (event: object) => void {
  const quiet = log.level === 'error' || log.level === 'warn'
  return (event) => {
    const name = 'event' in event ? String(event.event) : ''
    if (quiet && (name === 'request' || name === 'paid')) return
    if (log.level === 'error' && name === 'solved') return
    if (log.json) out.write(jsonLine(event))
    else if (isLine(event)) {
      const more = log.level === 'debug' && event.event === 'request' ? waited(event) : ''
      out.write(`  ${onLine(lineOf(event, now()) + more)}\n`)
    }
  }
}

const waited = (event: RequestEvent): string =>
  `  held ${sat(event.held_msat ?? 0)} sat, first token after ${event.ttft_ms ?? '-'} ms, ${event.id}`

const LINES = new Set(['paid', 'request', 'problem', 'solved'])
const isLine = (event: object): event is GateEvent =>
  'event' in event && LINES.has(String(event.event))
