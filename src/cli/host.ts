import { homedir } from 'node:os'
import { readLocalFile } from '../config/files.ts'
import type { Host, Out } from '../daemon/host.ts'
import { printable, printableInInk } from '../floor/printable.ts'
import { realWorld } from '../floor/real-world.ts'
import type { World } from '../floor/world.ts'
import { askPerson } from './ask-person.ts'

/** The same host, on whose output no control character of somebody else appears (threats J22). */
export function printing(host: Host): Host {
  const safe = (out: Out): Out => {
    const clean = out.colour ? printableInInk : printable
    return { ...out, write: (text, taken) => out.write(clean(text), taken) }
  }
  return { ...host, stdout: safe(host.stdout), stderr: safe(host.stderr) }
}

/** The host of this process. */
export function thisHost(): Host {
  const { env } = process
  const world = realWorld()
  // If the reader of our output is gone, the gate must still serve those who paid.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const out = (stream: NodeJS.WriteStream): Out => ({
    write: (text, taken) => {
      if (stream.writable) stream.write(text, (error) => taken?.(!error))
      else taken?.(false)
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
      // A closing terminal sends SIGHUP twice, from kernel and shell. The second must not end the
      // process.
      process.on('SIGHUP', () => {})
    },
    onLost: (told) => {
      process.removeAllListeners('uncaughtException')
      // Unhandled rejections come here as well.
      process.on('uncaughtException', (error) => told(error))
    },
    exit: (code) => process.exit(code),
    onExit: (last) => {
      process.once('exit', last)
    },
  }
}

const askHere = (world: World) => (question: string) =>
  askPerson(world, question, { input: process.stdin, output: process.stderr })
