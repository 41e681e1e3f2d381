import type { ReadFile } from '../../../src/config/files.ts'
import { type Loaded, type LoadInput, load } from '../../../src/config/load.ts'
import { mistakeLine } from '../../../src/config/node.ts'

export const CWD = '/srv/gate'
export const HOME = '/home/op'

/** Files by path. Relative paths are in CWD. */
export type TestFiles = Record<string, { text: string | Uint8Array; mode?: number }>

export const readFrom =
  (files: TestFiles): ReadFile =>
  (path) => {
    const found = files[path] ?? files[path.replace(`${CWD}/`, '')]
    if (found === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    const bytes = typeof found.text === 'string' ? Buffer.from(found.text) : found.text
    return { bytes, mode: found.mode ?? 0o600 }
  }

export interface Given extends Partial<Pick<LoadInput, 'flags' | 'env'>> {
  /** The text of satgate.yaml. */
  readonly yaml?: string
  readonly files?: TestFiles
}

const inputOf = ({ yaml, files, flags, env }: Given): LoadInput => ({
  flags: flags ?? {},
  env: env ?? {},
  cwd: CWD,
  home: HOME,
  readFile: readFrom({ ...files, ...(yaml !== undefined && { 'satgate.yaml': { text: yaml } }) }),
})

/** Loads settings that must be right. */
export function loaded(given: Given): Loaded {
  const result = load(inputOf(given))
  if (!result.ok) throw new Error(result.error.map(mistakeLine).join('\n'))
  return result.value
}

/** The mistakes of wrong settings, one on each line. Empty if there is none. */
export function mistakes(given: Given): string[] {
  const result = load(inputOf(given))
  return result.ok ? [] : result.error.map(mistakeLine)
}
