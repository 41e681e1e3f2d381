import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { Client } from './ask.ts'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('../../bin/satgate.ts', import.meta.url))
/** The longest time in ms until the gate is ready, and until a stopped gate has ended. */
const PATIENCE = 60_000

/** One JSON line on the stdout of the gate. */
export interface Said {
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was said
  readonly [field: string]: any
}

/** The JSON of `satgate pass mint`. */
export interface Minted {
  /** `<macaroon>:<secret>`. */
  readonly pass: string
}

/** The real program in a process of its own, on a folder that stays when the process ends. */
export class GateProcess {
  readonly folder: string
  readonly #configPath: string
  #child: ChildProcess | null = null
  #client: Client | null = null
  #gone: Promise<number | null> = Promise.resolve(null)
  #said: Said[] = []
  #stderr = ''
  #url = ''

  /** Writes `satgate.yaml` into a new temporary folder. Starts nothing. */
  constructor(settings: Readonly<Record<string, unknown>>) {
    this.folder = mkdtempSync(join(tmpdir(), 'satgate-gate-'))
    this.#configPath = join(this.folder, 'satgate.yaml')
    mkdirSync(join(this.folder, 'data'), { mode: 0o700 })
    this.configure(settings)
  }

  /** Changes the settings. They count from the next start on. */
  configure(settings: Readonly<Record<string, unknown>>): void {
    // Tests must not open a tunnel on a machine that has cloudflared.
    const all = { port: 0, tunnel: false, dataDir: join(this.folder, 'data'), ...settings }
    writeFileSync(this.#configPath, stringify(all))
  }

  /** The address of the gate that runs now, `http://127.0.0.1:port`. */
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

  /** All events since the last start, in order. With a name, only those events. */
  events(name?: string): readonly Said[] {
    return name === undefined ? this.#said : this.#said.filter(({ event }) => event === name)
  }

  /** The first event that fits. Waits at most `within` ms for it. */
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

  /** How many requests have been told of, once the lines of those that are over have been written. */
  async requestsSoFar(): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 100))
    return this.events('request').length
  }

  /** The event of a request. `id` is the request id of its answer. */
  request(id: unknown): Promise<Said> {
    return this.event((said) => said.event === 'request' && said.id === id)
  }

  /**
   * Starts the program and resolves when it is ready. If it ends before, rejects with its output.
   */
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
    // `exit` may come before the pipes have been read. `close` comes when both have been read to
    // the end.
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
    // Notes are written to the other pipe before `ready`. The event loop reads that pipe in its
    // next turn.
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

  /** The other end of its stdout, on which events come. */
  get stdout(): Readable {
    const stdout = this.#child?.stdout
    if (!stdout) throw new Error('the gate does not run')
    return stdout
  }

  /** Sends a signal and does not wait. */
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

  /** Sends SIGTERM. Resolves with the exit code when the program has ended. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  /** Sends SIGKILL: the program writes nothing more and tells nobody. */
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

  /**
   * Runs another command on the same folder, such as `command('ledger', 'verify')`. Resolves with
   * its JSON.
   */
  // biome-ignore lint/suspicious/noExplicitAny: each command prints its own shape
  async command(...words: readonly string[]): Promise<any> {
    const args = [PROGRAM, ...words, '--config', this.#configPath, '--json']
    const { stdout } = await run(process.execPath, args, { cwd: this.folder })
    return JSON.parse(stdout)
  }

  /** Makes a pass with that many sats, as a gift of the operator. */
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
