import { chmodSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { createInterface } from 'node:readline'
import { err, ok, type Result } from '../floor/result.ts'

/** Answers one question of the command line: JSON in, JSON out. `told`: how far it is, meanwhile. */
export type Answer = (question: unknown, told: (progress: string) => void) => Promise<unknown>

/**
 * Listens on the data folder's socket, 0600: whoever may read the folder may ask. One JSON line
 * each way, and before the answer one for each `told`. Control is never on a listener that strangers reach (threats H4, I3).
 */
export async function listenForCommands(path: string, answer: Answer): Promise<Server> {
  rmSync(path, { force: true })
  const server = createServer((socket) => {
    const lines = createInterface({ input: socket })
    socket.on('error', () => socket.destroy())
    lines.once('line', async (line) => {
      const send = (said: unknown) => `${JSON.stringify(said)}\n`
      const said = await reply(line, (question) =>
        answer(question, (told) => void socket.write(send({ told }))),
      )
      socket.end(send(said))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return server
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

/**
 * Asks the gate that runs on this folder, and waits for as long as it takes. `nobody` where none does;
 * `message` where it refused.
 */
export function askRunningGate(
  path: string,
  question: unknown,
  told: (progress: string) => void = () => {},
): Promise<Result<unknown, { readonly why: 'nobody' } | { readonly why: string }>> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('error', () => resolve(err({ why: 'nobody' })))
    socket.once('connect', () => socket.write(`${JSON.stringify(question)}\n`))
    const lines = createInterface({ input: socket })
    lines.on('error', () => {})
    lines.on('line', (line) => {
      const said: { ok?: unknown; error?: string; told?: string } = JSON.parse(line)
      if (said.told !== undefined) return told(said.told)
      resolve(said.error === undefined ? ok(said.ok) : err({ why: said.error }))
    })
    socket.once('close', () => resolve(err({ why: 'the gate closed without an answer' })))
  })
}
