import { homedir } from 'node:os'
import { readLocalFile } from '../config/files.ts'
import type { Host, Out } from '../daemon/host.ts'
import { printable, printableInInk } from '../floor/printable.ts'
import { realWorld } from '../floor/real-world.ts'
import type { World } from '../floor/world.ts'
import { askPerson } from './ask-person.ts'

/** Whatever a command prints, and whoever wrote it: nothing in it is raw (threats J22). */
export function printing(host: Host): Host {
  const safe = (out: Out): Out => {
    const clean = out.colour ? printableInInk : printable
    return { ...out, write: (text) => out.write(clean(text)) }
  }
  return { ...host, stdout: safe(host.stdout), stderr: safe(host.stderr) }
}

/** This process's own. */
export function thisHost(): Host {
  const { env } = process
  const world = realWorld()
  // Whoever read what we print has gone: no reason to stop serving those who paid.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const out = (stream: NodeJS.WriteStream): Out => ({
    write: (text) => {
      if (stream.writable) stream.write(text)
    },
    terminal: stream.isTTY === true,
    colour: stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
    columns: () => (stream.isTTY === true ? stream.columns || null : null),
  })
  return {
    argv: process.argv.slice(2),
    env,
    cwd: process.cwd(),
    home: homedir(),
    world,
    stdout: out(process.stdout),
    stderr: out(process.stderr),
    readFile: readLocalFile,
    ask: process.stdin.isTTY && process.stderr.isTTY ? askHere(world) : null,
    onStop: (stop) => {
      process.once('SIGINT', stop)
      process.once('SIGTERM', stop)
      process.once('SIGHUP', stop)
      // A terminal that closes sends it twice, from the kernel and from the shell: no second meaning.
      process.on('SIGHUP', () => {})
    },
    onLost: (told) => {
      process.removeAllListeners('uncaughtException')
      // Rejections that nobody handles come here as well.
      process.on('uncaughtException', (error) => told(error))
    },
    exit: (code) => process.exit(code),
  }
}

const askHere = (world: World) => (question: string) =>
  askPerson(world, question, { input: process.stdin, output: process.stderr })
