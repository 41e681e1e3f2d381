import type { ReadFile } from '../config/files.ts'
import type { World } from '../floor/world.ts'

/** What the program is given by the machine: handed in, so that a test can be the machine. */
export interface Host {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly home: string
  readonly world: World
  readonly stdout: Out
  readonly stderr: Out
  readonly readFile: ReadFile
  /** Asks a person, on stderr; null where nobody sits at a terminal. */
  readonly ask: ((question: string) => Promise<Answer>) | null
  /**
   * Calls back on the first SIGINT, SIGTERM or SIGHUP; on the second SIGINT or SIGTERM the process ends
   * by itself.
   */
  onStop(stop: () => void): void
  /** Calls back with what nobody handled, the last one that asked: it is theirs to end the process. */
  onLost(told: (error: unknown) => void): void
  /** Ends the process, whatever still runs. */
  exit(code: number): void
}

export interface Out {
  write(text: string): void
  readonly terminal: boolean
  readonly colour: boolean
  /** Columns of the terminal at this moment; null where nobody looks at one. */
  columns(): number | null
}

/** `typed` is empty on Enter alone. `closed`: the terminal was closed, Ctrl+D, or nobody was there. */
export type Answer = { readonly typed: string } | 'closed' | 'interrupted'
