import { NETWORKS } from '../rails/x402/networks.ts'
import type { WalletSettings, X402Settings } from './config.ts'
import { isDefault, type Where, wrong } from './nodes.ts'
import type { Values } from './settings.ts'
import { isPlay } from './wallet-settings.ts'

/** The settings below `rails.x402.`. */
type X402Values = Pick<Values, Extract<keyof Values, `rails.x402.${string}`>>

const NEEDED = ['payTo', 'network', 'facilitator'] as const
const BOUNDS = ['maxPayment', 'maxOutstanding'] as const
const key = (name: (typeof NEEDED | typeof BOUNDS)[number]) => `rails.x402.${name}` as const

/** Whether something was written for x402. */
export const asksX402 = ({ nodes }: Pick<Where, 'nodes'>): boolean =>
  NEEDED.some((name) => nodes.has(key(name)))

/** How dollars are taken. Null if they are not, or if something is missing or wrong. */
export function x402Of(
  values: X402Values,
  wallets: readonly WalletSettings[],
  where: Where,
): X402Settings | null {
  const { nodes } = where
  const missing = NEEDED.filter((name) => !nodes.has(key(name)))
  const [first] = [...NEEDED, ...BOUNDS].filter((name) => !isDefaultOrUnset(key(name), where))
  if (first === undefined) return null
  if (missing.length > 0) {
    const names = `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`
    const what = `rails.x402 needs payTo, network and facilitator together: ${names}`
    const at = nodes.get(key(first))?.at
    if (at !== undefined) where.reading.mistake(at, what)
    return null
  }
  const maxPayment = values['rails.x402.maxPayment']
  const maxOutstanding = values['rails.x402.maxOutstanding']
  if (maxPayment > maxOutstanding) {
    const written = isDefault(nodes, key('maxPayment')) ? 'maxOutstanding' : 'maxPayment'
    wrong(key(written), 'one payment (maxPayment) may be more than all (maxOutstanding)', where)
  }
  const { 'rails.x402.payTo': payTo, 'rails.x402.network': network } = values
  const facilitator = values['rails.x402.facilitator']
  // A mistake has told what is wrong with it.
  if (payTo === undefined || network === undefined || facilitator === undefined) return null
  if (NETWORKS.some(({ asset }) => asset === payTo)) {
    wrong(key('payTo'), 'is the contract of the token: what is paid to it is lost', where)
  }
  if (isPlay(wallets)) {
    wrong(key('network'), 'dollars are no play money: remove x402, or use another wallet', where)
  }
  return { payTo, network, facilitator, maxPayment, maxOutstanding }
}

const isDefaultOrUnset = (name: string, { nodes }: Where): boolean =>
  !nodes.has(name) || isDefault(nodes, name)
