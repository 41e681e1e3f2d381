import { Failed } from '../daemon/failed.ts'
import { nearest } from '../floor/nearest.ts'

/** Commands that people look for and that this version does not have. */
const LATER = [
  ...['init', 'doctor', 'requests', 'price', 'backup', 'restore', 'announce'],
  ...['connect', 'mcp'],
]

/** The part of a commander program that is looked at. */
interface Program {
  readonly parent: unknown
  name(): string
  readonly commands: readonly { name(): string }[]
}

/** The message for a command that does not exist. */
export function noCommand(name: string, program: Program): Failed {
  if (LATER.includes(name)) {
    return new Failed(`satgate ${name} is not in this version yet`, 2)
  }
  const near = nearest(
    name,
    program.commands.map((command) => command.name()),
  )
  const meant = near === null ? '.' : `; did you mean ${near}?`
  const self = program.parent === null ? 'satgate' : `satgate ${program.name()}`
  return new Failed(`there is no command ${JSON.stringify(name)}${meant} See ${self} --help`, 2)
}
