import { randomFillSync } from 'node:crypto'
import { homedir } from 'node:os'
import { type ReadFile, readLocalFile } from '../config/files.ts'
import { printable, printableInInk } from '../floor/printable.ts'
import { steady, type World } from '../floor/world.ts'
import { type Answer, askPerson } from './ask-person.ts'

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

/** Whatever a command prints, and whoever wrote it: nothing in it is raw (threats J22). */
export function printing(host: Host): Host {
  const safe = (out: Out): Out => {
    const clean = out.colour ? printableInInk : printable
    return { ...out, write: (text) => out.write(clean(text)) }
  }
  return { ...host, stdout: safe(host.stdout), stderr: safe(host.stderr) }
}

/** This process's own. */
export function thisHost(): Host {
  const { env } = process
  // Whoever read what we print has gone: no reason to stop serving those who paid.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const out = (stream: NodeJS.WriteStream): Out => ({
    write: (text) => {
      if (stream.writable) stream.write(text)
    },
    terminal: stream.isTTY === true,
    colour: stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
    columns: () => (stream.isTTY === true ? stream.columns || null : null),
  })
  return {
    argv: process.argv.slice(2),
    env,
    cwd: process.cwd(),
    home: homedir(),
    world: {
      now: steady(() => Date.now()),
      random: pooledRandom(),
    },
    stdout: out(process.stdout),
    stderr: out(process.stderr),
    readFile: readLocalFile,
    ask: process.stdin.isTTY && process.stderr.isTTY ? askHere : null,
    onStop: (stop) => {
      process.once('SIGINT', stop)
      process.once('SIGTERM', stop)
      process.once('SIGHUP', stop)
      // A terminal that closes sends it twice, from the kernel and from the shell: no second meaning.
      process.on('SIGHUP', () => {})
    },
    onLost: (told) => {
      process.removeAllListeners('uncaughtException')
      // Rejections that nobody handles come here as well.
      process.on('uncaughtException', (error) => told(error))
    },
    exit: (code) => process.exit(code),
  }
}

const askHere = (question: string) =>
  askPerson(question, { input: process.stdin, output: process.stderr })

const POOL = 8_192

/** The kernel is asked for a pool at a time: a request needs 12 bytes, and asking costs more. */
function pooledRandom(): World['random'] {
  const pool = new Uint8Array(POOL)
  let used = POOL
  return (bytes) => {
    if (bytes > POOL) return randomFillSync(new Uint8Array(bytes))
    if (used + bytes > POOL) {
      randomFillSync(pool)
      used = 0
    }
    const taken = pool.slice(used, used + bytes)
    pool.fill(0, used, used + bytes)
    used += bytes
    return taken
  }
}
