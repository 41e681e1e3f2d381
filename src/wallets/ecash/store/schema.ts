/**
 * The tables of `ecash.db`. A migration is a step from one `user_version` to the next. A released one
 * is never edited; new ones are appended.
 *
 * - `counters`: the next counter of each keyset (NUT-13). It only grows, because the mint refuses an
 *   output that is made twice. A counter that is never used does no harm.
 * - `batches` are written before they are sent. With the seed they restore their outputs, so no money
 *   is lost if an answer is lost (NUT-09).
 * - `proofs` are the money.
 * - `payouts` has at most one open row of the operator, so there is no second invoice while the first
 *   may still be paid. The rows of buyers (`kind` buyer) have the `id` of their withdrawal and are
 *   written when the payment is sent. `swap_fee` is what making its coins cost, in sats.
 * - `exports` keeps tokens that were taken out. `secrets` are those of its coins. By them the mint
 *   tells whether the token was redeemed. Those of buyers have the `id` of their withdrawal.
 * - `tokens` are those of buyers. A row is written before its swap is sent. `token_proofs` has the
 *   hash of the secret of each proof for ever, so that no proof is taken twice, and the proof itself
 *   until the swap is done.
 */

/** "sate". It distinguishes this file from SQLite files of other programs. */
export const APPLICATION_ID = 0x73617465

const V1 = `
CREATE TABLE wallet (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seed_mark TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE counters (
  keyset TEXT PRIMARY KEY,
  next INTEGER NOT NULL CHECK (next >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE quotes (
  hash TEXT PRIMARY KEY,
  mint TEXT NOT NULL,
  quote TEXT NOT NULL,
  private_key TEXT,
  sat INTEGER NOT NULL CHECK (sat > 0),
  bolt11 TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'minted', 'stuck')),
  settled_n INTEGER UNIQUE,
  UNIQUE (mint, quote),
  CHECK ((state = 'minted') = (settled_n IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX quotes_open ON quotes (mint, created_at) WHERE state = 'open';

CREATE TABLE batches (
  n INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('mint', 'swap', 'melt')),
  mint TEXT NOT NULL,
  keyset TEXT NOT NULL,
  counter INTEGER NOT NULL,
  amounts TEXT NOT NULL,
  quote TEXT,
  state TEXT NOT NULL CHECK (state IN ('sent', 'done', 'void')),
  at INTEGER NOT NULL,
  UNIQUE (keyset, counter)
) STRICT;
CREATE INDEX batches_sent ON batches (mint, n) WHERE state = 'sent';

CREATE TABLE proofs (
  secret TEXT PRIMARY KEY,
  mint TEXT NOT NULL,
  keyset TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  c TEXT NOT NULL,
  dleq TEXT,
  state TEXT NOT NULL CHECK (state IN ('free', 'held', 'spent')),
  born INTEGER REFERENCES batches,
  spent_in INTEGER REFERENCES batches,
  CHECK (state <> 'free' OR spent_in IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX proofs_free ON proofs (mint, amount) WHERE state <> 'spent';
CREATE INDEX proofs_spent_in ON proofs (spent_in) WHERE spent_in IS NOT NULL;

CREATE TABLE payouts (
  n INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('first', 'chunk', 'asked')),
  destination TEXT NOT NULL,
  mint TEXT NOT NULL,
  sat INTEGER NOT NULL CHECK (sat > 0),
  fee_limit INTEGER NOT NULL CHECK (fee_limit >= 0),
  bolt11 TEXT,
  hash TEXT,
  expires_at INTEGER,
  quote TEXT,
  fee_reserve INTEGER,
  batch INTEGER REFERENCES batches,
  state TEXT NOT NULL CHECK (state IN ('open', 'sent', 'paid', 'failed')),
  reason TEXT,
  fee INTEGER,
  created_at INTEGER NOT NULL,
  closed_at INTEGER,
  CHECK ((state IN ('open', 'sent')) = (closed_at IS NULL)),
  CHECK (state = 'open' OR state = 'failed' OR batch IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX payouts_one_open ON payouts (1) WHERE state IN ('open', 'sent');
CREATE UNIQUE INDEX payouts_paid_once ON payouts (hash) WHERE state <> 'failed';

CREATE TABLE exports (
  n INTEGER PRIMARY KEY,
  mint TEXT NOT NULL,
  sat INTEGER NOT NULL,
  token TEXT NOT NULL,
  secrets TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`

const V2 = `
CREATE TABLE tokens (
  n INTEGER PRIMARY KEY,
  payment TEXT NOT NULL UNIQUE,
  mint TEXT NOT NULL,
  sat INTEGER NOT NULL CHECK (sat > 0),
  fee INTEGER NOT NULL CHECK (fee >= 0 AND fee < sat),
  keyset TEXT NOT NULL,
  counter INTEGER NOT NULL,
  amounts TEXT NOT NULL,
  account TEXT,
  state TEXT NOT NULL CHECK (state IN ('sent', 'here', 'credited', 'given', 'spent')),
  at INTEGER NOT NULL,
  UNIQUE (keyset, counter)
) STRICT;
CREATE INDEX tokens_open ON tokens (state, n) WHERE state IN ('sent', 'here');

CREATE TABLE token_proofs (
  secret TEXT PRIMARY KEY,
  token INTEGER NOT NULL REFERENCES tokens,
  proof TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX token_proofs_token ON token_proofs (token);
`

/** Payments and tokens of buyers stand beside those of the operator. */
const V3 = `
CREATE TABLE payouts_2 (
  n INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('first', 'chunk', 'asked', 'buyer')),
  id TEXT,
  destination TEXT NOT NULL,
  mint TEXT NOT NULL,
  sat INTEGER NOT NULL CHECK (sat > 0),
  fee_limit INTEGER NOT NULL CHECK (fee_limit >= 0),
  bolt11 TEXT,
  hash TEXT,
  expires_at INTEGER,
  quote TEXT,
  fee_reserve INTEGER,
  swap_fee INTEGER NOT NULL DEFAULT 0,
  batch INTEGER REFERENCES batches,
  state TEXT NOT NULL CHECK (state IN ('open', 'sent', 'paid', 'failed')),
  reason TEXT,
  fee INTEGER,
  created_at INTEGER NOT NULL,
  closed_at INTEGER,
  CHECK ((state IN ('open', 'sent')) = (closed_at IS NULL)),
  CHECK (state = 'open' OR state = 'failed' OR batch IS NOT NULL),
  CHECK ((kind = 'buyer') = (id IS NOT NULL)),
  CHECK (kind <> 'buyer' OR (state <> 'open' AND hash IS NOT NULL))
) STRICT;
INSERT INTO payouts_2 (n, kind, destination, mint, sat, fee_limit, bolt11, hash, expires_at, quote,
    fee_reserve, batch, state, reason, fee, created_at, closed_at)
  SELECT n, kind, destination, mint, sat, fee_limit, bolt11, hash, expires_at, quote,
    fee_reserve, batch, state, reason, fee, created_at, closed_at FROM payouts;
DROP TABLE payouts;
ALTER TABLE payouts_2 RENAME TO payouts;
CREATE UNIQUE INDEX payouts_one_open ON payouts (1) WHERE state IN ('open', 'sent') AND kind <> 'buyer';
CREATE UNIQUE INDEX payouts_paid_once ON payouts (hash) WHERE state <> 'failed';
CREATE UNIQUE INDEX payouts_id ON payouts (id) WHERE id IS NOT NULL;
CREATE INDEX payouts_sent ON payouts (n) WHERE state = 'sent';
ALTER TABLE exports ADD COLUMN id TEXT;
ALTER TABLE exports ADD COLUMN fee INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX exports_id ON exports (id) WHERE id IS NOT NULL;
`

/** `MIGRATIONS[v]` takes a file from version v to v + 1. */
export const MIGRATIONS: readonly string[] = [V1, V2, V3]
