import { field } from './json.ts'

/** How dollars are paid here, from `/.well-known/l402`. */
export interface DollarWay {
  /** As CAIP-2 writes it: `eip155:8453`. */
  readonly network: string
  readonly asset: string
}

/** The ways to pay that are on, from `/.well-known/l402`. */
export interface Ways {
  readonly lightning: boolean
  readonly cashu: boolean
  readonly dollars: DollarWay | null
  /** The Payment scheme. */
  readonly payment: boolean
  /** Names of rails that are on and can take nothing now. */
  readonly down: readonly string[]
}

/** Nothing is known yet, so the page shows what every gate used to have. */
export const USUAL_WAYS: Ways = {
  ...{ lightning: true, cashu: false, dollars: null, payment: false, down: [] },
}

export function waysIn(about: unknown): Ways {
  const payment = field(about, 'payment')
  const methods = field(payment, 'methods')
  const on = Array.isArray(methods) ? methods.filter((one) => typeof one === 'string') : []
  if (on.length === 0) return USUAL_WAYS
  const [network, name] = ['network', 'name'].map((one) => field(field(payment, 'x402'), one))
  const known = typeof network === 'string' && typeof name === 'string'
  return {
    lightning: on.includes('l402'),
    cashu: on.includes('cashu'),
    dollars: on.includes('x402') && known ? { network, asset: name } : null,
    payment: on.includes('payment'),
    down: on.filter((one) => field(field(payment, one), 'accepting') === false),
  }
}

const NETWORKS: Readonly<Record<string, string>> = {
  'eip155:8453': 'Base',
  'eip155:84532': 'Base Sepolia',
  'eip155:137': 'Polygon',
  'eip155:43114': 'Avalanche',
}

export const networkName = (network: string): string => NETWORKS[network] ?? network

/** The ways to pay in two sentences: for people, and for programs. */
export function waySentences({ cashu, dollars, down, lightning, payment }: Ways): {
  readonly people: string
  readonly programs: string
} {
  const said = (name: string, words: string) =>
    down.includes(name) ? `${words} (not at the moment)` : words
  const coins =
    dollars === null ? '' : `dollars (${dollars.asset} on ${networkName(dollars.network)})`
  const people = [
    ...(lightning ? [said('l402', 'Lightning')] : []),
    ...(cashu ? [said('cashu', 'ecash')] : []),
    ...(dollars === null ? [] : [said('x402', coins)]),
  ]
  const programs = [
    ...(lightning ? ['L402'] : []),
    ...(payment ? ['Payment (MPP)'] : []),
    ...(cashu ? ['Cashu (NUT-24)'] : []),
    ...(dollars === null ? [] : ['x402']),
  ]
  return {
    people: people.length === 0 ? '' : `Pay with ${either(people)}.`,
    programs: `For programs, which pay by ${either(programs)}:`,
  }
}

const either = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
