import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Question, Session, Shown, Where } from './row.ts'

/** A program as a person types it. `folder` is its home and the folder that it is typed in. */
export interface Typed {
  readonly program: string
  readonly words: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Longer than any of these programs needs. */
const PATIENCE = 100_000

/** A program that is started anew for each question, in an empty home that it keeps. */
export function typing(typed: (question: Question, where: Where & { folder: string }) => Typed) {
  return async (where: Where): Promise<Session> => {
    const folder = mkdtempSync(join(tmpdir(), 'satgate-client-'))
    return {
      ask: (question) => run(typed(question, { ...where, folder }), folder),
      close: async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
    }
  }
}

/** Runs it to its end. Nothing but this machine can be reached through its proxy. */
function run({ program, words, env }: Typed, folder: string): Promise<Shown> {
  const child = spawn(program, [...words], {
    cwd: folder,
    env: {
      ...{ PATH: process.env.PATH, HOME: folder, TERM: 'dumb', NO_COLOR: '1' },
      ...{ HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: '127.0.0.1' },
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE,
  })
  let [text, error] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    error += piece
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ ok: code === 0, text, error }))
  })
}
