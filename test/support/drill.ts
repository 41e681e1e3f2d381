import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { GateProcess } from './gate-process.ts'
import { serve } from './serve.ts'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('../../bin/satgate.ts', import.meta.url))

/** The fenced blocks of a document that are marked ```` ```sh drill=NAME ````, in order. */
export function drillsOf(markdown: string): ReadonlyMap<string, string> {
  const found = [...markdown.matchAll(/^```sh drill=([a-z]+)\n([\s\S]*?)^```$/gm)]
  return new Map(found.map(([, name = '', commands = '']) => [name, commands]))
}

/** Does what `sqlite3 [-readonly] FILE SQL` does, because a machine may lack that program. */
const SQLITE = `const { DatabaseSync } = require('node:sqlite')
const [file, sql] = process.argv.slice(2).filter((word) => word !== '-readonly')
new DatabaseSync(file, { readOnly: true }).exec(sql)`

/** A shell in which `satgate` is installed, and `systemctl` starts and stops this gate. */
export interface Drill {
  /** Runs the commands, stops at the first one that fails, and resolves with their output. */
  run(commands: string): Promise<string>
  close(): Promise<void>
}

/**
 * `variables` replace those that the document sets. A variable that a block sets is there in the
 * next block.
 */
export async function openDrill(
  gate: GateProcess,
  variables: Readonly<Record<string, string>>,
): Promise<Drill> {
  const bin = join(gate.folder, 'bin')
  mkdirSync(bin)
  const script = (name: string, text: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  const asked = await serve((request, response) => {
    const done = request.url === '/stop' ? gate.stop() : gate.start()
    done.then(
      () => response.end(),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
  script('satgate', `exec '${process.execPath}' '${PROGRAM}' "$@"`)
  script('systemctl', `[ "$2" = satgate ] && curl -fsS "http://127.0.0.1:${asked.port}/$1"`)
  const path = (process.env.PATH ?? '').split(delimiter)
  if (!path.some((folder) => existsSync(join(folder, 'sqlite3')))) {
    writeFileSync(join(bin, 'sqlite3.cjs'), SQLITE)
    script('sqlite3', `exec '${process.execPath}' '${join(bin, 'sqlite3.cjs')}' "$@"`)
  }
  const kept = join(gate.folder, 'variables')
  const assigned = Object.entries(variables).map(([name, value]) => `${name}='${value}'`)
  writeFileSync(kept, `${assigned.join('\n')}\n`)
  return {
    async run(commands) {
      const shell = `. '${kept}'\n${commands}\nset > '${kept}.new'\ngrep -E "^(backup|copy|data|backups|gate|pass)=" '${kept}.new' > '${kept}'`
      const { stdout } = await run('sh', ['-euc', shell], {
        cwd: gate.folder,
        env: { ...process.env, HOME: gate.folder, PATH: [bin, ...path].join(delimiter) },
        timeout: 60_000,
      })
      return stdout
    },
    close: () => asked.close(),
  }
}
