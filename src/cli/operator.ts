import type { Host } from '../daemon/host.ts'
import type { Operator } from '../daemon/operator.ts'
import { announce } from './announce.ts'
import { type Log, screenOf } from './lines.ts'
import { hang, widthOf } from './terminal.ts'

/** The operator of a run, in front of this process: on a terminal, or as a program that reads JSON. */
export function operatorAt(host: Pick<Host, 'stdout' | 'stderr' | 'world'>, log: Log): Operator {
  const screen = screenOf(host.stdout, log, host.world.now)
  return {
    say: screen.say,
    ready: (about) => announce(host, about, { screen, json: log.json }),
    explain: (text) => explain(host, text),
  }
}

/** A paragraph before a question, where the question will stand. */
export function explain({ stderr }: Pick<Host, 'stderr'>, text: string): void {
  stderr.write(`\n${hang('  ', text, widthOf(stderr))}\n`)
}
