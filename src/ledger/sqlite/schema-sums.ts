/**
 * The migration that adds sums and the archive. It is a part of `schema.ts` and, once released, is
 * never edited.
 *
 * Triggers keep the sums, so a sum changes in the transaction that changes its rows. Since V9
 * `earned.ts` adds what holds earn. `verify` proves each sum from the rows.
 *
 * - `earnings`: what closed holds used and were charged, by UTC day (days since 1970) and model.
 * - `income`: deposits by UTC day, rail and credit.
 * - `totals`: the balances of all drawers of one kind (`paid`, `revenue`, …).
 * - `archived`: the holds of one account and model that were closed on one day, as one row
 *   (`archive-steps.ts`). A hold leaves with its postings by way of the status `archived`, which is never
 *   committed. `meters.archived` is what such holds counted.
 */

/** Each quantity of a closed hold, and its column in `earnings`. */
const USED: readonly (readonly [name: string, of: (row: string) => string])[] = [
  ...['input', 'cached', 'output'].map(
    (name) => [name, (row: string) => `${row}.${name}`] as const,
  ),
  ...['image', 'second', 'character', 'byte', 'call'].map(
    (name) => [name, (row: string) => `${row}.others ->> '${name}'`] as const,
  ),
]

const NAMES = USED.map(([name]) => name)
const DAY = 86_400_000
const isCharged = (row: string): string => `${row}.status IN ('settled', 'expired')`

/** A quantity that no hold of the row has used stays null. */
const withQuantities = (add: (name: string) => string): string =>
  NAMES.map((name) => `${name} = ${add(name)}`).join(', ')

const addRow = (row: string): string => `
  INSERT INTO earnings (day, model, requests, ${NAMES.join(', ')}, earned, overrun)
  VALUES (${row}.closed_at / ${DAY}, ${row}.model, 1, ${USED.map(([, of]) => of(row)).join(', ')},
    ${row}.charged_paid + ${row}.charged_bonus, ${row}.overrun)
  ON CONFLICT (day, model) DO UPDATE SET requests = requests + 1,
    ${withQuantities((name) => `coalesce(${name} + excluded.${name}, ${name}, excluded.${name})`)},
    earned = earned + excluded.earned, overrun = overrun + excluded.overrun;`

const takeRow = (row: string): string => `
  UPDATE earnings SET requests = requests - 1,
    ${USED.map(([name, of]) => `${name} = ${name} - coalesce(${of(row)}, 0)`).join(', ')},
    earned = earned - ${row}.charged_paid - ${row}.charged_bonus, overrun = overrun - ${row}.overrun
  WHERE day = ${row}.closed_at / ${DAY} AND model = ${row}.model;`

const kindOf = (name: string): string => `substr(${name}, 1, instr(${name}, ':') - 1)`
const KINDS = ['paid', 'bonus', 'held', 'owed', 'revenue', 'rail', 'grant', 'loss']

const quantityColumns = NAMES.map((name) => `${name} INTEGER`).join(', ')

export const SUMS = `
CREATE TABLE earnings (
  day INTEGER NOT NULL,
  model TEXT NOT NULL,
  requests INTEGER NOT NULL,
  ${quantityColumns},
  earned INTEGER NOT NULL,
  overrun INTEGER NOT NULL,
  PRIMARY KEY (day, model)
) STRICT, WITHOUT ROWID;
INSERT INTO earnings
  SELECT closed_at / ${DAY}, model, count(*), ${USED.map(([, of]) => `sum(${of('holds')})`).join(', ')},
    sum(charged_paid + charged_bonus), sum(overrun)
  FROM holds WHERE ${isCharged('holds')} GROUP BY 1, 2;
CREATE TRIGGER holds_earn_at_once AFTER INSERT ON holds WHEN ${isCharged('NEW')}
  BEGIN ${addRow('NEW')} END;
CREATE TRIGGER holds_earn AFTER UPDATE ON holds WHEN ${isCharged('NEW')}
  BEGIN ${addRow('NEW')} END;
CREATE TRIGGER holds_earn_anew AFTER UPDATE ON holds
  WHEN ${isCharged('OLD')} AND NEW.status <> 'archived'
  BEGIN ${takeRow('OLD')} END;

CREATE TABLE income (
  day INTEGER NOT NULL,
  rail TEXT NOT NULL,
  credit TEXT NOT NULL,
  payments INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (day, rail, credit)
) STRICT, WITHOUT ROWID;
INSERT INTO income
  SELECT at / ${DAY}, rail, credit, count(*), sum(amount) FROM deposits GROUP BY 1, 2, 3;
CREATE TRIGGER deposits_come_in AFTER INSERT ON deposits BEGIN
  INSERT INTO income VALUES (NEW.at / ${DAY}, NEW.rail, NEW.credit, 1, NEW.amount)
  ON CONFLICT (day, rail, credit) DO UPDATE SET payments = payments + 1,
    amount = amount + excluded.amount;
END;

CREATE TABLE totals (kind TEXT PRIMARY KEY, msat INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO totals VALUES ${KINDS.map((kind) => `('${kind}', 0)`).join(', ')};
INSERT INTO totals SELECT ${kindOf('name')}, sum(balance) FROM drawers WHERE true GROUP BY 1
  ON CONFLICT (kind) DO UPDATE SET msat = excluded.msat;
CREATE TRIGGER drawers_begin AFTER INSERT ON drawers WHEN NEW.balance <> 0 BEGIN
  UPDATE totals SET msat = msat + NEW.balance WHERE kind = ${kindOf('NEW.name')};
END;
CREATE TRIGGER drawers_add_up AFTER UPDATE OF balance ON drawers BEGIN
  UPDATE totals SET msat = msat + NEW.balance - OLD.balance WHERE kind = ${kindOf('NEW.name')};
END;

CREATE TABLE archived (
  day INTEGER NOT NULL,
  account INTEGER NOT NULL REFERENCES accounts,
  model TEXT NOT NULL,
  requests INTEGER NOT NULL,
  ${quantityColumns},
  paid INTEGER NOT NULL CHECK (paid >= 0),
  bonus INTEGER NOT NULL CHECK (bonus >= 0),
  overrun INTEGER NOT NULL CHECK (overrun >= 0),
  PRIMARY KEY (day, account, model)
) STRICT, WITHOUT ROWID;
ALTER TABLE meters ADD COLUMN archived INTEGER NOT NULL DEFAULT 0 CHECK (archived >= 0);
CREATE INDEX holds_expired ON holds (n) WHERE status = 'expired';

DROP TRIGGER postings_are_not_removed;
CREATE TRIGGER postings_are_not_removed BEFORE DELETE ON postings
  WHEN OLD.hold IS NULL OR coalesce((SELECT status FROM holds WHERE n = OLD.hold), '')
    NOT IN ('released', 'archived')
  BEGIN SELECT RAISE(ABORT, 'postings are never removed'); END;
`
