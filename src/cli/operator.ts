import type { Host } from '../daemon/host.ts'
import type { Operator } from '../daemon/operator.ts'
import { announce } from './announce.ts'
import { type Gap, GatheredOut } from './gathered-out.ts'
import { type LogOptions, openLog } from './log.ts'
import { hang, widthOf } from './terminal.ts'

/**
 * The operator of a run, in front of this process: on a terminal, or as a program that reads JSON.
 */
export function operatorAt(
  host: Pick<Host, 'stdout' | 'stderr' | 'world' | 'onExit'>,
  options: LogOptions,
): Operator {
  const { stderr, world } = host
  const gathered = host.stdout.terminal ? null : new GatheredOut(host.stdout, world, told)
  const stdout = gathered ?? host.stdout
  const log = openLog(stdout, options, world.now)
  function told({ lines, since }: Gap): void {
    log.say({ event: 'problem', what: 'log_dropped', lines, since: new Date(since).toISOString() })
  }
  if (gathered !== null) host.onExit(() => gathered.flush())
  return {
    say: log.say,
    ready: (about) => announce({ stdout, stderr }, about, { log, json: options.json }),
    explain: (text) => explain(host, text),
    dropped: () => gathered?.dropped ?? 0,
    drained: async () => (await gathered?.drained(LAST_LINES)) ?? true,
  }
}

/** ms that an ended gate waits until the reader of its log has taken the last lines. */
const LAST_LINES = 2_000

/** A paragraph before a question, where the question will stand. */
export function explain({ stderr }: Pick<Host, 'stderr'>, text: string): void {
  stderr.write(`\n${hang('  ', text, widthOf(stderr))}\n`)
}
