import type { Host } from '../daemon/host.ts'
import type { Operator } from '../daemon/operator.ts'
import { announce } from './announce.ts'
import { type LogOptions, openLog } from './log.ts'
import { hang, widthOf } from './terminal.ts'

/**
 * The operator of a run, in front of this process: on a terminal, or as a program that reads JSON.
 */
export function operatorAt(
  host: Pick<Host, 'stdout' | 'stderr' | 'world'>,
  options: LogOptions,
): Operator {
  const log = openLog(host.stdout, options, host.world.now)
  return {
    say: log.say,
    ready: (about) => announce(host, about, { log, json: options.json }),
    explain: (text) => explain(host, text),
  }
}

/** A paragraph before a question, where the question will stand. */
export function explain({ stderr }: Pick<Host, 'stderr'>, text: string): void {
  stderr.write(`\n${hang('  ', text, widthOf(stderr))}\n`)
}
