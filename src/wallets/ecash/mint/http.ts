import type { World } from '../../../floor/world.ts'
import { type Answer, askJson, objectIn } from '../../../outbound/ask-json.ts'
import { explain } from '../../../outbound/failure.ts'
import { plainTransport } from '../../../outbound/transport.ts'
import {
  MintBusy,
  MintLies,
  MintRefused,
  MintUnreachable,
  OutputsKept,
  type RefusedMeaning,
} from './mint.ts'

/** A mint's HTTP interface, with JSON in both directions. Mints write refusals in several ways. */
export interface MintHttp {
  /**
   * Sends a GET, or a POST if there is a body. `deadlineMs` is for the whole exchange. Throws the
   * errors of the port. Their texts contain nothing that the mint wrote.
   */
  ask(path: string, ask?: { readonly body?: object; readonly deadlineMs?: number }): Promise<Json>
  /** Ends running calls. Later calls throw `MintUnreachable`. */
  close(): void
}

export type Json = { readonly [name: string]: unknown }

const LONGEST_ANSWER = 1024 * 1024

/** Makes the interface without a call. `url` is in normal form. */
export function mintHttp(world: World, url: string, deadlineMs: number): MintHttp {
  const closed = new AbortController()
  return {
    async ask(path, { body, deadlineMs: own = deadlineMs } = {}) {
      const answer = await askJson(
        { transport: plainTransport, world },
        {
          url: new URL(`${url}${path}`),
          ...{ body, deadlineMs: own, over: closed.signal, most: LONGEST_ANSWER },
          reads: (status) => earlyNo(status) === null,
        },
      )
      if (answer.ok) return meant(answer.value)
      if (answer.error.why === 'too_large') throw new MintLies('an answer without an end')
      throw new MintUnreachable(explain(answer.error))
    },
    close: () => closed.abort(),
  }
}

/** Returns the object in an answer, or throws the error that the status and the code mean. */
function meant({ status, headers, json }: Answer): Json {
  const early = earlyNo(status)
  if (early !== null) throw early(headers.get('retry-after'))
  const body = objectIn(json)
  if (status === 200 && body !== null) return body
  if (status >= 200 && status < 300) throw new MintLies('an answer that is no JSON object')
  // The mint did not look at what we sent. cdk-mintd says so as plain text, Nutshell with a list.
  if (status === 422) throw new MintRefused(422, 'other')
  throw refusal(status, body?.code)
}

/** The error that the status alone means, without the body. Null if the status says too little. */
function earlyNo(status: number): ((retryAfterText: string | null) => Error) | null {
  if (status >= 300 && status < 400) return () => new MintLies('a redirect')
  if (status === 429) return (text) => new MintBusy(retryAfter(text))
  if (status >= 500) return () => new MintUnreachable(`it answered with HTTP ${status}`)
  return null
}

/** In ms. Only seconds are read, because no mint is known to send a date. */
function retryAfter(text: string | null): number | null {
  return /^\d{1,6}$/.test(text ?? '') ? Number(text) * 1000 : null
}

/**
 * Codes that mean the same at every mint (error codes of the NUTs; where Nutshell and cdk-mintd
 * differ, both are here). 10002 is what mints before 2025 sent for 11003. 11008 means outputs that
 * are twice in one request, which we never send, or at cdk-mintd outputs of an earlier request.
 */
const MEANINGS: Readonly<Record<number, RefusedMeaning>> = {
  10002: 'signed',
  11003: 'signed',
  11008: 'signed',
  11001: 'spent',
  11002: 'pending',
  11000: 'amount',
  11005: 'amount',
  11006: 'amount',
  12001: 'keyset',
  12002: 'keyset',
  20001: 'unpaid',
  20002: 'issued',
  20004: 'not_paid',
  20006: 'signed',
}

/**
 * Codes that do not prove that nothing happened. 0 (Nutshell) and 50000 (cdk-mintd) are problems of
 * the mint itself, for example of its Lightning node. 20005 means that the same request is already
 * under way.
 */
const SAYS_NOTHING: readonly number[] = [0, 50000, 20005]
const OUTPUTS_KEPT = 11004

function refusal(status: number, code: unknown): Error {
  if (typeof code !== 'number' || !Number.isSafeInteger(code)) {
    return new MintUnreachable(`it answered with HTTP ${status}`)
  }
  if (code === OUTPUTS_KEPT) return new OutputsKept()
  if (SAYS_NOTHING.includes(code)) return new MintUnreachable(`trouble of its own (${code})`)
  return new MintRefused(code, MEANINGS[code] ?? 'other')
}
