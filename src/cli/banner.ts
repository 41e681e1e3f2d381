import { onLine, onLines } from '../floor/printable.ts'
import type { Out } from './host.ts'
import { hang, inkOf, widthOf } from './terminal.ts'

/** What the status block says. All of it is true when it is printed. */
export interface Banner {
  readonly version: string
  readonly play: boolean
  readonly upstream: string
  readonly prices: readonly { readonly model: string; readonly price: string }[]
  readonly defaultPrice: string
  readonly wallet: string
  readonly ledger: string
  readonly url: string
  readonly publicUrl: string | null
  readonly notes: readonly string[]
}

const MODELS_SHOWN = 8
const LONGEST_NAME = 60

/** A name that may stand in a command for people to copy: a backend chose it. */
export const isPlainName = (name: string): boolean => /^[\w.:/@+-]{1,100}$/.test(name)

/** The block that a person sees when the gate is ready (users.md's first 30 seconds). */
export function banner(given: Banner, out: Pick<Out, 'colour' | 'columns'>): string {
  const about = onLines(given)
  const [ink, width] = [inkOf(out), widthOf(out)]
  const rows: (readonly [string, string])[] = [
    ['upstream', about.upstream],
    ['price', about.defaultPrice],
    ...priceRows(about),
    ['wallet', about.wallet],
    ['ledger', `${about.ledger}   balances survive a restart; back it up`],
    ['api', `${about.url}/v1`],
    ['page', pageRow(about)],
    ...(about.publicUrl === null ? [] : [['public', `${about.publicUrl}/v1`] as const]),
  ]
  const title = `satgate ${about.version}${about.play ? '   PLAY MONEY: nothing here is worth anything' : ''}`
  return [
    '',
    `  ${title.padEnd(62)}Ctrl+C to stop`,
    '',
    ...rows.map(([name, value]) => hang(`  ${ink.faint(name.padEnd(11))}`, value, width)),
    '',
    ...tryIt(about),
    ...(about.notes.length > 0
      ? ['', ...about.notes.map((note) => hang('  * ', note, width)), '']
      : []),
    '',
  ].join('\n')
}

/** Play money is for this machine alone; everything else may be public, and is not by mistake. */
function pageRow({ url, play, publicUrl }: Banner): string {
  const hint = 'for people: pay, chat, take the key along'
  return `${url}   ${hint}${play || publicUrl !== null ? '' : '; public: --tunnel'}`
}

function priceRows({ prices }: Banner): (readonly [string, string])[] {
  const shown = prices.slice(0, MODELS_SHOWN).map(({ model, price }) => ({
    model: onLine(model, LONGEST_NAME),
    price,
  }))
  const width = Math.max(0, ...shown.map(({ model }) => model.length))
  const rows = shown.map(({ model, price }) => ['', `  ${model.padEnd(width)}  ${price}`] as const)
  const more = prices.length - shown.length
  return more > 0 ? [...rows, ['', `  and ${more} more: GET /v1/models`]] : rows
}

function tryIt({ url, prices, play }: Banner): string[] {
  const model = prices.map((one) => one.model).find(isPlainName) ?? 'MODEL'
  const body = `{"model":"${model}","messages":[{"role":"user","content":"Hello"}]}`
  const pay = play
    ? `answers 402 with an invoice; pay it: curl ${url}/play/pay -d '{"invoice":"…"}'`
    : 'answers 402 with an invoice; pay it, or give a pass away: satgate pass mint --sats 100'
  return [`  Try it     curl ${url}/v1/chat/completions -d '${body}'`, `             ${pay}`]
}
