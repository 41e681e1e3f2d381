import { timingSafeEqual } from 'node:crypto'
import { Cache } from '../floor/cache.ts'
import type { PresentedPass } from './pass.ts'

/** The hex digits of a secret, as they stand in a header. */
const SECRET = 64
/** The most characters of a scheme before the pass. More are no way in which anybody sends it. */
const SCHEME = 16
/**
 * The most characters of a header that is kept: a pass with ten caveats is shorter. Longer ones are
 * read each time. Otherwise somebody with one pass could fill the memory with longer ones made of it.
 */
const LONGEST = 1_024

interface Known {
  readonly presented: PresentedPass
  readonly secret: Buffer
}

/**
 * Passes that are paid for and in use, by the header that they came in. Reading such a header again,
 * decoding its macaroon and computing its signatures would cost twenty times as much as finding it
 * here. Only what can never change is kept: what the header says, whose signature is right, and that the
 * secret opens the pass. Whether the pass still exists, to whom it belongs, its caveats, its limits
 * and its credit are judged anew with each request.
 *
 * A header is found by its text without the secret. The secret is then compared in constant time, so
 * the time of an answer tells nothing about it.
 */
export class KnownPasses {
  readonly #known: Cache<Known>

  /** Keeps at least the `most` passes that were used last, and at most twice as many (threats C2). */
  constructor(most: number) {
    this.#known = new Cache(most)
  }

  /** The pass in a header with this value. Null if it must be read. */
  find(value: string): PresentedPass | null {
    const known = this.#known.get(value.slice(0, -SECRET))
    if (known === undefined) return null
    return timingSafeEqual(known.secret, secretIn(value)) ? known.presented : null
  }

  /**
   * Remembers a pass whose payment is credited. Does nothing for one that is known, or that did not
   * come alone in a short header that ends with its secret.
   */
  remember(presented: PresentedPass): void {
    const { credential, header, opens, verified } = presented
    if (header === null || opens === null || !verified.ok) return
    if (header.length > Math.min(LONGEST, credential.text.length + SCHEME)) return
    if (header.slice(-SECRET).toLowerCase() !== credential.secret) return
    // Decoded bytes are a part of 8 KB that many share, and would keep all of them alive.
    const own = { ...credential, macaroon: Uint8Array.from(credential.macaroon) }
    const known = { ...presented, credential: own, header: null }
    this.#known.set(header.slice(0, -SECRET), { presented: known, secret: secretIn(header) })
  }
}

/** The last characters of a header; zeros stand for what is missing. */
function secretIn(value: string): Buffer {
  const bytes = Buffer.alloc(SECRET)
  bytes.write(value.slice(-SECRET), 'latin1')
  return bytes
}
