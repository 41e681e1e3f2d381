/**
 * The tables of `x402.db`. A migration is a step from one `user_version` to the next. A released one is
 * never edited; new ones are appended.
 *
 * - `payments` has a row for each authorization that was ever sent to a facilitator. Rows that are
 *   credited stay for ever, because they are what a second presentation is found by.
 * - `transactions` are those that this gate sends to the chain itself. A row is written before its
 *   transaction is sent, with its hash and its bytes, so that its end can be found out after a crash.
 *   `cost` is the most that its gas can cost, in micro-dollars.
 *
 * Amounts are in micro-dollars. Times in ms since the epoch, those of an authorization in seconds.
 */

/** "satx". It distinguishes this file from SQLite files of other programs. */
export const APPLICATION_ID = 0x73617478

const V1 = `
CREATE TABLE payments (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (
    state IN ('settling', 'settled', 'credited', 'given', 'refused', 'lost')
  ),
  amount INTEGER NOT NULL CHECK (amount >= 0),
  account TEXT,
  rate INTEGER NOT NULL,
  offer TEXT,
  body TEXT NOT NULL,
  tx TEXT CHECK (tx IS NOT NULL OR state NOT IN ('settled', 'credited', 'given')),
  at INTEGER NOT NULL,
  payment TEXT NOT NULL,
  requirement TEXT NOT NULL
) STRICT;
CREATE INDEX open_payments ON payments (at, id) WHERE state IN ('settling', 'settled');
CREATE INDEX refused_payments ON payments (at, id) WHERE state = 'refused';
CREATE INDEX unknown_payments ON payments (at, id) WHERE state IN ('settling', 'lost');
CREATE INDEX payments_by_transaction ON payments (tx) WHERE tx IS NOT NULL;

CREATE TABLE transactions (
  hash TEXT PRIMARY KEY,
  payment TEXT NOT NULL,
  nonce INTEGER NOT NULL,
  raw TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('sent', 'settled', 'reverted', 'void')),
  cost INTEGER NOT NULL CHECK (cost >= 0),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX transactions_of_payment ON transactions (payment);
CREATE INDEX gas_for_nothing ON transactions (at) WHERE state = 'reverted';
`

export const MIGRATIONS: readonly string[] = [V1]
