import type { PassQuestion, RevokedJson } from '../../daemon/control-passes.ts'
import { onLine } from '../../floor/printable.ts'
import { jsonLine } from '../log.ts'
import { wholeAboveZero } from '../whole-number.ts'
import { type Command, done, FOLDER_OF_BOOKS, type Invocation, type Outcome } from './command.ts'
import { inSats } from './ledger-tables.ts'
import { passesTable, passTable } from './pass-tables.ts'
import { macaroonGiven, passGiven } from './pass-text.ts'

const TARGET = 'the pass (- reads it from stdin), the name of an account, or that of a prefix'

/** The commands about the life of a pass. They ask the gate, and never send a secret to it. */
export const PASS_LIFE: readonly Command[] = [
  {
    name: 'list',
    does: 'List the passes of all accounts: when they were used, and what is left.',
    more: 'A pass that was narrowed by its holder is not in the list: nobody tells the gate of it.',
    examples: [
      ['satgate pass list', 'those of the newest accounts'],
      ['satgate pass list --account a1b2c3d4', 'those of one account'],
    ],
    flags: [
      { typed: '--account <name>', does: 'only this account: its name, or 4 or more digits of it' },
      { typed: '--limit <rows>', does: 'rows at most (default: 50)' },
    ],
    settings: FOLDER_OF_BOOKS,
    run: list,
  },
  {
    name: 'show',
    does: 'Show what a pass allows, what is left of its limits, and what its account has.',
    more: 'Also what its owner may withdraw, from which wallet or mint.',
    examples: [
      ['satgate pass show "$PASS"', 'its caveats, limits and balance'],
      ['satgate pass show a1b2c3d4', 'an account and its passes'],
    ],
    words: [['<pass>', 'the pass (- reads it from stdin), or the name of an account']],
    settings: FOLDER_OF_BOOKS,
    async run(invocation) {
      const what = targetOf(invocation.words[0])
      const { answer, unit } = await ask(invocation, { do: 'show', what })
      return done(invocation.json ? jsonLine(answer) : passTable(answer as never, unit))
    },
  },
  {
    name: 'revoke',
    does: 'End a pass, and every pass that was made from it.',
    more: 'It is refused at its next request; an answer that is running goes on to its end. With the name of an account all passes of it end. The name of a prefix, as satgate pass show prints it, ends every pass that begins with it.',
    examples: [
      ['satgate pass revoke "$PASS"', 'this pass and its children'],
      ['satgate pass revoke a1b2c3d4 --yes', 'all passes of an account, although it has credit'],
    ],
    words: [['<pass>', TARGET]],
    flags: [{ typed: '--yes', does: 'do it even if nobody can reach the credit afterwards' }],
    settings: FOLDER_OF_BOOKS,
    run: revoke,
  },
  {
    name: 'rotate',
    does: 'Make a new root pass for an account, and end all its other passes.',
    more: 'The new pass alone is printed on stdout. With --url any gate is asked, as its buyer; without it, the one on the data folder.',
    examples: [
      ['NEW=$(satgate pass rotate "$PASS" --url https://llm.example.com)', 'a pass that leaked'],
      ['satgate pass rotate - < pass.txt', 'at the own gate'],
    ],
    words: [['<pass>', 'the root pass, <macaroon>:<secret>; - reads it from stdin']],
    flags: [{ typed: '--url <url>', does: 'the address of the gate that sold the pass' }],
    settings: FOLDER_OF_BOOKS,
    run: rotate,
  },
]

async function list(invocation: Invocation): Promise<Outcome> {
  const { account = null, limit = 50 } = invocation.flags
  const { answer, unit } = await ask(invocation, {
    do: 'list',
    limit: wholeAboveZero('--limit', limit),
    account: account === null ? null : String(account),
  })
  if (invocation.json) return done(jsonLine(answer))
  const rows = answer as readonly never[]
  return rows.length === 0 ? done('', 'There are no passes yet.\n') : done(passesTable(rows, unit))
}

async function revoke(invocation: Invocation): Promise<Outcome> {
  const what = targetOf(invocation.words[0])
  const yes = invocation.flags.yes === true
  const { answer, unit } = await ask(invocation, { do: 'revoke', what, yes })
  const { account, balance_msat: left, revoked } = answer as RevokedJson
  const code = revoked ? 0 : LOSES_MONEY
  if (invocation.json) return { code, stdout: jsonLine(answer), stderr: '' }
  if (revoked) return done('', 'It has ended, with every pass that was made from it.\n')
  const said = `${inSats(left ?? 0)} ${unit} are on account ${onLine(account ?? '')}, and nobody may reach them without this pass. satgate pass rotate makes a new one; --yes ends it all the same`
  return { code, stdout: '', stderr: `satgate: ${said}\n` }
}

/** The exit code of what would lose money without `--yes`. */
const LOSES_MONEY = 4

async function rotate(invocation: Invocation): Promise<Outcome> {
  const { url } = invocation.flags
  const given = invocation.words[0] ?? ''
  if (url !== undefined) {
    const { rotateAt } = await import('./rotate-at.ts')
    const pass = await rotateAt(String(url), passGiven(given), invocation.host.world)
    return done(invocation.json ? jsonLine({ pass }) : `${onLine(pass)}\n`, ENDED)
  }
  const { answer } = await ask(invocation, { do: 'rotate', what: macaroonGiven(given) })
  const { pass } = answer as { readonly pass: string }
  return done(invocation.json ? jsonLine(answer) : `${onLine(pass)}\n`, ENDED)
}

const ENDED = 'All other passes of the account have ended. Keep this one: it is not shown again\n'

async function ask(invocation: Invocation, what: PassQuestion) {
  const { askBooks } = await import('../ask-gate.ts')
  return askBooks(invocation, { ask: 'passes', what })
}

/** A pass without its secret, or the name of an account or a prefix. */
const targetOf = (given = ''): string =>
  /^[0-9a-fA-F]{4,64}$/.test(given) ? given.toLowerCase() : macaroonGiven(given)
