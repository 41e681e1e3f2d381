import { execFile, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ownFiles } from '../support/own-files.ts'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** The PATH of a person's shell, without what npm added for this test run. */
const ownPath = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => folder !== '' && !folder.includes('node_modules'))
  .join(delimiter)

/** The environment that is needed to reach the registry. No other variable is passed. */
const PASSED = [
  'NODE_EXTRA_CA_CERTS',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
]

const registry = await npmSays('config', 'get', 'registry')

/** Why the suite cannot run. Null if it can. */
export const registryMissing: string | null =
  registry === null
    ? 'no npm on PATH'
    : (await npmSays('view', 'node@24', 'version', '--fetch-retries=0')) === null
      ? `the package registry ${registry} cannot be reached`
      : null

/** The output of npm on the machine's own Node. Null if it fails. */
async function npmSays(...words: readonly string[]): Promise<string | null> {
  try {
    const options = { env: { ...process.env, PATH: ownPath }, timeout: 60_000 }
    return (await run('npm', words, options)).stdout.trim()
  } catch {
    return null
  }
}

/** How a command ended. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A temporary folder with a home in which nothing was ever installed. */
export class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), 'satgate-install-'))
  readonly env: Readonly<Record<string, string>>

  constructor() {
    const home = this.path('home')
    mkdirSync(home)
    const passed = PASSED.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value] as const]
    })
    this.env = {
      ...Object.fromEntries(passed),
      PATH: ownPath,
      HOME: home,
      npm_config_registry: registry ?? '',
      // Tests must not make a machine with cloudflared public.
      SATGATE_TUNNEL: 'false',
    }
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names)
  }

  /** A new folder with nothing in it. */
  empty(name: string): string {
    mkdirSync(this.path(name))
    return this.path(name)
  }

  /** The files that a clone would have if everything here were committed. */
  clone(): string {
    const clone = this.empty('clone')
    for (const name of ownFiles()) cpSync(join(ROOT, name), join(clone, name))
    return clone
  }

  /** The environment with the Node of this test run, which is the pinned one. */
  get pinned(): Readonly<Record<string, string>> {
    return this.#withFirst(dirname(process.execPath))
  }

  /** The environment with Node 20: that of the machine, or else one from the registry. */
  async node20(): Promise<Readonly<Record<string, string>>> {
    const own = await this.run('node --version', this.folder)
    if (own.stdout.startsWith('v20.')) return this.env
    const folder = this.empty('node20')
    await this.run('npm install --prefix . node@20', folder)
    return this.#withFirst(join(folder, 'node_modules/node/bin'))
  }

  #withFirst(folder: string): Readonly<Record<string, string>> {
    return { ...this.env, PATH: `${folder}${delimiter}${this.env.PATH}` }
  }

  /** Runs a line of the shell to its end. */
  async run(line: string, cwd: string, env = this.env): Promise<Ran> {
    const started = new Started(line, cwd, env)
    const code = await started.ended
    return { code, stdout: started.stdout, stderr: started.stderr }
  }

  /** Runs a line of the shell that starts a gate. Resolves when the gate is ready. */
  async gate(line: string, cwd: string, env: Readonly<Record<string, string>>): Promise<Gate> {
    const started = new Started(line, cwd, env)
    return { url: await started.ready(), stop: () => started.interrupt() }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The complete lines of a gate's events, without what npm prints. */
function linesOf(stdout: string): readonly { readonly event: string; readonly url?: string }[] {
  const whole = stdout.split('\n').slice(0, -1)
  return whole.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
}

/** A gate that was started by a line of the shell. */
interface Gate {
  readonly url: string
  /** Sends Ctrl+C. Resolves with everything that was printed. */
  stop(): Promise<Ran>
}

/** ms after which a command is ended. */
const LONGEST = 240_000

/** A line of the shell in a process group of its own, as on a terminal. */
class Started {
  stdout = ''
  stderr = ''
  readonly ended: Promise<number | null>
  readonly #child
  #seen = () => {}

  constructor(line: string, cwd: string, env: Readonly<Record<string, string>>) {
    const child = spawn('sh', ['-c', line], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#seen()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    const late = setTimeout(() => this.#signal('SIGKILL'), LONGEST)
    this.ended = new Promise((resolve) =>
      child.once('close', (code) => {
        clearTimeout(late)
        resolve(code)
      }),
    )
  }

  /** The address in the event `ready`. */
  async ready(): Promise<string> {
    const url = () =>
      linesOf(this.stdout).find(({ event, url }) => event === 'ready' && url !== undefined)?.url
    const said = new Promise<void>((resolve) => {
      this.#seen = () => {
        if (url() !== undefined) resolve()
      }
    })
    await Promise.race([said, this.ended])
    const found = url()
    if (found === undefined) throw new Error(`no gate: ${this.stdout}\n${this.stderr}`)
    return found
  }

  async interrupt(): Promise<Ran> {
    this.#signal('SIGINT')
    const code = await this.ended
    return { code, stdout: this.stdout, stderr: this.stderr }
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch {}
  }
}
