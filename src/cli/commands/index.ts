import { check } from './check.ts'
import type { Command } from './command.ts'
import { config } from './config.ts'
import { demo } from './demo.ts'
import { earnings } from './earnings.ts'
import { ledger } from './ledger.ts'
import { pass } from './pass.ts'
import { run, START_FLAGS, serve } from './run.ts'
import { wallet } from './wallet.ts'

/** The whole command line. A new command is a file in this folder and its name in `commands`. */
export const satgate: Command = {
  name: 'satgate',
  does: 'Turns any OpenAI-compatible backend into a pay-per-token API.',
  examples: [
    [
      'satgate --upstream http://localhost:11434',
      'a gate in front of your Ollama, paid over Lightning',
    ],
    [
      'satgate --upstream URL --payout you@domain',
      'the same; earnings go to your Lightning address',
    ],
    ['satgate --config satgate.yaml', 'a gate with the settings of a file'],
    ['satgate demo', 'see the whole story with play money'],
    ['PASS=$(satgate pass mint --sats 100)', 'give a pass with 100 sat of credit away'],
    ['satgate ledger', 'the accounts of your buyers'],
    ['satgate wallet', 'what the gate has earned in ecash'],
  ],
  flags: START_FLAGS,
  settings: 'all',
  commands: [run, demo, config, check, ledger, earnings, wallet, pass],
  run: serve,
}
