import { flagsTable } from '../config/flags.ts'
import { type LoadInput, load } from '../config/load.ts'
import { Failed } from '../daemon/failed.ts'
import type { Host } from '../daemon/host.ts'
import type { Flags, Outcome } from './commands/command.ts'
import { refused } from './commands/config.ts'
import { satgate } from './commands/index.ts'
import { crashLine, endOnCrash } from './crash.ts'
import { printing } from './host.ts'
import { parse, type Typed } from './program.ts'

/**
 * Runs the program and returns its exit code: 0 ok, 1 failed, 2 bad usage or settings, 3 wallet or
 * mint do not answer, 4 refused.
 */
export async function main(given: Host): Promise<number> {
  const host = printing(given)
  endOnCrash(host)
  try {
    return await parse(satgate, host, (typed) => carryOut(typed, host))
  } catch (error) {
    const told = error instanceof Failed
    host.stderr.write(told ? `satgate: ${error.message}\n` : crashLine(error))
    return told ? error.code : 1
  }
}

async function carryOut({ command, words, flags }: Typed, host: Host): Promise<Outcome | number> {
  const { cwd, env, home, readFile } = host
  const input = { flags: settingsIn(flags, command.name), env, cwd, home, readFile }
  const invocation = {
    ...{ host, words, flags, json: flags.json === true, input },
    load: (more: Flags = {}) => loaded({ ...input, flags: { ...input.flags, ...more } }),
  }
  return command.run === undefined ? 0 : command.run(invocation)
}

/** The flags that are settings. For commands that start no gate, `--json` is none. */
function settingsIn(flags: Flags, command: string): Flags {
  const starts = command === 'satgate' || command === 'run'
  const names = flagsTable.map(({ attribute }) => attribute)
  const known = new Set(['config', ...names.filter((name) => starts || name !== 'json')])
  return Object.fromEntries(Object.entries(flags).filter(([name]) => known.has(name)))
}

function loaded(input: LoadInput) {
  const result = load(input)
  if (result.ok) return result.value
  const { stderr, code } = refused(result.error)
  throw new Failed(`the settings cannot be used:\n${stderr.trimEnd()}`, code)
}
