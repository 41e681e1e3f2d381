import { type LoadInput, load } from '../config/load.ts'
import { placeText } from '../config/node.ts'
import { onLine } from '../floor/printable.ts'
import { BAD_CONFIG, lines, type Outcome, refused } from './config-command.ts'
import { jsonLine } from './lines.ts'

export interface CheckAsk {
  /** The file to look at; without it the one that a run would take. */
  readonly file?: string | undefined
  readonly json: boolean
}

/**
 * `satgate check [FILE]`: says every mistake of the settings at once, those of the environment
 * too, and starts nothing.
 */
export function checkCommand(input: LoadInput, { file, json }: CheckAsk): Outcome {
  const flags = file === undefined ? input.flags : { ...input.flags, config: file }
  const loaded = load({ ...input, flags })
  if (json) {
    const mistakes = loaded.ok
      ? []
      : loaded.error.map(({ at, what }) => ({ at: placeText(at), what }))
    const stdout = jsonLine({ ok: loaded.ok, mistakes })
    return { code: loaded.ok ? 0 : BAD_CONFIG, stdout, stderr: '' }
  }
  if (!loaded.ok) return refused(loaded.error)
  const what = loaded.value.file ?? 'the defaults'
  return { code: 0, stdout: `${onLine(what)}: ok\n`, stderr: lines(loaded.value.notes) }
}
