/**
 * The migration that adds withdrawals. It is a part of `schema.ts` and, once released, is never edited.
 *
 * - `deposits.source`: the wallet or mint that has the sats. Older deposits take it from their invoice;
 *   ecash of the embedded wallet has the name `ecash` alone, until somebody says which mint.
 * - `withdrawals`: each row names what it took of which deposits (`parts`, pairs of a payment and msat).
 * - `withdrawal_postings`: the book, as `postings`, with numbers from the same row of numbers. They have
 *   a table of their own because `postings` says in a check that each belongs to a deposit or a hold,
 *   and to write that table anew would take minutes in a large file.
 * - `outgo`: what left by UTC day and source, kept by triggers. `verify` proves it from the rows.
 */

const DAY = 86_400_000

const left = (row: string): string => `
  INSERT INTO outgo (day, source, withdrawals, amount, fees)
  VALUES (${row}.closed_at / ${DAY}, ${row}.source, 1, ${row}.amount + ${row}.paid_fee, ${row}.paid_fee)
  ON CONFLICT (day, source) DO UPDATE SET withdrawals = withdrawals + 1,
    amount = amount + excluded.amount, fees = fees + excluded.fees;`

export const WITHDRAWALS = `
ALTER TABLE deposits ADD COLUMN source TEXT;
ALTER TABLE deposits ADD COLUMN bonus INTEGER NOT NULL DEFAULT 0 CHECK (bonus >= 0);
ALTER TABLE deposits ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0
  CHECK (withdrawn >= 0 AND withdrawn <= amount);
UPDATE deposits SET source =
    (SELECT wallet FROM lightning_invoices WHERE hash = substr(deposits.payment, 4))
  WHERE credit = 'paid' AND payment GLOB 'ln:*';
CREATE INDEX deposits_paid_in ON deposits (account, n) WHERE credit = 'paid' AND withdrawn < amount;

CREATE TRIGGER deposits_have_a_bonus AFTER INSERT ON deposits WHEN NEW.bonus > 0 BEGIN
  INSERT INTO income VALUES (NEW.at / ${DAY}, 'tier', 'bonus', 1, NEW.bonus)
  ON CONFLICT (day, rail, credit) DO UPDATE SET payments = payments + 1,
    amount = amount + excluded.amount;
END;

CREATE TABLE withdrawals (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account INTEGER NOT NULL REFERENCES accounts,
  source TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  fee INTEGER NOT NULL CHECK (fee >= 0),
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'sent', 'failed')),
  paid_fee INTEGER CHECK (paid_fee >= 0),
  reason TEXT,
  closed_at INTEGER,
  parts TEXT NOT NULL,
  bonus INTEGER NOT NULL CHECK (bonus >= 0),
  instead INTEGER NOT NULL CHECK (instead >= 0),
  overrun INTEGER NOT NULL CHECK (overrun >= 0),
  CHECK ((state = 'open') = (closed_at IS NULL)),
  CHECK ((state = 'sent') = (paid_fee IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX withdrawals_in_flight ON withdrawals (account) WHERE state = 'open';

CREATE TABLE withdrawal_postings (
  n INTEGER PRIMARY KEY,
  entry INTEGER NOT NULL,
  at INTEGER NOT NULL,
  why TEXT NOT NULL,
  withdrawal INTEGER NOT NULL REFERENCES withdrawals,
  debit INTEGER NOT NULL REFERENCES drawers,
  credit INTEGER NOT NULL REFERENCES drawers,
  amount INTEGER NOT NULL CHECK (amount > 0),
  CHECK (debit <> credit)
) STRICT;
CREATE TRIGGER withdrawal_postings_are_not_edited BEFORE UPDATE ON withdrawal_postings
  BEGIN SELECT RAISE(ABORT, 'postings are never edited'); END;
CREATE TRIGGER withdrawal_postings_are_not_removed BEFORE DELETE ON withdrawal_postings
  BEGIN SELECT RAISE(ABORT, 'postings are never removed'); END;

CREATE TABLE outgo (
  day INTEGER NOT NULL,
  source TEXT NOT NULL,
  withdrawals INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  fees INTEGER NOT NULL,
  PRIMARY KEY (day, source)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER withdrawals_leave_at_once AFTER INSERT ON withdrawals WHEN NEW.state = 'sent'
  BEGIN ${left('NEW')} END;
CREATE TRIGGER withdrawals_leave AFTER UPDATE ON withdrawals
  WHEN NEW.state = 'sent' AND OLD.state = 'open'
  BEGIN ${left('NEW')} END;

INSERT INTO totals VALUES ('leaving', 0), ('sent', 0);
`
