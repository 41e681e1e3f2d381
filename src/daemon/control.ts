import { chmodSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import { err, ok, type Result } from '../floor/result.ts'
import type { Timer, World } from '../floor/world.ts'

/** The one who asked, while the answer is made. */
export interface Asker {
  /** Reports progress. */
  told(progress: string): void
  /**
   * Sends a part of a long list, so that it is never in memory as a whole. What the handler returns is
   * then the last part. Resolves when the asker has taken it.
   */
  part(rows: readonly unknown[]): Promise<void>
}

/** Answers one question of the command line, JSON in, JSON out. */
export type Handler = (question: unknown, asker: Asker) => Promise<unknown>

/** Characters of a question. A question about a pass with many caveats is much shorter. */
const LONGEST_QUESTION = 64 * 1024
/** ms that a question has to arrive completely. */
const ARRIVE_WITHIN = 10_000

/**
 * Listens on the socket in the data folder, mode 0600: those who may read the folder may ask. The
 * question is one line of JSON, and so are the answer and each report of progress before it.
 * Commands are never taken on a listener that strangers reach (threats H4, I3). Bad input ends only
 * the connection that it came on (J11).
 */
export async function listenForCommands(
  world: World,
  path: string,
  handler: Handler,
  withinMs = ARRIVE_WITHIN,
): Promise<{ close(): void }> {
  rmSync(path, { force: true })
  const asking = new Set<Socket>()
  const server = createServer((socket) => {
    asking.add(socket)
    socket.on('close', () => asking.delete(socket))
    serve(
      socket,
      handler,
      world.after(withinMs, () => socket.destroy(), 'unref'),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  // A connection that could not be accepted must not end the gate.
  server.on('error', () => {})
  chmodSync(path, 0o600)
  return {
    close() {
      server.close()
      for (const socket of asking) socket.destroy()
    },
  }
}

function serve(socket: Socket, handler: Handler, late: Timer): void {
  socket.on('error', () => socket.destroy())
  socket.on('close', () => late.cancel())
  let asked = false
  onLines(socket, LONGEST_QUESTION, (line) => {
    if (asked) return
    asked = true
    late.cancel()
    const send = (said: unknown) => !socket.writable || socket.write(`${JSON.stringify(said)}\n`)
    const asker: Asker = {
      told: (progress) => send({ told: progress }),
      part: async (rows) => {
        if (!send({ part: rows })) await drained(socket)
      },
    }
    reply(line, (question) => handler(question, asker)).then(
      (said) => {
        send(said)
        socket.end()
      },
      () => socket.destroy(),
    )
  })
}

/** Resolves when the socket takes more, or is closed. */
const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.once('drain', done).once('close', done)
  })

/**
 * Calls `onLine` for each line of a socket. A line of more than `most` characters ends the
 * connection.
 */
function onLines(socket: Socket, most: number, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest: string[] = []
  let length = 0
  socket.on('data', (chunk: Buffer) => {
    const [first = '', ...others] = decoder.write(chunk).split('\n')
    length += first.length
    rest.push(first)
    if (length > most || others.some((line) => line.length > most)) {
      socket.destroy()
      return
    }
    for (const next of others) {
      onLine(rest.join(''))
      rest = [next]
      length = next.length
    }
  })
}

async function reply(
  line: string,
  answer: (question: unknown) => Promise<unknown>,
): Promise<unknown> {
  try {
    return { ok: await answer(JSON.parse(line)) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/** Characters of an answer, or of a part of one. */
const LONGEST_ANSWER = 256 * 1024 * 1024

/**
 * Asks the gate that runs on this folder, and waits as long as the answer takes. The error is
 * `nobody` if no gate runs there, or else the message of the gate.
 */
export function askRunningGate(
  path: string,
  question: unknown,
  told: (progress: string) => void = () => {},
): Promise<Result<unknown, { readonly why: 'nobody' } | { readonly why: string }>> {
  return new Promise((resolve) => {
    const socket = connect(path)
    let connected = false
    const parts: unknown[] = []
    const over = (result: Result<unknown, { readonly why: string }>) => {
      resolve(result)
      socket.destroy()
    }
    socket.on('error', () => over(err({ why: connected ? NO_ANSWER : 'nobody' })))
    socket.on('close', () => over(err({ why: NO_ANSWER })))
    socket.once('connect', () => {
      connected = true
      socket.write(`${JSON.stringify(question)}\n`)
    })
    onLines(socket, LONGEST_ANSWER, (line) => {
      const said = parsed(line)
      if (said === null) over(err({ why: 'what answers there is not a gate of this version' }))
      else if (typeof said.told === 'string') told(said.told)
      else if (Array.isArray(said.part)) for (const row of said.part) parts.push(row)
      else if (said.error !== undefined) over(err({ why: String(said.error) }))
      else over(ok(Array.isArray(said.ok) ? [...parts, ...said.ok] : said.ok))
    })
  })
}

const NO_ANSWER = 'the gate closed without an answer'

function parsed(line: string): { readonly [field: string]: unknown } | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    return null
  }
}
