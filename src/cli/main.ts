import { Command, CommanderError, Option } from 'commander'
import { flagsTable } from '../config/flags.ts'
import { type Loaded, type LoadInput, load } from '../config/load.ts'
import { onLine } from '../floor/printable.ts'
import { askBooks } from './books.ts'
import { checkCommand } from './check-command.ts'
import { configCommand, type Outcome, refused } from './config-command.ts'
import { runDemo } from './demo.ts'
import { Failed } from './failed.ts'
import { type Host, printing } from './host.ts'
import { earningsTable, type LedgerView, ledgerTable, verdict } from './ledger-command.ts'
import { jsonLine } from './lines.ts'
import { noCommand } from './no-command.ts'
import type { WalletQuestion } from './office.ts'
import { inspectPass, narrowPass } from './pass-command.ts'
import { startGate } from './run.ts'
import { endWhenLost, lostLine, untilStopped } from './stop.ts'
import { version } from './version.ts'
import { askWallet } from './wallet-at-rest.ts'
import { WALLET_EXAMPLES, walletOutcome } from './wallet-command.ts'

const EXAMPLES = `
Examples:
  satgate --upstream http://localhost:11434 --wallet play     a gate on your Ollama, with play money
  satgate demo                                                the whole story, no network, no wallet
  satgate --config satgate.yaml                               a gate as configured
  satgate pass mint --sats 100                                give a pass away
  satgate pass narrow PASS "spend <= 10 / day"                a smaller pass from a pass, offline
  satgate ledger verify                                       prove that the books balance
  satgate wallet balance                                      what was earned in ecash, and where it goes
`

/**
 * The program: arguments in, exit code out. 0 ok, 1 failed, 2 bad usage or config, 3 wallet or mint do
 * not answer, 4 refused.
 */
export async function main(given: Host): Promise<number> {
  const host = printing(given)
  endWhenLost(host)
  let code = 0
  const finish = (outcome: Outcome) => {
    host.stdout.write(outcome.stdout)
    host.stderr.write(outcome.stderr)
    code = outcome.code
  }
  const program = build(host, finish, (ended) => {
    code = ended
  })
  try {
    await program.parseAsync([...host.argv], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const told = error instanceof Failed
    host.stderr.write(told ? `satgate: ${error.message}\n` : lostLine(error))
    return told ? error.code : 1
  }
  return code
}

type Finish = (outcome: Outcome) => void

function build(host: Host, finish: Finish, ended: (code: number) => void): Command {
  const program = new Command('satgate')
    .description('Turns any OpenAI-compatible backend into a pay-per-token API.')
    .version(version(), '-v, --version')
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
      outputError: (text, write) =>
        write(host.argv.reduce((said, word) => said.replaceAll(word, onLine(word)), text)),
    })
    .exitOverride()
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText('before', EXAMPLES.trimStart())
    .allowExcessArguments()
    .action(async (flags: Flags, self: Command) => {
      const [unknown] = self.args
      if (unknown !== undefined) throw noCommand(unknown, self)
      ended(await serve(host, flags))
    })
  addSettings(program)
  const command = (name: string, description: string) =>
    addSettings(program.command(name).description(description).exitOverride())
  program.hook('preAction', (_, actionCommand) => inherit(actionCommand))
  program.option(...YES)
  command('run', 'Run the gate (the same as satgate alone).')
    .option(...YES)
    .action(async (flags: Flags) => ended(await serve(host, flags)))
  command('demo', 'The whole story with play money and a toy model, no network.').action(
    async (flags: Flags) =>
      ended(await runDemo(host, (extra) => loaded(host, { ...flags, ...extra }), flags)),
  )
  command('config', 'The resolved settings, where each came from, secrets masked.').action(
    (flags: Flags) => finish(configCommand(input(host, flags), { json: wantsJson(host, flags) })),
  )
  command('check', 'Validate a config: every mistake at once.')
    .argument('[file]', 'the file; without it the one that a run would take')
    .action((file: string | undefined, flags: Flags) =>
      finish(checkCommand(input(host, flags), { file, json: flags.json === true })),
    )
  addBooks(host, command, finish)
  addPasses(host, program, finish)
  addWallet(host, program, finish)
  return program
}

const YES = [
  '--yes',
  'start although invoices of a wallet that is configured no more may still be paid',
] as const

interface Flags {
  readonly json?: boolean
  readonly verbose?: boolean
  readonly [name: string]: unknown
}

/** Flags said before the command count as well: `satgate --data-dir X ledger`. */
function inherit(command: Command): void {
  for (let parent = command.parent; parent !== null; parent = parent.parent) {
    for (const [name, value] of Object.entries(parent.opts())) {
      // What is agreed to is said to the command that asks for it.
      if (name === 'yes' && command.name() !== 'run') continue
      if (command.getOptionValue(name) === undefined) command.setOptionValue(name, value)
    }
  }
}

/** Every setting's flag, as the settings table has it. */
function addSettings(command: Command): Command {
  command.option(
    '--config <path>',
    'the config file; else satgate.yaml, then satgate.json, if there',
  )
  for (const { flag, doc, later, negatable } of flagsTable) {
    const value = flag.kind === 'switch' ? '' : ` <${flag.value?.toLowerCase() ?? 'value'}>`
    const option = new Option(`${flag.name}${value}`, later ? `${doc} (no effect yet)` : doc)
    if (later) option.hideHelp()
    if (flag.kind === 'pair') {
      option.argParser((one: string, before: string[] | undefined) => [...(before ?? []), one])
    }
    command.addOption(option)
    if (negatable) command.addOption(new Option(`--no-${flag.name.slice(2)}`).hideHelp())
  }
  if (!command.options.some((option) => option.long === '--json')) {
    command.option('--json', 'JSON on stdout')
  }
  return command
}

type MakeCommand = (name: string, description: string) => Command

function addBooks(host: Host, command: MakeCommand, finish: Finish): void {
  const ask = async (flags: Flags, question: Parameters<typeof askBooks>[1]) =>
    askBooks(loaded(host, flags).config.dataDir, question, host.world)
  command('ledger', 'The books: accounts, holds, entries, or verify that they balance.')
    .argument('[view]', 'accounts | holds | entries | verify', 'accounts')
    .option('--limit <rows>', 'rows at most', '50')
    .action(async (view: string, { limit, ...flags }: Flags) => {
      const json = wantsJson(host, flags)
      if (view === 'verify') return finish(verdict(await ask(flags, { ask: 'verify' }), json))
      if (!isView(view)) throw new Failed(`ledger shows accounts, holds, entries or verify`, 2)
      const answer = await ask(flags, { ask: view, limit: rows(limit) })
      finish(shown(json ? jsonLine(answer) : ledgerTable(view, answer)))
    })
  command('earnings', 'What came in, by day, model and rail.').action(async (flags: Flags) => {
    const answer = await ask(flags, { ask: 'earnings' })
    finish(shown(wantsJson(host, flags) ? jsonLine(answer) : earningsTable(answer)))
  })
}

function addPasses(host: Host, program: Command, finish: Finish): void {
  const passes = program.command('pass').description('Mint, inspect and narrow passes.')
  passes.exitOverride()
  const sub = (name: string, description: string) =>
    addSettings(passes.command(name).description(description).exitOverride())
  sub('mint', 'Give a pass away: credit that never leaves as sats.')
    .requiredOption('--sats <sats>', 'credit, in sats')
    .option('--caveat <caveat...>', 'caveats it is born with, "spend <= 10 / day"')
    .action(async ({ sats, caveat, ...flags }: Flags) => {
      const caveats = Array.isArray(caveat) ? caveat.map(String) : []
      const question = { ask: 'mint', sats: rows(sats), caveats } as const
      const minted = await askBooks(loaded(host, flags).config.dataDir, question, host.world)
      const pass = (minted as { pass: string }).pass
      finish(shown(wantsJson(host, flags) ? jsonLine(minted) : `${onLine(pass)}\n`))
    })
  sub('inspect', 'What a pass allows; needs no gate. "-" reads it from stdin.')
    .argument('<pass>')
    .action((pass: string, flags: Flags) => finish(inspectPass(host, pass, wantsJson(host, flags))))
  sub('narrow', 'A smaller pass from a pass, offline. "-" reads the pass from stdin.')
    .argument('<pass>')
    .argument('<caveats...>', '"expires = 2026-12-31T00:00:00Z" "spend <= 10 / day"')
    .action((pass: string, caveats: string[], flags: Flags) =>
      finish(narrowPass(host, { pass, caveats, json: wantsJson(host, flags) })),
    )
}

function addWallet(host: Host, program: Command, finish: Finish): void {
  const wallet = program.command('wallet').description('The ecash wallet: look, take out, restore.')
  wallet.exitOverride().showSuggestionAfterError()
  wallet.addHelpText('before', WALLET_EXAMPLES.trimStart())
  const ask = async (question: WalletQuestion, flags: Flags) => {
    const { config } = loaded(host, flags)
    const told = (progress: string) => host.stderr.write(`  ${onLine(progress)}\n`)
    const answer = await askWallet(question, { config, world: host.world, told })
    finish(walletOutcome(question, answer, wantsJson(host, flags)))
  }
  const sub = (name: string, description: string, isDefault = false) =>
    addSettings(wallet.command(name, { isDefault }).description(description).exitOverride())
  const yes = ['--yes', 'do it even if buyers are owed that money'] as const
  sub('balance', 'What is held, what is owed to buyers, what can leave.', true)
    .allowExcessArguments()
    .action(async (flags: Flags, self: Command) => {
      const [unknown] = self.args
      if (unknown !== undefined) throw noCommand(unknown, wallet)
      await ask({ do: 'balance' }, flags)
    })
  sub('withdraw', 'Pay an invoice or a Lightning address.')
    .argument('<to>', 'lnbc… or you@domain')
    .option('--sats <sats>', 'for an address; without it all that may leave')
    .option(...yes)
    .action((to: string, { sats, yes, ...flags }: Flags) =>
      ask({ do: 'withdraw', to, sat: orAll(sats), yes: yes === true }, flags),
    )
  sub('confirm', 'The first payout has arrived.').action((flags: Flags) =>
    ask({ do: 'confirm' }, flags),
  )
  sub('export', 'Take ecash out as a token.')
    .option('--sats <sats>', 'without it all that may leave')
    .option('--again', 'show tokens that left before and that nobody has taken')
    .option(...yes)
    .action(({ sats, again, yes, ...flags }: Flags) =>
      again === true
        ? ask({ do: 'exports' }, flags)
        : ask({ do: 'export', sat: orAll(sats), yes: yes === true }, flags),
    )
  sub('restore', 'Take stock at the mints: after a lost file, or when the seed was used elsewhere.')
    .option('--yes', 'go on without a mint that does not answer')
    .action(({ yes, ...flags }: Flags) => ask({ do: 'restore', yes: yes === true }, flags))
}

const orAll = (sats: unknown): number | null => (sats === undefined ? null : rows(sats))

async function serve(host: Host, flags: Flags): Promise<number> {
  const settings = loaded(host, flags)
  const { format } = settings.config.log
  const json = format === 'json' || (format === 'auto' && !host.stdout.terminal)
  const portChosen = settings.settings.get('port')?.at.layer !== 'default'
  const running = await startGate(host, settings, { json, portChosen, yes: flags.yes === true })
  return untilStopped(host, running, {
    graceMs: settings.config.timeouts.shutdownMs,
    stopping() {
      if (!json) host.stderr.write('\n  stopping: streams finish first; once more to end at once\n')
    },
  })
}

function input(host: Host, flags: Flags): LoadInput {
  const { cwd, env, home, readFile } = host
  return { flags: settingsOnly(flags), env, cwd, home, readFile }
}

/** Flags that are settings, and where the file is. `--json` is a setting on `run` alone. */
function settingsOnly(flags: Flags): Flags {
  const known = new Set(['config', ...flagsTable.map((row) => row.attribute)])
  return Object.fromEntries(Object.entries(flags).filter(([name]) => known.has(name)))
}

function loaded(host: Host, flags: Flags): Loaded {
  const result = load(input(host, flags))
  if (result.ok) return result.value
  const { stderr, code } = refused(result.error)
  throw new Failed(`this config does not start:\n${stderr.trimEnd()}`, code)
}

/** Tables on a terminal and JSON when piped. */
const wantsJson = (host: Host, flags: Flags): boolean =>
  flags.json === true || !host.stdout.terminal

const VIEWS = ['accounts', 'holds', 'entries']
const isView = (view: string): view is LedgerView => VIEWS.includes(view)

function rows(value: unknown): number {
  const count = Number(value)
  if (Number.isSafeInteger(count) && count > 0) return count
  throw new Failed(`${onLine(String(value))} is not a whole number above 0`, 2)
}

const shown = (stdout: string): Outcome => ({ code: 0, stdout, stderr: '' })
