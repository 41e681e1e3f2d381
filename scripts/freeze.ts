/**
 * Freezes a data folder as this version leaves it when it is killed, so that later versions can be
 * tested with it: `node scripts/freeze.ts NAME` writes `test/fixtures/data-folders/NAME`. It runs
 * the program with a mint and a backend of its own. The money is a test mint's, so the keys in it
 * are worth nothing.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSqliteBooks } from '../src/ledger/sqlite.ts'
import { bearer, child, until } from '../test/support/buyer.ts'
import { drawersOf } from '../test/support/drawers.ts'
import { type FakeMint, startFakeMint } from '../test/support/fake-mint.ts'
import type { Frozen, FrozenInvoice, FrozenPass } from '../test/support/frozen.ts'
import { GateProcess } from '../test/support/gate-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../test/support/upstream.ts'
import { real } from '../test/support/world.ts'

const FOLDERS = join(import.meta.dirname, '../test/fixtures/data-folders')
/** Seconds. The invoices of a fixture must still be payable when it is opened. */
const TWENTY_YEARS = 631_152_000
const KEPT = ['ledger.db', 'ecash.db', 'ecash.seed', 'root.key']

const words = (count: number) => Array.from({ length: count }, () => ' word')

/** The buyers of one gate. */
class Market {
  readonly #gate: GateProcess
  readonly #mint: FakeMint

  constructor(gate: GateProcess, mint: FakeMint) {
    this.#gate = gate
    this.#mint = mint
  }

  async invoice(amountSats: number, caveats: readonly string[] = []) {
    const body = { amountSats, ...(caveats.length === 0 ? {} : { caveats }) }
    const { json, text } = await this.#gate.client.ask({ path: '/create-invoice', body })
    if (json?.bolt11 === undefined) throw new Error(`no invoice: ${text}`)
    return json
  }

  /** A pass with its preimage. Its payment is credited. */
  async buy(amountSats: number, caveats: readonly string[] = []): Promise<string> {
    const { bolt11, macaroon } = await this.invoice(amountSats, caveats)
    const pass = `${macaroon}:${this.#mint.pay(bolt11)}`
    await until(async () => (await this.balance(pass)).status === 200)
    return pass
  }

  /** A pass with its settlement secret. Its payment is credited, and it was never used. */
  async buyUnused(amountSats: number): Promise<string> {
    const { bolt11, macaroon, payment_url: path } = await this.invoice(amountSats)
    this.#mint.pay(bolt11)
    for (;;) {
      const { json } = await this.#gate.client.ask({ path })
      if (json.token_suffix !== undefined) return `${macaroon}:${json.token_suffix}`
      await sleep(1_100)
    }
  }

  balance(pass: string) {
    return this.#gate.client.ask({ path: '/v1/balance', headers: bearer(pass) })
  }

  async answered(pass: string, body: object = {}): Promise<void> {
    const { status, text } = await this.#gate.client.ask(chat(pass, body))
    if (status !== 200) throw new Error(`no answer: ${text}`)
  }

  async refused(pass: string): Promise<void> {
    const { status, text } = await this.#gate.client.ask(chat(pass, { max_tokens: 5 }))
    if (status !== 400) throw new Error(`an answer: ${text}`)
  }

  stream(pass: string, most: number) {
    return this.#gate.client.open(chat(pass, { stream: true, max_tokens: most }))
  }

  async unpaid(amountSats: number): Promise<FrozenInvoice> {
    const made = await this.invoice(amountSats)
    const { bolt11, macaroon, payment_hash: hash, payment_url: path } = made
    return { hash, bolt11, sat: amountSats, macaroon, path }
  }

  /** The offer of a 402 for a stranger. */
  async offered(): Promise<FrozenInvoice> {
    const { json } = await this.#gate.client.ask(chat(null, {}))
    const { invoice: bolt11, macaroon } = json.l402 ?? {}
    const { payment_hash: hash, amount_sats: sat, payment_url: path = null } = json
    if (hash === undefined) throw new Error(`no offer: ${JSON.stringify(json)}`)
    return { hash, bolt11, sat, macaroon, path }
  }
}

const chat = (pass: string | null, body: object) => ({
  path: '/v1/chat/completions',
  body: { model: 'fake', messages: [{ role: 'user', content: 'hi' }], ...body },
  headers: bearer(pass),
})

async function freeze(name: string): Promise<void> {
  const upstream = await startFakeUpstream({ deltas: words(3) })
  const mint = await startFakeMint({ quoteSeconds: TWENTY_YEARS })
  const gate = new GateProcess({
    upstream: upstream.base.origin,
    wallet: { mints: [mint.url] },
    // An output token costs one sat, and prompts are free.
    pricing: { default: '0/1000', maxOutputTokens: 100 },
    limits: { invoicesPerClient: 8 },
  })
  try {
    await gate.start()
    const market = new Market(gate, mint)
    const passes = await lived(market, gate)
    const invoices = await asked(market)
    upstream.script = { deltas: words(200), paceMs: 150 }
    const [root, narrowed] = passes as [FrozenPass, FrozenPass]
    await market.stream(root.pass, 40)
    await market.stream(narrowed.pass, 30)
    await overdrawn(market, upstream, root.pass)
    // Running streams are journalled once a second.
    await sleep(2_600)
    await gate.kill9()
    mint.pay(invoices[0]?.bolt11 ?? '')
    const frozen = await described(gate, mint, { passes, invoices })
    keep(join(FOLDERS, name), gate, mint, frozen)
  } finally {
    await gate.remove()
    await Promise.all([mint.stop(), upstream.close()])
  }
}

/**
 * One pass of each kind: a root pass, a child with meters, an unused one, one with caveats from the
 * beginning, two gifts.
 */
async function lived(market: Market, gate: GateProcess): Promise<readonly FrozenPass[]> {
  const ann = await market.buy(100)
  const kid = child(ann, 'spend <= 60', 'calls <= 10', 'tokens <= 5000')
  const bob = await market.buyUnused(40)
  const eve = await market.buy(30, ['spend <= 20'])
  const gift = await gate.mint(20, 'calls <= 5')
  const dan = await gate.mint(5)
  // Three tokens for each.
  for (const pass of [ann, kid, kid, eve, gift]) await market.answered(pass)
  return [
    { is: 'root', pass: ann, ownLeft: null },
    { is: 'narrowed', pass: kid, ownLeft: 54_000 },
    { is: 'paid and never used', pass: bob, ownLeft: null },
    { is: 'born narrowed', pass: eve, ownLeft: 17_000 },
    { is: 'a narrowed gift', pass: gift, ownLeft: null },
    { is: 'a gift', pass: dan, ownLeft: null },
  ]
}

/** One free request, and one that cost more than its account has free. */
async function overdrawn(market: Market, upstream: FakeUpstream, pass: string): Promise<void> {
  upstream.script = { status: 400, body: '{"error":{"message":"no"}}' }
  await market.refused(pass)
  upstream.script = { deltas: words(45) }
  await market.answered(pass, { max_tokens: 20, stream: true })
}

/** Unpaid invoices: two of `/create-invoice`, and the offers of 402s, of which the last one is shared. */
async function asked(market: Market): Promise<readonly FrozenInvoice[]> {
  const invoices = [await market.unpaid(25), await market.unpaid(50)]
  for (;;) {
    const offer = await market.offered()
    invoices.push(offer)
    if (offer.path === null) return invoices
  }
}

/** What the writing version tells about it. */
async function described(
  gate: GateProcess,
  mint: FakeMint,
  known: Pick<Frozen, 'passes' | 'invoices'>,
): Promise<Frozen> {
  const { balance_sat: coins } = await gate.command('wallet', 'balance')
  const { accounts, drawers, holds } = await booksOf(gate)
  if (coins !== mint.issuedSat()) throw new Error('not worth freezing')
  // The narrowed pass has the newest hold. The next start charges what its journal says.
  const [newest] = holds
  return {
    mint: mint.url,
    passes: known.passes.map((pass) => {
      if (pass.ownLeft === null || pass.is !== 'narrowed') return pass
      return { ...pass, ownLeft: pass.ownLeft - (newest?.sofar ?? 0) }
    }),
    invoices: known.invoices,
    accounts,
    holds,
    drawers: Object.fromEntries([...drawers].map(([drawer, msat]) => [drawer, Number(msat)])),
    coins,
  }
}

/** The books of a killed gate, with whole account ids. Commands show only names. */
async function booksOf(gate: GateProcess) {
  const world = { ...real, now: Date.now, random: (bytes: number) => new Uint8Array(bytes) }
  const books = openSqliteBooks({ path: join(gate.data, 'ledger.db'), kind: 'test', world })
  try {
    const { statement } = books
    const [accounts, holds] = [await statement.accounts(1_000), await statement.holds(1_000)]
    return {
      drawers: await drawersOf(statement),
      accounts: inNumbers(accounts) as Frozen['accounts'],
      holds: inNumbers(holds) as Frozen['holds'],
    }
  } finally {
    await books.close()
  }
}

const inNumbers = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? Number(one) : one)))

function keep(to: string, gate: GateProcess, mint: FakeMint, frozen: Frozen): void {
  rmSync(to, { recursive: true, force: true })
  mkdirSync(to, { recursive: true })
  for (const file of KEPT) {
    const from = join(gate.folder, 'data', file)
    if (file.endsWith('.db')) checkpoint(from)
    cpSync(from, join(to, 'data', file))
  }
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
  writeFileSync(join(to, 'mint.json'), json(mint.memory()))
  writeFileSync(join(to, 'expected.json'), json(frozen))
}

/** Writes all of it into one file. */
function checkpoint(path: string): void {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
}

const [name] = process.argv.slice(2)
if (name === undefined) throw new Error('usage: node scripts/freeze.ts NAME')
await freeze(name)
