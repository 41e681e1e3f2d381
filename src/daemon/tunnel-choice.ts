import type { Config } from '../config/config.ts'
import { isLoopback } from '../floor/address.ts'
import { sayError } from '../floor/say-error.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import { findCloudflared, needCloudflared } from './cloudflared.ts'
import { interrupted } from './failed.ts'
import type { Folder } from './folder.ts'
import type { Host } from './host.ts'
import { answersIn, rememberedTunnel, rememberTunnel, type YesNo } from './remembered-answers.ts'

/** Why a gate has a tunnel. */
export type WhyTunnel = 'asked_for' | 'answered_yes' | 'nobody_to_ask'

/** Why a gate has none. */
export type WhyNone =
  | 'turned_off'
  | 'play_money'
  | 'test_money'
  | 'something_is_free'
  | 'public_url'
  | 'host_is_open'
  | 'no_cloudflared'
  | 'answered_no'
  | 'not_answered'

/** Whether this gate is to have a tunnel, the cloudflared that makes it, and why. */
export type TunnelChoice =
  | { readonly program: string; readonly why: WhyTunnel }
  | { readonly program: null; readonly why: WhyNone }

/** What settings and machine decide. `auto` is decided later, when the kind of money is known. */
export type TunnelChance = TunnelChoice | { readonly program: string; readonly why: 'auto' }

/**
 * Finds the cloudflared to use. With `auto` it is optional, and only used if buyers have no other
 * way in. With `on` it is needed: throws `Failed` if there is none.
 */
export async function tunnelChance(host: Host, config: Config): Promise<TunnelChance> {
  const { tunnel, dataDir } = config
  if (tunnel === 'on') return { program: await needCloudflared(host, dataDir), why: 'asked_for' }
  if (tunnel !== 'auto') return none(OFF[tunnel])
  if (config.publicUrl !== null) return none('public_url')
  if (!isLoopback(config.host)) return none('host_is_open')
  const program = findCloudflared(host, dataDir)
  return program === null ? none('no_cloudflared') : { program, why: 'auto' }
}

const none = (why: WhyNone): TunnelChoice => ({ program: null, why })
const OFF = { off: 'turned_off', free: 'something_is_free', play: 'play_money' } as const

/**
 * Decides about the tunnel when the kind of money is known. A gate with play money never gets one.
 * With test money, which everybody can have, it gets one only if the operator asked for it. With
 * `auto` and real money a person at a terminal is asked the first time. If nobody can be asked, the
 * tunnel opens, and the `ready` event says so. Throws `Failed` (130) on Ctrl+C.
 */
export async function chooseTunnel(
  host: Host,
  chance: TunnelChance,
  about: {
    readonly folder: Folder
    readonly money: MoneyKind
    readonly mayAsk: boolean
    readonly explain: Explain
  },
): Promise<TunnelChoice> {
  const { folder, money, mayAsk, explain } = about
  if (chance.program === null) return chance
  if (money === 'play') return none('play_money')
  if (chance.why !== 'auto') return chance
  if (money === 'test') return none('test_money')
  const { program } = chance
  const remembered = rememberedTunnel(folder)
  if (remembered === 'no') return none('answered_no')
  if (remembered === 'yes') return { program, why: 'answered_yes' }
  if (host.ask === null || !mayAsk) return { program, why: 'nobody_to_ask' }
  const answer = await askTunnel(host.ask, explain)
  if (answer === null) return none('not_answered')
  remember(host, folder, answer)
  return answer === 'yes' ? { program, why: 'answered_yes' } : none('answered_no')
}

/** Shows a paragraph before a question. */
type Explain = (text: string) => void

const EXPLAINED =
  'cloudflared is installed. With it anybody on the internet can reach this gate and buy, at an https address that is new after each start. Cloudflare can read what passes through.'
const QUESTION = '  Put this gate on the internet through Cloudflare? [Y/n] '
/** How often the question is asked until an answer is yes or no. */
const TRIES = 3

/** Null if the terminal was closed, or if no answer was yes or no. */
async function askTunnel(ask: NonNullable<Host['ask']>, explain: Explain): Promise<YesNo | null> {
  explain(EXPLAINED)
  for (let tries = 0; tries < TRIES; tries += 1) {
    const answer = await ask(QUESTION)
    if (answer === 'interrupted') throw interrupted()
    if (answer === 'closed') return null
    const typed = answer.typed.trim()
    if (/^(y|yes)?$/i.test(typed)) return 'yes'
    if (/^(n|no)$/i.test(typed)) return 'no'
  }
  return null
}

function remember({ stderr }: Host, folder: Folder, answer: YesNo): void {
  try {
    rememberTunnel(folder, answer)
  } catch (error) {
    const why = sayError(error)
    stderr.write(`satgate: the answer is not remembered, ${answersIn(folder.path)}: ${why}\n`)
  }
}

/** A note for the status block if the operator may wonder why there is no tunnel; else null. */
export function noTunnelNote(choice: TunnelChoice, folder: Pick<Folder, 'path'>): string | null {
  if (choice.why === 'not_answered') {
    return 'only this machine reaches the gate: the question about the tunnel was not answered. It is asked again at the next start; --tunnel and --no-tunnel answer it'
  }
  if (choice.why !== 'answered_no') return null
  return `only this machine reaches the gate: you said no to the tunnel. To change that: --tunnel or --no-tunnel for one run, "tunnel: true" or "tunnel: false" in satgate.yaml; to be asked again, delete ${answersIn(folder.path)}`
}
