import { createRequire } from 'node:module'

/** The one function of gpt-tokenizer that is used here. */
type Encode = (text: string, options: object) => number

/** Pieces are at most this long: the tokenizer's time grows with the square of a run of letters. */
const PIECE = 1_000
/** At most so many pieces of one text are really counted; a longer text is counted by samples. */
const MOST_PIECES = 32
/** `<|endoftext|>` in somebody's text is text. */
const PLAIN = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() }

let encoding: Encode | null = null

/** Loads the vocabulary (70 MB, 170 ms) ahead of the first count. Loading it twice costs nothing. */
export async function prepare(): Promise<void> {
  if (encoding !== null) return
  const { countTokens: count } = await import('gpt-tokenizer/encoding/o200k_base')
  encoding ??= (text, options) => count(text, options)
}

function load(): Encode {
  encoding ??= createRequire(import.meta.url)('gpt-tokenizer/encoding/o200k_base')
    .countTokens as Encode
  return encoding
}

/**
 * Tokens of a text in the o200k vocabulary: what is charged where a backend reports nothing. Another
 * vocabulary may well need twice or half as many. Bounded work for any text: past 32,000 characters
 * it is counted by samples spread over it.
 */
export function countTokens(text: string): number {
  if (text === '') return 0
  const encode = load()
  const pieces = Math.ceil(text.length / PIECE)
  if (pieces <= MOST_PIECES) return countAll(encode, text)
  let sampled = 0
  let tokens = 0
  for (let i = 0; i < MOST_PIECES; i += 1) {
    const from = Math.floor((i * (text.length - PIECE)) / (MOST_PIECES - 1))
    const sample = text.slice(from, from + PIECE)
    sampled += sample.length
    tokens += encode(sample, PLAIN)
  }
  return Math.ceil((tokens * text.length) / sampled)
}

function countAll(encode: Encode, text: string): number {
  let tokens = 0
  for (let from = 0; from < text.length; ) {
    const to = pieceEnd(text, from)
    tokens += encode(text.slice(from, to), PLAIN)
    from = to
  }
  return tokens
}

/** Where a piece ends: before a space where there is one near, so that few words are cut in two. */
function pieceEnd(text: string, from: number): number {
  const most = from + PIECE
  if (most >= text.length) return text.length
  const space = text.lastIndexOf(' ', most)
  return space > from + PIECE / 2 ? space : most
}

/** What one model's template and tools add to a prompt's text, learned from what it reported. */
interface Lesson {
  readonly offset: number
  readonly ratio: number
  readonly seen: number
}

const NOTHING_LEARNED: Lesson = { offset: 4, ratio: 1, seen: 0 }
/** Below so many tokens a difference is the template's, above it the vocabulary's. */
const SMALL = 256
const MOST_MODELS = 1_000
const PER_MESSAGE = 4

/** Estimates prompts, and gets better with every usage that a backend reports. */
export class PromptEstimator {
  readonly #lessons = new Map<string, Lesson>()

  /** Tokens that this model will see for these texts in so many messages, before any margin. */
  estimate(model: string, texts: Iterable<string>, messages: number): number {
    const { ratio, offset } = this.#lessons.get(model) ?? NOTHING_LEARNED
    const own = countTokens([...texts].join('\n')) + PER_MESSAGE * messages
    return Math.max(0, Math.ceil(own * ratio + offset))
  }

  /** A backend said `reported` where `estimated` was what `estimate` answered. */
  learn(model: string, estimated: number, reported: number): void {
    if (estimated <= 0 || reported <= 0) return
    const old = this.#lessons.get(model) ?? NOTHING_LEARNED
    const pace = old.seen === 0 ? 1 : 0.2
    const small = estimated < SMALL
    const off = clamp(old.offset + pace * (reported - estimated), -16, 512)
    const factor = 1 + pace * (clamp(reported / estimated, 0.5, 2) - 1)
    this.#lessons.delete(model)
    this.#lessons.set(model, {
      offset: small ? off : old.offset,
      ratio: small ? old.ratio : clamp(old.ratio * factor, 0.5, 4),
      seen: old.seen + 1,
    })
    const eldest = this.#lessons.keys().next().value
    if (this.#lessons.size > MOST_MODELS && eldest !== undefined) this.#lessons.delete(eldest)
  }
}

const clamp = (value: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value))
