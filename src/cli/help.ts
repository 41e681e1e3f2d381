import { type FlagRow, flagsTable } from '../config/flags.ts'
import { FLAG_GROUPS } from '../config/setting.ts'
import type { Out } from '../daemon/host.ts'
import type { Command, HelpRow } from './commands/command.ts'
import { hang, inkOf, widthOf } from './terminal.ts'

/** Columns of a help without a terminal, and at most on a wide one. */
const USUAL = 80
const WIDEST = 120

const CONFIG: HelpRow = [
  '--config <path>',
  'the config file (default: satgate.yaml, else satgate.json, of this folder)',
]
const DATA_DIR: HelpRow = [
  '--data-dir <path>',
  'the folder of books, keys and ecash (default: ~/.satgate, or ~/.satgate-play with play money)',
]
const JSON_FLAG: HelpRow = ['--json', 'print JSON']
const HELP: HelpRow = ['-h, --help', 'print this help']
const VERSION: HelpRow = ['-v, --version', 'print the version']

/** A heading and the lines under it. */
type Section = readonly [heading: string, lines: readonly HelpRow[]]

/**
 * The `--help` of a command: what it does, how it is used, examples, then its own flags. Commands
 * that start a gate list the flags of the gate. The others say in one line where to find them.
 */
export function helpText(
  command: Command,
  path: readonly string[],
  out: Pick<Out, 'colour' | 'columns'>,
): string {
  const ink = inkOf(out)
  const width = Math.min(WIDEST, widthOf(out) ?? USUAL)
  const name = path.join(' ')
  const { examples = [] } = command
  const sections = sectionsOf(command)
  const column = columnOf(
    sections.flatMap(([, lines]) => lines),
    width,
  )
  const section = ([heading, lines]: Section, column: number): string[] =>
    lines.length === 0
      ? []
      : [`${ink.bold(`${heading}:`)}\n${rows(lines, column, width).join('\n')}`]
  const blocks = [
    hang('', command.does, width),
    usages(command, name)
      .map((usage, at) => `${at === 0 ? ink.bold('Usage:') : '      '} ${usage}`)
      .join('\n'),
    ...section(['Examples', examples], columnOf(examples, width)),
    ...(command.more === undefined ? [] : [hang('', command.more, width)]),
    ...sections.flatMap((one) => section(one, column)),
    hang('', lastWords(command, name), width),
  ]
  return `${blocks.join('\n\n')}\n`
}

/** It starts a gate, so the flags of the gate are its own. */
const starts = ({ name }: Command): boolean => name === 'satgate' || name === 'run'

function usages({ name, commands, words = [], standard }: Command, path: string): string[] {
  if (name === 'satgate') return [`${path} [flags]`, `${path} <command> [flags]`]
  if (commands !== undefined) {
    return [`${path} ${standard === undefined ? '<command>' : '[command]'} [flags]`]
  }
  return [[path, ...words.map(([typed]) => typed), '[flags]'].join(' ')]
}

function sectionsOf(command: Command): Section[] {
  const { words = [], commands = [], flags = [] } = command
  const own = flags.map(({ typed, does, required }): HelpRow => {
    return [typed, required === true ? `${does} (required)` : does]
  })
  const listed = commands.map(({ name, does }): HelpRow => [name, does])
  const first: Section[] = [
    ['Arguments', words],
    ['Commands', listed],
  ]
  if (!starts(command)) {
    const gates = command.showsSettings === true ? gateLines(command) : []
    return [...first, ['Flags', [...own, ...gates, CONFIG, DATA_DIR, JSON_FLAG, HELP]]]
  }
  const groups = FLAG_GROUPS.map((group): Section => [group, gateLines(command, group)])
  const rest = command.name === 'satgate' ? [HELP, VERSION] : [HELP]
  return [...first, ...groups, ['Other flags', [CONFIG, DATA_DIR, ...own, ...rest]]]
}

/** The flags of the gate that a command takes, as far as they are shown. */
function gateLines({ settings = [] }: Command, group?: string): HelpRow[] {
  const rows = flagsTable.filter(({ key }) => settings === 'all' || settings.includes(key))
  return rows.flatMap(({ flag, negatable }) => {
    if (flag.help === undefined || (group ?? flag.help[0]) !== flag.help[0]) return []
    const typed = `${typedOf(flag)}${negatable ? `, --no-${flag.name.slice(2)}` : ''}`
    return [[typed, flag.help[1]] as const]
  })
}

/** A flag of the settings as commander is told of it: `--upstream <url>`. */
export const typedOf = ({ name, kind, value = 'value' }: FlagRow['flag']): string =>
  kind === 'switch' ? name : `${name} <${value.toLowerCase()}>`

function lastWords(command: Command, path: string): string {
  if (starts(command)) {
    return 'Settings without a flag are written in the config file: docs/configuration.md lists them. What a gate would use: satgate config'
  }
  const own = command.commands === undefined ? '' : `Flags of a command: ${path} <command> --help. `
  const all = 'Flags of the gate: satgate run --help'
  return command.settings === 'all' ? `It takes the flags of the gate too. ${all}` : `${own}${all}`
}

/**
 * The column where the second part of the rows begins. Longer first parts have a line of their own.
 */
const FARTHEST = 0.6

function columnOf(lines: readonly HelpRow[], width: number): number {
  const lengths = lines.map(([typed]) => typed.length)
  return Math.max(8, ...lengths.filter((length) => length <= width * FARTHEST))
}

const rows = (lines: readonly HelpRow[], column: number, width: number): string[] =>
  lines.map(([typed, does]) =>
    typed.length <= column
      ? hang(`  ${typed.padEnd(column)}  `, does, width)
      : `  ${typed}\n${hang(' '.repeat(6), does, width)}`,
  )
