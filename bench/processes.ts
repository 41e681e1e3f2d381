/** Starts programs, each in a process of its own on its cores, and stops each by its pid. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

const HERE = import.meta.dirname
const CORES = availableParallelism()

/** A process that serves a loopback port. */
export interface Running {
  readonly child: ChildProcess
  readonly port: number
  /** Header lines that it needs in each request, for example a credential. */
  readonly headers: readonly string[]
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
 * If the machine allows it, the proxy that is measured has the last core for the thread that serves,
 * and load, upstream and the helper threads of that proxy share the others.
 */
export const pinning = CORES > 1 && program('taskset') !== null
const LOAD_CORES = `0-${CORES - 2}`
const PROXY_CORE = `${CORES - 1}`

/** A process of this folder. It exchanges messages with this one. */
export function startOurs(file: string): ChildProcess {
  return launch([process.execPath, join(HERE, file)], {
    on: 'load',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

/** The mock upstream. Resolves when it listens. */
export async function startUpstream(): Promise<Running> {
  const child = startOurs('upstream.ts')
  const [said] = await once(child, 'message')
  return { child, port: Number((said as { port: number }).port), headers: [] }
}

interface Launched {
  readonly on: 'load' | 'proxy'
  readonly stdio: ('ignore' | 'inherit' | 'ipc' | number)[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export function launch(
  command: readonly string[],
  { on, stdio, env, cwd = dirname(HERE) }: Launched,
): ChildProcess {
  const cores = on === 'load' ? LOAD_CORES : PROXY_CORE
  const [file = '', ...args] = pinning ? ['taskset', '-c', cores, ...command] : command
  const child = spawn(file, args, { stdio, cwd, env: { ...process.env, ...env } })
  started.push(child)
  return child
}

/**
 * Puts the helper threads of a process (garbage collector, compiler, file system, a writer of the
 * ledger) on the cores of the load, and leaves its first thread alone on the proxy's core. A thread
 * inherits its cores from the one that starts it, so this is done again before each work.
 */
export function placeThreads({ child }: Running): void {
  if (!pinning) return
  const quiet = { stdio: 'ignore' } as const
  execFileSync('taskset', ['-a', '-c', '-p', LOAD_CORES, String(child.pid)], quiet)
  execFileSync('taskset', ['-c', '-p', PROXY_CORE, String(child.pid)], quiet)
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
