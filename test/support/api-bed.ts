import { dialects } from '../../src/dialects/index.ts'
import type { ApiRow, Json, Report } from './api-row.ts'
import type { Answered, Question } from './ask.ts'
import { bearer, type Pass, until } from './buyer.ts'
import { FORM_HEAD, form } from './forms.ts'
import { startGate, type TestGate } from './gate.ts'
import type { Script } from './upstream.ts'

/** A token of input costs one sat, and one of output too. So do a second and a character. */
const PRICES = { default: '1000/1000', maxOutputTokens: 50 }
const MEDIA_PRICES = { default: { image: 5, second: 1, character: 1 } }

/** What a backend reports of the answer to a short prompt, and what that costs. */
export const REPORT: Report = { input: 5, output: 3 }
export const WORDS = ['one', ' two', ' three']
export const TEXT = WORDS.join('')

/** The dialect of a row. */
export function dialectOf({ path }: ApiRow) {
  const found = dialects.find((one) => one.path === path)
  if (found === undefined) throw new Error(`no dialect has the path ${path}`)
  return found
}

/** A whole gate in front of one API, and a buyer. */
export class ApiBed {
  readonly gate: TestGate
  readonly pass: Pass
  readonly row: ApiRow
  #bought: number

  constructor(gate: TestGate, about: { row: ApiRow; pass: Pass; sats: number }) {
    this.gate = gate
    this.row = about.row
    this.pass = about.pass
    this.#bought = about.sats
  }

  /** A request. `pass` is this buyer's if it is left out. */
  question(more: Json = {}, pass: Pass | string | null = this.pass, prompt = 'hi'): Question {
    const { path, body, form: fields } = this.row
    const asked = { model: 'fake', ...body(prompt), ...more }
    if (fields === undefined) return { path, body: asked, headers: bearer(pass) }
    const texts = Object.entries(asked).map(([name, value]) => [name, String(value)] as const)
    const type = { 'content-type': FORM_HEAD.contentType ?? '' }
    return {
      path,
      body: form([...texts, ...fields(prompt)]),
      headers: { ...bearer(pass), ...type },
    }
  }

  ask(more: Json = {}, pass: Pass | string | null = this.pass): Promise<Answered> {
    return this.gate.ask(this.question(more, pass))
  }

  /** The backend answers these bytes in one piece. */
  answers(body: string, more: Script = {}): void {
    const headers = this.row.sound ? SOUND_TYPE : JSON_TYPE
    this.gate.fake.script = { pieces: [body], headers, ...more }
  }

  /** The backend answers this stream. */
  streams(pieces: Script['pieces'], more: Script = {}): void {
    const type = this.row.stream?.type ?? ''
    this.gate.fake.script = { pieces: pieces ?? [], headers: { 'content-type': type }, ...more }
  }

  /** The requests to this API that the backend has seen. */
  get sent(): Json[] {
    const seen = this.gate.fake.seen.filter(({ method, path }) => method === 'POST' && path !== '')
    return seen.map(({ json }) => json ?? {})
  }

  /** The sats that the account has spent, once nothing is held. */
  async spent(): Promise<number> {
    await until(async () => (await this.gate.balance(this.pass)).held_msat === 0)
    return this.#bought - (await this.gate.balance(this.pass)).balance_msat / 1_000
  }
}

export const JSON_TYPE = { 'content-type': 'application/json' }
const SOUND_TYPE = { 'content-type': 'audio/mpeg' }

/** A good answer in one piece. */
export const answerOf = (row: ApiRow): string =>
  row.sound ? 'ID3\u0004 some sound' : JSON.stringify(row.whole(TEXT, REPORT))

export async function apiBed(
  row: ApiRow,
  { sats = 1_000, settings = {}, script = {} }: Partial<BedOptions> = {},
): Promise<ApiBed> {
  const pricing = row.media === undefined ? PRICES : MEDIA_PRICES
  const gate = await startGate({ settings: { pricing, ...settings } })
  const pass = await gate.buy(sats)
  const bed = new ApiBed(gate, { row, pass, sats })
  bed.answers(answerOf(row))
  if (Object.keys(script).length > 0) gate.fake.script = script
  return bed
}

interface BedOptions {
  readonly sats: number
  readonly settings: object
  readonly script: Script
}

/** A whole stream that says these words. */
export function streamOf(
  { stream }: ApiRow,
  words: readonly string[] = WORDS,
  report: Report | null = REPORT,
): string {
  if (stream === null) throw new Error('it never streams')
  return stream.opens + words.map(stream.says).join('') + stream.closes(words.join(''), report)
}

/** A stream without what tells its cost, and that cost in msat. */
export function withoutCost(stream: string): { readonly stream: string; readonly msat: number } {
  const told = /: satgate cost_msat=(\d+)\n|,"cost_msat":(\d+)/.exec(stream)
  return { stream: stream.replace(told?.[0] ?? '', ''), msat: Number(told?.[1] ?? told?.[2]) }
}
