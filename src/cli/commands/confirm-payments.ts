import type { ConfirmedJson, UnknownPaymentJson } from '../../daemon/control-payments.ts'
import { MALFORMED } from '../../daemon/control-payments.ts'
import { Failed } from '../../daemon/failed.ts'
import { onLine, onLines } from '../../floor/printable.ts'
import { isTransaction } from '../../rails/x402/facilitator-wire.ts'
import { x402Network } from '../../rails/x402/networks.ts'
import { jsonLine } from '../log.ts'
import { table } from '../tables.ts'
import { hang, widthOf } from '../terminal.ts'
import { BAD_USAGE, done, type Invocation, type Outcome } from './command.ts'
import { inDollars } from './ledger-tables.ts'

/**
 * `satgate wallet confirm --payments`: lists the payments in dollars of which nobody learns whether they
 * arrived, and books one of them with the transaction that the operator saw on the chain. Without
 * `--yes` it says what would happen, and code 4.
 */
export async function confirmPayments(invocation: Invocation): Promise<Outcome> {
  const { payments, transaction } = invocation.flags
  if (transaction === undefined) {
    return list(invocation, payments === true ? null : String(payments))
  }
  if (payments === true) {
    throw new Failed(
      '--transaction confirms one payment: --payments ID --transaction 0x…',
      BAD_USAGE,
    )
  }
  if (!isTransaction(transaction)) throw new Failed(MALFORMED, BAD_USAGE)
  return confirm(invocation, String(payments), transaction)
}

/** All of them, or the one of that name with what finds it on the chain. */
async function list(invocation: Invocation, payment: string | null): Promise<Outcome> {
  const { askBooks } = await import('../ask-gate.ts')
  const { answer } = await askBooks(invocation, { ask: 'payments', what: { do: 'list' } })
  const all = answer as readonly UnknownPaymentJson[]
  const rows = payment === null ? all : all.filter((row) => row.payment.startsWith(payment))
  if (invocation.json) return done(jsonLine(rows))
  const { stdout, world } = invocation.host
  if (rows.length === 0) return done('There is no payment in dollars whose end nobody knows.\n')
  const [shown, hint] = [onLines(rows), hang('', payment === null ? CHOOSE : LOOK, widthOf(stdout))]
  const details = payment === null ? '' : shown.map(detailsOf).join('')
  return done(`${tableOf(shown, world.now())}${details}`, `${hint}\n`)
}

const CHOOSE =
  'The gate believes only a transaction that its own settlement returned, so it credits none of them by itself. What to look for on the chain: satgate wallet confirm --payments ID'

const LOOK =
  'Look on the chain for that transfer (the event AuthorizationUsed has its nonce). If you see it: satgate wallet confirm --payments ID --transaction 0x…'

const tableOf = (rows: readonly UnknownPaymentJson[], now: number): string =>
  table(
    ['payment', 'age', 'dollars', 'network', 'state'],
    rows.map(({ payment, at, amount_usd_micros, network, state }) => [
      ...[payment, ageOf(now - Date.parse(at)), inDollars(amount_usd_micros)],
      ...[titleOf(network), STATES[state] ?? state],
    ]),
  )

const titleOf = (network: string): string => x402Network(network)?.name ?? network

/** A row that is settling is still asked about. */
const STATES: Readonly<Record<string, string>> = { settling: 'asked about', lost: 'given up' }

const detailsOf = ({ from, to, asset, nonce }: UnknownPaymentJson): string =>
  `\nfrom   ${from}\nto     ${to}\ntoken  ${asset}\nnonce  ${nonce}\n`

const MINUTE = 60_000

/** How long ago something was, for people. */
function ageOf(ms: number): string {
  const minutes = Math.floor(ms / MINUTE)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`
}

async function confirm(
  invocation: Invocation,
  payment: string,
  transaction: string,
): Promise<Outcome> {
  const { askBooks } = await import('../ask-gate.ts')
  const yes = invocation.flags.yes === true
  const what = { do: 'confirm', payment, transaction, yes } as const
  const { answer } = await askBooks(invocation, { ask: 'payments', what })
  const said = answer as ConfirmedJson
  const code = said.confirmed ? 0 : 4
  if (invocation.json) return { code, stdout: jsonLine(said), stderr: '' }
  const dollars = inDollars(said.amount_usd_micros)
  const when = onLine(
    said.credited === 'soon'
      ? 'the gate credits it within seconds'
      : 'the gate credits it when it is started again with rails.x402',
  )
  const buyer = 'its buyer gets the pass by sending the same payment again'
  if (said.confirmed) {
    return done(`The payment of ${dollars} is confirmed: ${when}, and ${buyer}.\n`)
  }
  const means = `Nothing was changed. With --yes the payment of ${dollars} from ${onLine(said.from)} counts as arrived by ${onLine(said.transaction)}: ${when}, once, and ${buyer}. The gate does not look at the chain, so make sure that this transaction moved ${dollars} to ${onLine(said.to)}, and that nothing else was sold for it.`
  return { code, stdout: '', stderr: `satgate: ${means}\n` }
}
