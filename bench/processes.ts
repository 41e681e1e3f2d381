/** Starts the measured programs, each in a process of its own, and stops each by its pid. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const HERE = import.meta.dirname
const CORES = availableParallelism()

/** A process that serves a loopback port. */
export interface Running {
  readonly child: ChildProcess
  readonly port: number
}

export interface Satgate extends Running {
  /** The value of `Authorization` that a paying client sends. */
  readonly authorization: string
}

const started: ChildProcess[] = []

/** Ends every process that was started here, and waits until it has ended. */
export async function stopAll(): Promise<void> {
  await Promise.all(
    started.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const hard = setTimeout(() => child.kill('SIGKILL'), 3_000)
      await gone
      clearTimeout(hard)
    }),
  )
}

/**
 * If the machine allows it, the proxy has the last core for itself, and load and upstream share the
 * others.
 */
export const pinning = CORES > 1 && program('taskset') !== null
const LOAD_CORES = pinning ? `0-${CORES - 2}` : null
const PROXY_CORE = pinning ? `${CORES - 1}` : null

/** A process of this folder. It exchanges messages with this one. */
export function startOurs(file: string): ChildProcess {
  return launch([process.execPath, join(HERE, file)], {
    cores: LOAD_CORES,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

/** The mock upstream. Resolves when it listens. */
export async function startUpstream(): Promise<Running> {
  const child = startOurs('upstream.ts')
  const [said] = await once(child, 'message')
  return { child, port: Number((said as { port: number }).port) }
}

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
  const child = launch(command, { cores: PROXY_CORE, stdio: ['ignore', 'inherit', 'inherit'] })
  await reachable(child, port)
  return { child, port }
}

/**
 * satgate as an operator starts it: with payment, a SQLite ledger, play money, and one pass with
 * credit.
 */
export async function startSatgate(
  upstream: number,
  { entry, folder }: { entry: string; folder: string },
): Promise<Satgate> {
  mkdirSync(folder, { recursive: true })
  const log = join(folder, 'stdout.jsonl')
  const out = openSync(log, 'w')
  const common = ['--data-dir', join(folder, 'data'), '--json']
  const flags = ['--upstream', `http://127.0.0.1:${upstream}`, '--wallet', 'play', '--port', '0']
  const command = [process.execPath, entry, ...flags, '--price', '1', ...common]
  const child = launch(command, { cores: PROXY_CORE, stdio: ['ignore', out, 'inherit'] })
  closeSync(out)
  const port = await readyPort(child, log)
  const mint = [entry, 'pass', 'mint', '--sats', '10000000', ...common]
  const minted = execFileSync(process.execPath, mint, { encoding: 'utf8' })
  const pass = /[\w+/=-]+:[0-9a-f]{64}\b/.exec(minted)
  if (pass === null) throw new Error(`no macaroon:secret in what was minted: ${minted}`)
  return { child, port, authorization: `L402 ${pass[0]}` }
}

/** Memory of a process in MB. NaN if the system does not tell. */
export function residentMb({ child }: Running): number {
  try {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
  } catch {
    return Number.NaN
  }
}

/** CPU time that a process has used in all its threads, in seconds. NaN if the system does not tell. */
export function cpuSeconds({ child }: Running): number {
  try {
    // proc(5): fields 14 and 15, in ticks of 1/100 s. The name in field 2 may contain spaces.
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8').replace(/^.*\) /s, '')
    const fields = stat.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}

/**
 * The path of a program. Null if there is none. nginx is often in /usr/sbin, which is not in a
 * user's PATH.
 */
export function program(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null
}

function launch(
  command: readonly string[],
  { cores, stdio }: { cores: string | null; stdio: ('ignore' | 'inherit' | 'ipc' | number)[] },
): ChildProcess {
  const [file = '', ...args] = cores === null ? command : ['taskset', '-c', cores, ...command]
  const child = spawn(file, args, { stdio, cwd: dirname(HERE) })
  started.push(child)
  return child
}

/** The port in the `ready` line that it writes. */
async function readyPort(child: ChildProcess, log: string): Promise<number> {
  for (let waited = 0; waited < 20_000; waited += 50) {
    if (child.exitCode !== null) throw new Error(`satgate did not start: exit ${child.exitCode}`)
    const line = readFileSync(log, 'utf8')
      .split('\n')
      .find((text) => text.includes('"ready"'))
    if (line !== undefined) return Number(new URL(JSON.parse(line).url).port)
    await pause(50)
  }
  throw new Error('satgate was not ready within 20 s')
}

async function reachable(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error(`nginx did not start: exit ${child.exitCode}`)
    const open = await new Promise((done) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => done(true)).once('error', () => done(false))
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    await pause(50)
  }
  throw new Error('nginx was not reachable within 5 s')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  server.close()
  await once(server, 'close')
  return port
}
