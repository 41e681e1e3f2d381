import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Timer, World } from '../floor/world.ts'
import { strangersEnv } from './cloudflared.ts'
import type { Host } from './host.ts'

export interface TunnelOptions {
  readonly world: World
  /** The cloudflared. */
  readonly program: string
  /** Of the tunnel's own listener on 127.0.0.1. */
  readonly port: number
  /** An existing folder, for the config that stands in for the operator's own. */
  readonly folder: string
  readonly env: Host['env']
  /** ms that running answers have once it is told to stop. */
  readonly graceMs: number
  /** ms before a dead one is started again: at first, doubled each time, at most. */
  readonly pause?: { readonly first: number; readonly most: number }
  /** ms for an address to come before it is started again. */
  readonly startMs?: number
  /** It has an address, a new one each time. */
  onUp(url: string): void
  /** It had one and has it no more. */
  onDown(): void
}

/** cloudflared waits for running answers this long at most, and refuses to start with more. */
const MOST_GRACE = 180_000
const KEPT = 4_096
/** ms. Cloudflare answers 429 to those who ask for addresses all the time. */
const PAUSE = { first: 2_000, most: 300_000 }
/** `api.` is whom cloudflared asks for an address; its errors name it. */
const ADDRESS = /https:\/\/(?!api\.)[a-z0-9-]+\.trycloudflare\.com\b/
const CONNECTED = /\bRegistered tunnel connection\b/

/**
 * Stands between: the tunnel must not outlive a gate that was killed, or whatever takes its port
 * next is public. A line on stdin is SIGTERM for the group, the end of stdin, however it comes, kills.
 */
const GUARD = `"$@" </dev/null &
exec >/dev/null 2>&1
trap '' TERM
while read -r _; do kill 0; done
kill -9 0`

/**
 * A Cloudflare quick tunnel: a cloudflared that is started again when it ends, read for its address
 * and never shown. It is up once it has an address and a connection to carry it.
 */
export class Tunnel {
  readonly #options: TunnelOptions
  readonly #args: readonly string[]
  #child: ChildProcess | null = null
  #url: string | null = null
  /** When it came up. */
  #since = 0
  #pause: number
  #again: Timer | null = null
  #stopped = false
  #waiting: Array<() => void> = []

  constructor(options: TunnelOptions) {
    this.#options = options
    this.#pause = (options.pause ?? PAUSE).first
    const config = join(options.folder, 'cloudflared.yml')
    writeFileSync(config, '# Empty, so that the config of your own tunnels is left alone.\n{}\n')
    this.#args = [
      ...['tunnel', '--no-autoupdate', '--config', config, '--protocol', 'auto'],
      ...['--grace-period', `${Math.min(options.graceMs, MOST_GRACE)}ms`],
      ...['--url', `http://127.0.0.1:${options.port}`],
    ]
    this.#start()
  }

  /** `https://….trycloudflare.com`; null while it is down. */
  get url(): string | null {
    return this.#url
  }

  /** Its address; null where none came within so many ms, or it ended before it had one. */
  async first(withinMs: number): Promise<string | null> {
    if (this.#url !== null || this.#stopped) return this.#url
    await new Promise<void>((resolve) => {
      const late = this.#options.world.after(withinMs, resolve)
      this.#waiting.push(() => {
        late.cancel()
        resolve()
      })
    })
    return this.#url
  }

  /** Lets nobody new in; running answers may end. */
  drain(): void {
    this.#stopped = true
    this.#again?.cancel()
    if (process.platform === 'win32') return
    this.#child?.stdin?.write('stop\n')
  }

  /** Ends it. Resolves when its process is gone. */
  async close(): Promise<void> {
    this.drain()
    const child = this.#child
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve).once('error', resolve))
    end(child)
    await gone
  }

  #start(): void {
    const { world, program, env, startMs = 60_000 } = this.#options
    const command =
      process.platform === 'win32'
        ? ([program, this.#args] as const)
        : (['/bin/sh', ['-c', GUARD, 'satgate-tunnel', program, ...this.#args]] as const)
    // A group of its own: Ctrl+C is for the gate, which tells the tunnel when its time has come.
    const child = spawn(...command, {
      detached: process.platform !== 'win32',
      windowsHide: true,
      env: strangersEnv(env),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    const late = world.after(startMs, () => end(child))
    this.#read(child, () => late.cancel())
    let over = false
    const ended = () => {
      if (over) return
      over = true
      late.cancel()
      end(child)
      this.#ended()
    }
    child.on('error', ended)
    // The guard gave its own away: when these close, whoever spoke there is gone.
    child.stderr.once('close', ended)
  }

  #read(child: ChildProcess, up: () => void): void {
    let text = ''
    let address: string | null = null
    let connected = false
    for (const stream of child.stdio) stream?.on('error', () => {})
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        if (this.#url !== null || this.#child !== child) return
        text = (text + chunk).slice(-KEPT)
        address ??= ADDRESS.exec(text)?.[0] ?? null
        connected ||= CONNECTED.test(text)
        if (address === null || !connected) return
        up()
        this.#up(address)
      })
    }
  }

  #up(url: string): void {
    this.#url = url
    this.#since = this.#options.world.now()
    this.#wake()
    if (!this.#stopped) this.#options.onUp(url)
  }

  #ended(): void {
    const had = this.#url !== null
    this.#url = null
    this.#wake()
    if (this.#stopped) return
    if (had) this.#options.onDown()
    const { world } = this.#options
    const { first, most } = this.#options.pause ?? PAUSE
    if (had && world.now() - this.#since > most) this.#pause = first
    this.#again = world.after(this.#pause, () => this.#start())
    this.#pause = Math.min(this.#pause * 2, most)
  }

  #wake(): void {
    for (const then of this.#waiting.splice(0)) then()
  }
}

/** Where there is a guard, the end of its stdin ends the whole group. */
function end(child: ChildProcess): void {
  child.stdin?.end()
  if (process.platform === 'win32') child.kill()
}
