import type { Sent, Upstream, UpstreamListener, UpstreamRequest } from './ports.ts'

/** Statuses with which backends refuse a request that is not well formed. */
const NOT_WELL_MADE = new Set([400, 422])
/**
 * The most bytes of such a refusal that are read before it is judged. A longer one is passed on as
 * it comes.
 */
const MOST = 64 * 1024

type Headers = Readonly<Record<string, string | string[] | undefined>>

interface Asked {
  readonly request: UpstreamRequest
  readonly listener: UpstreamListener
  /**
   * For the text of a refusal: another body to try, and a callback if it worked. Null if there is
   * none.
   */
  otherwise(refusal: Uint8Array): { readonly body: Uint8Array; worked(): void } | null
}

/**
 * Sends a request, and sends it once more if it was refused as not well formed and another body can
 * be tried. The listener hears only one answer. Any other answer is passed on from its first byte,
 * so a request that got a 200 is never sent twice.
 */
export class SecondSend implements Sent, UpstreamListener {
  readonly released: Promise<void>
  readonly #upstream: Upstream
  readonly #asked: Asked
  #release: () => void = () => {}
  #sent: Sent | null = null
  #gone: Sent | null = null
  #over = false
  /** A refusal that is not complete yet, so not judged. */
  #held: {
    readonly status: number
    readonly headers: Headers
    readonly chunks: Uint8Array[]
  } | null = null
  #size = 0
  #worked: (() => void) | null = null
  #tries = 0

  constructor(upstream: Upstream, asked: Asked) {
    this.#upstream = upstream
    this.#asked = asked
    this.released = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  start(): this {
    this.#send(this.#asked.request)
    return this
  }

  resume(): void {
    this.#sent?.resume()
  }

  abort(): void {
    this.#over = true
    this.#held = null
    this.#sent?.abort()
    this.#letGo()
  }

  onHead(status: number, headers: Headers): void {
    if (this.#tries === 1 && NOT_WELL_MADE.has(status)) {
      this.#held = { status, headers, chunks: [] }
      return
    }
    if (status === 200) this.#worked?.()
    this.#asked.listener.onHead(status, headers)
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#held === null) return this.#asked.listener.onData(chunk)
    this.#held.chunks.push(chunk)
    this.#size += chunk.length
    return this.#size <= MOST || this.#pass()
  }

  onEnd(): void {
    if (this.#over) return
    const other =
      this.#held === null ? null : this.#asked.otherwise(Buffer.concat(this.#held.chunks))
    if (other === null) {
      this.#pass()
      this.#asked.listener.onEnd()
      this.#letGo()
      return
    }
    this.#held = null
    this.#worked = other.worked
    this.#send({ ...this.#asked.request, body: other.body })
  }

  onError(kind: 'unreachable' | 'broken', detail: string): void {
    if (this.#over) return
    this.#pass()
    this.#asked.listener.onError(kind, detail)
    this.#letGo()
  }

  #send(request: UpstreamRequest): void {
    this.#tries += 1
    const sent = this.#upstream.send(request, this)
    this.#sent = sent
    const gone = () => {
      this.#gone = sent
      this.#letGo()
    }
    sent.released.then(gone, gone)
  }

  /** Passes the withheld part of a refusal on to the listener. */
  #pass(): boolean {
    const held = this.#held
    this.#held = null
    if (held === null || this.#over) return true
    this.#asked.listener.onHead(held.status, held.headers)
    return held.chunks.map((chunk) => this.#asked.listener.onData(chunk)).every(Boolean)
  }

  /** The slot is free when the last upstream request is over and no other can follow. */
  #letGo(): void {
    if (this.#held === null && this.#gone !== null && this.#gone === this.#sent) this.#release()
  }
}
