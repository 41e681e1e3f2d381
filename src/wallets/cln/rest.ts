import type { Result } from '../../floor/result.ts'
import { ok } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import { objectIn } from '../../outbound/ask-json.ts'
import type { Failure } from '../../outbound/failure.ts'
import { type NodeCall, nodeRest } from '../node-rest.ts'
import { WalletRefused, WalletUnreachable } from '../wallet.ts'

/** The address of a clnrest and the access to it. */
export interface ClnAccess {
  /** `https://localhost:3010`. `http:` only on loopback (`clnrest-protocol=http`). */
  readonly url: string
  /** What it allows is best limited to the methods that a gate needs. */
  readonly rune: string
  /** The `ca.pem` of clnrest. Null if a public authority signed its certificate. */
  readonly tlsCertPem: string | null
  /** ms. No call takes longer, unless it says so. */
  readonly deadlineMs: number
  readonly world: World
}

export type Json = { readonly [name: string]: unknown }

/** What a method answered: its result, or the error of the JSON-RPC of Core Lightning. */
export type ClnReply =
  | { readonly is: 'result'; readonly body: Json }
  | { readonly is: 'error'; readonly code: number; readonly message: string }

/**
 * clnrest, the REST plugin of Core Lightning 24.11 and later: each method of its JSON-RPC is a POST
 * to `/v1/<method>` with the header `Rune`. A result is HTTP 201. Errors carry `code` and `message`;
 * the codes are those of `common/jsonrpc_errors.h`, and the shapes those of `doc/schemas` (26.06).
 */
export interface ClnRest {
  /** An error of Core Lightning is a value. Throws `WalletUnreachable` if something else answers. */
  ask(method: string, params: Json, how?: ClnHow): Promise<Result<ClnReply, Failure>>
  /** Throws `WalletUnreachable` or `WalletRefused` unless there is a result. */
  call(method: string, params: Json, how?: ClnHow): Promise<Json>
  /** The error that an error of the connection means. */
  explained(failure: Failure): WalletUnreachable | WalletRefused
  readonly closed: AbortSignal
  close(): void
}

type ClnHow = Pick<NodeCall, 'deadlineMs' | 'over' | 'once'>

export const CODE = {
  wrongParameters: -32602,
  unknownMethod: -32601,
  runeWrong: 1501,
  runeForbids: 1502,
  runeBlacklisted: 1503,
  waitTimedOut: 904,
} as const

/** Makes no call. Throws `WalletRefused` if URL, rune or certificate cannot be right. */
export function clnRest(access: ClnAccess): ClnRest {
  if (!/^[A-Za-z0-9_=-]{40,}$/.test(access.rune)) {
    throw new WalletRefused(`its key must be a rune, as this prints it: ${MAKE_RUNE}`)
  }
  const rest = nodeRest({ ...access, headers: { rune: access.rune } }, HABITS)

  async function ask(
    method: string,
    params: Json,
    how: ClnHow = {},
  ): Promise<Result<ClnReply, Failure>> {
    const answer = await rest.ask({ path: `/v1/${method}`, body: params, ...how })
    return answer.ok ? ok(replyIn(answer.value)) : answer
  }

  return {
    ask,
    async call(method, params, how) {
      const reply = await ask(method, params, how)
      if (!reply.ok) throw rest.explained(reply.error)
      if (reply.value.is === 'error') throw complaint(method, reply.value)
      return reply.value.body
    },
    explained: rest.explained,
    closed: rest.closed,
    close: rest.close,
  }
}

const HABITS = {
  plainHttpIs: 'on this very machine',
  tlsCertIs: 'ca.pem, which clnrest made (clnrest-certs)',
  advice: {
    refused: 'is clnrest-port set (3010), and does it listen at that address (clnrest-host)?',
    no_tls: 'clnrest-protocol says which of the two it speaks',
    untrusted:
      'its TLS certificate is not the one given: set tlsCert to the ca.pem of this clnrest',
    expired:
      'its TLS certificate has expired: remove the files in clnrest-certs and start it again',
    another_name:
      'its TLS certificate is for another name: it names localhost, cln and its clnrest-host',
  },
}

function replyIn({ status, json }: { status: number; json: unknown }): ClnReply {
  const body = objectIn(json)
  if (body === null) throw NOT_CLN()
  if (status === 201) return { is: 'result', body }
  const { code, message } = body
  if (typeof code !== 'number' || typeof message !== 'string') throw NOT_CLN()
  return { is: 'error', code, message }
}

/** What an error means, for the operator. The words of the node are not repeated to anybody. */
export function complaint(
  method: string,
  { code, message }: { readonly code: number; readonly message: string },
): WalletUnreachable | WalletRefused {
  switch (code) {
    case CODE.runeForbids:
      if (/too soon/.test(message)) return new WalletUnreachable(SLOW_RUNE)
      return new WalletRefused(`its rune does not allow ${method}: ${MAKE_RUNE}`)
    case CODE.runeWrong:
      return new WalletRefused(
        `it does not take this rune. Make one at this very node: ${MAKE_RUNE}`,
      )
    case CODE.runeBlacklisted:
      return new WalletRefused(`its rune is blacklisted: ${MAKE_RUNE}`)
    case CODE.unknownMethod:
      return NOT_CLN()
    default:
      return new WalletUnreachable(`it refused ${method} with the error ${code}`)
  }
}

const SLOW_RUNE = 'its rune allows only so many calls in a minute: make one without rate and per'

/** The methods that selling needs. */
export const SELLING = ['invoice', 'listinvoices', 'waitanyinvoice'] as const

/** What the operator types for a rune that sells. */
export const MAKE_RUNE = `lightning-cli createrune restrictions='[["${SELLING.map((method) => `method=${method}`).join('","')}"]]'`

/** The server there is no clnrest, or a broken one. */
export const NOT_CLN = () =>
  new WalletUnreachable(
    'what answers there does not answer as clnrest does: is that its clnrest-port?',
  )

/**
 * An amount in msat: a whole number, or the same with `msat` behind it, as nodes wrote it before
 * 23.08.
 */
export function msatIn(value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
  const digits = typeof value === 'string' ? /^(\d{1,19})msat$/.exec(value)?.[1] : undefined
  if (digits === undefined) throw NOT_CLN()
  return BigInt(digits)
}

export function indexIn(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw NOT_CLN()
  return value
}
