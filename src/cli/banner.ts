import type { Out } from '../daemon/host.ts'
import { onLines } from '../floor/printable.ts'
import type { MoneyKind } from '../ledger/ledger.ts'
import type { ShownPrice } from './prices.ts'
import {
  columnsOf,
  cutName,
  fill,
  hang,
  hangFields,
  type Ink,
  inkOf,
  LEAST_TEXT,
  LONGEST_NAME,
  widthOf,
} from './terminal.ts'

/** What the status block says. All of it is true when it is printed. */
export interface Banner {
  readonly version: string
  readonly money: MoneyKind
  /** Where this machine reaches the gate. */
  readonly url: string
  /** It listens on every address of the machine. */
  readonly everywhere: boolean
  /** Where everybody reaches it. Null if nobody outside does. */
  readonly publicUrl: string | null
  /** How to make it public. Null if there is nothing to advise. */
  readonly publicHint: string | null
  readonly upstream: string
  readonly prices: readonly ShownPrice[]
  readonly defaultPrice: string
  /** Null if there is none. */
  readonly wallet: string | null
  readonly walletHint: string
  /** Where dollars go. Null if none are taken. */
  readonly dollars: string | null
  /** Whether a 402 has an invoice. */
  readonly invoices: boolean
  readonly folder: string
  /** Problems that there are now. */
  readonly troubles: readonly string[]
  readonly notes: readonly string[]
}

const MODELS_SHOWN = 8
/** Columns before the values. */
const NAMES = 13
/** Between a value and its hint. */
const HINT = '   '

/** Whether a name is safe in a command that people copy. The backend chose the name. */
export const isPlainName = (name: string): boolean => /^[\w.:/@+-]{1,100}$/.test(name)

/** The block that a person sees when the gate is ready. First what to open in a browser. */
export function banner(given: Banner, out: Pick<Out, 'colour' | 'columns'>): string {
  const about = onLines(given)
  const [ink, width] = [inkOf(out), widthOf(out)]
  const row = (name: string, value: string, hint = '') => {
    const head = `  ${ink.faint(name.padEnd(NAMES - 2))}`
    const fits = width === null || columnsOf(`${head}${value}${HINT}${hint}`) <= width
    const shown = value === about.url ? ink.bold(ink.cyan(value)) : value
    if (hint === '') return hang(head, shown, width)
    if (fits) return `${head}${shown}${HINT}${ink.faint(hint)}`
    return `${hang(head, shown, width)}\n${hang(' '.repeat(NAMES), ink.faint(hint), width)}`
  }
  const { publicUrl, publicHint } = about
  const isPublic = publicUrl !== null ? [row('public', publicUrl, 'for everybody')] : []
  const notPublic =
    publicUrl === null && publicHint !== null ? [row('public', 'no', publicHint)] : []
  return `${[
    '',
    title(about, ink, width),
    '',
    row('page', about.url, pageHint(about)),
    row('api', `${about.url}/v1`),
    ...isPublic,
    ...notPublic,
    row('upstream', about.upstream),
    row('price', about.defaultPrice, '--price, --model-price'),
    ...priceRows(about, ink, width),
    ...(about.wallet === null ? [] : [row('wallet', about.wallet, about.walletHint)]),
    ...(about.dollars === null ? [] : [row('dollars', about.dollars)]),
    row('data', about.folder, kept(about)),
    ...(about.troubles.length + about.notes.length > 0 ? [''] : []),
    ...about.troubles.map((trouble) => hang(`  ${ink.red(ink.bold('!'))} `, trouble, width)),
    ...about.notes.map((note) => hang('  * ', note, width)),
    ...tryIt(about, ink, width),
  ].join('\n')}\n\n`
}

/** Columns before how to stop it. */
const TITLE = 60
const WATERMARKS: Readonly<Record<MoneyKind, string>> = {
  real: '',
  test: 'TEST MONEY: nothing here is worth anything',
  play: 'PLAY MONEY: nothing here is worth anything',
}

function title({ version, money }: Banner, ink: Ink, width: number | null): string {
  const watermark = WATERMARKS[money]
  const name = ink.bold(`satgate ${version}`)
  const marked = watermark === '' ? name : `${name}   ${ink.bold(ink.yellow(watermark))}`
  const stop = ink.faint('Ctrl+C to stop')
  if (width === null || columnsOf(marked) + 2 <= width) {
    return hangFields('  ', [fill(marked, TITLE), stop], width)
  }
  return [name, ink.bold(ink.yellow(watermark)), stop]
    .map((line) => hang('  ', line, width))
    .join('\n')
}

/** A backup is only advised for real money. */
const kept = ({ money }: Banner): string =>
  `balances survive a restart${money === 'real' ? '; back it up' : ''}`

const pageHint = ({ everywhere }: Banner): string =>
  everywhere
    ? 'for people; also at every address of this machine'
    : 'for people: pay, chat, take the key along'

/** The models at the usual price by their names, then those with a price of their own. */
function priceRows({ prices }: Banner, ink: Ink, width: number | null): string[] {
  const indent = ' '.repeat(NAMES)
  const cut = (model: string) => cutName(model, LONGEST_NAME)
  const usual = prices.filter((one) => one.usual)
  const own = prices.filter((one) => !one.usual)
  const names = usual.slice(0, MODELS_SHOWN).map(({ model }) => cut(model))
  const shown = own.slice(0, MODELS_SHOWN).map(({ model, price }) => ({ model: cut(model), price }))
  const longest = Math.max(0, ...shown.map(({ model }) => columnsOf(model)))
  const beside = width === null || NAMES + longest + 2 + LEAST_TEXT <= width
  const named = ({ model, price }: (typeof shown)[number]) =>
    beside
      ? hang(`${indent}${fill(model, longest)}  `, price, width)
      : `${indent}${model}\n${hang(`${indent}  `, price, width)}`
  const more = usual.length - names.length + own.length - shown.length
  return [
    ...(names.length === 0 ? [] : [hang(indent, ink.faint(names.join(', ')), width)]),
    ...shown.map(named),
    ...(more === 0 ? [] : [hang(indent, ink.faint(`and ${more} more: GET /v1/models`), width)]),
  ]
}

/** A request to copy. It is left out while it would be refused. */
function tryIt(about: Banner, ink: Ink, width: number | null): string[] {
  const { url, money, prices, troubles } = about
  if (troubles.length > 0) return []
  if (prices.length > 0 && prices.every(({ sold }) => sold === 'no')) return []
  const indent = ' '.repeat(NAMES)
  const head = `  ${ink.faint('try it'.padEnd(NAMES - 2))}`
  const free = prices.length > 0 && !prices.some(({ sold }) => sold === 'paid')
  const [first = '', ...rest] = command(about, free ? 'free' : 'paid', width).map((line, at) =>
    at === 0 ? line : indent + line,
  )
  if (free) return ['', head + first, ...rest, `${indent}${ink.faint('It is free.')}`]
  const pay =
    money === 'play'
      ? ['It answers 402 with an invoice. Pay it:', `curl ${url}/play/pay -d '{"invoice":"…"}'`]
      : [
          `It answers 402 with ${about.invoices ? 'an invoice' : 'an offer'}. Pay it, or give a pass away:`,
          'satgate pass mint --sats 100',
        ]
  const [words = '', typed = ''] = pay.map(ink.faint)
  const line = `${indent}${words}  ${typed}`
  const payments =
    width === null || columnsOf(line) <= width
      ? [line]
      : [hang(indent, words, width), `${indent}${typed}`]
  return ['', head + first, ...rest, ...payments]
}

/** The command, on several lines if it is too long. Shell and JSON accept these line ends. */
function command(
  { url, prices }: Banner,
  wanted: ShownPrice['sold'],
  width: number | null,
): string[] {
  const room = width ?? Number.POSITIVE_INFINITY
  const opening = (model: string) => `  -d '{"model":"${model}",`
  const fits = (line: string) => NAMES + line.length <= room
  const models = prices
    .filter(({ sold, model }) => sold === wanted && isPlainName(model))
    .map(({ model }) => model)
  const model = models.find((one) => fits(opening(one))) ?? models[0] ?? 'MODEL'
  const [to, messages] = [
    `curl ${url}/v1/chat/completions`,
    `"messages":[{"role":"user","content":"Hello"}]}'`,
  ]
  const line = `${to} ${opening(model).trim()}${messages}`
  return fits(line) ? [line] : [`${to} \\`, opening(model), `       ${messages}`]
}
