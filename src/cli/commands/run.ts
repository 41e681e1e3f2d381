import type { Command, Invocation } from './command.ts'

/** Flags of a start that are no settings. */
export const START_FLAGS = [
  {
    typed: '--yes',
    does: 'start even if buyers may still pay invoices of a wallet that is no longer configured; those payments are not credited',
  },
] as const

export const run: Command = {
  name: 'run',
  does: 'Run the gate; the same as satgate without a command.',
  examples: [
    ['satgate run --upstream http://localhost:11434', 'a gate in front of your Ollama'],
    ['satgate run --config satgate.yaml', 'with the settings of a file'],
  ],
  flags: START_FLAGS,
  settings: 'all',
  run: serve,
}

/** Runs the gate until it is stopped. */
export async function serve({ host, flags, load }: Invocation): Promise<number> {
  const [{ startGate }, { untilStopped }, { operatorAt }] = await Promise.all([
    import('../../daemon/run.ts'),
    import('../../daemon/stop.ts'),
    import('../operator.ts'),
  ])
  const settings = load()
  const { format, level } = settings.config.log
  const json = format === 'json' || (format === 'auto' && !host.stdout.terminal)
  const portChosen = settings.settings.get('port')?.at.layer !== 'default'
  const operator = operatorAt(host, { json, level })
  const running = await startGate(host, settings, {
    operator,
    mayAsk: !json,
    portChosen,
    yes: flags.yes === true,
  })
  const ended = untilStopped(host, running, {
    graceMs: settings.config.timeouts.shutdownMs,
    stopping() {
      if (!json) host.stderr.write('\n  stopping: streams finish first; once more to end at once\n')
    },
  })
  running.announce()
  const code = await ended
  // A reader of the log who has stopped would keep the process alive.
  if (!(await operator.drained())) host.exit(code)
  return code
}
