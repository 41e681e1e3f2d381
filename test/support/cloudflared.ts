import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './buyer.ts'

/** What a fake cloudflared tells about itself when it has an address. */
export interface Spoken {
  readonly pid: number
  /** The loopback port of its edge. A request to this port counts as one to `url`. */
  readonly edge: number
  readonly url: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/**
 * A test double of cloudflared: the real one needs Cloudflare's edge and cannot run on loopback. It
 * takes the same arguments, prints the same banner among the same kind of noise, and really carries
 * requests to the gate, with the headers that Cloudflare writes.
 */
export interface FakeCloudflared {
  /** The folder that contains it, for PATH. */
  readonly folder: string
  readonly program: string
  /** How it behaves from its next start on. */
  behave(how: 'well' | 'dies' | 'no address' | 'no connection'): void
  /** How often it was started. */
  readonly starts: number
  /** The one that runs now. Waits until it was started `count` times. */
  spoken(count?: number): Promise<Spoken>
  remove(): void
}

export function fakeCloudflared(): FakeCloudflared {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-cloudflared-'))
  const program = join(folder, 'cloudflared')
  const log = join(folder, 'starts.jsonl')
  writeFileSync(program, `#!${process.execPath}\n(${edge})(${JSON.stringify(folder)})\n`)
  chmodSync(program, 0o755)
  const starts = (): Spoken[] => {
    if (!existsSync(log)) return []
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    return lines.map((line) => JSON.parse(line))
  }
  return {
    folder,
    program,
    behave: (how) => writeFileSync(join(folder, 'how'), how),
    get starts() {
      return starts().length
    },
    async spoken(count = 1) {
      await until(() => starts().length >= count)
      const last = starts().at(-1)
      if (last === undefined) throw new Error('it was never started')
      return last
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/**
 * The source of this function runs in a process of its own, so it must not use anything of this
 * file.
 */
const edge = `function (folder) {
  const { createServer, request } = require('node:http')
  const fs = require('node:fs')
  const args = process.argv.slice(2)
  if (args[0] === '--version') return console.log('cloudflared version 2026.11.0 (built for a test)')
  const how = fs.existsSync(folder + '/how') ? fs.readFileSync(folder + '/how', 'utf8') : 'well'
  const log = folder + '/starts.jsonl'
  const before = fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trim().split('\\n').length : 0
  const name = 'fake-words-' + (before + 1) + '.trycloudflare.com'
  const origin = new URL(args[args.indexOf('--url') + 1])
  const inf = (text) => process.stderr.write(new Date().toISOString() + ' INF ' + text + '\\n')
  const server = createServer((asked, answer) => {
    const { 'x-test-client': client = '203.0.113.7', ...rest } = asked.headers
    const headers = {
      ...rest,
      host: name,
      'cf-connecting-ip': client,
      'cf-ray': '8f00',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': [rest['x-forwarded-for'], client].filter(Boolean).join(', '),
      'cdn-loop': 'cloudflare; loops=1',
    }
    const { hostname, port } = origin
    const onward = request(
      { hostname, port, method: asked.method, path: asked.url, headers },
      (answered) => {
        answer.writeHead(answered.statusCode, answered.rawHeaders)
        answered.on('error', () => answer.destroy()).pipe(answer)
      },
    )
    onward.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()))
    answer.on('close', () => answer.writableFinished || onward.destroy())
    asked.pipe(onward)
  })
  process.on('SIGTERM', () => {
    inf('Initiating graceful shutdown due to signal terminated ...')
    server.close(() => process.exit(0))
    server.closeIdleConnections()
  })
  server.listen(0, '127.0.0.1', () => {
    const spoken = { pid: process.pid, edge: server.address().port, url: 'https://' + name, args, env: process.env }
    fs.appendFileSync(log, JSON.stringify(spoken) + '\\n')
    inf('Requesting new quick Tunnel on trycloudflare.com...')
    inf('Post "https://api.trycloudflare.com/tunnel"')
    if (how === 'dies') {
      process.stderr.write('ERR failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": no such host\\n')
      process.exit(1)
    }
    if (how === 'no address') return
    inf('|  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |')
    inf('|  https://' + name + '  |')
    if (how === 'no connection') return
    inf('Registered tunnel connection connIndex=0 event=0 ip=198.41.200.13 location=fra03 protocol=quic')
  })
}`
