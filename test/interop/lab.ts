import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe } from 'vitest'

const run = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('../../../shared/lab/lab', import.meta.url))

const CACHE = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
/** Where the lab keeps what it installed, a folder for each part. */
export const INSTALLED = process.env.LAB_HOME ?? join(CACHE, 'satgate-lab')

/** Why the interop suites cannot run here. Null if they can. */
export const labMissing: string | null = existsSync(SCRIPT)
  ? null
  : `the lab of real peers is not beside this repository (${SCRIPT})`

/** A `describe` for tests that need the lab. Without the lab they are skipped, with the reason. */
export function describeWithLab(name: string, body: () => void): void {
  if (labMissing === null) describe(name, body)
  else describe.skip(`${name} (skipped: ${labMissing})`, body)
}

/** Whether `npm run test:interop:full` runs, with its tests that take minutes. */
export const inFullSuite = process.env.FAULTS_ROUNDS !== undefined

/**
 * The same for tests that take minutes. The short suite, which must end within 25 minutes, does without
 * them: `npm run test:interop:full` runs them.
 */
export function describeInFullSuite(name: string, body: () => void): void {
  if (inFullSuite) describeWithLab(name, body)
  else describe.skip(`${name} (npm run test:interop:full)`, body)
}

/** The variables that a part prints: `LND_REST`, `MINT_URL`, … */
export type PartEnv = Readonly<Record<string, string>>

/** Real peers on loopback, in a folder of their own. Other labs on this machine are not touched. */
export interface Lab {
  /** Installs the part if it is missing (minutes), starts it, and waits until it is ready. */
  startPart(part: string, options?: Readonly<Record<string, string>>): Promise<PartEnv>
  /** Installs a part that has only commands, if it is missing (minutes). */
  install(part: string): Promise<void>
  /** Runs a command of a part (`exec('lnd', 'pay', bolt11)`). Returns its output. */
  exec(part: string, ...words: readonly string[]): Promise<string>
  /** The same, with a typed input. */
  type(typed: string, part: string, ...words: readonly string[]): Promise<string>
  /** Sends SIGKILL. `startPart(part, { KEEP: '1' })` starts it again with its data and ports. */
  kill(part: string): Promise<void>
  /** Sends SIGSTOP. `resume` ends that. */
  pause(part: string): Promise<void>
  resume(part: string): Promise<void>
  /** The number of one process of a part, to stop it alone. */
  pidOf(part: string, process: string): Promise<number>
  /** Stops these parts. Without arguments, stops all parts and removes the folder of this lab. */
  stop(...parts: readonly string[]): Promise<void>
}

/** A lab in which nothing is started. Installed parts are shared by all labs (LAB_HOME). */
export async function openLab(): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'satgate-lab-'))
  const env = { ...process.env, LAB_RUN: folder }
  const typing = async (typed: string, words: readonly string[]) => {
    const running = run(SCRIPT, [...words], { env, maxBuffer: 64 * 1024 * 1024 })
    // A command may end before it has read what is typed. That is no failure.
    running.child.stdin?.on('error', () => {}).end(typed)
    return (await running).stdout
  }
  const lab = (...words: readonly string[]) => typing('', words)
  return {
    async startPart(part, options = {}) {
      const settings = Object.entries(options).map(([key, value]) => `${key}=${value}`)
      const start = () => lab('start', part, ...settings)
      try {
        return partEnv(await start())
      } catch (error) {
        // A real node on a busy machine sometimes needs longer than the lab waits for it. What must
        // keep its data is not started a second time, because that could hide a loss.
        if (options.KEEP !== undefined) throw error
        console.warn(`${part} did not start; once more. ${error}`)
        return partEnv(await start())
      }
    },
    install: async (part) => void (await lab('install', part)),
    exec: async (part, ...words) => (await lab('exec', part, ...words)).trim(),
    type: async (typed, part, ...words) => (await typing(typed, ['exec', part, ...words])).trim(),
    kill: async (part) => void (await lab('kill', part)),
    pause: async (part) => void (await lab('pause', part)),
    resume: async (part) => void (await lab('resume', part)),
    pidOf: async (part, name) => Number(await readFile(join(folder, part, 'pids', name), 'utf8')),
    async stop(...parts) {
      await lab('stop', ...parts)
      if (parts.length === 0) await rm(folder, { recursive: true, force: true })
    },
  }
}

function partEnv(lines: string): PartEnv {
  const pairs = lines.split('\n').flatMap((line) => {
    const at = line.indexOf('=')
    return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const]
  })
  return Object.fromEntries(pairs)
}
