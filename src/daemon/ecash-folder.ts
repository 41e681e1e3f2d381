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
import { Alarm } from '../wallets/ecash/alarm.ts'
import { EcashDamaged, openEcashFile } from '../wallets/ecash/store/database.ts'
import { EcashStore } from '../wallets/ecash/store/store.ts'
import { Failed } from './failed.ts'

/** Where the embedded ecash wallet keeps its coins and its seed. */
export const ecashIn = (folder: string): { readonly coins: string; readonly seed: string } => ({
  coins: join(folder, 'ecash.db'),
  seed: join(folder, 'ecash.seed'),
})

/** The words and what is made of them. Both are the money. */
export interface Seed {
  /** 64 bytes (BIP-39, without a passphrase): what NUT-13 makes outputs of. */
  readonly seed: Uint8Array
  /** Names the seed and gives nothing of it away: kept beside the coins. */
  readonly mark: string
  readonly words: string
  /** It was made by this call. */
  readonly fresh: boolean
}

/** `missing`: there are coins and no seed. `wrong`: what the file says is no seed; `what` names why. */
export type NoSeed =
  | { readonly path: string; readonly why: 'missing' }
  | { readonly path: string; readonly why: 'wrong'; readonly what: string }

/**
 * The seed of this folder: twelve English words (BIP-39) in a file of their own, 0600. Made where
 * there is none, never beside coins: another seed would not bring them back. On disk before it is
 * used.
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

/** Under another name first: a file that is half written is no seed, and is never made again. */
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

/** Says which word by its place alone: the words are the money, and this text goes to a terminal. */
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

/** The ecash wallet of a folder, opened. Whoever opens it has the folder's lock. */
export interface EcashFolder extends Seed {
  readonly store: EcashStore
  close(): void
}

/**
 * Opens seed and coins, and makes both where there are none. A seed without its coins has counters
 * that are not known: the alarm is raised until stock was taken. Throws `Failed` with what to do.
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
      new Alarm(store).raise(`${seedPath} was there before, its coins were not`)
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

/** The coins of a folder whose seed is lost: they can be given away, none can be made. */
export function openCoinsAlone(folder: string, now: number): EcashStore {
  return new EcashStore(openEcashFile({ path: ecashIn(folder).coins, seedMark: null, now }))
}
