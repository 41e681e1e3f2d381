import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { Client } from './ask.ts'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('../../bin/satgate.ts', import.meta.url))
/** ms until `ready` is said, and until a stopped gate is gone. */
const PATIENCE = 60_000

/** One JSON line of the gate's stdout. */
export interface Said {
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was said
  readonly [field: string]: any
}

/** The books' own verdict and entries, as the command line prints them. */
export interface Minted {
  /** `<macaroon>:<secret>`. */
  readonly pass: string
}

/** The real program in a process of its own, on a folder that outlives it. */
export class GateProcess {
  readonly folder: string
  readonly #configPath: string
  #child: ChildProcess | null = null
  #client: Client | null = null
  #gone: Promise<number | null> = Promise.resolve(null)
  #said: Said[] = []
  #stderr = ''
  #url = ''

  /** Writes `satgate.yaml` into a new folder under the system's temporary one; starts nothing. */
  constructor(settings: Readonly<Record<string, unknown>>) {
    this.folder = mkdtempSync(join(tmpdir(), 'satgate-gate-'))
    this.#configPath = join(this.folder, 'satgate.yaml')
    mkdirSync(join(this.folder, 'data'), { mode: 0o700 })
    this.configure(settings)
  }

  /** Other settings, from the next start on. */
  configure(settings: Readonly<Record<string, unknown>>): void {
    // A machine that has cloudflared is not made public by its tests.
    const all = { port: 0, tunnel: false, dataDir: join(this.folder, 'data'), ...settings }
    writeFileSync(this.#configPath, stringify(all))
  }

  /** `http://127.0.0.1:port` of the gate that runs now. */
  get url(): string {
    return this.#url
  }

  get client(): Client {
    if (this.#client === null) throw new Error('the gate does not run')
    return this.#client
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Everything said since the last start, in order; with a name, those events alone. */
  events(name?: string): readonly Said[] {
    return name === undefined ? this.#said : this.#said.filter(({ event }) => event === name)
  }

  /** The first event that fits, said before or within so many ms. */
  async event(fits: (said: Said) => boolean, within = 30_000): Promise<Said> {
    const until = Date.now() + within
    for (;;) {
      const found = this.#said.find(fits)
      if (found !== undefined) return found
      if (Date.now() > until) {
        throw new Error(`no such event within ${within} ms; said: ${JSON.stringify(this.#said)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** The event of a request, by the id that its answer carries. */
  request(id: unknown): Promise<Said> {
    return this.event((said) => said.event === 'request' && said.id === id)
  }

  /** Starts the program; resolves when it is ready. Rejects with what it said where it never is. */
  async start(
    env: Readonly<Record<string, string>> = {},
    flags: readonly string[] = [],
  ): Promise<this> {
    const args = [PROGRAM, '--config', this.#configPath, '--json', ...flags]
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...process.env, HOME: this.folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#said = []
    this.#stderr = ''
    this.#listen(child)
    // `exit` may come while a pipe is unread. `close` comes when both have been read to their end.
    const gone = new Promise<number | null>((resolve) => child.once('close', resolve))
    this.#gone = gone
    const exited = gone.then((code) => {
      throw new Error(`the gate ended with ${code}: ${this.#stderr}`)
    })
    exited.catch(() => {})
    const ready = await Promise.race([
      this.event(({ event }) => event === 'ready', PATIENCE),
      exited,
    ])
    // Notes are written before `ready`, so they lie in the other pipe: the loop reads it in its next turn.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    this.#url = String(ready.url)
    this.#client = new Client(Number(new URL(this.#url).port))
    return this
  }

  #listen(child: ChildProcess): void {
    const said = this.#said
    let rest = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line !== '') said.push(JSON.parse(line))
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** A signal, and no more. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Resolves with the exit code when the program has ended by itself. */
  ended(): Promise<number | null> {
    return this.#gone
  }

  /** The data folder. */
  get data(): string {
    return join(this.folder, 'data')
  }

  /** SIGTERM; resolves with the exit code when the program is gone. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  /** SIGKILL: nothing is flushed, nobody is told. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    const client = this.#client
    this.#child = null
    this.#client = null
    if (child === null) return null
    child.kill(signal)
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
    return this.#gone.finally(() => {
      clearTimeout(late)
      client?.close()
    })
  }

  /** Another command of the program on the same folder, `command('ledger', 'verify')`, as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: each command prints its own shape
  async command(...words: readonly string[]): Promise<any> {
    const args = [PROGRAM, ...words, '--config', this.#configPath, '--json']
    const { stdout } = await run(process.execPath, args, { cwd: this.folder })
    return JSON.parse(stdout)
  }

  /** A pass with that many sats, given away by the operator. */
  async mint(sats: number, ...caveats: readonly string[]): Promise<string> {
    const narrowed = caveats.flatMap((caveat) => ['--caveat', caveat])
    const minted: Minted = await this.command('pass', 'mint', '--sats', String(sats), ...narrowed)
    return minted.pass
  }

  /** Stops the program and removes its folder. */
  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
