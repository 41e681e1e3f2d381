import { defaultFolders } from '../config/assemble.ts'
import type { Loaded } from '../config/load.ts'
import type { Host, Out } from '../daemon/host.ts'
import { type Running, startGate } from '../daemon/run.ts'
import { untilStopped } from '../daemon/stop.ts'
import { startToyModel } from '../toy/toy.ts'
import { story } from './demo-story.ts'
import { operatorAt } from './operator.ts'

/** Flags of the demo. With `--upstream` there is no toy model. */
interface DemoFlags {
  readonly upstream?: unknown
  readonly dataDir?: unknown
  readonly port?: unknown
  readonly json?: unknown
}

/**
 * Runs a gate with play money, in front of a toy model if no upstream is given, and tells the story
 * of one purchase: 402, payment, stream, balance. The gate stays up until it is stopped.
 */
export async function runDemo(
  host: Host,
  settings: (flags: Readonly<Record<string, unknown>>) => Loaded,
  flags: DemoFlags,
): Promise<number> {
  const toy = flags.upstream === undefined ? await startToyModel({ world: host.world }) : null
  let running: Running | null = null
  try {
    const config = settings({
      wallet: 'play',
      upstream: flags.upstream ?? toy?.url,
      dataDir: flags.dataDir ?? defaultFolders(host.home).play,
    })
    const json = flags.json === true
    const portChosen = flags.port !== undefined
    const stage = curtain(host)
    const operator = operatorAt(stage.host, { json, level: config.config.log.level })
    running = await startGate(stage.host, config, {
      operator,
      mayAsk: !json,
      portChosen,
      yes: false,
    })
    running.announce()
    if (!json) {
      stage.close()
      await story(host, running.url)
      await operator.drained()
      host.stdout.write('  Meanwhile the operator saw:\n\n')
      stage.open()
      host.stdout.write('\n  The gate stays up; Ctrl+C stops it.\n\n')
    }
    const code = await untilStopped(host, running, {
      graceMs: config.config.timeouts.shutdownMs,
      stopping() {
        if (!json) host.stderr.write('\n  stopping: streams finish first\n')
      },
    })
    if (!(await operator.drained())) host.exit(code)
    return code
  } finally {
    await running?.stop()
    await toy?.close()
  }
}

/** Holds back the output of the gate while the story is told on the same terminal. */
function curtain(host: Host): { readonly host: Host; close(): void; open(): void } {
  const waiting: string[] = []
  let closed = false
  const write: Out['write'] = (text, taken) => {
    if (!closed) return host.stdout.write(text, taken)
    waiting.push(text)
    taken?.(true)
  }
  return {
    host: { ...host, stdout: { ...host.stdout, write } },
    close: () => {
      closed = true
    },
    open: () => {
      closed = false
      for (const text of waiting.splice(0)) host.stdout.write(text)
    },
  }
}
