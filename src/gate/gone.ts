import type { Gone, GoneWhy } from './ports.ts'
import { type Refusal, refuse } from './refusal.ts'

/**
 * What buyers are told about a backend that is gone. These texts contain no address and no other
 * secret of the operator.
 */
const WORDS: Readonly<Record<GoneWhy, string>> = {
  refused: 'refuses connections',
  unknown_host: 'cannot be found',
  certificate: 'has a certificate that is not accepted',
  tls: 'does not speak TLS as it should',
  no_answer: 'does not answer',
  failing: 'answers with errors',
  no_models: 'lists no model at all',
}

/** "The model server refuses connections, since 12:03 UTC." For documents, pages and refusals. */
export const goneWords = ({ why, since }: Gone): string =>
  `The model server ${WORDS[why]}, since ${new Date(since).toISOString().slice(11, 16)} UTC.`

/**
 * The answer while nothing can be delivered: a 503 instead of a 402, an invoice or an answer. A
 * pass keeps its credit, and can still be topped up.
 */
export const goneRefusal = (gone: Gone): Refusal =>
  refuse(
    503,
    'upstream_unreachable',
    `${goneWords(gone)} Nothing is sold and nothing was charged; passes keep their credit. It is tried every 5 seconds.`,
    { retryAfterSeconds: 5 },
  )
