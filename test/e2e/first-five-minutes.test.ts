import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Session } from '../support/session.ts'
import { lacks } from '../support/terminal.ts'
import {
  matched,
  parseTranscript,
  recorded,
  type Step,
  withOutputs,
} from '../support/transcript.ts'

/**
 * Types every command of docs/transcripts and compares the output. `RECORD=1` writes the new output
 * into the files; lines that still fit stay, with their wildcards.
 */
const RECORD = process.env.RECORD === '1'
const LONGEST = 240_000

const fileOf = (who: string) => new URL(`../../docs/transcripts/${who}.md`, import.meta.url)

interface Played {
  readonly step: Step
  readonly printed: readonly string[]
}

async function play(who: 'operator' | 'buyer' | 'agent'): Promise<readonly Played[]> {
  const text = readFileSync(fileOf(who), 'utf8')
  const { session, close } = await Session.start(who !== 'operator')
  const played: Played[] = []
  try {
    for (const step of parseTranscript(text)) {
      const printed = await session.play(step, RECORD)
      played.push({ step, printed })
      if (RECORD || matched(step.expected, printed) !== null) continue
      const at = `docs/transcripts/${who}.md:${step.line} ${step.command ?? 'what is printed next'}`
      expect(recorded(step.expected, printed).join('\n'), at).toBe(step.expected.join('\n'))
    }
  } finally {
    await close()
  }
  if (RECORD) {
    const outputs = played.map(({ step, printed }) => ({
      step,
      lines: recorded(step.expected, printed),
    }))
    writeFileSync(fileOf(who), withOutputs(text, outputs))
  }
  return played
}

const NEEDED = ['bash', 'curl', 'python3', 'script'] as const

describe.skipIf(lacks(...NEEDED))('the first five minutes', () => {
  it('of an operator', () => play('operator'), LONGEST)

  it('of a buyer', () => play('buyer'), LONGEST)

  it(
    'of an agent, who sends what /llms.txt tells it to send, word for word',
    async () => {
      const steps = (await play('agent')).filter(({ step }) => step.terminal === null)
      const commands = steps.map(({ step }) => step.command ?? '')
      const [llms, wellKnown, ...rest] = commands
      expect([llms, wellKnown]).toEqual(
        ['/llms.txt', '/.well-known/l402'].map((path) => `curl -s http://127.0.0.1:3000${path}`),
      )
      const said = requestsOf(steps[0]?.printed ?? [])
      expect(said.length).toBeGreaterThan(6)
      expect(new Set(rest.map(emptied))).toEqual(new Set(said.map(emptied)))
    },
    LONGEST,
  )
})

/** The blocks of shell in a document. */
const requestsOf = (lines: readonly string[]): string[] =>
  lines.flatMap((line, at) =>
    line === '```sh' ? [lines.slice(at + 1, lines.indexOf('```', at)).join('\n')] : [],
  )

/** A request without the values that an agent fills in. A pass may be one value or two. */
const emptied = (request: string): string =>
  request
    .replace(/‹\w+›|\b(?:MACAROON|PREIMAGE|(?:YOUR_)?INVOICE|PAYMENT_HASH|STATUS_TOKEN)\b/g, '‹›')
    .replace('‹›:‹›', '‹›')
