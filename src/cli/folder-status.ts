import { existsSync } from 'node:fs'
import { defaultFolders } from '../config/assemble.ts'
import { askRunningGate } from '../daemon/control.ts'
import { Failed } from '../daemon/failed.ts'
import { ledgerIn, socketIn } from '../daemon/folder.ts'
import type { Host } from '../daemon/host.ts'
import { onLine } from '../floor/printable.ts'
import { ledgerKind } from '../ledger/kind.ts'
import type { MoneyKind } from '../ledger/ledger.ts'

/** Which books a command looks at. */
export interface FolderStatus {
  readonly folder: string
  /** A gate runs on it. */
  readonly running: boolean
  /** Null if nothing says which. */
  readonly money: MoneyKind | null
}

/**
 * Asks at the socket of a folder whether a gate runs there, and with which kind of money. Throws
 * `Failed` if a gate runs there and does not say.
 */
export async function statusOf(folder: string): Promise<FolderStatus> {
  const about = await askRunningGate(socketIn(folder), { ask: 'about' })
  if (about.ok) return { folder, running: true, money: moneyOf(about.value) }
  const { why } = about.error
  if (why === 'nobody') return { folder, running: false, money: ledgerKind(ledgerIn(folder)) }
  throw new Failed(
    `the gate that runs on ${onLine(folder)} does not answer this program: ${onLine(why)}. If it is of another version, start it again with this one`,
  )
}

const KINDS: readonly MoneyKind[] = ['real', 'test', 'play']

const moneyOf = (about: unknown): MoneyKind | null => {
  const said = (about as { readonly money?: unknown } | null)?.money
  return KINDS.find((kind) => kind === said) ?? null
}

type Place = Pick<Host, 'home' | 'argv'>

/**
 * The lines on stderr that say which books, or which wallet, a command looked at. If no gate runs
 * there and one runs on a default folder, they say so, because play money has another default
 * folder.
 */
export async function statusLines(
  what: 'books' | 'wallet',
  status: FolderStatus,
  place: Place,
): Promise<string> {
  const money = status.money === null ? '' : `${status.money} money, `
  const from = status.running ? 'asked of the running gate' : 'no gate runs on this folder'
  const first = `${what} of ${tilde(status.folder, place)}: ${money}${from}\n`
  const other = status.running
    ? undefined
    : (await others(status, place)).find((one) => one.running)
  return other === undefined ? first : `${first}${pointTo(other, place)}\n`
}

/** What to say if a folder has no ledger. */
export async function noLedger(status: FolderStatus, place: Place): Promise<string> {
  const found = await others(status, place)
  const other = found.find((one) => one.running) ?? found[0]
  const here = `there is no ledger in ${tilde(status.folder, place)}`
  return other === undefined
    ? `${here} yet: start the gate once, or name the folder of your gate with --data-dir`
    : `${here}. ${pointTo(other, place)}`
}

/** The default folders besides the one looked at, if a gate has run on them. */
async function others(status: FolderStatus, { home }: Place): Promise<readonly FolderStatus[]> {
  const besides = Object.values(defaultFolders(home)).filter(
    (one) => one !== status.folder && existsSync(ledgerIn(one)),
  )
  const found = await Promise.all(besides.map((one) => statusOf(one).catch(() => null)))
  return found.filter((one) => one !== null)
}

function pointTo({ folder, running, money }: FolderStatus, place: Place): string {
  const there = tilde(folder, place)
  const is = running ? `A gate runs on ${there}` : `${there} has a ledger`
  const kind = money === null ? '' : ` (${money} money)`
  return `${is}${kind}. To look there: ${sameCommand(folder, place)}`
}

/** The command that was typed, with another folder. */
function sameCommand(folder: string, place: Place): string {
  const words = place.argv.filter(
    (word, at) =>
      !/^--(?:data-dir|config|wallet)(?:=|$)/.test(word) && !isFolder(place.argv[at - 1]),
  )
  return ['satgate', ...words.map(shellWord), '--data-dir', tilde(folder, place)].join(' ')
}

const isFolder = (before: string | undefined): boolean =>
  before !== undefined && /^--(?:data-dir|config|wallet)$/.test(before)

/** Quotes a word for the shell. */
const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${onLine(word).replaceAll("'", "'\\''")}'`

/** A path for people: `~` for their home folder. */
export const tilde = (path: string, { home }: Pick<Host, 'home'>): string =>
  onLine(path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path)
