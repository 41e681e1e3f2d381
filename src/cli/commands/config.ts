import { type LoadInput, load } from '../../config/load.ts'
import { type Mistake, mistakeLine } from '../../config/node.ts'
import { configJson, printConfig } from '../../config/print.ts'
import { plural } from '../../floor/plural.ts'
import { BAD_USAGE, type Command, done, type Outcome } from './command.ts'

export const config: Command = {
  name: 'config',
  does: 'Show every setting, its value, and where the value comes from.',
  more: 'Flags come before the environment, the environment before the file, the file before the defaults. Secrets are not shown. Give it the same flags as the gate to see what the gate would use.',
  examples: [
    ['satgate config', 'what a gate would use that is started in this folder'],
    ['satgate config --price 1/3 --json', 'the same with a flag, for programs'],
  ],
  settings: 'all',
  run: async ({ input, json }) => configOutcome(input, json),
}

/** Prints the settings, or every mistake in them. */
export function configOutcome(input: LoadInput, json: boolean): Outcome {
  const loaded = load(input)
  if (!loaded.ok) return refused(loaded.error)
  const stdout = json ? configJson(loaded.value) : printConfig(loaded.value)
  return done(stdout, lines(loaded.value.notes))
}

/** Every mistake on a line of its own, and how many there are. */
export function refused(mistakes: readonly Mistake[]): Outcome {
  const count = `${plural(mistakes.length, 'mistake')} in the settings`
  return { code: BAD_USAGE, stdout: '', stderr: lines([...mistakes.map(mistakeLine), count]) }
}

export const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('')
