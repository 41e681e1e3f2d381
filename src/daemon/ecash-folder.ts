import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import { Freeze } from '../wallets/ecash/freeze.ts'
import { EcashDamaged, openEcashFile } from '../wallets/ecash/store/database.ts'
import { EcashStore } from '../wallets/ecash/store/store.ts'
import { Failed } from './failed.ts'

/** The files with the coins and the seed of the ecash wallet. */
export const ecashIn = (folder: string): { readonly coins: string; readonly seed: string } => ({
  coins: join(folder, 'ecash.db'),
  seed: join(folder, 'ecash.seed'),
})

/** The words and the key that is made from them. Somebody who knows one of them has the money. */
export interface Seed {
  /** 64 bytes (BIP-39, without a passphrase). NUT-13 derives the secrets of coins from them. */
  readonly seed: Uint8Array
  /** A hash that names the seed and does not reveal it. It is kept beside the coins. */
  readonly mark: string
  readonly words: string
  /** It was made by this call. */
  readonly fresh: boolean
}

/** `missing`: there are coins and no seed. `wrong`: the file holds no seed; `what` says why. */
export type NoSeed =
  | { readonly path: string; readonly why: 'missing' }
  | { readonly path: string; readonly why: 'wrong'; readonly what: string }

/**
 * Reads the seed of this folder: twelve English words (BIP-39) in a file of mode 0600. If there is
 * no seed and there are no coins, it makes one and syncs it to disk. Beside coins it never makes
 * one, because another seed cannot restore them.
 */
export function takeSeed(
  folder: string,
  { hasCoins, random }: { readonly hasCoins: boolean } & Pick<World, 'random'>,
): Result<Seed, NoSeed> {
  const path = ecashIn(folder).seed
  const fresh = !existsSync(path)
  if (fresh && hasCoins) return err({ path, why: 'missing' })
  if (fresh) keep(path, `${entropyToMnemonic(random(16), wordlist)}\n`)
  const words = readFileSync(path, 'utf8').trim().toLowerCase().split(/\s+/)
  const what = wrongWith(words)
  if (what !== null) return err({ path, why: 'wrong', what })
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
  const seed = mnemonicToSeedSync(words.join(' '))
  const mark = createHash('sha256').update('satgate seed mark\0').update(seed).digest('hex')
  return ok({ seed, mark: mark.slice(0, 16), words: words.join(' '), fresh })
}

/**
 * Writes under another name first, so that a crash cannot leave half a seed under the right name.
 */
function keep(path: string, text: string): void {
  const draft = `${path}.new`
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = openSync(draft, 'w', 0o600)
  writeSync(file, text)
  fsyncSync(file)
  closeSync(file)
  renameSync(draft, path)
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

/** Names a wrong word by its place only: the words are the money, and this text is shown. */
function wrongWith(words: readonly string[]): string | null {
  if (![12, 15, 18, 21, 24].includes(words.length)) {
    return `it has ${words.length === 1 && words[0] === '' ? 0 : words.length} words, a seed has 12`
  }
  const unknown = words.findIndex((word) => !wordlist.includes(word))
  if (unknown >= 0) return `its word ${unknown + 1} is not in the English list of BIP-39`
  if (!validateMnemonic(words.join(' '), wordlist)) {
    return 'its checksum does not fit: a word is another one, or at another place'
  }
  return null
}

/** The open ecash wallet of a folder. The caller must have the lock of the folder. */
export interface EcashFolder extends Seed {
  readonly store: EcashStore
  close(): void
}

/**
 * Opens seed and coins, and makes both if there are none. If there is a seed without its coins, the
 * next counter of NUT-13 is not known, so the freeze stays on until `satgate wallet restore` has
 * run. Throws `Failed`, which tells the operator what to do.
 */
export function openEcashFolder(folder: string, { now, random }: World): EcashFolder {
  const { coins, seed: seedPath } = ecashIn(folder)
  const hasCoins = existsSync(coins)
  const taken = takeSeed(folder, { hasCoins, random })
  if (!taken.ok) throw new Failed(toldOf(taken.error, coins), 4)
  try {
    const db = openEcashFile({ path: coins, seedMark: taken.value.mark, now: now() })
    const store = new EcashStore(db)
    if (!hasCoins && !taken.value.fresh) {
      new Freeze(store).set(`${seedPath} was there before, its coins were not`, now())
    }
    return { ...taken.value, store, close: () => store.close() }
  } catch (error) {
    if (!(error instanceof EcashDamaged)) throw error
    throw new Failed(`${error.message}.`, 4)
  }
}

function toldOf(error: NoSeed, coins: string): string {
  const back = `Put it back from your backup. Where there is none, the coins in ${coins} leave as tokens with: satgate wallet export --yes`
  if (error.why === 'missing') return `${error.path} is missing. ${back}`
  return `${error.path} is no seed: ${error.what}. ${back}`
}

/** The coins of a folder whose seed is lost. They can be exported; no new ones can be made. */
export function openCoinsAlone(folder: string, now: number): EcashStore {
  return new EcashStore(openEcashFile({ path: ecashIn(folder).coins, seedMark: null, now }))
}
