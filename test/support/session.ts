import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startFakeMint } from './fake-mint.ts'
import { freePort } from './free-port.ts'
import { startOllama } from './ollama.ts'
import { serve } from './serve.ts'
import { quoted, Terminal } from './terminal.ts'
import { matched, type Step } from './transcript.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/satgate.ts', import.meta.url))
/** The longest time in ms for one command, and for the next output of a terminal. */
const PATIENCE = 30_000
/** After so many ms of silence, a recorded terminal has shown everything. */
const SILENT = 1_500
const DONE = 'transcript-done'

/** A text in a transcript, and the text that stands for it in this run. */
interface Name {
  readonly shown: string
  readonly real: string
}

/**
 * The machine on which a transcript is played: an empty folder, a new home folder, a backend that
 * behaves as Ollama, a mint, and a program `pay` that pays invoices of this mint as a wallet does.
 * The transcript shows the usual ports and folders in place of those of the test.
 */
export class Session {
  readonly #home: string
  readonly #port: number
  readonly #names: readonly Name[]
  readonly #env: Readonly<Record<string, string>>
  readonly #shell: ChildProcess
  readonly #terminals = new Map<string, { terminal: Terminal; read: number }>()
  readonly #values: Record<string, string> = {}
  #printed = ''

  static async start(
    play: boolean,
  ): Promise<{ readonly session: Session; close(): Promise<void> }> {
    const [ollama, mint] = [await startOllama(), await startFakeMint({ network: 'bc' })]
    const wallet = await serve((request, response) => {
      response.end(`${mint.pay(decodeURIComponent((request.url ?? '').slice(1)))}\n`)
    })
    const ports = { gate: await freePort(4), dead: await freePort(5), play }
    const session = new Session({
      ollama: ollama.port,
      wallet: wallet.port,
      mint: mint.url,
      ...ports,
    })
    return {
      session,
      async close() {
        await session.#close()
        for (const one of [wallet, ollama]) await one.close()
        await mint.stop()
      },
    }
  }

  private constructor(parts: {
    readonly gate: number
    readonly dead: number
    readonly ollama: number
    readonly wallet: number
    readonly mint: string
    readonly play: boolean
  }) {
    this.#port = parts.gate
    // A short path, because a terminal wraps long lines.
    this.#home = mkdtempSync('/tmp/sg-')
    const [bin, work] = [join(this.#home, '.bin'), join(this.#home, 'gate')]
    for (const folder of [bin, work]) mkdirSync(folder)
    const script = (name: string, line: string) => {
      writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`)
      chmodSync(join(bin, name), 0o755)
    }
    script('satgate', `exec ${quoted(process.execPath)} ${quoted(PROGRAM)} "$@"`)
    script('pay', `exec curl "http://127.0.0.1:${parts.wallet}/$1"`)
    // If its output is captured, curl shows its progress. At a terminal it does not.
    writeFileSync(join(this.#home, '.curlrc'), 'silent\nshow-error\n')
    this.#names = [
      { shown: 'https://mint.minibits.cash/Bitcoin', real: parts.mint },
      { shown: 'mint.minibits.cash', real: new URL(parts.mint).host },
      { shown: ':11434', real: `:${parts.ollama}` },
      { shown: ':11435', real: `:${parts.dead}` },
      { shown: ':3000', real: `:${parts.gate}` },
      { shown: '~/gate', real: work },
      { shown: '~', real: this.#home },
      { shown: 'default', real: 'SATGATE_PORT' },
      { shown: 'default', real: 'SATGATE_WALLET_MINTS' },
    ]
    this.#env = {
      PATH: [bin, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
      HOME: this.#home,
      LANG: 'C.UTF-8',
      SATGATE_PORT: String(parts.gate),
      ...(parts.play ? {} : { SATGATE_WALLET_MINTS: JSON.stringify([parts.mint]) }),
      // Tests must not open a tunnel on a machine that has cloudflared.
      CLOUDFLARED_BIN: '/nowhere',
    }
    this.#shell = spawn('bash', ['--noprofile', '--norc'], {
      cwd: work,
      env: this.#env,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#shell.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#printed += text
    })
    this.#shell.stdin?.write('exec 2>&1\n')
  }

  /** What a step prints. With `settle` it waits for all of it, whatever is expected. */
  async play(step: Step, settle: boolean): Promise<readonly string[]> {
    const lines =
      step.terminal === null
        ? await this.#run(step)
        : await this.#watch({ ...step, terminal: step.terminal }, settle)
    // Compares line by line, so that a recording goes on although some lines are new.
    for (const expected of step.expected.filter((line) => line.includes('‹'))) {
      const found = lines.map((line) => matched([expected], [line]))
      Object.assign(this.#values, found.find((values) => values !== null) ?? {})
    }
    return lines
  }

  async #run({ command }: Step): Promise<readonly string[]> {
    const typed = this.#typed(command ?? '')
    this.#printed = ''
    this.#shell.stdin?.write(
      `{ ${typed}\n} </dev/null; __code=$?; printf '%s\\n' ${DONE}; (exit $__code)\n`,
    )
    const end = Date.now() + PATIENCE
    while (!this.#printed.includes(DONE)) {
      if (Date.now() > end) throw new Error(`${command} does not end: ${this.#printed}`)
      await sleep(10)
    }
    return this.#shown(this.#printed.slice(0, this.#printed.indexOf(DONE)))
  }

  async #watch(
    { terminal: name, command, expected }: Step & { readonly terminal: string },
    settle: boolean,
  ): Promise<readonly string[]> {
    const seen = this.#typedAt(name, command)
    const unread = () => this.#shown(seen.terminal.text.slice(seen.read).replace(/^\^C/gm, ''))
    const end = Date.now() + PATIENCE
    let [last, since] = ['', Date.now()]
    for (;;) {
      const lines = unread()
      if (lines.join('\n') !== last) [last, since] = [lines.join('\n'), Date.now()]
      const silent = Date.now() - since
      const isAll = settle
        ? last !== '' && silent > SILENT
        : matched(expected, lines) && silent > 50
      const over = seen.terminal.over && silent > 50
      if (isAll || over || Date.now() > end) break
      await sleep(10)
    }
    seen.read = seen.terminal.text.length
    if (command === '^C') {
      const code = await seen.terminal.ended()
      this.#terminals.delete(name)
      if (code !== 0) throw new Error(`the program in ${name} ended with ${code}`)
    }
    return last.split('\n')
  }

  #typedAt(name: string, command: string | null): { terminal: Terminal; read: number } {
    const there = this.#terminals.get(name)
    if (command !== null && command !== '^C') {
      if (there !== undefined) throw new Error(`a program still runs in ${name}`)
      const options = { cwd: join(this.#home, 'gate'), env: this.#env, columns: 120 }
      const made = { terminal: new Terminal(`exec ${this.#typed(command)}`, options), read: 0 }
      this.#terminals.set(name, made)
      return made
    }
    if (there === undefined) throw new Error(`no program runs in ${name}`)
    if (command === '^C') there.terminal.type('\u0003')
    return there
  }

  /** Replaces the names in a command by their values. */
  #typed(command: string): string {
    const ports = this.#names.filter(({ shown }) => shown.includes(':') && !shown.includes('/'))
    const real = ports.reduce((text, name) => text.replaceAll(name.shown, name.real), command)
    return real.replace(/‹(\w+)›/g, (_, name: string) => {
      const value = this.#values[name]
      if (value === undefined)
        throw new Error(`no output before has ‹${name}›; the last was:\n${this.#printed}`)
      return value
    })
  }

  #shown(text: string): string[] {
    const shown = this.#names.reduce((all, name) => all.replaceAll(name.real, name.shown), text)
    return shown
      .replace(new RegExp(`\\bport( +)${this.#port}\\b`, 'g'), 'port$13000')
      .replace(/\n$/, '')
      .split('\n')
  }

  async #close(): Promise<void> {
    this.#shell.kill()
    for (const { terminal } of this.#terminals.values()) await terminal.close()
    rmSync(this.#home, { recursive: true, force: true })
  }
}
