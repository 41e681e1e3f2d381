import { Option, type Command as Parser } from 'commander'
import { type FlagRow, flagsTable } from '../config/flags.ts'
import { Failed } from '../daemon/failed.ts'
import type { Command, Flags } from './commands/command.ts'
import { typedOf } from './help.ts'

/** Adds the command's own flags, those of its standard subcommand, and those of the gate. */
export function addFlags(parser: Parser, command: Command): void {
  const all = [command, ...(command.standard === undefined ? [] : (command.commands ?? []))]
  for (const one of all.flatMap(({ flags = [] }) => flags)) {
    const option = new Option(one.typed, one.does)
    const known = parser.options.some(({ long }) => long === option.long)
    if (!known) parser.addOption(option.makeOptionMandatory(one.required === true))
  }
  parser.option('--config <path>')
  for (const row of flagsTable) {
    const { flag, negatable, attribute } = row
    // Each command parses all of them, so that the message can name one that the command does not
    // take.
    const option = new Option(typedOf(flag))
    if (flag.kind === 'pair') {
      option.argParser((one: string, before: string[] | undefined) => [...(before ?? []), one])
    }
    // A flag that the command refuses, or that has no effect yet, is not proposed for a typo.
    const proposed = ALWAYS.includes(attribute) || (flag.help !== undefined && takes(command, row))
    parser.addOption(option.hideHelp(!proposed))
    if (negatable) parser.addOption(new Option(`--no-${flag.name.slice(2)}`).hideHelp(!proposed))
  }
}

/** The flags that were typed, also before the command: `satgate --data-dir X ledger`. */
export function flagsOf(self: Parser, command: Command, path: string): Flags {
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

/** Refuses a flag that has no meaning for the command. Otherwise it would be ignored silently. */
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
