import { readdir, readFile, readlink } from 'node:fs/promises'

export interface Holder {
  readonly pid: number
  /** The command's name, as the kernel knows it. */
  readonly command: string
}

/**
 * Who listens on a TCP port of this machine: the socket's inode in /proc/net/tcp, then the process
 * that has it open (proc(5)). Null where nobody is found: another system, another user's process.
 */
export async function holderOf(port: number): Promise<Holder | null> {
  try {
    const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(textOf))
    const inodes = tables.flatMap((table) => listeningInodes(table, port))
    return inodes.length === 0 ? null : await owner(new Set(inodes.map((i) => `socket:[${i}]`)))
  } catch {
    return null
  }
}

const LISTEN = '0A'

/** Columns of a line: `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`. */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  return table.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
    const listens = state === LISTEN && local?.split(':')[1] === wanted
    return listens && inode !== undefined ? [inode] : []
  })
}

async function owner(links: ReadonlySet<string>): Promise<Holder | null> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const open = await readdir(`/proc/${pid}/fd`).catch(() => [])
    for (const fd of open) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
      if (!links.has(link)) continue
      return { pid: Number(pid), command: (await textOf(`/proc/${pid}/comm`)).trim() }
    }
  }
  return null
}

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
