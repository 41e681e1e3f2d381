import { CommanderError, Command as Parser } from 'commander'
import { Failed } from '../daemon/failed.ts'
import type { Host } from '../daemon/host.ts'
import { version } from '../daemon/version.ts'
import { onLine } from '../floor/printable.ts'
import type { Command, Flags, Outcome } from './commands/command.ts'
import { addFlags, flagsOf } from './gate-flags.ts'
import { helpText } from './help.ts'
import { noCommand } from './no-command.ts'

/** A command that was typed: what it is, and all that was typed with it. */
export interface Typed {
  readonly command: Command
  readonly words: readonly string[]
  readonly flags: Flags
}

/** Parses and runs a command, or prints help, version or the mistake. Returns the exit code. */
export async function parse(
  root: Command,
  host: Host,
  run: (typed: Typed) => Promise<Outcome | number>,
): Promise<number> {
  let code = 0
  const program = parserOf(root, [], host, async (typed) => {
    const ended = await run(typed)
    if (typeof ended === 'number') code = ended
    else {
      host.stdout.write(ended.stdout)
      host.stderr.write(ended.stderr)
      code = ended.code
    }
  })
  try {
    await program.parseAsync([...host.argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
}

function parserOf(
  command: Command,
  above: readonly string[],
  host: Host,
  run: (typed: Typed) => Promise<void>,
): Parser {
  const path = [...above, command.name]
  const parser = new Parser(command.name)
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
      getOutHasColors: () => host.stdout.colour,
      getErrHasColors: () => host.stderr.colour,
      outputError: (text, write) => write(toPeople(text, host)),
    })
    .configureHelp({ formatHelp: () => helpText(command, path, host.stdout) })
    .showHelpAfterError(`${path.join(' ')} --help shows how it is used.`)
    .exitOverride()
    .enablePositionalOptions()
  if (above.length === 0) parser.version(version(), '-v, --version')
  for (const [typed] of command.words ?? []) parser.argument(typed)
  addFlags(parser, command)
  for (const one of command.commands ?? []) {
    const isDefault = one.name === command.standard
    parser.addCommand(parserOf(one, path, host, run), { isDefault })
  }
  if (command.commands !== undefined) parser.helpCommand(true)
  if (command.words === undefined) parser.allowExcessArguments()
  // Commander prints the help of a group also where a command was named that the group does not
  // have.
  parser.on('beforeHelp', () => {
    const [first, second] = parser.args
    const named = first === 'help' ? second : first
    if (command.commands === undefined || named === undefined) return
    if (!named.startsWith('-')) throw noCommand(named, parser)
  })
  parser.action(async (...given: unknown[]) => {
    const self = given.at(-1) as Parser
    const [stray] = self.args
    if (command.words === undefined && stray !== undefined) throw notTaken(stray, self, command)
    if (command.run === undefined) return self.help({ error: true })
    await run({ command, words: self.args, flags: flagsOf(self, command, path.join(' ')) })
  })
  return parser
}

const isAccount = ({ typed }: { readonly typed: string }) => typed.startsWith('--account ')

/** A word that no argument takes. Mostly it is meant as a command. */
function notTaken(word: string, self: Parser, command: Command): Failed {
  if (command.commands !== undefined || self.parent === null) return noCommand(word, self)
  if (/^[0-9a-f]{4,64}$/.test(word) && command.flags?.some(isAccount) === true) {
    const typed = `satgate ${self.parent.name()} ${command.name} --account ${word}`
    return new Failed(`an account is named by its flag: ${typed}`, 2)
  }
  // Below a group it may be meant as another command of the group.
  if (self.parent.parent !== null) return noCommand(word, self.parent)
  const said = JSON.stringify(onLine(word))
  return new Failed(`satgate ${command.name} takes flags only, not ${said}`, 2)
}

/** Makes commander's message safe to print, because it repeats what was typed. */
function toPeople(text: string, { argv }: Host): string {
  const safe = argv.reduce((said, word) => said.replaceAll(word, onLine(word)), text)
  return safe.replace(/^error: /, 'satgate: ')
}
