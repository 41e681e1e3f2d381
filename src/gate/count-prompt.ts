import type { Dialect, Terms } from '../dialects/dialect.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { TokenCounter } from '../money/counter.ts'
import type { Incoming } from './ports.ts'
import { type Refusal, refuse } from './refusal.ts'

/** Bytes of a prompt for one token, where nobody counts. */
const ROUGH_BYTES = 4
/** Tokens that a template puts around each message, besides its role. */
const PER_PART = 2

export interface PromptCounting {
  readonly counter: Pick<TokenCounter, 'measure'>
  terms(): Terms
}

/**
 * Counts the tokens of a prompt by our own vocabulary, free, without a backend (threats L20). All who ask
 * share one place at the thread that counts (threats J19): a text for which there is no room, or that is
 * longer than all of theirs may be together, is estimated by its length. Refuses what `read` refuses.
 */
export async function countPrompt(
  { counter, terms }: PromptCounting,
  dialect: Dialect,
  { body, head, client }: Pick<Incoming, 'body' | 'head' | 'client'>,
): Promise<Result<number, Refusal>> {
  const read = dialect.read(body, head, terms())
  if (!read.ok) {
    const { status, code, message, param } = read.error
    return err(refuse(status, code, message, { param }))
  }
  const { ids, parts, most, texts } = read.value
  const measured = await counter.measure(texts().join('\n'), { client })
  if (measured === null) return ok(Math.ceil((most.input - ids) / ROUGH_BYTES) + ids)
  return ok(measured.tokens + ids + PER_PART * parts)
}
