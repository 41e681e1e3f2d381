import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backOff } from '../floor/back-off.ts'
import type { Timer, World } from '../floor/world.ts'
import { strangersEnv } from './cloudflared.ts'
import type { Host } from './host.ts'

export interface TunnelOptions {
  readonly world: World
  /** The cloudflared. */
  readonly program: string
  /** Of the tunnel's own listener on 127.0.0.1. */
  readonly port: number
  /** An existing folder for an empty config, so that the operator's own is not used. */
  readonly folder: string
  readonly env: Host['env']
  /** ms that running answers get after a stop. */
  readonly graceMs: number
  /** ms until a cloudflared that ended is started again: at first, then doubled up to a maximum. */
  readonly pause?: { readonly first: number; readonly most: number }
  /** ms that a cloudflared has to get an address. Then it is started again. */
  readonly startMs?: number
  /** The tunnel is open. Its address is a new one each time. */
  onUp(url: string): void
  /** The tunnel was open and is not any more. */
  onDown(): void
}

/** ms. The longest grace period that cloudflared accepts. */
const MOST_GRACE = 180_000
const KEPT = 4_096
/** ms. Cloudflare answers 429 if a client asks for addresses too often. */
const PAUSE = { first: 2_000, most: 300_000 }
/** `api.trycloudflare.com` gives out the addresses. Errors name it, and it is no tunnel. */
const ADDRESS = /https:\/\/(?!api\.)[a-z0-9-]+\.trycloudflare\.com\b/
const CONNECTED = /\bRegistered tunnel connection\b/

/**
 * A shell script between the gate and cloudflared. A tunnel must not outlive a gate that was
 * killed: the next program on that port would be public. The script reads its stdin, which the gate
 * holds open: a line sends SIGTERM to the process group, and the end of stdin kills it.
 */
const GUARD = `"$@" </dev/null &
exec >/dev/null 2>&1
trap '' TERM
while read -r _; do kill 0; done
kill -9 0`

/**
 * A Cloudflare quick tunnel. It runs cloudflared, starts it again when it ends, and reads the
 * public address from its output, which is not shown. The tunnel is open when cloudflared has
 * printed an address and a connection.
 */
export class Tunnel {
  readonly #options: TunnelOptions
  readonly #args: readonly string[]
  #child: ChildProcess | null = null
  #url: string | null = null
  /** When it came up. */
  #since = 0
  /** Times that it ended and was up for less than the longest pause. */
  #failures = 0
  #again: Timer | null = null
  #stopped = false
  #waiting: Array<() => void> = []

  constructor(options: TunnelOptions) {
    this.#options = options
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

  /** Waits for the address. Null if none came within so many ms, or if cloudflared ended before. */
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

  /** Lets no new requests in. Running answers may end. */
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
    // The process group is its own, so that Ctrl+C reaches only the gate, which then stops the
    // tunnel.
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
    // The script has closed its own output, so this closes when cloudflared has ended.
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
    if (had && world.now() - this.#since > most) this.#failures = 0
    this.#again = world.after(backOff(first, this.#failures, most), () => this.#start())
    this.#failures += 1
  }

  #wake(): void {
    for (const then of this.#waiting.splice(0)) then()
  }
}

/** The script kills its process group at the end of its stdin. Windows has no script. */
function end(child: ChildProcess): void {
  child.stdin?.end()
  if (process.platform === 'win32') child.kill()
}
