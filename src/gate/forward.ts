import type { Backend, Meter, Wire } from '../dialects/dialect.ts'
import type { Background } from '../floor/background.ts'
import { Sweep } from '../floor/sweep.ts'
import type { World } from '../floor/world.ts'
import type { Msat } from '../money/msat.ts'
import { countTokens } from '../money/tokens.ts'
import type { AnswerHead } from './answer-head.ts'
import type { Held, Settled } from './call.ts'
import { lacksApi } from './lacks-api.ts'
import { OwnPrompts } from './own-prompts.ts'
import type { Reply } from './ports.ts'
import { PrivateMeter } from './private-meter.ts'
import { Relay, type RelayParts } from './relay.ts'
import type { Relayed, RelayOwner, Timeouts } from './relay-owner.ts'
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
  /**
   * The backend lacks the API, nothing was sent to the buyer, and the request can be served as its
   * translation. Its slot is kept for that.
   */
  readonly again: boolean
}

/**
 * Sends a held request to the backend of its slot, and relays the answer until its end is known.
 * Does not write the end of the answer: the money is settled first, because the end tells the cost.
 * Only `respelling.ts`, `translating.ts` and the upstream's kept connections ever send a request twice.
 */
export class Forwarder {
  readonly #parts: ForwarderParts
  readonly #relaying: RelayParts
  readonly #respelling: Respelling
  readonly #prompts: OwnPrompts

  constructor(parts: ForwarderParts) {
    const { timeouts, world } = parts
    this.#parts = parts
    this.#relaying = { timeouts, world, sweep: new Sweep(world) }
    this.#respelling = new Respelling(world)
    this.#prompts = new OwnPrompts(world)
  }

  /** Ends every answer that still runs. */
  stop(): void {
    this.#relaying.sweep.each((relay) => relay.stop())
  }

  /** `balance` is told in the head of a stream: what the buyer had before this request. */
  run(held: Held, balance: Msat | null): Promise<Forwarded> {
    return new Promise((resolve) => {
      const { id, incoming, route, slot } = held
      const { dialect } = route
      const backend = slot.target.backend()
      const prompts = this.#prompts
      const spelling = this.#respelling.of(held, backend, prompts.keyOf(held))
      const own = () => (spelling.ownCache ? Number.POSITIVE_INFINITY : prompts.most(held))
      const { body, contentType, headers, path } = spelling.sent
      const empty = body.length === 0
      const run = new Run(this.#parts, held, { backend, balance, own, resolve })
      const relay = new Relay(this.#relaying, run)
      incoming.admitBody()
      slot.sent()
      try {
        relay.start(spelling, {
          method: incoming.method,
          path: path ?? incoming.path,
          query: route.query ? incoming.query : '',
          body: empty ? null : body,
          contentType: empty ? null : contentType,
          headers: { ...headers, 'x-request-id': id },
          passes: dialect.headers,
        })
      } catch (bug) {
        slot.released()
        throw bug
      }
    })
  }

  /**
   * Learns how fast the model is. The output limit of answers that are not streamed depends on it
   * (J14).
   */
  learn(settled: Settled, { relayed }: Forwarded): void {
    const { asked, cost, limit, served } = settled
    const { speeds } = this.#parts
    this.#prompts.learn(settled)
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

/** One request that is at the backend. */
class Run implements RelayOwner {
  readonly reply: Reply
  readonly meter: Meter
  readonly wire: Wire
  readonly streamed: boolean
  readonly #parts: ForwarderParts
  readonly #held: Held
  readonly #balance: Msat | null
  readonly #resolve: (forwarded: Forwarded) => void
  readonly #sentAt: number
  /** The backend may turn out to lack the API. Then the request is needed once more. */
  readonly #translates: boolean
  #released = false
  /** Waits until the backend is done, because its slot is used once more. */
  #again: Forwarded | null = null

  constructor(
    parts: ForwarderParts,
    held: Held,
    how: {
      readonly backend: Backend
      readonly balance: Msat | null
      /** The most tokens of the prompt that its payer can have left in a cache. */
      readonly own: () => number
      readonly resolve: (forwarded: Forwarded) => void
    },
  ) {
    const { asked, limit, route } = held
    const output = held.hold?.granted ?? limit * asked.choices
    this.reply = held.reply
    const granted = { output, limit, count: countTokens }
    const meter = route.dialect.meter(asked, granted, how.backend)
    this.meter = new PrivateMeter(meter, how.own)
    this.wire = route.dialect.wire
    this.streamed = asked.stream
    this.#parts = parts
    this.#held = held
    this.#balance = how.balance
    this.#resolve = how.resolve
    this.#sentAt = parts.world.elapsed()
    this.#translates = typeof route.translated === 'object'
  }

  open(head: AnswerHead | null): void {
    openStream(this.#held, { reply: this.reply, head, before: this.#balance })
    if (head !== null) this.#letGo()
  }

  /** A request that nobody pays for keeps its memory until its answer is over. */
  answered(): void {
    if (!this.#translates) this.#letGo()
  }

  #letGo(): void {
    if (this.#held.hold !== null) letGoOfRequest(this.#held)
  }

  progress(): void {
    if (this.meter.seen.output) this.#letGo()
    const { background, settler } = this.#parts
    background.once('journal', () => settler.journal(this.#held, this.meter))
  }

  ended(relayed: Relayed): void {
    const { meter } = this
    const { end, firstByteAt, whole } = relayed
    const ttft = firstByteAt === null ? null : firstByteAt - this.#sentAt
    const ending: Sent = { sent: true, end, whole: whole !== null, meter }
    const lacking = this.#translates && end === 'upstream_failed' && lacksApi(relayed)
    const again = lacking && !this.reply.headSent
    const forwarded: Forwarded = { relayed, meter, ttft, ending, again }
    if (again && !this.#released) this.#again = forwarded
    else this.#resolve(forwarded)
  }

  released(): void {
    this.#released = true
    const { slot } = this.#held
    if (this.#again === null) slot.released()
    else {
      slot.back()
      this.#resolve(this.#again)
    }
  }
}
