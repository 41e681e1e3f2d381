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
  readonly spelling: OtherSpelling
}

/** Finds another way to write a request. */
export interface OtherSpelling {
  /** For the text of a refusal: another body to try. Null if there is none. */
  otherwise(refusal: Uint8Array): Uint8Array | null
  /** The other body worked. */
  worked(): void
}

/**
 * Sends a request, and sends it once more if it was refused as not well formed and another body can
 * be tried. The listener hears only one answer. Any other answer is passed on from its first byte,
 * so a request that got a 200 is never sent twice.
 */
export class SecondSend implements Sent, UpstreamListener {
  readonly #upstream: Upstream
  readonly #listener: UpstreamListener
  /** Until an answer has begun that is not judged. From then on nothing is sent any more. */
  #asked: Asked | null
  #sent: Sent | null = null
  #over = false
  /** A refusal that is not complete yet, so not judged. */
  #held: {
    readonly status: number
    readonly headers: Headers
    readonly chunks: Uint8Array[]
  } | null = null
  #size = 0
  #tries = 0
  /** How many of the requests that were sent the backend has not let go of. */
  #running = 0
  #released = false

  constructor(upstream: Upstream, listener: UpstreamListener, asked: Asked) {
    this.#upstream = upstream
    this.#listener = listener
    this.#asked = asked
    this.#send(asked.request)
  }

  resume(): void {
    this.#sent?.resume()
  }

  abort(): void {
    this.#over = true
    this.#held = null
    this.#asked = null
    this.#sent?.abort()
    this.#letGo()
  }

  onHead(status: number, headers: Headers): void {
    if (this.#tries === 1 && NOT_WELL_MADE.has(status)) {
      this.#held = { status, headers, chunks: [] }
      return
    }
    if (this.#tries === 2 && status === 200) this.#asked?.spelling.worked()
    this.#asked = null
    this.#listener.onHead(status, headers)
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#held === null) return this.#listener.onData(chunk)
    this.#held.chunks.push(chunk)
    this.#size += chunk.length
    return this.#size <= MOST || this.#pass()
  }

  onEnd(): void {
    if (this.#over) return
    const refusal = this.#held === null ? null : Buffer.concat(this.#held.chunks)
    const asked = refusal === null ? null : this.#asked
    const other = refusal === null ? null : (asked?.spelling.otherwise(refusal) ?? null)
    if (asked === null || other === null) {
      this.#pass()
      this.#listener.onEnd()
      this.#letGo()
      return
    }
    this.#held = null
    this.#send({ ...asked.request, body: other })
  }

  onError(kind: 'unreachable' | 'broken', detail: string): void {
    if (this.#over) return
    this.#pass()
    this.#listener.onError(kind, detail)
    this.#letGo()
  }

  onReleased(): void {
    this.#running -= 1
    this.#letGo()
  }

  #send(request: UpstreamRequest): void {
    this.#tries += 1
    this.#running += 1
    this.#sent = this.#upstream.send(request, this)
  }

  /** Passes the withheld part of a refusal on to the listener. */
  #pass(): boolean {
    const held = this.#held
    this.#held = null
    if (held === null || this.#over) return true
    this.#listener.onHead(held.status, held.headers)
    return held.chunks.map((chunk) => this.#listener.onData(chunk)).every(Boolean)
  }

  /** The slot is free when the last upstream request is over and no other can follow. */
  #letGo(): void {
    if (this.#held !== null || this.#running > 0 || this.#released) return
    this.#released = true
    this.#listener.onReleased()
  }
}
