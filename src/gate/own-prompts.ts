import { createHash, createHmac } from 'node:crypto'
import type { Asked, CacheKey } from '../dialects/dialect.ts'
import { Cache } from '../floor/cache.ts'
import type { World } from '../floor/world.ts'
import type { Held, Settled } from './call.ts'

/** ms for which a backend probably keeps a prompt. After that, another account may have renewed it. */
const KEPT = 600_000
/** The last prompts of each account and model that are remembered. */
const MOST_PROMPTS = 8
const MOST_ACCOUNTS = 2_000
/** Prompts of more texts are not remembered. */
const MOST_TEXTS = 4_096

/** A prompt that was answered: a hash of its texts, and what it came to. No text is kept. */
interface Prompt {
  readonly texts: number
  readonly hash: string
  /** Tokens of the prompt and of its answer, which the next prompt may contain. */
  readonly tokens: number
  readonly until: number
}

/**
 * Which prompts an account has sent itself, so that a backend's prompt cache tells it nothing of the
 * prompts of others (threats L21): a prompt can owe to the account's own requests at most the longest
 * earlier prompt that it continues. Each key of this class is new with each start of the gate.
 */
export class OwnPrompts {
  readonly #world: Pick<World, 'now' | 'random'>
  readonly #secret: Uint8Array
  readonly #known = new Cache<readonly Prompt[]>(MOST_ACCOUNTS)
  /** Some backend reuses prompts of all accounts, and says so. Until then nothing is remembered. */
  #needed = false

  constructor(world: Pick<World, 'now' | 'random'>) {
    this.#world = world
    this.#secret = world.random(32)
  }

  /** The key of the payer's part of a cache: 128 keyed bits, another one for each account. */
  keyOf({ payer, incoming }: Held): CacheKey {
    const whose = payer === null ? `client ${incoming.client}` : `account ${payer.account}`
    return (own) =>
      createHmac('sha256', this.#secret)
        .update(JSON.stringify([whose, own]))
        .digest('hex')
        .slice(0, 32)
  }

  /** The most tokens of this prompt that the payer's own earlier requests can have left in a cache. */
  most(held: Held): number {
    this.#needed = true
    const name = nameOf(held)
    const known = name === null ? [] : this.#fresh(name)
    const chain = known.length === 0 ? null : this.#chain(held.asked)
    if (chain === null) return 0
    const continued = known.filter(({ texts, hash }) => chain[texts - 1] === hash)
    return Math.max(0, ...continued.map(({ tokens }) => tokens))
  }

  /** Remembers an answered prompt whose tokens the backend reported. */
  learn(settled: Settled): void {
    const { usage, quantities } = settled.cost
    const name = nameOf(settled)
    if (!this.#needed || name === null || usage !== 'reported') return
    const chain = this.#chain(settled.asked)
    const hash = chain?.at(-1)
    if (chain === null || hash === undefined) return
    const tokens = (quantities.input ?? 0) + (quantities.output ?? 0)
    const prompt = { texts: chain.length, hash, tokens, until: this.#world.now() + KEPT }
    const others = this.#fresh(name).filter((one) => one.hash !== hash)
    this.#known.set(name, [...others, prompt].slice(-MOST_PROMPTS))
  }

  #fresh(name: string): readonly Prompt[] {
    const now = this.#world.now()
    return (this.#known.get(name) ?? []).filter(({ until }) => now < until)
  }

  /**
   * A hash of the first text, of the first two, and so on. Null for a prompt that is not only text:
   * a picture can be another one beside the same texts.
   */
  #chain(asked: Asked): readonly string[] | null {
    if (asked.ids > 0) return null
    const texts = asked.texts()
    if (texts.length > MOST_TEXTS) return null
    const chain: string[] = []
    let before = Buffer.from(this.#secret).toString('base64')
    for (const text of texts) {
      before = createHash('sha256').update(before).update(text).digest('base64')
      chain.push(before)
    }
    return chain
  }
}

/** Whose prompts of which model. Null if nobody pays: then nothing is known to be the same person's. */
const nameOf = ({ payer, served, asked }: Held): string | null =>
  payer === null ? null : JSON.stringify([payer.account, asked.dialect, served])
