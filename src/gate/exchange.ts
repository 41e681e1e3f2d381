import type { Backend, Meter, Problem } from '../dialects/dialect.ts'
import type { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import type { Msat } from '../money/msat.ts'
import { countTokens } from '../money/tokens.ts'
import {
  answerRefusal,
  answerWhole,
  openStream,
  TOO_LARGE,
  tooLarge,
  upstreamRefusal,
} from './answer.ts'
import type { Close, Closer } from './close.ts'
import type { PromptEstimate } from './estimate.ts'
import type { End } from './outcome.ts'
import type { Reply, Upstream } from './ports.ts'
import { type Refusal, STOPPING } from './refusal.ts'
import { type Patience, Relay, type Relayed } from './relay.ts'
import { Respelling } from './respelling.ts'
import type { Speeds } from './speeds.ts'
import type { AccountPages } from './statement.ts'
import type { Held } from './steps.ts'

export interface ExchangeParts {
  readonly upstream: Upstream
  /** What the upstream is now: another one may have taken its place (threats J8). */
  readonly backend: () => Backend
  readonly closer: Closer
  readonly pages: AccountPages
  readonly world: World
  readonly background: Background
  readonly patience: Patience
  readonly speeds: Speeds
}

/** How an exchange came out, for the one event that is said of it. */
export interface Exchanged {
  readonly status: number
  readonly close: Close
  readonly ttft: number | null
  readonly detail: string | null
}

/**
 * Sends a held request upstream, relays the answer, and closes its money. What is sent twice
 * is in `respelling.ts` and the upstream's own kept connections; nothing else is. The money is settled before the buyer sees the end, so that the end can tell the cost.
 */
export class Exchange {
  readonly #running = new Map<Relay, Promise<unknown>>()
  readonly #parts: ExchangeParts
  readonly #respelling: Respelling

  constructor(parts: ExchangeParts) {
    this.#parts = parts
    this.#respelling = new Respelling(parts.upstream, parts.world)
  }

  get running(): number {
    return this.#running.size
  }

  /** Ends every stream that still runs; resolves when the money of each is closed. */
  async stop(): Promise<void> {
    for (const relay of this.#running.keys()) relay.stop()
    await Promise.all(this.#running.values())
  }

  /** `letGo` is called when the upstream has really let go of the request. */
  async run(
    held: Held,
    reply: Reply,
    about: { readonly estimate: PromptEstimate; readonly letGo: () => void },
  ): Promise<Exchanged> {
    const { closer, world, background, patience } = this.#parts
    const backend = this.#parts.backend()
    const { asked, dialect, incoming } = held
    const output = held.hold?.output ?? held.limit * asked.choices
    const granted = { output, limit: held.limit, count: countTokens }
    const meter = dialect.meter(asked, granted, backend)
    const before = await this.#shown(held, held.hold?.before ?? null)
    const { upstream, sent } = this.#respelling.of(held, backend)
    const relay = new Relay({
      upstream,
      request: {
        path: dialect.path,
        body: sent.body,
        contentType: sent.contentType,
        headers: { ...sent.headers, 'x-request-id': incoming.id },
      },
      reply,
      meter,
      wire: dialect.wire,
      streamed: asked.stream,
      patience,
      world,
      open: () => openStream(held, reply, before),
      answered: () => {
        // What nobody pays for counts until its answer is over.
        if (held.hold !== null) letGoOfRequest(held)
      },
      progress: () => background.once('journal', () => closer.journal(held, meter, about.estimate)),
    })
    incoming.admitBody()
    const sentAt = world.now()
    background.once('upstream', () => relay.start().finally(about.letGo))
    const over = relay.result.then(async (relayed) => {
      const { end, whole } = relayed
      const how = { end, streamed: asked.stream, whole: whole !== null, meter }
      const close = await closer.close(held, { ...how, estimate: about.estimate })
      this.#learn(held, relayed, close)
      const after = await this.#shown(held, close.after)
      const status = this.#finish(held, reply, { relayed, close: { ...close, after }, meter })
      const ttft = relayed.firstByteAt === null ? null : relayed.firstByteAt - sentAt
      return { status, close, ttft, detail: relayed.detail }
    })
    this.#running.set(relay, over)
    return over.finally(() => this.#running.delete(relay))
  }

  /** How fast the model is: what an answer that is not streamed may ask for hangs on it (J14). */
  #learn(
    { asked, served, limit }: Held,
    { end, detail, madeMs }: Relayed,
    { tokens }: Close,
  ): void {
    const { speeds } = this.#parts
    const streamed = asked.stream
    // Some backends make choices side by side, others one after the other: they tell no speed.
    const tells = madeMs !== null && asked.choices === 1
    if (tells) speeds.made(served, { tokens: tokens.output, ms: madeMs, streamed })
    const late = end === 'upstream_failed' && detail === 'silent' && asked.hasOutput
    if (late && !streamed) speeds.timedOut(served, limit * asked.choices)
  }

  /** A narrowed pass is told what it may still spend, not what the account has. */
  async #shown({ payer, hold }: Held, available: Msat | null): Promise<Msat | null> {
    if (available === null || payer === null || hold === null) return available
    if (payer.scope === 'account') return available
    return this.#parts.pages.spendable(payer, available)
  }

  /** What a buyer is told who has seen nothing of an answer that failed. */
  #refusal({ end, said, detail }: Relayed, charged: Msat): Refusal {
    if (end === 'outgrown') return tooLarge(charged)
    if (end === 'stopped') return STOPPING
    return upstreamRefusal(said, { stalled: detail === 'silent', now: this.#parts.world.now() })
  }

  /** The last bytes that the buyer sees. */
  #finish(
    held: Held,
    reply: Reply,
    out: {
      readonly relayed: Relayed
      readonly close: Close
      readonly meter: Meter
    },
  ): number {
    const { relayed, close, meter } = out
    if (relayed.end === 'client_left') return reply.headSent ? 200 : 499
    const { contentType, whole } = relayed
    if (whole !== null && !reply.headSent) {
      const { charged, after } = close
      answerWhole(held, reply, { body: whole, contentType, charged, after })
      return 200
    }
    if (!reply.headSent && failed(relayed.end)) {
      const refusal = this.#refusal(relayed, close.charged)
      answerRefusal(held.dialect.wire.errors, { incoming: held.incoming, reply, refusal })
      return refusal.status
    }
    if (!reply.headSent) openStream(held, reply, close.after)
    const trailers = held.incoming.trailers ? { 'X-Cost-Msat': `${close.charged}` } : undefined
    const cost = close.charged
    const last = whole === null ? lastBytes(relayed.end, meter, cost) : meter.asStream(whole, cost)
    reply.end(last, trailers)
    return 200
  }
}

/** A stream may last for hours; its request was sent, and takes no memory meanwhile (threats J7). */
function letGoOfRequest({ asked, incoming }: Held): void {
  asked.forget()
  incoming.letGoOfBody()
}

/** How a stream ends for the buyer, the cost said in it. */
function lastBytes(end: Exclude<End, 'client_left'>, meter: Meter, cost: Msat): Uint8Array {
  if (failed(end)) return meter.broken(BROKEN[end], cost)
  return end === 'cut' ? meter.cut(cost) : meter.finish(cost)
}

type Failed = Exclude<End, 'complete' | 'cut' | 'client_left'>

const failed = (end: End): end is Failed => Object.hasOwn(BROKEN, end)

/** What the buyer is told in the middle of a stream. */
const BROKEN: Readonly<Record<Failed, Pick<Problem, 'code' | 'message'>>> = {
  outgrown: { code: 'answer_too_large', message: TOO_LARGE },
  upstream_failed: {
    code: 'upstream_error',
    message: 'The model server broke off; only what arrived is charged.',
  },
  stalled: {
    code: 'upstream_timeout',
    message: 'The model server went silent; only what arrived is charged.',
  },
  stopped: { code: 'stopping', message: 'This gate is stopping; nothing is charged. Try again.' },
}
