import type { Meter } from '../dialects/dialect.ts'
import type { Background } from '../floor/background.ts'
import { Roster } from '../floor/roster.ts'
import type { World } from '../floor/world.ts'
import type { Msat } from '../money/msat.ts'
import { countTokens } from '../money/tokens.ts'
import type { Held, Settled } from './call.ts'
import { Relay, type Relayed, type Timeouts } from './relay.ts'
import { Respelling } from './respelling.ts'
import type { Sent, Settler } from './settle.ts'
import type { Speeds } from './speeds.ts'
import { openStream } from './write-response.ts'

export interface ForwarderParts {
  readonly settler: Pick<Settler, 'journal'>
  readonly world: World
  readonly background: Background
  readonly timeouts: Timeouts
  readonly speeds: Speeds
}

/** The result of sending a request to a backend. */
export interface Forwarded {
  readonly relayed: Relayed
  /** Watched the answer. */
  readonly meter: Meter
  readonly ending: Sent
  /** ms from sending to the first byte of output. */
  readonly ttft: number | null
}

/**
 * Sends a held request to the backend of its slot, and relays the answer until its end is known.
 * Does not write the end of the answer: the money is settled first, because the end tells the cost.
 * Only `respelling.ts` and the upstream's kept connections ever send a request twice.
 */
export class Forwarder {
  readonly #running = new Roster<Relay>()
  readonly #parts: ForwarderParts
  readonly #respelling: Respelling

  constructor(parts: ForwarderParts) {
    this.#parts = parts
    this.#respelling = new Respelling(parts.world)
  }

  /** Ends every answer that still runs. */
  stop(): void {
    this.#running.each((relay) => relay.stop())
  }

  /** `balance` is told in the head of a stream: what the buyer had before this request. */
  async run(held: Held, balance: Msat | null): Promise<Forwarded> {
    const { settler, world, background, timeouts } = this.#parts
    const { asked, id, incoming, limit, reply, route, slot } = held
    const { dialect } = route
    const backend = slot.target.backend()
    const output = held.hold?.granted ?? limit * asked.choices
    const meter = dialect.meter(asked, { output, limit, count: countTokens }, backend)
    const { upstream, sent } = this.#respelling.of(held, backend)
    const empty = sent.body.length === 0
    const relay = new Relay({
      upstream,
      request: {
        method: incoming.method,
        path: incoming.path,
        query: route.query ? incoming.query : '',
        body: empty ? null : sent.body,
        contentType: empty ? null : sent.contentType,
        headers: { ...sent.headers, 'x-request-id': id },
        passes: dialect.headers,
      },
      reply,
      meter,
      wire: dialect.wire,
      streamed: asked.stream,
      timeouts,
      world,
      open: (head) => openStream(held, { reply, head, before: balance }),
      answered: () => {
        // A request that nobody pays for keeps its memory until its answer is over.
        if (held.hold !== null) letGoOfRequest(held)
      },
      progress: () => background.once('journal', () => settler.journal(held, meter)),
    })
    incoming.admitBody()
    const sentAt = world.elapsed()
    this.#running.add(relay)
    background.once('upstream', () => slot.sent(relay.start()))
    const relayed = await relay.result
    this.#running.delete(relay)
    const { end, firstByteAt, whole } = relayed
    const ttft = firstByteAt === null ? null : firstByteAt - sentAt
    return { relayed, meter, ttft, ending: { sent: true, end, whole: whole !== null, meter } }
  }

  /**
   * Learns how fast the model is. The output limit of answers that are not streamed depends on it
   * (J14).
   */
  learn({ asked, cost, limit, served }: Settled, { relayed }: Forwarded): void {
    const { speeds } = this.#parts
    const { detail, end, madeMs } = relayed
    const streamed = asked.stream
    // Some backends make the choices at the same time, others one after the other, so several
    // choices tell no speed.
    const tells = madeMs !== null && asked.choices === 1
    if (tells) speeds.made(served, { tokens: cost.quantities.output ?? 0, ms: madeMs, streamed })
    const late = end === 'upstream_failed' && detail === 'silent' && asked.hasOutput
    if (late && !streamed) speeds.timedOut(served, limit * asked.choices)
  }
}

/**
 * Frees the memory of a request that was sent, because its stream may last for hours (threats J7).
 */
function letGoOfRequest({ asked, incoming }: Held): void {
  asked.forget()
  incoming.letGoOfBody()
}
