import { CommanderError, Option, Command as Parser } from 'commander'
import { type FlagRow, flagsTable } from '../config/flags.ts'
import { Failed } from '../daemon/failed.ts'
import type { Host } from '../daemon/host.ts'
import { version } from '../daemon/version.ts'
import { onLine } from '../floor/printable.ts'
import type { Command, Flags, Outcome } from './commands/command.ts'
import { helpText, typedOf } from './help.ts'
import { noCommand } from './no-command.ts'

/** A command that was typed: what it is, and all that was typed with it. */
export interface Typed {
  readonly command: Command
  readonly words: readonly string[]
  readonly flags: Flags
}

/** Runs what was typed; prints help, the version and what is wrong with the typing. Gives the exit code. */
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
  // Commander prints the help of a group also where a command was named that the group does not have.
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

/** Its own flags, those of its subcommands if one is meant without being named, and the gate's. */
function addFlags(parser: Parser, command: Command): void {
  const all = [command, ...(command.standard === undefined ? [] : (command.commands ?? []))]
  for (const one of all.flatMap(({ flags = [] }) => flags)) {
    const option = new Option(one.typed, one.does)
    const known = parser.options.some(({ long }) => long === option.long)
    if (!known) parser.addOption(option.makeOptionMandatory(one.required === true))
  }
  parser.option('--config <path>')
  for (const row of flagsTable) {
    const { flag, negatable, attribute } = row
    // Every command reads them, so that one that means nothing to it is named in the message.
    const option = new Option(typedOf(flag))
    if (flag.kind === 'pair') {
      option.argParser((one: string, before: string[] | undefined) => [...(before ?? []), one])
    }
    // What it would refuse, and what has no effect yet, is not proposed for a slip of the finger.
    const proposed = ALWAYS.includes(attribute) || (flag.help !== undefined && takes(command, row))
    parser.addOption(option.hideHelp(!proposed))
    if (negatable) parser.addOption(new Option(`--no-${flag.name.slice(2)}`).hideHelp(!proposed))
  }
}

/** What was typed for flags, before the command as well: `satgate --data-dir X ledger`. */
function flagsOf(self: Parser, command: Command, path: string): Flags {
  const flags: Record<string, unknown> = {}
  for (let parser: Parser | null = self; parser !== null; parser = parser.parent) {
    for (const option of parser.options) {
      const name = option.attributeName()
      if (parser.getOptionValueSource(name) !== 'cli' || Object.hasOwn(flags, name)) continue
      const value: unknown = parser.getOptionValue(name)
      const typed = value === false ? `--no-${option.long?.slice(2)}` : `${option.long}`
      refuseUseless(typed, { option: name, parser, self, command, path })
      flags[name] = value
    }
  }
  return flags
}

interface Found {
  readonly option: string
  /** Where it was typed. */
  readonly parser: Parser
  readonly self: Parser
  readonly command: Command
  readonly path: string
}

/** A flag that means nothing to a command is a mistake: it would go unseen. */
function refuseUseless(typed: string, { option, parser, self, command, path }: Found): void {
  if (option === 'config') return
  const row = flagsTable.find(({ attribute }) => attribute === option)
  if (row !== undefined) {
    if (takes(command, row)) return
    throw new Failed(
      `${path} does not take ${typed}, which is a setting of the gate. Leave it out here; satgate run takes it`,
      2,
    )
  }
  if (parser === self) return
  const own = command.flags?.some((flag) => flag.typed.startsWith(typed)) === true
  if (own && parser.parent !== null) return
  const fix = own ? `write it after the command: ${path} ${typed}` : `leave it out`
  throw new Failed(`${path} does not take ${typed} here: ${fix}`, 2)
}

const ALWAYS = ['dataDir', 'json']

const takes = ({ settings = [] }: Command, { attribute, key }: FlagRow): boolean =>
  ALWAYS.includes(attribute) || settings === 'all' || settings.includes(key)

const isAccount = ({ typed }: { readonly typed: string }) => typed.startsWith('--account ')

/** A word where none belongs: mostly a command that is not there. */
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

/** What commander says, safe to print: it repeats what was typed. */
function toPeople(text: string, { argv }: Host): string {
  const safe = argv.reduce((said, word) => said.replaceAll(word, onLine(word)), text)
  return safe.replace(/^error: /, 'satgate: ')
}
