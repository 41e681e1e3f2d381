import { type LoadInput, load } from '../config/load.ts'
import { type Mistake, mistakeLine } from '../config/node.ts'
import { configJson, printConfig } from '../config/print.ts'

/** What a command did: its exit code, and what goes to stdout and stderr. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Bad usage or a bad config. */
export const BAD_CONFIG = 2

/** `satgate config [--json]`: the resolved settings, where each came from, secrets masked. */
export function configCommand(input: LoadInput, { json }: { readonly json: boolean }): Outcome {
  const loaded = load(input)
  if (!loaded.ok) return refused(loaded.error)
  const stdout = json ? configJson(loaded.value) : printConfig(loaded.value)
  return { code: 0, stdout, stderr: lines(loaded.value.notes) }
}

/** Every mistake on a line of its own, and how many there are. For `run` and `demo` as well. */
export function refused(mistakes: readonly Mistake[]): Outcome {
  const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`
  const stderr = lines([...mistakes.map(mistakeLine), `${count} in the settings`])
  return { code: BAD_CONFIG, stdout: '', stderr }
}

export const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('')
