import type { MintedJson } from '../../daemon/control-json.ts'
import { onLine } from '../../floor/printable.ts'
import { parseCaveat, printLimit } from '../../passes/caveat.ts'
import { inspect, narrow } from '../../passes/narrow.ts'
import { jsonLine } from '../log.ts'
import { wholeAboveZero } from '../whole-number.ts'
import {
  BAD_USAGE,
  type Command,
  done,
  FOLDER_OF_BOOKS,
  type Invocation,
  type Outcome,
} from './command.ts'
import { PASS_LIFE } from './pass-life.ts'
import { passGiven } from './pass-text.ts'

const CAVEATS =
  'A caveat is a limit or a condition: "spend <= 10 / day" (sats), "calls <= 100 / hour", "tokens <= 50000 / month", "model = llama*", "expires = 2027-01-01T00:00:00Z".'
const FROM_STDIN = 'the pass, <macaroon>:<secret>; - reads it from stdin'

export const pass: Command = {
  name: 'pass',
  does: 'Give passes away, look into them, make smaller ones, and end them.',
  more: 'A pass is an API key with credit: whoever has it can spend it.',
  examples: [
    ['PASS=$(satgate pass mint --sats 100)', 'a new pass with 100 sat of credit'],
    ['satgate pass narrow "$PASS" "spend <= 10 / day"', 'a pass for somebody else, from that one'],
    ['satgate pass narrow "$PASS" "only = spend"', 'an API key for the settings of an app'],
    ['satgate pass inspect "$PASS"', 'what a pass allows'],
    ['satgate pass revoke "$PASS"', 'end a pass, and every pass that was made from it'],
  ],
  commands: [
    {
      name: 'mint',
      does: 'Give a pass away: new credit that nobody paid for.',
      more: `The pass alone is printed on stdout. Its credit buys answers and never leaves the gate as sats. ${CAVEATS}`,
      examples: [
        ['PASS=$(satgate pass mint --sats 100)', 'a pass with 100 sat of credit'],
        ['satgate pass mint --sats 100 --caveat "spend <= 10 / day"', 'at most 10 sat of it a day'],
      ],
      flags: [
        { typed: '--sats <sats>', does: 'its credit, in whole sats', required: true },
        { typed: '--caveat <caveat...>', does: 'a limit or condition; can be repeated' },
      ],
      settings: FOLDER_OF_BOOKS,
      run: mint,
    },
    {
      name: 'inspect',
      does: 'Show what a pass allows. Needs no gate.',
      more: 'Without the gate nobody can tell whether the pass was paid for, or what is left of it: GET /v1/balance of its gate says that.',
      examples: [
        ['satgate pass inspect "$PASS"', 'its limits and conditions'],
        ['satgate pass inspect - < pass.txt', 'the pass is not seen in the list of processes'],
      ],
      words: [['<pass>', FROM_STDIN]],
      run: async ({ words: [given = ''], json }) => inspected(given, json),
    },
    {
      name: 'narrow',
      does: 'Make a smaller pass from a pass. Needs no gate.',
      more: `The new pass alone is printed on stdout. It spends from the same account, within its caveats. ${CAVEATS}`,
      examples: [
        ['satgate pass narrow "$PASS" "spend <= 10 / day"', 'at most 10 sat a day'],
        ['satgate pass narrow - "model = llama*" < pass.txt', 'one family of models'],
      ],
      words: [
        ['<pass>', FROM_STDIN],
        ['<caveats...>', 'what the new pass is limited to'],
      ],
      run: async ({ host, words: [given = '', ...caveats], json }) => {
        const wrong = wrongCaveat(caveats)
        if (wrong !== null) return bad(wrong)
        const id = Buffer.from(host.world.random(8)).toString('hex')
        const made = narrow(passGiven(given), caveats, id)
        if (!made.ok) return bad(made.error.detail)
        return done(json ? jsonLine({ pass: made.value }) : `${made.value}\n`)
      },
    },
    ...PASS_LIFE,
  ],
}

async function mint(invocation: Invocation): Promise<Outcome> {
  const [{ askBooks }, { tilde }] = await Promise.all([
    import('../ask-gate.ts'),
    import('../folder-status.ts'),
  ])
  const { sats, caveat } = invocation.flags
  const caveats = Array.isArray(caveat) ? caveat.map(String) : []
  const wrong = wrongCaveat(caveats)
  if (wrong !== null) return bad(wrong)
  const question = { ask: 'mint', sats: wholeAboveZero('--sats', sats), caveats } as const
  const { answer, unit, status } = await askBooks(invocation, question)
  const minted = answer as MintedJson
  const where = tilde(status.folder, invocation.host)
  const said = `${minted.amount_sat} ${unit} for account ${onLine(minted.account)}. Only the gate on ${where} takes this pass\n`
  return done(invocation.json ? jsonLine(minted) : `${onLine(minted.pass)}\n`, said)
}

/** What is wrong with the first invalid caveat. Null if all are valid. */
function wrongCaveat(caveats: readonly string[]): string | null {
  for (const text of caveats) {
    const caveat = parseCaveat(text)
    if (!caveat.ok) return `${JSON.stringify(onLine(text, 80))}: ${caveat.error.detail}`
  }
  return null
}

/** What a pass allows, without its secret. */
function inspected(given: string, json: boolean): Outcome {
  const found = inspect(passGiven(given))
  if (!found.ok) return bad(found.error.detail)
  const { hash, kind, caveats, limits, preimage } = found.value
  if (json) {
    const shown = {
      payment_hash: hash,
      root: kind === 'root',
      kind,
      caveats,
      limits: limits.map(printLimit),
    }
    return done(jsonLine({ ...shown, secret_is_preimage: preimage }))
  }
  const lines = [
    `payment hash  ${hash}`,
    `kind          ${KINDS[kind]}`,
    ...caveats.map(
      ({ text, problem }) =>
        `caveat        ${onLine(text)}${problem === null ? '' : `   (the gate refuses this pass: ${onLine(problem)})`}`,
    ),
  ]
  return done(`${lines.join('\n')}\n`)
}

const KINDS = {
  root: 'root pass: it may spend the whole account, and take money out',
  spending: 'spending key: it may spend the whole account, and take nothing out',
  narrowed: 'narrowed pass: it may spend what its caveats allow',
}

const bad = (detail: string): Outcome => ({
  code: BAD_USAGE,
  stdout: '',
  stderr: `satgate: ${onLine(detail)}\n`,
})
