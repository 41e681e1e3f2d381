/** The command lines of the proxies that are measured. */
import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { launch, program, type Running } from './processes.ts'

/** A program on Node. Its inspector listens, so that its heap can be asked about (`inspect.ts`). */
export interface OnNode extends Running {
  /** What it wrote to stderr, in which Node says where the inspector listens. */
  readonly stderr: string
}

/**
 * Flags of Node for satgate and the bare proxy alike. They stand in the environment, so that they
 * hold also if the program starts itself again. The inspector does nothing until somebody connects.
 */
const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

/** nginx as a streaming proxy with one worker and no log. Null if nginx is not installed. */
export async function startNginx(upstream: number, folder: string): Promise<Running | null> {
  const nginx = program('nginx')
  if (nginx === null) return null
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;
events { worker_connections 8192; }
http {
  access_log off; client_max_body_size 64m; keepalive_requests 100000000;
  ${temp.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  upstream backend { server 127.0.0.1:${upstream}; keepalive 1024; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection '';
      proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 60s;
    }
  }
}
`,
  )
  const command = [nginx, '-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')]
  const child = launch(command, { on: 'proxy', stdio: ['ignore', 'inherit', 'inherit'] })
  await reachable(child, port)
  return { child, port, headers: [] }
}

/** The bare proxy of `bare.ts`. */
export async function startBare(upstream: number, folder: string): Promise<OnNode> {
  const command = [process.execPath, join(import.meta.dirname, 'bare.ts'), String(upstream)]
  const { child, stdout, stderr } = onNode(command, folder)
  const ready = await firstLine(child, { path: stdout, has: '"ready"' })
  return { child, stderr, port: Number(JSON.parse(ready).ready), headers: [] }
}

/**
 * satgate as an operator starts it: with payment, a SQLite ledger, the request log in a file, play
 * money, and one pass with credit.
 */
export async function startSatgate(
  upstream: number,
  { entry, folder }: { entry: string; folder: string },
): Promise<OnNode> {
  const common = ['--data-dir', join(folder, 'data'), '--json']
  const flags = ['--upstream', `http://127.0.0.1:${upstream}`, '--wallet', 'play', '--port', '0']
  const command = [process.execPath, entry, ...flags, '--price', '1', ...common]
  const { child, stdout, stderr } = onNode(command, folder)
  const ready = await firstLine(child, { path: stdout, has: '"ready"' })
  const port = Number(new URL(JSON.parse(ready).url).port)
  const mint = [entry, 'pass', 'mint', '--sats', '10000000', ...common]
  const minted = execFileSync(process.execPath, mint, { encoding: 'utf8', stdio: 'pipe' })
  const pass = /[\w+/=-]+:[0-9a-f]{64}\b/.exec(minted)
  if (pass === null) throw new Error(`no macaroon:secret in what was minted: ${minted}`)
  return { child, port, stderr, headers: [`authorization: L402 ${pass[0]}`] }
}

/** Starts a program on Node with its output in files, because a pipe would need a reader. */
function onNode(
  command: readonly string[],
  folder: string,
): { child: ChildProcess; stdout: string; stderr: string } {
  mkdirSync(folder, { recursive: true })
  const [stdout, stderr] = [join(folder, 'stdout.jsonl'), join(folder, 'stderr.txt')]
  const [out, errors] = [openSync(stdout, 'w'), openSync(stderr, 'w')]
  const child = launch(command, { on: 'proxy', stdio: ['ignore', out, errors], env: INSPECTED })
  closeSync(out)
  closeSync(errors)
  return { child, stdout, stderr }
}

/** Waits for the first line of a file that contains that text. */
export async function firstLine(
  child: ChildProcess,
  { path, has, withinMs = 20_000 }: { path: string; has: string; withinMs?: number },
): Promise<string> {
  for (let waited = 0; waited < withinMs; waited += 50) {
    if (child.exitCode !== null) throw new Error(`exit ${child.exitCode} instead of ${has}`)
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    const line = lines.find((text) => text.includes(has))
    if (line !== undefined) return line
    await pause(50)
  }
  throw new Error(`no ${has} within ${withinMs / 1000} s`)
}

/** Waits until that port can be connected to. */
export async function reachable(
  child: ChildProcess,
  port: number,
  withinMs = 5_000,
): Promise<void> {
  for (let waited = 0; waited < withinMs; waited += 50) {
    if (child.exitCode !== null) throw new Error(`exit ${child.exitCode} before it listened`)
    const open = await new Promise((done) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => done(true)).once('error', () => done(false))
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    await pause(50)
  }
  throw new Error(`port ${port} was not reachable within ${withinMs / 1000} s`)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  server.close()
  await once(server, 'close')
  return port
}
