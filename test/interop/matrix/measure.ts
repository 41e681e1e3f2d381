import { countTokens } from '../../../src/money/tokens.ts'
import type { GateProcess } from '../../support/gate-process.ts'
import type { Tap, Tapped } from '../tap.ts'
import type { Row, Session, Shown } from './row.ts'
import { MODEL, type ScriptedModel, WORD } from './scripted-model.ts'

/** What the test run has seen of a client. */
export interface Works {
  streams: string
  tool: string
  /** A 402 with a key that nobody paid for. */
  refused: string
  /** The credit ends in the middle of an answer. */
  runsOut: string
  /** The backend goes away in the middle of an answer. */
  breaks: string
  /** The next question with the same key, after its account was topped up. */
  topsUp: string
}

/** One question to a client, what it showed, and what it sent meanwhile. */
interface Asked extends Shown {
  readonly sent: readonly Tapped[]
  /** How often it sent one and the same question. */
  readonly tries: number
}

/** A gate that a client buys from, with the scripted model behind it and a recorder before it. */
export interface Bench {
  readonly gate: GateProcess
  readonly tap: Tap
  readonly model: ScriptedModel
  /** A pass with more credit than a test needs. */
  readonly rich: string
}

const PROMPT = 'Which bird is it?'

/** A client that is asked one thing after the other. Each method is one column of the table. */
export class Measured {
  readonly #bench: Bench
  readonly #row: Row
  readonly #session: Session
  /** The tokens of its longest request, as the gate counts them. */
  #promptTokens = 0
  /** The key that ran out. */
  #spent = ''

  constructor(bench: Bench, row: Row, session: Session) {
    this.#bench = bench
    this.#row = row
    this.#session = session
    const { tool, asides } = row
    bench.model.sign = asides && typeof tool !== 'string' ? tool.tool.name : null
  }

  async streams(): Promise<{ readonly cell: string; readonly asked: Asked }> {
    this.#bench.model.doing = { does: 'talks' }
    const asked = await this.#ask(this.#bench.rich)
    this.#promptTokens = Math.max(...asked.sent.map(({ sent }) => countTokens(sent)))
    const streamed = asked.sent.some(({ answer }) => isStream(answer))
    return { cell: asked.text.includes(WORD) && streamed ? 'yes' : 'no', asked }
  }

  async tool(): Promise<{ readonly cell: string; readonly asked: Asked | null }> {
    const { tool } = this.#row
    if (typeof tool === 'string') return { cell: tool, asked: null }
    this.#bench.model.doing = tool
    this.#bench.model.told = false
    const asked = await this.#ask(this.#bench.rich, true)
    return { cell: this.#bench.model.told && asked.text.includes(WORD) ? 'yes' : 'no', asked }
  }

  async refused(): Promise<{ readonly cell: string; readonly asked: Asked }> {
    this.#bench.model.doing = { does: 'talks' }
    const asked = await this.#ask('sk-nothing-was-paid')
    return { cell: `${shownOf402(asked)}, ${tries(asked)}`, asked }
  }

  /** With a balance that affords the question and the beginning of the answer. */
  async runsOut(): Promise<{ readonly cell: string; readonly asked: Asked }> {
    this.#bench.model.doing = { does: 'goes on' }
    this.#spent = await this.#buy(Math.ceil((1.2 * this.#promptTokens) / 1000) + 1)
    const asked = await this.#ask(this.#spent)
    return { cell: `${partOf(asked, 'word1 ')}, ${tries(asked)}`, asked }
  }

  async breaks(): Promise<{ readonly cell: string; readonly asked: Asked }> {
    this.#bench.model.doing = { does: 'breaks' }
    const asked = await this.#ask(this.#bench.rich)
    const said = `${asked.text} ${asked.error}`.replace(/\s+/g, ' ')
    const told = !asked.ok || said.includes('broke off') ? 'error shown' : 'no error shown'
    return { cell: `${partOf(asked, 'word1 ')}, ${told}, ${tries(asked)}`, asked }
  }

  /** The key that ran out is refused, and after its invoice is paid it is good again. */
  async topsUp(): Promise<{
    readonly cell: string
    readonly refused: Asked
    readonly asked: Asked | null
  }> {
    this.#bench.model.doing = { does: 'talks' }
    await this.#spend()
    const refused = await this.#ask(this.#spent)
    const invoice = refused.sent.map(({ answer }) => invoiceIn(answer)).findLast(Boolean)
    if (invoice === undefined) return { cell: 'no invoice', refused, asked: null }
    await this.#pay(String(invoice))
    const asked = await this.#ask(this.#spent)
    return { cell: asked.text.includes(WORD) ? 'yes' : 'no', refused, asked }
  }

  async #ask(key: string, tool = false): Promise<Asked> {
    const from = this.#bench.tap.tapped.length
    const shown = await this.#session.ask({ key, prompt: PROMPT, tool })
    const sent = this.#bench.tap.tapped
      .slice(from)
      .filter(({ method, path }) => method === 'POST' && path.includes(this.#row.path))
    return { ...shown, sent, tries: mostAlike(sent) }
  }

  async #post(path: string, body: object) {
    const answer = await this.#bench.gate.client.ask({ path, body })
    if (answer.status !== 200) throw new Error(`${path}: ${answer.text}`)
    return answer.json
  }

  async #pay(invoice: string): Promise<string> {
    return (await this.#post('/play/pay', { invoice })).preimage
  }

  async #buy(sats: number): Promise<string> {
    const { bolt11, macaroon } = await this.#post('/create-invoice', { amountSats: sats })
    return `${macaroon}:${await this.#pay(bolt11)}`
  }

  /** Uses up what a clamped answer has left over, so that the next question needs a top-up. */
  async #spend(): Promise<void> {
    const headers = { authorization: `Bearer ${this.#spent}` }
    const body = { model: MODEL, messages: [{ role: 'user', content: PROMPT }], max_tokens: 4000 }
    this.#bench.model.doing = { does: 'goes on' }
    const path = '/v1/chat/completions'
    for (let status = 200, round = 0; status === 200 && round < 50; round += 1) {
      status = (await this.#bench.gate.client.ask({ path, body, headers })).status
    }
    this.#bench.model.doing = { does: 'talks' }
  }
}

const tries = ({ tries }: Asked): string => `${tries} ${tries === 1 ? 'try' : 'tries'}`

/** Whether an answer came in pieces: events or lines. */
const isStream = (answer: string): boolean =>
  /^(?:event|data|:)/m.test(answer) || answer.trim().includes('}\n{')

/** What a person can do after a 402: the price alone, or pay, too. */
function shownOf402({ text, error }: Shown): string {
  const said = `${text}\n${error}`.replace(/\s+/g, ' ')
  const price = /needs up to [\d,.]+ sat/.test(said)
  const link = said.includes('/invoice-status/')
  if (price && link) return 'price and link'
  return price ? 'price' : 'nothing'
}

const partOf = ({ text }: Shown, word: string): string =>
  text.includes(word) ? 'part kept' : 'part lost'

const invoiceIn = (answer: string): string | undefined =>
  /"invoice":"(ln[a-z0-9]+)"/.exec(answer)?.[1]

/**
 * How often the question that was sent most often was sent. A second try may stream or not, and may
 * name another limit.
 */
function mostAlike(sent: readonly Tapped[]): number {
  const counts = new Map<string, number>()
  for (const { sent: text } of sent) {
    const { messages, input, prompt } = JSON.parse(text)
    const key = JSON.stringify([messages, input, prompt])
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values())
}
