import { type LoadInput, load } from '../../config/load.ts'
import { type Mistake, placeText } from '../../config/node.ts'
import { onLine } from '../../floor/printable.ts'
import { jsonLine } from '../log.ts'
import { BAD_USAGE, type Command, done, type Outcome } from './command.ts'
import { lines, refused } from './config.ts'

export const check: Command = {
  name: 'check',
  does: 'Check the settings, list every mistake, and start nothing.',
  more: 'Each mistake has its file, line and column. The environment is checked too. The exit code is 0 without mistakes, 2 with mistakes.',
  examples: [
    ['satgate check', 'the file that a gate would read in this folder'],
    ['satgate check other.yaml', 'another file'],
  ],
  words: [
    ['[file]', 'the file to check (default: satgate.yaml, else satgate.json, of this folder)'],
  ],
  settings: 'all',
  run: async ({ input, words: [file], json }) => checkOutcome(input, { file, json }),
}

interface CheckAsk {
  /** The file to check. Without it, the one that a run would read. */
  readonly file?: string | undefined
  readonly json: boolean
}

/** Lists all mistakes of the settings, including those in the environment. */
export function checkOutcome(input: LoadInput, { file, json }: CheckAsk): Outcome {
  const flags = file === undefined ? input.flags : { ...input.flags, config: file }
  const loaded = load({ ...input, flags })
  const found = loaded.ok
    ? []
    : loaded.error.map((one) => (file === undefined ? one : blame(one, file)))
  if (json) {
    const mistakes = found.map(({ at, what }) => ({ at: placeText(at), what }))
    const stdout = jsonLine({ ok: loaded.ok, mistakes })
    return { code: loaded.ok ? 0 : BAD_USAGE, stdout, stderr: '' }
  }
  if (!loaded.ok) return refused(found)
  const what = loaded.value.file ?? 'the defaults'
  return done(`${onLine(what)}: ok, no mistakes\n`, lines(loaded.value.notes))
}

/** The file was named as an argument, so a mistake about it must not name `--config`. */
const blame = ({ at, what }: Mistake, file: string): Mistake => ({
  at: at.name === '--config' ? { ...at, name: file } : at,
  what,
})
