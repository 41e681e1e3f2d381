import { type Info, infoOf, keysetsOf, keysOf } from './answers.ts'
import type { Keys, KeysetTerms } from './coins.ts'
import type { MintHttp } from './http.ts'
import { type Kept, kept } from './kept.ts'
import { type MintAbout, MintLies, MintRefused, type Proof } from './mint.ts'

/**
 * What a mint offers, and its keysets, cached for some minutes. Keys are cached for ever, because
 * their id depends on them.
 */
export interface MintInfo {
  about(): Promise<MintAbout>
  info(): Promise<Info>
  /** The last answer. Null before the first one. */
  heard(): Info | null
  /** The keys of a keyset, active or not, checked against its id (NUT-02). */
  keys(id: string): Promise<Keys>
  feeFor(inputs: readonly Pick<Proof, 'keyset'>[]): Promise<number>
  /** The ids of all its keysets for sats. `anew`: not from the cache. */
  keysets(anew?: 'anew'): Promise<readonly string[]>
  /** Forgets the keysets, because the mint refused one of them. */
  forget(): void
}

/** How long the answer about what it offers is used. */
const ABOUT_MS = 10 * 60_000

interface Parts {
  readonly http: MintHttp
  readonly now: () => number
  isIdOf(keys: Keys, terms: KeysetTerms): boolean
}

export function mintInfo({ http, now, isIdOf }: Parts): MintInfo {
  const keysById = new Map<string, Kept<Keys>>()
  const keysets = kept(now, ABOUT_MS, async () => keysetsOf(await http.ask('/v1/keysets')))
  let heard: Info | null = null
  const info = kept(now, ABOUT_MS, async () => {
    heard = infoOf(await http.ask('/v1/info'))
    return heard
  })

  async function keysetOf(id: string) {
    const named = (await keysets.get()).find((keyset) => keyset.id === id)
    if (named !== undefined) return named
    keysets.forget()
    const added = (await keysets.get()).find((keyset) => keyset.id === id)
    if (added === undefined) throw new MintRefused(UNKNOWN_KEYSET, 'keyset')
    return added
  }

  async function askKeys(id: string): Promise<Keys> {
    const terms = await keysetOf(id)
    const keys = { id, keys: keysOf(await http.ask(`/v1/keys/${id}`), id) }
    if (!isIdOf(keys, terms)) throw new MintLies('a keyset whose id is not that of its keys')
    return keys
  }

  function keysFor(id: string): Promise<Keys> {
    const known = keysById.get(id) ?? kept(now, Number.POSITIVE_INFINITY, () => askKeys(id))
    keysById.set(id, known)
    return known.get()
  }

  return {
    info: info.get,
    heard: () => heard,
    keys: keysFor,
    async about() {
      const { least, most, tells, locks, melts } = await info.get()
      const active = (await keysets.get()).filter((keyset) => keyset.active)
      const cheapest = active.toSorted((a, b) => a.feePpk - b.feePpk)[0]
      if (cheapest === undefined) throw new MintLies('it has no active keyset for sats')
      const { id, keys } = await keysFor(cheapest.id)
      return { keyset: id, amounts: amountsOf(keys), least, most, tells, locks, melts }
    },
    async feeFor(inputs) {
      let ppk = 0
      for (const { keyset } of inputs) ppk += (await keysetOf(keyset)).feePpk
      return Math.ceil(ppk / 1000)
    },
    async keysets(anew) {
      if (anew !== undefined) keysets.forget()
      return (await keysets.get()).map(({ id }) => id)
    },
    forget: keysets.forget,
  }
}

/** The error code of the NUTs for an unknown keyset. */
const UNKNOWN_KEYSET = 12001

/**
 * The amounts that the keyset signs, the smallest first. Amounts above 2^53 are left out, because
 * there are fewer sats.
 */
function amountsOf(keys: Keys['keys']): readonly number[] {
  const amounts = Object.keys(keys)
    .map(Number)
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b)
  // Every known mint has the powers of two (NUT-00). With these, a greedy split has the fewest
  // parts.
  if (amounts.length === 0 || !amounts.every((amount, index) => amount === 2 ** index)) {
    throw new MintLies('a keyset whose amounts are not the powers of two')
  }
  return amounts
}
