import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const PATIENCE = 30_000

/**
 * Whether a test is to be skipped because this machine lacks one of these programs. In CI it fails
 * instead.
 */
export function lacks(...programs: readonly string[]): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const has = (program: string) => folders.some((folder) => existsSync(join(folder, program)))
  return process.env.CI === undefined && !programs.every(has)
}

/** Quotes a word for a shell. */
export const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/**
 * A program at a terminal of its own, as if a person sat there. `script` of util-linux makes the
 * terminal.
 */
export class Terminal {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #text = ''

  /** Runs a line of shell. */
  constructor(
    command: string,
    about: {
      readonly cwd: string
      readonly env: Readonly<Record<string, string | undefined>>
      readonly columns?: number
    },
  ) {
    const { cwd, env, columns = 100 } = about
    const sized = `stty cols ${columns} rows 50; ${command}`
    // It stays in the process group of the tests, so that Ctrl+C for the tests ends it too.
    this.#child = spawn(
      'script',
      ['--quiet', '--flush', '--return', '--command', sized, '/dev/null'],
      {
        cwd,
        env: { ...env, SHELL: '/bin/sh', TERM: 'xterm' },
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    this.#child.stdin?.on('error', () => {})
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text
    })
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code) => resolve(code))
    })
  }

  /** The text on the terminal, without colours and cursor movements. */
  get text(): string {
    return stripVTControlCharacters(this.#text).replaceAll('\r', '')
  }

  /** Types a text. `\u0003` is Ctrl+C, `\u0004` is Ctrl+D. */
  type(text: string): void {
    this.#child.stdin?.write(text)
  }

  /** Resolves when the text matches, with what was found. */
  async until(fits: RegExp): Promise<RegExpExecArray> {
    const end = Date.now() + PATIENCE
    for (;;) {
      const found = fits.exec(this.text)
      if (found !== null) return found
      if (Date.now() > end || this.over) {
        throw new Error(`${fits} does not stand there:\n${this.text}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Whether the program has ended. */
  get over(): boolean {
    return this.#child.exitCode !== null
  }

  /** The exit code, once the program has ended. */
  ended(): Promise<number | null> {
    return this.#ended
  }

  /** Ends the program in the way in which a closed terminal ends it. */
  async close(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended
  }
}
