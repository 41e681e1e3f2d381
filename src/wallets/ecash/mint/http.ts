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

/** A mint's HTTP interface: JSON both ways, with the mints' several ways of saying no. */
export interface MintHttp {
  /**
   * GET, or POST where there is a body; `deadlineMs` is for the whole exchange. Throws the errors of
   * the port, none of which repeats what the mint wrote.
   */
  ask(path: string, ask?: { readonly body?: object; readonly deadlineMs?: number }): Promise<Json>
  /** Ends what is asked; from here on everything is unreachable. */
  close(): void
}

export type Json = { readonly [name: string]: unknown }

const LONGEST_ANSWER = 1024 * 1024

/** Opens it; talks to nobody yet. `url` is normalised. */
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

/** What an answer says: the object in it, or the error that its status and its code stand for. */
function meant({ status, headers, json }: Answer): Json {
  const early = earlyNo(status)
  if (early !== null) throw early(headers.get('retry-after'))
  const body = objectIn(json)
  if (status === 200 && body !== null) return body
  if (status >= 200 && status < 300) throw new MintLies('an answer that is no JSON object')
  // cdk-mintd says it in plain text, Nutshell with a list: what we sent was not even looked at.
  if (status === 422) throw new MintRefused(422, 'other')
  throw refusal(status, body?.code)
}

/** What the status alone says, without the body; null if it says too little. */
function earlyNo(status: number): ((retryAfterText: string | null) => Error) | null {
  if (status >= 300 && status < 400) return () => new MintLies('a redirect')
  if (status === 429) return (text) => new MintBusy(retryAfter(text))
  if (status >= 500) return () => new MintUnreachable(`it answered with HTTP ${status}`)
  return null
}

/** Seconds only: nobody was seen to send a date. */
function retryAfter(text: string | null): number | null {
  return /^\d{1,6}$/.test(text ?? '') ? Number(text) * 1000 : null
}

/**
 * What the codes mean that mean the same on every mint (NUTs error_codes; where Nutshell and
 * cdk-mintd differ, both). 10002 is how mints before 2025 said 11003; 11008 are outputs twice in one
 * request, which is never ours, or to cdk-mintd those of an earlier one.
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
 * Codes that do not say that nothing happened. 0 is Nutshell and 50000 cdk-mintd with a trouble of
 * its own, its Lightning node down among them; 20005 means that the same is on its way.
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
