import { tmpdir } from 'node:os'
import { main } from '../../src/cli/main.ts'
import { readLocalFile } from '../../src/config/files.ts'
import type { Host } from '../../src/daemon/host.ts'
import { real } from './world.ts'

/** Where and how a command is started. */
interface Where {
  /** The working folder, and the home folder if no other is given. */
  readonly cwd?: string
  readonly home?: string
  readonly env?: Readonly<Record<string, string>>
  /** The width of the terminal. Null if the output goes to a pipe. */
  readonly columns?: number | null
  readonly colour?: boolean
  /**
   * Called with what is printed on stdout, and with a function that stops the program. Null if
   * nothing can stop it yet.
   */
  readonly hear?: (text: string, stop: (() => void) | null) => void
}

/** Runs `satgate <argv>` in this process. Resolves with its exit code and its output. */
export async function satgateAt(where: Where, ...argv: readonly string[]) {
  const { cwd = tmpdir(), home = cwd, env = {}, columns = null, colour = false, hear } = where
  let stop: (() => void) | null = null
  const out = { stdout: '', stderr: '' }
  const to = (name: 'stdout' | 'stderr') => ({
    write: (text: string, taken?: (all: boolean) => void) => {
      out[name] += text
      if (name === 'stdout') hear?.(text, stop)
      taken?.(true)
    },
    terminal: columns !== null,
    colour,
    columns: () => columns,
  })
  const world = {
    ...real,
  }
  const host: Host = {
    ...{ argv, env, cwd, home, world, readFile: readLocalFile, ask: null },
    ...{ stdout: to('stdout'), stderr: to('stderr') },
    onStop: (told) => {
      stop = told
    },
    ...{ onLost: () => {}, exit: () => {}, onExit: () => {} },
  }
  const code = await main(host)
  return { code, ...out, json: () => JSON.parse(out.stdout) }
}
