import type { World } from '../floor/world.ts'
import { shortName } from '../gate/account-name.ts'
import type { AccountId } from '../ledger/ledger.ts'
import type { Books, ListedPass } from '../ledger/open-ledger.ts'
import type { PassRow } from '../ledger/passes.ts'
import { generationOf } from '../ledger/revocations.ts'
import { decodeBase64 } from '../passes/base64.ts'
import { parseCaveat, printLimit } from '../passes/caveat.ts'
import { parse } from '../passes/macaroon.ts'
import { credentialOf } from '../passes/pair.ts'
import type { Pass } from '../passes/pass.ts'
import { readCaveat } from '../passes/read.ts'
import { endAll, rotate } from '../passes/rotate.ts'
import { endOf, ownsAccount } from '../passes/scope.ts'
import { makeVerifier } from '../passes/verify.ts'
import { macaroonOf, type RootKeys } from '../passes/write.ts'
import type { Asker } from './control.ts'
import { type Amount, amount, time } from './control-json.ts'
import { Failed } from './failed.ts'
import { accountNamed } from './named-account.ts'

/** What `satgate pass` asks about the passes of a gate. A pass is its macaroon: no secret is sent. */
export type PassQuestion =
  | { readonly do: 'list'; readonly limit: number; readonly account: string | null }
  | { readonly do: 'show'; readonly what: string }
  | { readonly do: 'revoke'; readonly what: string; readonly yes: boolean }
  | { readonly do: 'rotate'; readonly what: string }

export interface PassParts {
  readonly books: Books
  readonly keys: RootKeys
  readonly world: World
}

/** Rows in one part of a list. */
const PART = 500
/** The name of a prefix: 64 hex digits, of which the macaroons that begin with it are ended. */
const NAME = /^[0-9a-f]{64}$/

/** Answers questions about passes, in JSON. Throws an error whose message is for a person. */
export async function answerPasses(
  parts: PassParts,
  question: PassQuestion,
  asker: Asker,
): Promise<unknown> {
  const passes = new PassAdmin(parts)
  switch (question.do) {
    case 'list':
      return passes.list(question, asker)
    case 'show':
      return passes.show(question.what)
    case 'revoke':
      return passes.revoke(question.what, question.yes)
    case 'rotate':
      return passes.rotate(question.what)
  }
}

class PassAdmin {
  readonly #books: Books
  readonly #keys: RootKeys
  readonly #world: World
  readonly #verify: ReturnType<typeof makeVerifier>

  constructor({ books, keys, world }: PassParts) {
    this.#books = books
    this.#keys = keys
    this.#world = world
    this.#verify = makeVerifier({ keys: keys.all, remember: 1 })
  }

  async list(
    { account, limit }: { readonly account: string | null; readonly limit: number },
    asker: Asker,
  ): Promise<readonly unknown[]> {
    const { statement } = this.#books
    const of = account === null ? null : await accountNamed(account, statement)
    let before: string | undefined
    for (let left = limit; ; left -= PART) {
      const size = Math.min(left, PART)
      const rows: readonly ListedPass[] = await statement.passes(size, of, before)
      before = rows.at(-1)?.row.hash
      const shown = rows.map((row) => this.#listed(row))
      if (size === left || rows.length < size) return shown
      await asker.part(shown)
    }
  }

  async show(what: string) {
    const found = await this.#find(what)
    if (found.is === 'name')
      throw new Failed(`${what.slice(0, 8)}… is the name of a prefix: show the pass that has it`)
    const { account } = found
    const balance = await this.#books.ledger.balance(account)
    const may = (await this.#books.withdrawals.withdrawable(account)) ?? []
    const money = {
      account: shortName(account),
      balance_msat: amount(balance === null ? 0n : balance.available + balance.held),
      held_msat: amount(balance?.held ?? 0n),
      paid_msat: amount(balance?.paid ?? 0n),
      bonus_msat: amount(balance?.bonus ?? 0n),
      withdrawable: may.map(({ source, amount: left }) => ({ source, amount_msat: amount(left) })),
    }
    if (found.is === 'account') {
      const passes = await this.#books.statement.passes(MOST_SHOWN, account)
      return { ...money, passes: passes.map((row) => this.#listed(row)) }
    }
    const { pass, row, caveats } = found
    const now = this.#world.now()
    const limits = pass.limits.map(async (limit) => ({
      limit: printLimit(limit),
      left: String(await this.#books.ledger.left(limit, now)),
      unit: limit.unit === 'spend' ? 'msat' : limit.unit,
    }))
    return {
      ...money,
      kind: pass.scope.is,
      state: this.#state(row, pass),
      created_at: time(row.createdAt),
      used_at: row.usedAt === null ? null : time(row.usedAt),
      prefixes: pass.names.map((name, at) => ({
        name,
        caveat: at === 0 ? null : (caveats[at - 1] ?? ''),
        revoked: this.#books.revocations.isRevoked([name]),
      })),
      limits: await Promise.all(limits),
    }
  }

  /** Where nobody could reach credit afterwards, nothing is ended without `yes`. */
  async revoke(what: string, yes: boolean): Promise<RevokedJson> {
    const found = await this.#find(what)
    const { revocations } = this.#books
    const at = this.#world.now()
    if (found.is === 'name') {
      await revocations.revoke({ name: what, account: 'operator', at })
      return { revoked: true, name: what }
    }
    const { account } = found
    const all = found.is === 'account'
    const left = all || ownsAccount(found.pass.scope) ? await this.#credit(account) : 0n
    if (left > 0n && !yes)
      return { revoked: false, account: shortName(account), balance_msat: amount(left) }
    if (all) {
      await endAll({ revocations, world: this.#world }, account)
      return { revoked: true, account: shortName(account) }
    }
    const name = endOf(found.pass)
    await revocations.revoke({ name, account, at })
    return { revoked: true, account: shortName(account), name }
  }

  /** The old root pass may not ask for a rotation afterwards: whoever reads this answer has the new one. */
  async rotate(what: string): Promise<unknown> {
    const found = await this.#find(what)
    if (found.is !== 'pass') throw new Failed('give the root pass that is to be replaced')
    const { account, pass } = found
    if (!ownsAccount(pass.scope)) throw new Failed('this pass is narrowed: give the root pass')
    const { passes, revocations } = this.#books
    const [world, keys, at] = [this.#world, this.#keys, this.#world.now()]
    const from = generationOf(revocations, account)
    const made = await rotate(
      { passes, revocations, keys, world },
      { account, from, at, key: null },
    )
    revocations.confirm(account, at)
    return { pass: made, account: shortName(account) }
  }

  async #credit(account: AccountId): Promise<bigint> {
    const balance = await this.#books.ledger.balance(account)
    return balance === null ? 0n : balance.available + balance.held
  }

  #listed({ row, rail, available }: ListedPass) {
    const pass = this.#passOf(row)
    const labels = (row.caveats ?? []).flatMap((text) => {
      const caveat = parseCaveat(text)
      return caveat.ok && caveat.value.kind === 'label' ? [caveat.value.value] : []
    })
    return {
      account: shortName(row.account),
      pass: pass === null ? null : endOf(pass),
      kind: pass?.scope.is ?? null,
      label: labels.at(-1) ?? null,
      rail,
      created_at: time(row.createdAt),
      used_at: row.usedAt === null ? null : time(row.usedAt),
      balance_msat: amount(available),
      state: this.#state(row, pass),
    }
  }

  #state(row: PassRow, pass: Pass | null): 'good' | 'unused' | 'revoked' | 'rotated' {
    const { revocations } = this.#books
    if (row.generation !== generationOf(revocations, row.account)) return 'rotated'
    if (pass !== null && revocations.isRevoked(pass.names)) return 'revoked'
    return row.usedAt === null ? 'unused' : 'good'
  }

  /** The pass of a row, as it was sold. Null if it is nobody's yet, or its root key is gone. */
  #passOf({ hash, tokenId, keyId, caveats }: PassRow): Pass | null {
    const master = this.#keys.byId(keyId)
    if (tokenId === null || master === null) return null
    return this.#read(macaroonOf({ hash, tokenId }, master, caveats ?? []))
  }

  #read(macaroon: string): Pass | null {
    const bytes = decodeBase64(macaroon)
    const verified = bytes === null ? null : this.#verify(credentialOf(bytes, ''))
    return verified?.ok ? verified.value.pass : null
  }

  async #find(what: string): Promise<Found> {
    if (NAME.test(what)) return { is: 'name' }
    if (what.length < LONGEST_ACCOUNT) {
      return { is: 'account', account: await accountNamed(what, this.#books.statement) }
    }
    const pass = this.#read(what)
    const row = pass === null ? null : await this.#books.passes.get(pass.hash)
    if (pass === null || row === null) {
      throw new Failed('this gate did not make that pass, or its books do not have it')
    }
    const read = parse(decodeBase64(what) ?? new Uint8Array(0))
    const texts = read.ok ? read.value.caveats : []
    const caveats = texts.map((bytes) =>
      readCaveat(bytes).ok ? Buffer.from(bytes).toString() : '?',
    )
    return { is: 'pass', pass, row, account: row.account, caveats }
  }
}

type Found =
  | { readonly is: 'name' }
  | { readonly is: 'account'; readonly account: AccountId }
  | {
      readonly is: 'pass'
      readonly pass: Pass
      readonly row: PassRow
      readonly account: AccountId
      readonly caveats: readonly string[]
    }

/** The name of an account has fewer characters than any macaroon. */
const LONGEST_ACCOUNT = 70
/** Passes that are shown of one account. */
const MOST_SHOWN = 100

/** What `revoke` answers. */
export interface RevokedJson {
  readonly revoked: boolean
  readonly account?: string
  readonly name?: string
  /** The credit that keeps it from being ended. */
  readonly balance_msat?: Amount
}

type Shown = Awaited<ReturnType<PassAdmin['show']>>
/** What `show` answers. */
export type PassJson = Shown
export type ListedPassJson = Extract<Shown, { readonly passes: unknown }>['passes'][number]
