/**
 * The migration that adds dollars. It is a part of `schema.ts` and, once released, is never edited.
 *
 * - `drawers` and `deposits` say in a check what they may contain, so both are made anew. The names of
 *   drawers in micro-dollars begin with `usd`; `exchange:usd` is in msat.
 * - `holds.dollars` is JSON, null for nearly all holds: the rate (`rate`), whether the price is in dollars
 *   (`par`), the micro-dollars that are set aside (`usd`) and the msat that these bought (`bought`), and
 *   the same of the charge (`charged_usd`, `charged_bought`). `holds` is not made anew, because that
 *   would take minutes in a large file. It says in a check that `paid + bonus = amount`, so `bonus`
 *   contains what dollars bought, and `charged_bonus` what they paid of the charge. The JSON tells
 *   how much of it.
 * - `archived` says the same in columns: there, `bonus` is bonus alone.
 * - `income` keeps deposits in dollars under the credit `usd`, in micro-dollars. `totals` does the same
 *   for the kinds of drawers that begin with `usd`, although its column has the name `msat`.
 */

const DAY = 86_400_000
const kindOf = (name: string): string => `substr(${name}, 1, instr(${name}, ':') - 1)`

const COLUMNS = [
  ...['n', 'payment', 'account', 'amount', 'credit', 'rail', 'native_amount', 'native_unit'],
  ...['native_rate', 'at', 'source', 'bonus', 'withdrawn'],
].join(', ')

export const DOLLARS = `
CREATE TABLE drawers_13 (
  n INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  balance INTEGER NOT NULL DEFAULT 0,
  CHECK (balance >= 0 OR name = 'loss:overrun' OR name GLOB 'rail:*' OR name GLOB 'grant:*'
    OR name GLOB 'owed:*' OR name GLOB 'usd-rail:*' OR name = 'exchange:usd'),
  CHECK (balance <= 0 OR (name NOT GLOB 'owed:*' AND name NOT GLOB 'usd-rail:*'
    AND name <> 'exchange:usd'))
) STRICT;
INSERT INTO drawers_13 SELECT n, name, balance FROM drawers;
DROP TABLE drawers;
ALTER TABLE drawers_13 RENAME TO drawers;
INSERT INTO totals VALUES ('usd', 0), ('usd-rail', 0), ('usd-spent', 0), ('exchange', 0);
CREATE TRIGGER drawers_begin AFTER INSERT ON drawers WHEN NEW.balance <> 0 BEGIN
  UPDATE totals SET msat = msat + NEW.balance WHERE kind = ${kindOf('NEW.name')};
END;
CREATE TRIGGER drawers_add_up AFTER UPDATE OF balance ON drawers BEGIN
  UPDATE totals SET msat = msat + NEW.balance - OLD.balance WHERE kind = ${kindOf('NEW.name')};
END;

CREATE TABLE deposits_13 (
  n INTEGER PRIMARY KEY,
  payment TEXT NOT NULL UNIQUE,
  account INTEGER NOT NULL REFERENCES accounts,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  credit TEXT NOT NULL CHECK (credit IN ('paid', 'bonus', 'usd')),
  rail TEXT NOT NULL,
  native_amount TEXT NOT NULL,
  native_unit TEXT NOT NULL,
  native_rate TEXT NOT NULL,
  at INTEGER NOT NULL,
  source TEXT,
  bonus INTEGER NOT NULL DEFAULT 0 CHECK (bonus >= 0),
  withdrawn INTEGER NOT NULL DEFAULT 0 CHECK (withdrawn >= 0 AND withdrawn <= amount),
  CHECK (credit <> 'usd' OR (source IS NULL AND bonus = 0 AND withdrawn = 0))
) STRICT;
INSERT INTO deposits_13 (${COLUMNS}) SELECT ${COLUMNS} FROM deposits;
DROP TABLE deposits;
ALTER TABLE deposits_13 RENAME TO deposits;
CREATE INDEX deposits_paid_in ON deposits (account, n) WHERE credit = 'paid' AND withdrawn < amount;
CREATE TRIGGER deposits_come_in AFTER INSERT ON deposits BEGIN
  INSERT INTO income VALUES (NEW.at / ${DAY}, NEW.rail, NEW.credit, 1, NEW.amount)
  ON CONFLICT (day, rail, credit) DO UPDATE SET payments = payments + 1,
    amount = amount + excluded.amount;
END;
CREATE TRIGGER deposits_have_a_bonus AFTER INSERT ON deposits WHEN NEW.bonus > 0 BEGIN
  INSERT INTO income VALUES (NEW.at / ${DAY}, 'tier', 'bonus', 1, NEW.bonus)
  ON CONFLICT (day, rail, credit) DO UPDATE SET payments = payments + 1,
    amount = amount + excluded.amount;
END;

ALTER TABLE holds ADD COLUMN dollars TEXT;
ALTER TABLE archived ADD COLUMN usd INTEGER NOT NULL DEFAULT 0 CHECK (usd >= 0);
ALTER TABLE archived ADD COLUMN bought INTEGER NOT NULL DEFAULT 0 CHECK (bought >= 0);
`
