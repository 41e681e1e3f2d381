/**
 * The migration that adds the quantity `cacheWrite` to the sums. It is a part of `schema.ts` and, once
 * released, is never edited. Holds have it in `others`. The trigger that takes an older charge of a hold
 * off the sums of a day takes it off too.
 */

const DAY = 86_400_000

export const CACHE_WRITES = `
ALTER TABLE earnings ADD COLUMN cacheWrite INTEGER;
ALTER TABLE archived ADD COLUMN cacheWrite INTEGER;
CREATE TRIGGER holds_earn_cache_writes_anew AFTER UPDATE ON holds
  WHEN OLD.status IN ('settled', 'expired') AND NEW.status <> 'archived'
    AND OLD.others ->> 'cacheWrite' IS NOT NULL
  BEGIN
    UPDATE earnings SET cacheWrite = cacheWrite - (OLD.others ->> 'cacheWrite')
    WHERE day = OLD.closed_at / ${DAY} AND model = OLD.model;
  END;
`
