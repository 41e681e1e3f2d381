import { CACHE_WRITES } from './schema-cache-writes.ts'
import { DOLLARS } from './schema-dollars.ts'
import { SUMS } from './schema-sums.ts'
import { WITHDRAWALS } from './schema-withdrawals.ts'

/**
 * The tables of a ledger file. A migration is a step from one `user_version` to the next. A
 * released migration is never edited; new ones are appended.
 *
 * - `postings` are the book. They are only added, with one exception: the postings of a released
 *   hold cancel each other, and are removed with it (`prune-steps.ts`). Rows refer to each other by small
 *   integers.
 * - `drawers.balance` is changed by the postings of a commit, in that commit. A buyer's drawer
 *   cannot fall below zero: such a commit fails, whatever caused it.
 * - `holds` are kept after they are closed, for the usage pages and the earnings.
 *
 * The two tables of the hot path do not check their words against lists: two such checks cost 2 µs
 * a request.
 */

/** "satg": tells a ledger from the SQLite file of another program. */
export const APPLICATION_ID = 0x73617467

const V1 = `
CREATE TABLE book (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  kind TEXT NOT NULL CHECK (kind IN ('real', 'test', 'play')),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE drawers (
  n INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  balance INTEGER NOT NULL DEFAULT 0,
  CHECK (balance >= 0 OR name = 'loss:overrun' OR name GLOB 'rail:*' OR name GLOB 'grant:*')
) STRICT;

CREATE TABLE deposits (
  n INTEGER PRIMARY KEY,
  payment TEXT NOT NULL UNIQUE,
  account INTEGER NOT NULL REFERENCES accounts,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  credit TEXT NOT NULL CHECK (credit IN ('paid', 'bonus')),
  rail TEXT NOT NULL,
  native_amount TEXT NOT NULL,
  native_unit TEXT NOT NULL,
  native_rate TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE holds (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account INTEGER NOT NULL REFERENCES accounts,
  pass TEXT,
  model TEXT NOT NULL,
  dialect TEXT NOT NULL,
  granted INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  before INTEGER NOT NULL,
  paid INTEGER NOT NULL CHECK (paid >= 0),
  bonus INTEGER NOT NULL CHECK (bonus >= 0),
  opened_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  sofar INTEGER NOT NULL CHECK (sofar >= 0),
  counts TEXT,
  status TEXT NOT NULL,
  closed_at INTEGER,
  end TEXT,
  usage TEXT,
  input INTEGER,
  cached INTEGER,
  output INTEGER,
  charged_paid INTEGER CHECK (charged_paid >= 0),
  charged_bonus INTEGER CHECK (charged_bonus >= 0),
  overrun INTEGER CHECK (overrun >= 0),
  CHECK (paid + bonus = amount),
  CHECK ((status = 'open') = (closed_at IS NULL))
) STRICT;
CREATE INDEX holds_by_account ON holds (account, n);
CREATE INDEX holds_by_pass ON holds (pass, n) WHERE pass IS NOT NULL;
CREATE INDEX holds_open ON holds (n) WHERE status = 'open';

CREATE TABLE postings (
  n INTEGER PRIMARY KEY,
  entry INTEGER NOT NULL,
  at INTEGER NOT NULL,
  why TEXT NOT NULL,
  deposit INTEGER REFERENCES deposits,
  hold INTEGER REFERENCES holds,
  debit INTEGER NOT NULL REFERENCES drawers,
  credit INTEGER NOT NULL REFERENCES drawers,
  amount INTEGER NOT NULL CHECK (amount > 0),
  CHECK (debit <> credit),
  CHECK ((deposit IS NULL) <> (hold IS NULL))
) STRICT;
CREATE TRIGGER postings_are_not_edited BEFORE UPDATE ON postings
  BEGIN SELECT RAISE(ABORT, 'postings are never edited'); END;
CREATE TRIGGER postings_are_not_removed BEFORE DELETE ON postings
  BEGIN SELECT RAISE(ABORT, 'postings are never removed'); END;

CREATE TABLE meters (
  key TEXT PRIMARY KEY,
  used INTEGER NOT NULL CHECK (used >= 0),
  held INTEGER NOT NULL CHECK (held >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE invoices (
  hash TEXT PRIMARY KEY,
  token_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  wallet TEXT NOT NULL,
  bolt11 TEXT,
  exclusive INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  settled_at INTEGER,
  used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX invoices_pending ON invoices (wallet, created_at) WHERE settled_at IS NULL;

CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`

/** Older rows have no caveats, so their macaroons cannot be made again. */
const V2 = `
ALTER TABLE invoices ADD COLUMN caveats TEXT;
`

/**
 * What closed holds owe. `owed:` drawers are at most zero. The check of balances is a part of the
 * table, so the table is made anew.
 */
const V3 = `
ALTER TABLE holds ADD COLUMN owed INTEGER NOT NULL DEFAULT 0 CHECK (owed >= 0);
CREATE INDEX holds_owing ON holds (n) WHERE owed > 0;

CREATE TABLE drawers_3 (
  n INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  balance INTEGER NOT NULL DEFAULT 0,
  CHECK (balance >= 0 OR name = 'loss:overrun' OR name GLOB 'rail:*' OR name GLOB 'grant:*'
    OR name GLOB 'owed:*'),
  CHECK (balance <= 0 OR name NOT GLOB 'owed:*')
) STRICT;
INSERT INTO drawers_3 SELECT n, name, balance FROM drawers;
DROP TABLE drawers;
ALTER TABLE drawers_3 RENAME TO drawers;
`

/** The index that `prune-steps.ts` needs, and the one case in which a posting may be removed. */
const V4 = `
CREATE INDEX holds_released ON holds (closed_at) WHERE status = 'released';
CREATE INDEX postings_by_hold ON postings (hold) WHERE hold IS NOT NULL;
CREATE INDEX meters_at_zero ON meters (key) WHERE used = 0 AND held = 0;

DROP TRIGGER postings_are_not_removed;
CREATE TRIGGER postings_are_not_removed BEFORE DELETE ON postings
  WHEN OLD.hold IS NULL OR (SELECT status FROM holds WHERE n = OLD.hold) IS NOT 'released'
  BEGIN SELECT RAISE(ABORT, 'postings are never removed'); END;
`

/**
 * `owner` is the gate to which an open hold belongs. The file itself belongs to one gate:
 * `database.ts` names that gate, and gives it the older open holds. `clamped` is the quantity whose
 * units are granted; null means output tokens. `others` is all that a request used besides tokens,
 * as JSON; null means nothing.
 */
const V5 = `
ALTER TABLE book ADD COLUMN owner TEXT;
ALTER TABLE holds ADD COLUMN owner TEXT;
ALTER TABLE holds ADD COLUMN clamped TEXT;
ALTER TABLE holds ADD COLUMN others TEXT;
`

/**
 * Separates passes from Lightning invoices: any payment may buy a pass, and any Lightning rail may
 * use an invoice. A deposit names its payment and no longer its rail, so that one payment is
 * credited once, whichever rail presents it. Passes of gifts were given out at once.
 */
const V6 = `
CREATE TABLE passes (
  hash TEXT PRIMARY KEY,
  payment TEXT NOT NULL,
  token_id TEXT,
  key_id TEXT NOT NULL,
  account TEXT NOT NULL,
  shared INTEGER NOT NULL,
  caveats TEXT,
  created_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO passes SELECT hash, iif(wallet = 'grant', 'grant:', 'ln:') || hash, nullif(token_id, ''),
  key_id, account, exclusive = 0, caveats, created_at,
  coalesce(used_at, iif(wallet = 'grant', settled_at, NULL)) FROM invoices;

CREATE TABLE lightning_invoices (
  hash TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  wallet TEXT NOT NULL,
  bolt11 TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  settled_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO lightning_invoices SELECT hash, account, amount, wallet, coalesce(bolt11, ''), created_at,
  expires_at, settled_at FROM invoices WHERE wallet <> 'grant';
CREATE INDEX lightning_invoices_pending ON lightning_invoices (wallet, created_at)
  WHERE settled_at IS NULL;
DROP TABLE invoices;

UPDATE deposits SET payment = 'ln:' || substr(payment, 6) WHERE payment GLOB 'l402:*';
`

/**
 * `last_group` counts the groups of rows that were ever written, and `last_writer` names the opening
 * of the ledger that wrote last (`writer.ts`). `clean` is 1 if that opening was closed in order and
 * all of its rows are here.
 */
const V7 = `
ALTER TABLE book ADD COLUMN last_group INTEGER NOT NULL DEFAULT 0;
ALTER TABLE book ADD COLUMN last_writer TEXT;
ALTER TABLE book ADD COLUMN clean INTEGER NOT NULL DEFAULT 0 CHECK (clean IN (0, 1));
`

/**
 * What holds earn is added by the one function that writes holds, once for each group (`earned.ts`).
 * The trigger that takes off an older charge of a hold stays, and so do those of deposits and drawers,
 * which are few in each group.
 */
const V9 = `
DROP TRIGGER holds_earn_at_once;
DROP TRIGGER holds_earn;
`

/** The bonus credit that was promised with an invoice. Older ones promised none. */
const PROMISED_BONUS = `
ALTER TABLE lightning_invoices ADD COLUMN bonus INTEGER NOT NULL DEFAULT 0 CHECK (bonus >= 0);
`

/**
 * Passes that end: names of revoked prefixes, and the last rotation of each account. A pass belongs to
 * a generation of its account's passes. The index lists the passes of an account.
 */
const PASSES_END = `
CREATE TABLE revoked_passes (
  name TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE rotations (
  account TEXT PRIMARY KEY,
  generation INTEGER NOT NULL CHECK (generation > 0),
  pass TEXT,
  from_generation INTEGER NOT NULL CHECK (from_generation < generation),
  at INTEGER NOT NULL,
  idempotency_key TEXT,
  used_at INTEGER
) STRICT, WITHOUT ROWID;
ALTER TABLE passes ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
CREATE INDEX passes_by_account ON passes (account);
`

/** `MIGRATIONS[v]` changes a file of version v to version v + 1. */
export const MIGRATIONS: readonly string[] = [
  ...[V1, V2, V3, V4, V5, V6, V7, SUMS, V9, PROMISED_BONUS, PASSES_END, WITHDRAWALS, DOLLARS],
  CACHE_WRITES,
]
