import type { IncomingMessage } from 'node:http'
import { err, ok, type Result } from '../floor/result.ts'
import { type Refusal, refuse } from '../gate/refusal.ts'

export interface BodyLimits {
  /** In bytes. */
  readonly limit: number
  /** For the whole body, in ms, however steadily it trickles (D6). */
  readonly deadlineMs: number
}

/** How long what is left of a refused body is read and thrown away, so that the refusal is seen. */
const LINGER_MS = 1_000

/**
 * Reads a request's body. Refused: 413 before reading where its length is told and too large, else
 * at the byte too much; 415 for any encoding; 408 past the deadline; 400 where the buyer left.
 */
export async function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
): Promise<Result<Uint8Array, Refusal>> {
  const { headers } = request
  const encoding = headers['content-encoding'] ?? 'identity'
  const transfer = headers['transfer-encoding'] ?? 'chunked'
  if (encoding.toLowerCase() !== 'identity' || transfer.toLowerCase() !== 'chunked') {
    return refused(request, ENCODED)
  }
  if (isTooLong(request, limits.limit)) return refused(request, tooLarge(limits.limit))
  const read = await collect(request, limits)
  return read.ok ? read : refused(request, read.error)
}

/** Whether a request says itself that it is longer than that. */
export function isTooLong(request: IncomingMessage, limit: number): boolean {
  return Number(request.headers['content-length'] ?? 0) > limit
}

const ENCODED = refuse(
  415,
  'unsupported_encoding',
  'Send the body as it is: Content-Encoding and Transfer-Encoding other than chunked are not read here.',
)
const TOO_SLOW = refuse(408, 'request_timeout', 'The request body took too long to arrive.')
const CUT = refuse(400, 'incomplete_body', 'The request body ended before it was complete.')
const tooLarge = (limit: number): Refusal =>
  refuse(413, 'request_too_large', `The request body is larger than ${limit} bytes.`)

function collect(
  request: IncomingMessage,
  { limit, deadlineMs }: BodyLimits,
): Promise<Result<Uint8Array, Refusal>> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const finish = (result: Result<Uint8Array, Refusal>) => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('close', onClose)
      resolve(result)
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) finish(err(tooLarge(limit)))
      else chunks.push(chunk)
    }
    const onEnd = () => finish(ok(chunks.length === 1 && chunks[0] ? chunks[0] : join(chunks)))
    const onClose = () => finish(err(CUT))
    const timer = setTimeout(() => finish(err(TOO_SLOW)), deadlineMs)
    if (request.destroyed && !request.readableEnded) return onClose()
    // Without a listener an 'error' of a cut request would end the process.
    request.on('error', () => {})
    request.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}

const join = (chunks: readonly Buffer[]): Uint8Array => Buffer.concat(chunks)

/**
 * A client that is still sending sees a reset instead of the answer when its connection closes at
 * once (RFC 9112 9.6). One that waits for `100 Continue` sends nothing.
 */
async function refused(
  request: IncomingMessage,
  error: Refusal,
): Promise<Result<Uint8Array, Refusal>> {
  const waits = request.headers.expect !== undefined
  if (request.complete || request.destroyed || waits) return err(error)
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS)
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    request.on('error', done).once('end', done).once('close', done).resume()
  })
  request.pause()
  return err(error)
}
