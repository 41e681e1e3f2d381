import { err, ok, type Result } from '../floor/result.ts'
import { deadline, type World } from '../floor/world.ts'
import { type Failure, failureIn } from './failure.ts'

/** What is sent. It is what `fetch` takes, so a test can hand in a `fetch`. */
export interface Request {
  readonly method: 'GET' | 'POST'
  readonly headers: Record<string, string>
  readonly body: string | null
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** What comes back: the part of a `Response` that is used. */
export interface Response {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: AsyncIterable<Uint8Array> | null
}

/** Sends one request and follows no redirect. Throws an error with a `code`, or with one as its cause. */
export type Transport = (url: URL, request: Request) => Promise<Response>

export interface Ask {
  readonly url: URL
  /** POST if there is one, else GET. */
  readonly body?: object | undefined
  /** A POST of fields as a form of a page sends them, instead of `body`. */
  readonly form?: Readonly<Record<string, string>> | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** For the whole exchange: connection, redirects and body. */
  readonly deadlineMs: number
  /** The caller gives up when it is aborted. */
  readonly over?: AbortSignal
  /** Bytes of the longest answer that is read. */
  readonly most: number
  /** The body of an answer with another status is not read. Without it every body is. */
  readonly reads?: (status: number) => boolean
  /**
   * Where a redirect may go. Without it a redirect is an answer like any other. What it throws, and an
   * answer after more redirects than `times`, go to the caller.
   */
  readonly redirects?: { readonly times: number; follow(location: string, from: URL): URL }
}

export interface Answer {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  /** Undefined if the body is no JSON. */
  readonly json: unknown
}

/**
 * Asks a service in JSON over HTTP: bounded in time and in bytes. An answer of any status is a value,
 * and so is every failure of the connection.
 */
export async function askJson(
  { transport, world }: { readonly transport: Transport; readonly world: World },
  ask: Ask,
): Promise<Result<Answer, Failure>> {
  const { over } = ask
  const late = deadline(world, ask.deadlineMs)
  const signal = over === undefined ? late : AbortSignal.any([late, over])
  try {
    const response = await send(transport, ask, signal)
    const { status, headers } = response
    if (ask.reads?.(status) === false) {
      await leave(response)
      return ok({ status, headers, json: undefined })
    }
    const bytes = await bodyOf(response, ask.most)
    if (bytes === null) return err({ why: 'too_large', code: '' })
    return ok({ status, headers, json: parsed(bytes) })
  } catch (error) {
    // What an abort looks like depends on when it struck.
    if (over?.aborted === true) return err({ why: 'closed', code: '' })
    if (late.aborted) return err({ why: 'silent', code: `${ask.deadlineMs} ms` })
    const failure = failureIn(error)
    if (failure === null) throw error
    return err(failure)
  }
}

async function send(transport: Transport, ask: Ask, signal: AbortSignal): Promise<Response> {
  const { redirects } = ask
  const [body, type] = bodyToSend(ask)
  const request: Request = {
    method: body === null ? 'GET' : 'POST',
    headers: {
      accept: 'application/json',
      // Without it a service may choose to compress its answer.
      'accept-encoding': 'identity',
      'user-agent': 'satgate',
      ...(body === null ? {} : { 'content-type': type }),
      ...ask.headers,
    },
    body,
    redirect: 'manual',
    signal,
  }
  let at = ask.url
  for (let times = 0; ; times += 1) {
    const response = await transport(at, request)
    const location = response.headers.get('location')
    const moved = response.status >= 300 && response.status <= 399 && location !== null
    if (!moved || redirects === undefined || times === redirects.times) return response
    await leave(response)
    at = redirects.follow(location, at)
  }
}

function bodyToSend({ body, form }: Ask): readonly [body: string | null, type: string] {
  if (form !== undefined) {
    return [new URLSearchParams(form).toString(), 'application/x-www-form-urlencoded']
  }
  return [body === undefined ? null : JSON.stringify(body), 'application/json']
}

/** Ends an answer of which the body is not read: leaving the loop closes the connection. */
async function leave({ body }: Response): Promise<void> {
  for await (const _ of body ?? []) break
}

async function bodyOf(response: Response, most: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > most) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** A JSON object; null for everything else. */
export const objectIn = (json: unknown): { readonly [name: string]: unknown } | null =>
  typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : null
