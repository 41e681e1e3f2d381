import type { WalletQuestion } from '../../daemon/control-handlers.ts'
import { Failed } from '../../daemon/failed.ts'
import { widthOf } from '../terminal.ts'
import { wholeAboveZero } from '../whole-number.ts'
import {
  BAD_USAGE,
  type Command,
  type Flags,
  FOLDER_OF_BOOKS,
  type Invocation,
  type Outcome,
} from './command.ts'

const YES = { typed: '--yes', does: 'do it even if buyers are owed that money' }

/** The settings of the ecash wallet that have a flag. */
const SETTINGS = [...FOLDER_OF_BOOKS, 'payout']

const sub = (
  command: Omit<Command, 'run' | 'settings'>,
  question: (flags: Flags, words: readonly string[]) => WalletQuestion,
  /** Asked first. Null goes on with the question. */
  instead: (invocation: Invocation) => Promise<Outcome | null> = async () => null,
): Command => ({
  ...command,
  settings: SETTINGS,
  run: async (invocation) =>
    (await instead(invocation)) ?? ask(question(invocation.flags, invocation.words), invocation),
})

export const wallet: Command = {
  name: 'wallet',
  does: 'Look into the ecash wallet, and take money out of it.',
  more: 'Until you take it out, the mint holds the sats behind the ecash. With --payout you@domain the gate sends them on by itself.',
  examples: [
    ['satgate wallet test', 'whether each wallet works, and what it can do'],
    ['satgate wallet', 'what it holds, what buyers are owed, and the state of payouts'],
    ['satgate wallet withdraw you@domain', 'send all that may leave to a Lightning address'],
    ['satgate wallet export --sats 1000', 'take ecash out as a token'],
  ],
  standard: 'balance',
  settings: SETTINGS,
  commands: [
    sub(
      {
        name: 'balance',
        does: 'Show what it holds, what buyers are owed, and what may leave.',
        more: 'Money that buyers paid in and have not spent is owed to them; it stays unless you say --yes.',
        examples: [
          ['satgate wallet balance', 'in sats, by mint'],
          ['satgate wallet balance --json', 'for programs'],
        ],
      },
      () => ({ do: 'balance' }),
    ),
    {
      name: 'test',
      does: 'Make and look up a small invoice of each wallet, and show what it can do.',
      more: 'Works for every kind of wallet, and for each mint. The exit code is 3 if one does not work.',
      examples: [
        ['satgate wallet test', 'can it be paid, how much can arrive, who holds the money'],
        ['satgate wallet test --json', 'for programs'],
      ],
      settings: SETTINGS,
      run: test,
    },
    sub(
      {
        name: 'withdraw',
        does: 'Pay a Lightning address or an invoice from the wallet.',
        examples: [
          ['satgate wallet withdraw you@domain', 'all that may leave'],
          ['satgate wallet withdraw you@domain --sats 500', 'a part of it'],
          ['satgate wallet withdraw lnbc…', 'pay an invoice'],
        ],
        words: [['<to>', 'a Lightning address (you@domain) or an invoice (lnbc…)']],
        flags: [
          {
            typed: '--sats <sats>',
            does: 'how much to send to an address; without it all that may leave',
          },
          YES,
        ],
      },
      ({ sats, yes }, [to = '']) => ({ do: 'withdraw', to, sat: orAll(sats), yes: yes === true }),
    ),
    sub(
      {
        name: 'confirm',
        does: 'Say that the first payout has arrived, or what else only you can know.',
        more: 'The first payout to an address is small. After you confirm it, earnings go there by themselves. Of payments in dollars (x402) the gate believes only a transaction that its own settlement returned. If a facilitator never tells it, you look at the chain and say so here.',
        examples: [
          ['satgate wallet confirm', 'after you saw the first payout in your wallet'],
          ['satgate wallet confirm --withdrawals', 'what is off since a backup was restored'],
          ['satgate wallet confirm --payments', 'payments in dollars whose end nobody knows'],
          [
            'satgate wallet confirm --payments 1a2b3c4d --transaction 0x…',
            'what it would do; with --yes it does it',
          ],
        ],
        flags: [
          {
            typed: '--withdrawals',
            does: 'say instead that buyers may withdraw again after a backup was restored',
          },
          {
            typed: '--payments [id]',
            does: 'list the payments in dollars whose end nobody knows, or show one',
          },
          {
            typed: '--transaction <hash>',
            does: 'with --payments ID: the payment arrived by this transaction, which you saw on the chain',
          },
          {
            typed: '--yes',
            does: 'with --withdrawals: even if a buyer could withdraw twice; with --transaction: do it',
          },
        ],
      },
      () => ({ do: 'confirm' }),
      async (invocation) => {
        const { payments, transaction, withdrawals } = invocation.flags
        if (payments !== undefined) {
          const { confirmPayments } = await import('./confirm-payments.ts')
          return confirmPayments(invocation)
        }
        if (transaction !== undefined) {
          throw new Failed('--transaction needs --payments ID', BAD_USAGE)
        }
        if (withdrawals !== true) return null
        const { allowWithdrawals } = await import('./allow-withdrawals.ts')
        return allowWithdrawals(invocation)
      },
    ),
    sub(
      {
        name: 'export',
        does: 'Take ecash out as a token, which any Cashu wallet takes.',
        more: 'The tokens alone are printed on stdout, each on a line. Whoever has a token has its money.',
        examples: [
          ['satgate wallet export --sats 1000', 'a token of 1,000 sat'],
          ['satgate wallet export', 'all that may leave'],
          ['satgate wallet export --again', 'tokens that were exported and that nobody has taken'],
        ],
        flags: [
          { typed: '--sats <sats>', does: 'how much; without it all that may leave' },
          { typed: '--again', does: 'show earlier tokens again that nobody has taken yet' },
          YES,
        ],
      },
      ({ sats, again, yes }) =>
        again === true ? { do: 'exports' } : { do: 'export', sat: orAll(sats), yes: yes === true },
    ),
    sub(
      {
        name: 'restore',
        does: 'Find the coins of the seed again, by asking the mints.',
        more: 'Needed if the file of coins was lost, or if the seed was used elsewhere. It can take minutes.',
        examples: [['satgate wallet restore', 'asks every mint of the wallet']],
        flags: [
          {
            typed: '--yes',
            does: 'go on without a mint that does not answer; afterwards: let buyers withdraw older credit',
          },
        ],
      },
      ({ yes }) => ({ do: 'restore', yes: yes === true }),
    ),
  ],
}

async function test(invocation: Invocation): Promise<Outcome> {
  const [{ askWalletTest }, { testedOutcome }] = await Promise.all([
    import('../ask-gate.ts'),
    import('./wallet-test-outcome.ts'),
  ])
  const tested = await askWalletTest(invocation)
  return testedOutcome(tested, {
    ...{ json: invocation.json, unit: 'sat', width: widthOf(invocation.host.stdout) },
  })
}

const orAll = (sats: unknown): number | null =>
  sats === undefined ? null : wholeAboveZero('--sats', sats)

async function ask(question: WalletQuestion, invocation: Invocation): Promise<Outcome> {
  const [{ askWallet }, { walletOutcome }] = await Promise.all([
    import('../ask-gate.ts'),
    import('./wallet-outcome.ts'),
  ])
  const { answer, unit } = await askWallet(question, invocation)
  return walletOutcome(question, answer, {
    json: invocation.json,
    unit,
    width: widthOf(invocation.host.stdout),
  })
}
