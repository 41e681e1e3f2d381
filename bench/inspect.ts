/**
 * Asks a running program on Node about its heap, its garbage collector and its event loop, by the
 * protocol of its inspector. The program needs no code for that, and nothing runs in it between the
 * questions but what `watchLoop` and `watchPauses` put there.
 */
import { readFileSync } from 'node:fs'
import type { OnNode } from './targets.ts'

interface Reply {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

export class Inspector {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  #last = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      const reply: Reply = JSON.parse(String(data))
      const waiting = this.#waiting.get(reply.id ?? 0)
      this.#waiting.delete(reply.id ?? 0)
      waiting?.(reply)
    })
  }

  /** Connects to the inspector that the program told last. */
  static async of({ stderr }: OnNode): Promise<Inspector> {
    const told = readFileSync(stderr, 'utf8')
      .match(/ws:\/\/\S+/g)
      ?.at(-1)
    if (told === undefined) throw new Error(`no inspector is told in ${stderr}`)
    const socket = new WebSocket(told)
    await new Promise((done, failed) => {
      socket.addEventListener('open', done, { once: true })
      socket.addEventListener('error', failed, { once: true })
    })
    return new Inspector(socket)
  }

  /** Bytes of the JavaScript heap that are in use after a full collection. */
  async heapAfterCollection(): Promise<number> {
    // The second collection takes what the first one's finalizers let go.
    for (let times = 0; times < 2; times++) await this.#ask('HeapProfiler.collectGarbage')
    const { usedSize } = (await this.#ask('Runtime.getHeapUsage')) as { usedSize: number }
    return usedSize
  }

  /** From now on the longest stop of the garbage collector is kept. */
  async watchPauses(): Promise<void> {
    await this.#evaluate(`(() => {
      const { PerformanceObserver, constants } = process.getBuiltinModule('node:perf_hooks')
      const longest = { scavenge: 0, full: 0 }
      globalThis.benchPauses = longest
      new PerformanceObserver((list) => {
        for (const { duration, detail } of list.getEntries()) {
          const kind = detail.kind === constants.NODE_PERFORMANCE_GC_MINOR ? 'scavenge' : 'full'
          longest[kind] = Math.max(longest[kind], duration)
        }
      }).observe({ entryTypes: ['gc'] })
    })()`)
  }

  /** The longest stops in ms since `watchPauses`: scavenges, and steps of a full collection. */
  async longestPauses(): Promise<{ readonly scavenge: number; readonly full: number }> {
    const text = await this.#evaluate('JSON.stringify(globalThis.benchPauses)')
    return JSON.parse(String(text))
  }

  /** From now on the event loop is watched by a timer of 1 ms. */
  async watchLoop(): Promise<void> {
    await this.#evaluate(`(() => {
      const { monitorEventLoopDelay } = process.getBuiltinModule('node:perf_hooks')
      globalThis.benchLoop = monitorEventLoopDelay({ resolution: 1 })
      globalThis.benchLoop.enable()
    })()`)
  }

  /** Ends the watch. Returns the longest stall of the event loop in ms. */
  async longestStall(): Promise<number> {
    const ns = await this.#evaluate('globalThis.benchLoop.disable() && globalThis.benchLoop.max')
    return Number(ns) / 1e6
  }

  close(): void {
    this.#socket.close()
  }

  async #evaluate(expression: string): Promise<unknown> {
    const said = (await this.#ask('Runtime.evaluate', { expression, returnByValue: true })) as {
      readonly result: { readonly value?: unknown }
      readonly exceptionDetails?: { readonly text: string }
    }
    if (said.exceptionDetails) throw new Error(JSON.stringify(said.exceptionDetails))
    return said.result.value
  }

  #ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#last
    this.#socket.send(JSON.stringify({ id, method, params }))
    return new Promise((done, failed) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error) failed(new Error(`${method}: ${error.message}`))
        else done(result)
      })
    })
  }
}
