/** Makes a data folder with a large ledger, as satgate would have left it, in minutes and not days. */
import { mkdirSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { ledgerIn, rootKeys } from '../src/daemon/folder.ts'
import { realWorld } from '../src/floor/real-world.ts'
import { APPLICATION_ID, MIGRATIONS } from '../src/ledger/sqlite/schema.ts'

/**
 * The version in which the file is written. A gate that knows a later one migrates it at its first
 * start, so one generator serves gates of different versions.
 */
const VERSION = 6
const DAY = 86_400_000

/**
 * Writes `holds` closed holds of `holds / 10` accounts into a new folder: each account paid once,
 * each hold was placed and settled, one account in a hundred has a limit with a meter, and some
 * holds of the last account are still open. The books balance exactly.
 */
export function makeLedger(folder: string, holds: number): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  rootKeys(folder, false, realWorld())
  const db = new DatabaseSync(ledgerIn(folder))
  db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000')
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; BEGIN`)
  for (const migration of MIGRATIONS.slice(0, VERSION)) db.exec(migration)
  const indexes = db
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
    .all()
    .filter(({ sql }) => /ON (?:holds|postings) /.test(String(sql)))
  for (const { name } of indexes) db.exec(`DROP INDEX ${name}`)
  const accounts = Math.max(1, Math.floor(holds / 10))
  for (const sql of rows(accounts, holds, Date.now())) db.exec(sql)
  for (const { sql } of indexes) db.exec(String(sql))
  db.exec(`PRAGMA user_version = ${VERSION}; COMMIT; PRAGMA journal_mode = WAL`)
  db.close()
}

/** msat. What each account paid, what each hold set aside, and what each request cost. */
const PAID = 1_000_000
const HELD = 2_000
const COST = 500
const OPEN = 20

const upTo = (n: number): string =>
  `WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c LIMIT ${n})`

/**
 * Drawer 1 is the rail, 2 to 6 are the revenue of five models, and each account has two. A hold of
 * account a is every `accounts`-th one; the newest holds closed an hour ago, the oldest a month.
 */
function rows(accounts: number, holds: number, now: number): readonly string[] {
  const of = `(i - 1) % ${accounts} + 1`
  const [paid, held] = [`5 + 2 * a`, `6 + 2 * a`]
  const at = `${now - 30 * DAY} + CAST(i * ${(29.9 * DAY) / holds} AS INTEGER)`
  const counts = `iif(a % 100 = 0, json_array(json_array('m' || a || ' spend/total 0', 'spend', '${PAID}', '${COST}')), NULL)`
  const each = `FROM (SELECT i, ${of} AS a, ${at} AS at, 2 + i % 5 AS model FROM c)`
  const posting = (step: number, why: string, debit: string, credit: string, msat: number) =>
    `${upTo(holds)} INSERT INTO postings SELECT ${accounts} + 3 * (i - 1) + ${step},
      ${accounts} + 2 * i - ${step === 1 ? 1 : 0}, at, '${why}', NULL, i, ${debit}, ${credit}, ${msat} ${each}`
  return [
    `INSERT INTO book (one, kind, created_at) VALUES (1, 'play', ${now - 30 * DAY})`,
    `${upTo(accounts)} INSERT INTO accounts SELECT i, lower(hex(randomblob(16))), ${now - 30 * DAY} FROM c`,
    `INSERT INTO drawers VALUES (1, 'rail:l402', -${PAID} * ${accounts})`,
    `INSERT INTO drawers SELECT 2 + value, 'revenue:model' || value, 0 FROM json_each('[0,1,2,3,4]')`,
    `INSERT INTO drawers SELECT 5 + 2 * n, 'paid:' || id, ${PAID} FROM accounts`,
    `INSERT INTO drawers SELECT 6 + 2 * n, 'held:' || id, 0 FROM accounts`,
    `${upTo(accounts)} INSERT INTO deposits SELECT i, 'ln:' || lower(hex(randomblob(32))), i, ${PAID}, 'paid', 'l402',
      '1000', 'sat', '1000', ${now - 30 * DAY} + i * ${Math.floor((29 * DAY) / accounts)} FROM c`,
    `INSERT INTO postings SELECT n, n, at, 'deposit', n, NULL, 1, 5 + 2 * account, amount FROM deposits`,
    `${upTo(holds)} INSERT INTO holds (n, id, account, model, dialect, granted, amount, before, paid, bonus,
        opened_at, deadline, sofar, counts, status, closed_at, end, usage, input, cached, output,
        charged_paid, charged_bonus, overrun)
      SELECT i, printf('%012x-%08x', at, i), a, 'model' || (model - 2), 'openai-chat', 500, ${HELD}, 100, ${HELD}, 0,
        at, at + 60000, 0, ${counts}, 'settled', at + 900, 'complete', 'reported', 120, 0, 380,
        ${COST}, 0, 0 ${each}`,
    posting(1, 'hold', paid, held, HELD),
    posting(2, 'settle', held, 'model', COST),
    posting(3, 'settle', held, paid, HELD - COST),
    `UPDATE drawers SET balance = balance - ${COST} *
      (SELECT ${holds} / ${accounts} + ((n - 7) / 2 + 1 <= ${holds} % ${accounts})) WHERE name GLOB 'paid:*'`,
    `UPDATE drawers SET balance = (SELECT coalesce(sum(charged_paid), 0) FROM holds
      WHERE model = substr(name, 9)) WHERE name GLOB 'revenue:*'`,
    `INSERT INTO meters SELECT share.value ->> 0, sum(CAST(share.value ->> 3 AS INTEGER)), 0
      FROM holds, json_each(counts) AS share WHERE counts IS NOT NULL GROUP BY 1`,
    ...open(accounts, holds, now),
  ]
}

/** Holds of the last account that are open, as a crash would leave them. */
function open(accounts: number, holds: number, now: number): readonly string[] {
  const at = now - 60_000
  return [
    `${upTo(OPEN)} INSERT INTO holds (n, id, account, model, dialect, granted, amount, before, paid, bonus,
        opened_at, deadline, sofar, status)
      SELECT ${holds} + i, printf('%012x-%08x', ${at}, i), ${accounts}, 'model1', 'openai-chat', 500, ${HELD},
        100, ${HELD}, 0, ${at}, ${at + 60_000}, 0, 'open' FROM c`,
    `${upTo(OPEN)} INSERT INTO postings SELECT ${accounts + 3 * holds} + i, ${accounts + 2 * holds} + i, ${at},
      'hold', NULL, ${holds} + i, ${5 + 2 * accounts}, ${6 + 2 * accounts}, ${HELD} FROM c`,
    `UPDATE drawers SET balance = balance - ${OPEN * HELD} WHERE n = ${5 + 2 * accounts}`,
    `UPDATE drawers SET balance = balance + ${OPEN * HELD} WHERE n = ${6 + 2 * accounts}`,
  ]
}
