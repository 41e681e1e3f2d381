import { backOff } from '../../floor/back-off.ts'
import type { World } from '../../floor/world.ts'
import { type Mint, type MintAbout, MintBusy, MintLies, MintUnreachable } from './mint/mint.ts'
import type { Call, MintRateLimit } from './mint-rate-limit.ts'
import type { EcashStore } from './store/store.ts'

/** A mint, and what is known about its behaviour. */
export interface KnownMint {
  readonly mint: Mint
  readonly rateLimit: MintRateLimit
  /** Whether it is asked for invoices. Other mints are known because they still hold coins. */
  readonly sells: boolean
}

/** A mint that lied is not asked for invoices for so many ms. */
const ASIDE = 60 * 60_000
/** A mint that did not answer is skipped for so many ms. It grows up to the second value. */
const DOWN = 2_000
const LONGEST_DOWN = 15_000
/** For so many ms after the end of a problem, the same problem is not reported again. */
const QUIET = 60_000

type Kind = 'mint_unreachable' | 'mint_lies' | 'mint_busy' | 'mint_refuses'

const NO_MELTS = 'it pays no invoices now (NUT-05), so nothing is paid in there'

interface Trouble {
  readonly what: Kind
  readonly reason: string
  readonly times: number
  readonly until: number
  /**
   * Whether the problem was reported. A problem that comes and goes is reported only once in a
   * while.
   */
  readonly told: boolean
}

/**
 * The mints of this wallet, in the order of the operator. A mint that does not answer is skipped
 * for a while. A mint that lies is set aside, also after a restart. Each problem is reported once
 * when it begins and once when it ends.
 */
export class Mints {
  readonly all: readonly KnownMint[]
  readonly #store: EcashStore
  readonly #world: Pick<World, 'now'>
  readonly #say: (event: object) => void
  readonly #troubles = new Map<string, Trouble>()
  readonly #solved = new Map<string, number>()
  /** Mints that pay no invoices now. */
  readonly #payless = new Set<string>()

  constructor(parts: {
    readonly all: readonly KnownMint[]
    readonly store: EcashStore
    readonly world: Pick<World, 'now'>
    readonly say: (event: object) => void
  }) {
    this.all = parts.all
    this.#store = parts.store
    this.#world = parts.world
    this.#say = parts.say
    for (const { mint } of parts.all) this.#recall(mint.url)
  }

  find(url: string): KnownMint | null {
    return this.all.find(({ mint }) => mint.url === url) ?? null
  }

  /** The mints that may be asked for an invoice now, in order. */
  selling(): readonly KnownMint[] {
    return this.all.filter(({ mint, sells }) => sells && this.#free(mint.url))
  }

  /**
   * Whether a mint may be called at all now. A mint that lied may still give back what it holds.
   */
  answers(url: string): boolean {
    return this.#troubles.get(url)?.what === 'mint_lies' || this.#free(url)
  }

  /** Whether nothing keeps us from doing business with a mint now: it answers, and it did not lie. */
  trusted(url: string): boolean {
    return this.#free(url)
  }

  /** Whether nothing was wrong at the last call. */
  ok(url: string): boolean {
    return !this.#troubles.has(url)
  }

  /** All known problems, as the reason why nothing can be sold. */
  get reason(): string {
    const reasons = this.all
      .filter(({ sells }) => sells)
      .map(
        ({ mint }) =>
          `${new URL(mint.url).host}: ${this.#troubles.get(mint.url)?.reason ?? (this.#payless.has(mint.url) ? NO_MELTS : 'no answer yet')}`,
      )
    return reasons.join('; ')
  }

  /**
   * Calls a mint if its rate limit allows that, and remembers how it behaved. Returns null if it may
   * not be called now. Throws the errors of the port.
   */
  async ask<T>(known: KnownMint, call: Call, ask: (mint: Mint) => Promise<T>): Promise<T | null> {
    if (!this.answers(known.mint.url)) return null
    if (known.rateLimit.take(call) > 0) return null
    return this.tried(known, ask)
  }

  /** Does the same without looking at its rate limit and its past. */
  async tried<T>(known: KnownMint, ask: (mint: Mint) => Promise<T>): Promise<T> {
    return this.#answered(known, await this.#blaming(known, ask))
  }

  /**
   * The same for what a stranger has chosen: that it does not answer that is not remembered. The
   * caller finds out whether it answers anything.
   */
  async forgiving<T>(known: KnownMint, ask: (mint: Mint) => Promise<T>): Promise<T> {
    return this.#answered(known, await this.#blaming(known, ask, 'may be silent'))
  }

  #answered<T>(known: KnownMint, answer: T): T {
    known.rateLimit.answered()
    this.#over(known.mint.url)
    return answer
  }

  /**
   * Does the same for an unusual amount, which an honest mint may fail to serve. Of its errors,
   * only that the mint is busy is remembered (threats J13).
   */
  async unblamed<T>(known: KnownMint, ask: (mint: Mint) => Promise<T>): Promise<T> {
    try {
      return await ask(known.mint)
    } catch (error) {
      if (error instanceof MintBusy) this.#busy(known, error)
      throw error
    }
  }

  #busy({ mint, rateLimit }: KnownMint, { retryAfterMs }: MintBusy): void {
    rateLimit.refused(retryAfterMs)
    this.#begin(mint.url, 'mint_busy', 'it is asked too often')
  }

  /**
   * What the mint offers, as far as it is known. An older answer does not prove that the mint works
   * now.
   */
  async about(known: KnownMint): Promise<MintAbout> {
    const about = await this.#blaming(known, (mint) => mint.about())
    this.#tellMelting(known.mint.url, about.melts)
    return about
  }

  /** Coins of a mint that pays no invoices would stay there, so nothing is paid in (threats L9). */
  #tellMelting(mint: string, melts: boolean): void {
    if (melts === !this.#payless.has(mint)) return
    if (melts) this.#payless.delete(mint)
    else this.#payless.add(mint)
    const about = { what: 'mint_pays_nothing', mint }
    this.#say(
      melts ? { event: 'solved', ...about } : { event: 'problem', ...about, reason: NO_MELTS },
    )
  }

  async #blaming<T>(
    known: KnownMint,
    ask: (mint: Mint) => Promise<T>,
    silence: 'may be silent' | 'must answer' = 'must answer',
  ): Promise<T> {
    const { url } = known.mint
    try {
      return await ask(known.mint)
    } catch (error) {
      if (error instanceof MintBusy) this.#busy(known, error)
      const isSilent = error instanceof MintUnreachable && silence === 'must answer'
      if (isSilent) this.#begin(url, 'mint_unreachable', error.reason)
      if (error instanceof MintLies) this.setAside(url, error.what)
      throw error
    }
  }

  /** Asks this mint for no invoice for an hour. The coins that it holds are still looked after. */
  setAside(url: string, what: string): void {
    this.#begin(url, 'mint_lies', what)
    const until = this.#world.now() + ASIDE
    this.#store.setFact(`aside:${url}`, JSON.stringify({ until, what }))
  }

  /**
   * Called if the mint refused something that honest mints do. It is skipped for a while, like one
   * that does not answer.
   */
  failed(url: string, reason: string): void {
    this.#begin(url, 'mint_refuses', reason)
  }

  #free(url: string): boolean {
    const trouble = this.#troubles.get(url)
    return trouble === undefined || trouble.until <= this.#world.now()
  }

  #begin(mint: string, what: Kind, reason: string): void {
    const before = this.#troubles.get(mint)
    const again = before?.what === what
    const times = again ? before.times + 1 : 1
    const now = this.#world.now()
    const told = again ? before.told : now - (this.#solved.get(`${mint} ${what}`) ?? 0) > QUIET
    this.#troubles.set(mint, { what, reason, times, until: now + lengthOf(what, times), told })
    if (told && !again) this.#say({ event: 'problem', what, mint, reason })
  }

  #over(mint: string): void {
    const trouble = this.#troubles.get(mint)
    if (trouble === undefined) return
    if (trouble.what === 'mint_lies' && trouble.until > this.#world.now()) return
    this.#troubles.delete(mint)
    this.#store.setFact(`aside:${mint}`, null)
    if (!trouble.told) return
    this.#solved.set(`${mint} ${trouble.what}`, this.#world.now())
    this.#say({ event: 'solved', what: trouble.what, mint })
  }

  #recall(url: string): void {
    const fact = this.#store.fact(`aside:${url}`)
    if (fact === null) return
    const { until, what }: { until: number; what: string } = JSON.parse(fact)
    this.#troubles.set(url, { what: 'mint_lies', reason: what, times: 1, until, told: true })
  }
}

/** The ms for which a mint is skipped. For a busy mint, its rate limit decides. */
function lengthOf(what: Kind, times: number): number {
  if (what === 'mint_busy') return 0
  return what === 'mint_lies' ? ASIDE : backOff(DOWN, times - 1, LONGEST_DOWN)
}
