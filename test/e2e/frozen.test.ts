import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import { openSqliteBooks } from '../../src/ledger/sqlite.ts'
import { bearer, until } from '../support/buyer.ts'
import { drawersOf } from '../support/drawers.ts'
import { type FakeMint, startFakeMint } from '../support/fake-mint.ts'
import { FOLDERS, type Frozen, type FrozenInvoice, thaw } from '../support/frozen.ts'
import { GateProcess } from '../support/gate-process.ts'
import { startFakeUpstream } from '../support/upstream.ts'
import { real } from '../support/world.ts'

/** Data folders of killed gates of earlier versions. Every figure in them must be right today. */
const clean: (() => unknown)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

const world = { ...real, now: Date.now, random: (bytes: number) => new Uint8Array(bytes) }

function thawed(name: string) {
  const found = thaw(name)
  clean.push(() => rmSync(found.folder, { recursive: true }))
  return found
}

/** The balance of an account after its open holds are closed. What was journalled is charged. */
function resolved({ holds }: Frozen, account: Frozen['accounts'][number]): number {
  const own = holds.filter((hold) => hold.account === account.account)
  const charged = own.reduce((sum, { sofar }) => sum + sofar, account.owed ?? 0)
  return account.available + account.held - charged
}

describe.each(readdirSync(FOLDERS))('the data folder %s', (name) => {
  it('is the same ledger: balances, open holds, drawers, unpaid invoices', async () => {
    const { folder, frozen } = thawed(name)
    const path = join(folder, 'ledger.db')
    const books = openSqliteBooks({ path, kind: 'test', world })
    const { ledger, invoices, statement } = books
    for (const { account, paid, bonus, held, owed = 0 } of frozen.accounts) {
      const was = { paid: BigInt(paid), bonus: BigInt(bonus), held: BigInt(held) }
      expect(await ledger.balance(account)).toMatchObject({ ...was, owed: BigInt(owed) })
    }
    const drawers = [...(await drawersOf(statement))].map(([name, msat]) => [name, Number(msat)])
    const used = Object.entries(frozen.drawers).filter(([, msat]) => msat !== 0)
    expect(Object.fromEntries(drawers)).toEqual(Object.fromEntries(used))
    const expired = await ledger.recover(world.now())
    const charged = expired.map((one) => [one.id, Number(one.charged)]).sort()
    expect(charged).toEqual(frozen.holds.map(({ id, sofar }) => [id, sofar]).sort())
    for (const { hash, sat, bolt11 } of frozen.invoices) {
      const row = { amount: BigInt(sat) * 1_000n, bolt11, settledAt: null, wallet: 'ecash' }
      expect(await invoices.get(hash)).toMatchObject(row)
    }
    // Deposits name their payments, whatever rail an older version wrote (threats L4).
    const deposits = (await statement.entries(10_000)).filter(({ why }) => why === 'deposit')
    expect(deposits.length).toBeGreaterThan(0)
    expect(deposits.filter(({ ref }) => !/^(?:ln|grant):[0-9a-f]{64}$/.test(ref))).toEqual([])
    expect(await statement.verify()).toMatchObject({ ok: true, value: { openHolds: 0 } })
    await books.close()
  })

  it('is the same gate: passes verify and buy, unpaid invoices are credited, the coins are there', async () => {
    const { gate, mint, frozen } = await revived(name)
    const balance = async (pass: string) =>
      (await gate.client.ask({ path: '/v1/balance', headers: bearer(pass) })).json
    expect(gate.events('problem')).toContainEqual(
      expect.objectContaining({ what: 'holds_recovered', holds: frozen.holds.length }),
    )
    for (const { pass, ownLeft, is } of frozen.passes) {
      const { account, available_msat } = await balance(pass)
      const was = frozen.accounts.find((one) => shortName(one.account) === account)
      const all = was === undefined ? Number.NaN : resolved(frozen, was)
      expect(available_msat, is).toBe(Math.min(all, ownLeft ?? all))
    }
    for (const { pass, is } of frozen.passes) expect(await answer(gate, pass), is).toBe(200)

    const [paidAtNight, later] = frozen.invoices as [FrozenInvoice, FrozenInvoice]
    const shared = frozen.invoices.at(-1) as FrozenInvoice
    const passes = [
      `${paidAtNight.macaroon}:${preimageOf(mint, paidAtNight)}`,
      ...[later, shared].map((one) => `${one.macaroon}:${mint.pay(one.bolt11)}`),
    ]
    const sats = [paidAtNight.sat, later.sat, shared.sat]
    for (const [i, pass] of passes.entries()) {
      await until(async () => (await balance(pass)).balance_msat === (sats[i] ?? 0) * 1_000)
      expect(await answer(gate, pass)).toBe(200)
    }
    for (const { path } of frozen.invoices.slice(2)) {
      if (path === null) continue
      expect((await gate.client.ask({ path })).json).toMatchObject({ paid: false })
    }
    const all = frozen.coins + sats.reduce((sum, sat) => sum + sat, 0)
    expect((await gate.command('wallet', 'balance')).balance_sat).toBe(all)
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true, open_holds: 0 })
    // Neither the gate nor its mint has other coins.
    expect(mint.issuedSat()).toBe(all)
    expect(gate.events('problem').map(({ what }) => what)).not.toContain('seed_elsewhere')
  })
})

describe('a data folder of a later satgate', () => {
  it.each([
    ['ledger.db', /ledger\.db has schema version 99: a newer satgate wrote it\. Start the newer/],
    ['ecash.db', /ecash\.db was written by a newer satgate, .* Start the newer satgate again/],
  ])('is refused with exit code 4, and %s stays as it is', async (file, said) => {
    const { folder } = thawed(readdirSync(FOLDERS).at(-1) ?? '')
    const path = join(folder, file)
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 99; PRAGMA journal_mode = DELETE')
    db.close()
    const before = readFileSync(path)
    const upstream = await startFakeUpstream({})
    const mint = await startFakeMint()
    const gate = new GateProcess({
      upstream: upstream.base.origin,
      dataDir: folder,
      wallet: { mints: [mint.url] },
    })
    clean.push(
      () => upstream.close(),
      () => mint.stop(),
      () => gate.remove(),
    )
    const refused = await gate.start().then(String, (error: Error) => error.message)
    expect(refused).toMatch(/ended with 4: /)
    expect(refused).toMatch(said)
    expect(readFileSync(path).equals(before)).toBe(true)
  })
})

/** A gate on a copy of the folder. Its mint is at another port now. */
async function revived(name: string) {
  const { folder, frozen, mint: remembers } = thawed(name)
  const [upstream, mint] = await Promise.all([
    startFakeUpstream({ deltas: [' word', ' word', ' word'] }),
    startFakeMint({ remembers }),
  ])
  clean.push(
    () => upstream.close(),
    () => mint.stop(),
  )
  moveMint(join(folder, 'ecash.db'), frozen.mint, mint.url)
  const gate = new GateProcess({
    upstream: upstream.base.origin,
    dataDir: folder,
    wallet: { mints: [mint.url] },
    pricing: { default: '0/1000', maxOutputTokens: 100 },
  })
  clean.push(() => gate.remove())
  await gate.start()
  return { gate, mint, frozen }
}

/** Changes the address of the mint in every table of a frozen file. */
function moveMint(path: string, from: string, to: string): void {
  const db = new DatabaseSync(path)
  const tables = db
    .prepare(
      "SELECT m.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.name = 'mint'",
    )
    .all()
  for (const { name } of tables)
    db.prepare(`UPDATE ${name} SET mint = ? WHERE mint = ?`).run(to, from)
  db.prepare('UPDATE facts SET key = replace(key, ?1, ?2), value = replace(value, ?1, ?2)').run(
    from,
    to,
  )
  db.close()
}

const shortName = (account: string) =>
  createHash('sha256').update(account).digest('hex').slice(0, 8)

function preimageOf(mint: FakeMint, { bolt11 }: FrozenInvoice): string {
  return mint.memory().bought.find((one) => one.bolt11 === bolt11)?.preimage ?? ''
}

async function answer(gate: GateProcess, pass: string): Promise<number> {
  const body = { model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }
  const path = '/v1/chat/completions'
  return (await gate.client.ask({ path, body, headers: bearer(pass) })).status
}
