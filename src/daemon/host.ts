import type { ReadFile } from '../config/files.ts'
import type { World } from '../floor/world.ts'

/** What the program gets from the machine. It is handed in, so that a test can replace it. */
export interface Host {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly home: string
  readonly world: World
  readonly stdout: Out
  readonly stderr: Out
  readonly readFile: ReadFile
  /** Asks a person, on stderr. Null if no terminal is attached. */
  readonly ask: ((question: string) => Promise<Answer>) | null
  /**
   * Calls back on the first SIGINT, SIGTERM or SIGHUP; on the second SIGINT or SIGTERM the process
   * ends by itself.
   */
  onStop(stop: () => void): void
  /**
   * Calls `told` with each error that nobody handled. The last caller wins, and ends the process.
   */
  onLost(told: (error: unknown) => void): void
  /** Ends the process at once. */
  exit(code: number): void
  /** Calls `last` when the process ends by itself. It must not wait for anything. */
  onExit(last: () => void): void
}

export interface Out {
  /**
   * `taken` is called when the system has the text, or with false when that failed and will not be
   * tried again.
   */
  write(text: string, taken?: (all: boolean) => void): void
  readonly terminal: boolean
  readonly colour: boolean
  /** Columns of the terminal at this moment. Null if the output is no terminal. */
  columns(): number | null
}

/**
 * `typed` is empty if only Enter was pressed. `closed`: Ctrl+D, a closed terminal, or no answer in
 * time.
 */
export type Answer = { readonly typed: string } | 'closed' | 'interrupted'
