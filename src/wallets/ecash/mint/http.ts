import { deadline, type World } from '../../../floor/world.ts'
import { connectionTrouble } from '../../connection.ts'
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
      const late = deadline(world, own)
      try {
        const response = await fetch(`${url}${path}`, {
          method: body === undefined ? 'GET' : 'POST',
          headers: {
            accept: 'application/json',
            'user-agent': 'satgate',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          body: body === undefined ? null : JSON.stringify(body),
          redirect: 'manual',
          signal: AbortSignal.any([late, closed.signal]),
        })
        return await answerOf(response)
      } catch (error) {
        if (KNOWN.some((known) => error instanceof known)) throw error
        if (closed.signal.aborted) throw new MintUnreachable('it is no longer used')
        if (late.aborted) throw new MintUnreachable(`no answer in ${own} ms`)
        throw new MintUnreachable(troubleOf(error))
      }
    },
    close: () => closed.abort(),
  }
}

const KNOWN = [MintBusy, MintLies, MintRefused, MintUnreachable]

async function answerOf(response: Response): Promise<Json> {
  const { status } = response
  const early = earlyNo(response)
  if (early !== null) {
    await response.body?.cancel()
    throw early
  }
  const json = parsed(await textOf(response))
  if (status === 200 && json !== null) return json
  if (response.ok) throw new MintLies('an answer that is no JSON object')
  // cdk-mintd says it in plain text, Nutshell with a list: what we sent was not even looked at.
  if (status === 422) throw new MintRefused(422, 'other')
  throw refusal(status, json?.code)
}

/** What the status alone says. */
function earlyNo({ status, headers }: Response): Error | null {
  if (status >= 300 && status < 400) return new MintLies('a redirect')
  if (status === 429) return new MintBusy(retryAfter(headers.get('retry-after')))
  if (status >= 500) return new MintUnreachable(`it answered with HTTP ${status}`)
  return null
}

/** Seconds only: nobody was seen to send a date. */
function retryAfter(text: string | null): number | null {
  return /^\d{1,6}$/.test(text ?? '') ? Number(text) * 1000 : null
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > LONGEST_ANSWER) throw new MintLies('an answer without an end')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    return null
  }
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

/** fetch hides the code of a failed connection behind an error of its own. */
function troubleOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : null
  return connectionTrouble(cause instanceof Error && 'code' in cause ? String(cause.code) : '')
}
