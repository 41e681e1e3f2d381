import { createHash } from 'node:crypto'
import type { Background, Repeated } from '../../../floor/background.ts'
import { Cache } from '../../../floor/cache.ts'
import { err, ok, type Result } from '../../../floor/result.ts'
import { unwritable } from '../../../floor/unwritable.ts'
import type { World } from '../../../floor/world.ts'
import type {
  ReceiveAsk,
  ReceivedToken,
  TokenReceiver,
  TokenRefused,
  TokenRequest,
} from '../../receiver.ts'
import type { Freeze } from '../freeze.ts'
import { isOfMint, MintBusy } from '../mint/mint.ts'
import { splitSats } from '../mint/sats.ts'
import type { Mints } from '../mints.ts'
import type { EcashStore } from '../store/store.ts'
import type { AcceptedMints } from './accepted-mints.ts'
import { Lane } from './lane.ts'
import { headIn, isFinal, paymentOf, type ReadToken, readToken } from './read-token.ts'
import { TokenRequests } from './token-requests.ts'
import { isHere, receivedOf, type TokenRow, type TokenRows } from './token-rows.ts'
import { type Swapped, TokenSwaps } from './token-swaps.ts'

export interface EcashReceiverParts {
  readonly store: EcashStore
  readonly rows: TokenRows
  readonly mints: Mints
  readonly accepted: AcceptedMints
  readonly freeze: Freeze
  readonly world: World
  readonly background: Background
}

type Received = Result<ReceivedToken, TokenRefused>

/** How many texts of tokens are remembered: those that were taken, and those that never will be. */
const TAKEN = 10_000
const REFUSED = 2_000
/** ms between two looks at the mints, and at tokens that are not finished. */
const LOOK = 30_000
const LOOK_LONGEST = 120_000
const TEND = 2_000
const TEND_LONGEST = 30_000
/** Calls of a swap: itself, and what the mint has signed if it says that the token is spent. */
const SWAP_CALLS = 2
/** Rows in one round. */
const AT_ONCE = 20
/** A token whose coins are here is credited by whoever presented it, and after so many ms by us. */
const LEFT_ALONE = 30_000

/**
 * Takes tokens of buyers at the mints of the ecash wallet. What a token costs us is bounded: the
 * checks that cost little come first, the arithmetic of one token at a time comes last, and the mint
 * is called only for a token that it has signed.
 */
export class EcashReceiver implements TokenReceiver {
  readonly #parts: EcashReceiverParts
  readonly #swaps: TokenSwaps
  readonly #lane: Lane
  /** By the hash of a text: its payment. */
  readonly #taken = new Cache<string>(TAKEN)
  /** By the hash of a text: why it is never taken (threats D5). */
  readonly #refused = new Cache<TokenRefused>(REFUSED)
  /** By the secrets of a token: some of it was spent elsewhere, whatever its text is. */
  readonly #spent = new Cache<true>(REFUSED)
  readonly #requests: TokenRequests
  /** By the secrets of a token: it is being taken now. */
  readonly #running = new Map<string, Promise<Received>>()
  /** Up to which row the last round looked after swaps. The next one goes on from there. */
  #tended = 0
  #library: typeof import('../mint/token.ts') | null = null

  constructor(parts: EcashReceiverParts) {
    this.#parts = parts
    this.#swaps = new TokenSwaps(parts)
    this.#lane = new Lane()
    this.#requests = new TokenRequests(parts.accepted)
  }

  get mints(): readonly string[] {
    return this.#parts.accepted.urls
  }

  request(sat: number): TokenRequest | null {
    if (this.#library === null || this.#parts.freeze.reason !== null) return null
    return this.#requests.get(sat, this.#library)
  }

  known(token: string): ReceivedToken | null {
    const text = hashOf(token)
    const payment = this.#taken.get(text)
    const row = payment === undefined ? this.#find(text, token) : this.#parts.rows.get(payment)
    return row === null || !isHere(row) ? null : receivedOf(row)
  }

  /** Finds a token by its proofs, whose text was not seen in this process. */
  #find(text: string, token: string): TokenRow | null {
    if (this.#library === null || this.#refused.get(text) !== undefined) return null
    const head = headIn(this.#library, token)
    const row = head.ok ? this.#same(head.value.secrets) : null
    if (row !== null) this.#taken.set(text, row.payment)
    return row
  }

  /** The token with exactly these proofs. */
  #same(secrets: readonly string[]): TokenRow | null {
    const { rows } = this.#parts
    const { tokens, known } = rows.overlap(secrets)
    const [row] = tokens
    if (row === undefined || tokens.length > 1 || known < secrets.length) return null
    return rows.proofsOf(row.n) === known ? row : null
  }

  async receive(token: string, ask: ReceiveAsk): Promise<Received> {
    const text = hashOf(token)
    const known = this.known(token)
    if (known !== null) return ok(known)
    const before = this.#refused.get(text)
    if (before !== undefined) return err(before)
    const received = await this.#guarded(() => this.#receive(token, ask))
    if (received.ok) this.#taken.set(text, received.value.payment)
    else if (isFinal(received.error)) this.#refused.set(text, received.error)
    return received
  }

  credited(...[payment, { account, given }]: Parameters<TokenReceiver['credited']>): void {
    this.#parts.rows.credited(payment, account, given)
  }

  start(received: (token: ReceivedToken) => Promise<void>): { stop(): Promise<void> } {
    const { accepted, background } = this.#parts
    let first = true
    const look = { every: LOOK, longest: LOOK_LONGEST }
    const tend = { every: TEND, longest: TEND_LONGEST }
    const work: Repeated[] = [
      background.repeat('mints for tokens', look, async () => {
        this.#library ??= await import('../mint/token.ts')
        await accepted.look()
      }),
      background.repeat('received tokens', tend, async () => {
        await this.#tend(received, first)
        first = false
      }),
    ]
    return {
      async stop() {
        await Promise.all(work.map((one) => one.stop()))
      },
    }
  }

  /** A mint that fails, and a disk that is full, are refusals. Neither has taken anything. */
  async #guarded(work: () => Promise<Received>): Promise<Received> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof MintBusy) {
        return err({ why: 'busy', retryAfterMs: error.retryAfterMs ?? 60_000 })
      }
      if (isOfMint(error) || unwritable(error) !== null) return err({ why: 'mint_silent' })
      throw error
    }
  }

  async #receive(token: string, ask: ReceiveAsk): Promise<Received> {
    this.#library ??= await import('../mint/token.ts')
    const head = headIn(this.#library, token)
    if (!head.ok) return head
    const { secrets } = head.value
    const name = nameOf(secrets)
    if (this.#spent.get(name) !== undefined) return err({ why: 'spent' })
    const before = await this.#before(secrets)
    if (before !== null) return before
    const read = await readToken(token, head.value, this.#parts)
    if (!read.ok) return read
    const running = this.#running.get(name)
    if (running !== undefined) return running
    const short = await this.#short(read.value, ask)
    if (short !== null) return err(short)
    const taken = await this.#once(name, () => this.#take(read.value, ask))
    if (!taken.ok && taken.error.why === 'spent') this.#spent.set(name, true)
    return taken
  }

  #once(name: string, work: () => Promise<Received>): Promise<Received> {
    const before = this.#running.get(name)
    if (before !== undefined) return before
    const running = this.#guarded(work).finally(() => this.#running.delete(name))
    this.#running.set(name, running)
    return running
  }

  /** What became of these proofs, if any of them was taken before. */
  async #before(secrets: readonly string[]): Promise<Received | null> {
    const { rows } = this.#parts
    const { known } = rows.overlap(secrets)
    if (known === 0) return null
    const row = this.#same(secrets)
    if (row === null) return err({ why: 'partly_spent', known, of: secrets.length })
    if (isHere(row)) return ok(receivedOf(row))
    if (row.state === 'spent') return err({ why: 'spent' })
    return this.#after(row, await this.#swaps.settle(row))
  }

  async #short({ known, sat, fee }: ReadToken, ask: ReceiveAsk): Promise<TokenRefused | null> {
    const worth = sat - fee
    const { accepted, freeze } = this.#parts
    if (freeze.reason !== null) return { why: 'mint_silent' }
    const needs = await ask.short(worth)
    if (needs !== null) return { why: 'too_small', sat: worth, needs: needs + fee }
    if (accepted.room(known.mint.url) < worth) return { why: 'mint_full' }
    return null
  }

  /** The arithmetic, and the swap. The same token comes here once at a time. */
  async #take(read: ReadToken, ask: ReceiveAsk): Promise<Received> {
    const { accepted, world } = this.#parts
    const { known, proofs } = read
    const { url } = known.mint
    if (!accepted.isOpen(url)) await accepted.lookAt(url)
    if (!accepted.isOpen(url)) return err({ why: 'mint_silent' })
    const checked = await this.#lane.run(async () => {
      for (const proof of proofs) {
        if (proof.dleq === null) return err({ why: 'no_dleq' } as const)
        if (!(await known.mint.isSigned(proof))) return err({ why: 'forged' } as const)
        await world.turn()
      }
      return ok(await paymentOf(proofs, world))
    })
    if (checked === null) return err(BUSY)
    return checked.ok ? this.#swap(checked.value, read, ask) : checked
  }

  /** Writes the token down, and swaps it. If the mint has changed its keyset, tries once more. */
  async #swap(
    payment: string,
    { known, proofs, sat, fee }: ReadToken,
    { account }: ReceiveAsk,
  ): Promise<Received> {
    const { accepted, mints, rows, world } = this.#parts
    const mint = known.mint.url
    const secrets = proofs.map((one) => one.secret)
    for (let tries = 1; ; tries += 1) {
      const { keyset, amounts } = await mints.about(known)
      // Since the checks, a copy, or a token with one of these proofs, may have been taken.
      if (rows.overlap(secrets).known > 0) return (await this.#before(secrets)) ?? err(BUSY)
      if (accepted.room(mint) < sat - fee) return err({ why: 'mint_full' })
      const wait = known.rateLimit.take('top_up', SWAP_CALLS)
      if (wait > 0) return err({ why: 'busy', retryAfterMs: wait })
      const row = rows.begin({
        ...{ payment, mint, sat, fee, keyset, amounts: splitSats(sat - fee, amounts) },
        ...{ account, proofs, at: world.now() },
      })
      const swapped = await this.#swaps.send(row, known, proofs)
      if (!ASKED_MORE.has(swapped.is)) known.rateLimit.giveBack('top_up')
      if (swapped.is !== 'keyset' || tries === 2) return this.#after(row, swapped)
    }
  }

  #after(row: TokenRow, swapped: Swapped): Received {
    switch (swapped.is) {
      case 'here':
        return ok(receivedOf(this.#parts.rows.get(row.payment) ?? row))
      case 'unknown':
        return err({ why: 'pending' })
      case 'busy':
        return err({ why: 'busy', retryAfterMs: swapped.retryAfterMs })
      case 'refused':
        return err({ why: 'refused', code: swapped.code })
      default:
        return err({ why: swapped.is })
    }
  }

  /**
   * Finishes swaps whose answer was lost, and reports tokens that nobody has credited. At the start
   * (`all`) these are all: whoever presented them is gone.
   */
  async #tend(received: (token: ReceivedToken) => Promise<void>, all: boolean): Promise<void> {
    const { rows, world } = this.#parts
    const sent = rows.in('sent', AT_ONCE, this.#tended)
    for (const row of sent) await this.#swaps.settle(row, 'nobody waits')
    this.#tended = sent.length < AT_ONCE ? 0 : (sent.at(-1)?.n ?? 0)
    for (const row of rows.in('here', AT_ONCE)) {
      if (!all && world.now() - row.at < LEFT_ALONE) continue
      await received(receivedOf(row))
    }
  }
}

/** Ends of a swap that may have taken more than one call. */
const ASKED_MORE: ReadonlySet<Swapped['is']> = new Set(['spent', 'unknown'])

const BUSY = { why: 'busy', retryAfterMs: 1_000 } as const
/** The name of these proofs while their token is taken. It needs no arithmetic on the curve. */
const nameOf = (secrets: readonly string[]): string => hashOf(secrets.toSorted().join('\n'))
const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url')
