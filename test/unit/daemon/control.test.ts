import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Asker, askRunningGate, listenForCommands } from '../../../src/daemon/control.ts'
import { tick, until } from '../../support/buyer.ts'
import { real } from '../../support/world.ts'

/** A real socket, and clients that misbehave on it. An unhandled error fails the run. */
let folder = ''
let path = ''
const clean: (() => void)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satgate-control-'))
  path = join(folder, 'control.sock')
})
afterEach(() => {
  for (const one of clean.splice(0).reverse()) one()
  rmSync(folder, { recursive: true })
})

/** Answers questions after some ms, and reports progress meanwhile. */
async function listening({ patience = 10_000, afterMs = 0 } = {}) {
  const asked: unknown[] = []
  const answer = async (question: unknown, { told }: Asker) => {
    asked.push(question)
    if (question === 'refuse') throw new Error('no such question')
    for (let at = 0; at < afterMs; at += 5) {
      told(`${at} ms`)
      await tick(5)
    }
    return { asked: question }
  }
  const control = await listenForCommands(real, path, answer, patience)
  clean.push(() => control.close())
  return asked
}

async function client(): Promise<Socket> {
  const socket = connect(path)
  socket.on('error', () => {})
  clean.push(() => socket.destroy())
  await new Promise((then) => socket.once('connect', then))
  return socket
}

const closed = (socket: Socket) =>
  new Promise<void>((then) => (socket.closed ? then() : socket.once('close', () => then())))

const stillAnswers = async () =>
  expect(await askRunningGate(path, 'hello')).toEqual({ ok: true, value: { asked: 'hello' } })

describe('J11 no command ends a running gate', () => {
  it('J11 Ctrl+C while the gate answers: nobody receives the answer, and the gate goes on', async () => {
    const asked = await listening({ afterMs: 40 })
    for (let i = 0; i < 5; i += 1) {
      const socket = await client()
      socket.write('"left"\n')
      await until(() => asked.length > i)
      socket.destroy()
    }
    await tick(80)
    await stillAnswers()
  })

  it('J11 a client that leaves in the middle of its question, or asks nothing', async () => {
    await listening()
    for (const begun of ['', '{"ask":', 'x'.repeat(10_000)]) {
      const socket = await client()
      socket.write(begun)
      await tick()
      socket.destroy()
    }
    const half = await client()
    half.end('{"ask":"acc')
    await closed(half)
    await stillAnswers()
  })

  it('J11 garbage is refused with a message, also bytes that are no text', async () => {
    await listening()
    for (const garbage of ['GET / HTTP/1.1\r', '{', '', 'null', '\u0000\u0001', '[1,']) {
      const socket = await client()
      let said = ''
      socket.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      socket.write(`${garbage}\n`)
      await closed(socket)
      expect(Object.keys(JSON.parse(said))).toHaveLength(1)
    }
    const socket = await client()
    socket.write(Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x0a]))
    socket.resume()
    await closed(socket)
    await stillAnswers()
  })

  it('J11 megabytes without a line end: the connection is closed long before all are read', async () => {
    await listening()
    const socket = await client()
    let taken = 0
    const block = Buffer.alloc(64 * 1024, 'a')
    const send = () => {
      while (taken < 64 * 1024 * 1024 && !socket.destroyed) {
        taken += block.length
        if (!socket.write(block)) return
      }
    }
    socket.on('drain', send)
    send()
    await closed(socket)
    expect(socket.bytesWritten).toBeLessThan(8 * 1024 * 1024)
    await stillAnswers()
  })

  it('J11 one who never asks is let go, one who asked is waited for', async () => {
    await listening({ patience: 500, afterMs: 800 })
    const silent = await client()
    const slow = await client()
    slow.write('{"half":')
    silent.resume()
    slow.resume()
    const answer = askRunningGate(path, 'long')
    await Promise.all([closed(silent), closed(slow)])
    expect(await answer).toEqual({ ok: true, value: { asked: 'long' } })
  })

  it('J11 a question in pieces is one question, also if a character is cut in two; a second one is ignored', async () => {
    const asked = await listening()
    const bytes = Buffer.from('"größer als 😀"\n"second"\n')
    const socket = await client()
    socket.resume()
    for (const byte of bytes) {
      socket.write(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    await closed(socket)
    expect(asked).toEqual(['größer als 😀'])
  })
})

describe('J11 the command itself', () => {
  /** Another server on the socket, which sends this text and hangs up. */
  async function stranger(says: string | null) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      if (says === null) socket.destroy()
      else socket.end(says)
    })
    await new Promise<void>((then) => server.listen(path, then))
    clean.push(() => server.close())
  }

  it.each([
    ['nothing at all', null, /without an answer/],
    ['half an answer', '{"ok":', /without an answer/],
    ['no JSON', 'hello\n', /not a gate/],
    ['JSON that is no answer', '7\n', /not a gate/],
  ])('J11 is told %s: it says so, and does not break', async (_, says, why) => {
    await stranger(says)
    expect(await askRunningGate(path, 'hello')).toMatchObject({
      ok: false,
      error: { why: expect.stringMatching(why) },
    })
  })

  it('J11 finds nobody if no gate runs', async () => {
    expect(await askRunningGate(path, 'hello')).toEqual({ ok: false, error: { why: 'nobody' } })
  })

  it('J11 hears the progress, and a refusal', async () => {
    await listening({ afterMs: 12 })
    const heard: string[] = []
    const answer = await askRunningGate(path, 'hello', (progress) => heard.push(progress))
    expect([answer.ok, heard.length]).toEqual([true, 3])
    expect(await askRunningGate(path, 'refuse')).toEqual({
      ok: false,
      error: { why: 'no such question' },
    })
  })
})
