import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenForCommands } from '../../../src/daemon/control.ts'
import { controlHandlers } from '../../../src/daemon/control-handlers.ts'
import { rootKeys, socketIn } from '../../../src/daemon/folder.ts'
import { Deposits } from '../../../src/gate/deposits.ts'
import type { MoneyKind } from '../../../src/ledger/ledger.ts'
import type { Books } from '../../../src/ledger/open-ledger.ts'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { msat } from '../../../src/money/msat.ts'
import { Tiers } from '../../../src/money/tiers.ts'
import { microUsd } from '../../../src/money/usd.ts'
import { Gifts } from '../../../src/rails/gifts.ts'
import { satgateAt } from '../../support/command-line.ts'
import { real } from '../../support/world.ts'

/** The commands that read the books, with a home folder of their own. */

const world = {
  ...real,
  now: () => Date.UTC(2026, 10, 26, 10, 0, 0),
}

let home: string
const clean: (() => unknown)[] = []
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'satgate-books-'))
})
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
  rmSync(home, { recursive: true })
})

const satgate = (...argv: readonly string[]) => satgateAt({ cwd: home }, ...argv)

const REAL = '.satgate'
const PLAY = '.satgate-play'
const ANN = 'aa'.repeat(16)
const BOB = 'bb'.repeat(16)
const nameOf = (account: string, digits = 8) =>
  createHash('sha256').update(account).digest('hex').slice(0, digits)

function openBooks(name: string, kind: MoneyKind): Books {
  const folder = join(home, name)
  mkdirSync(folder, { recursive: true })
  rootKeys(folder, false, world)
  return openSqliteBooks({ path: join(folder, 'ledger.db'), kind, world })
}

const DAY = 86_400_000

/** UTC days from one moment to a later one. */
const daysBetween = (from: number, to: number): number =>
  Math.floor(to / DAY) - Math.floor(from / DAY)

/** Ann paid 100 sat, was charged 3 and has 2 held. After that Bob paid in many times. */
async function lived(books: Books): Promise<void> {
  await pay(books, ANN, 100_000n, 'a')
  await books.ledger.hold(request('h1', ANN))
  const charge = { amount: msat(3_000n), quantities: { input: 7, output: 5 }, end: 'complete' }
  await books.ledger.settle('h1', { ...charge, usage: 'reported', at: world.now() })
  await books.ledger.hold(request('h2', ANN))
  await Promise.all(Array.from({ length: 60 }, (_, i) => pay(books, BOB, 1_000n, `b${i}`)))
  await books.ledger.hold(request('h3', BOB))
}

const pay = (books: Books, account: string, amount: bigint, payment: string, source?: string) =>
  books.ledger.deposit({
    source,
    ...{ payment, account, amount: msat(amount), credit: 'paid', rail: 'l402', at: world.now() },
    native: { amount: String(amount), unit: 'msat', rate: '1' },
  })

const request = (id: string, account: string) => ({
  ...{ id, account, quantities: {}, clamped: 'output' as const, least: 2, most: 2, limits: [] },
  price: { base: 0n, each: 1_000_000_000n },
  ...{ at: world.now(), deadline: world.now() + 60_000 },
  what: { model: 'llama3', dialect: 'openai-chat', pass: null },
})

/** A gate on that folder that only answers commands. */
async function running(name: string, kind: MoneyKind): Promise<Books> {
  const books = openBooks(name, kind)
  const keys = rootKeys(join(home, name), true, world)
  if (!keys.ok) throw new Error('no keys')
  const gifts = new Gifts(world.random)
  const deposits = new Deposits({
    ...books,
    keys: keys.value,
    world,
    say: () => {},
    tiers: new Tiers([]),
  })
  gifts.start((receipt) => deposits.credit(receipt))
  const office = controlHandlers({ books, gifts, keys: keys.value, world })
  const control = await listenForCommands(real, socketIn(join(home, name)), office)
  clean.push(
    () => books.close(),
    () => control.close(),
  )
  return books
}

async function atRest(name: string, kind: MoneyKind): Promise<void> {
  const books = openBooks(name, kind)
  await lived(books)
  await books.close()
}

describe('which books a command looked at', () => {
  it('is printed, with the kind of money, with a running gate and without one', async () => {
    await lived(await running(REAL, 'real'))
    const asked = await satgate('ledger')
    expect(asked.stderr).toBe('books of ~/.satgate: real money, asked of the running gate\n')
    expect(asked.stdout).toMatch(/^account {3}available sat /)
    await atRest(PLAY, 'play')
    const read = await satgate('ledger', 'verify', '--data-dir', PLAY)
    expect(read.stderr).toContain('books of ~/.satgate-play: play money, no gate runs on this')
    expect(read.stdout).toMatch(/^drawer {2,}play sat$/m)
    expect(read.stdout).toContain('The books balance: 64 postings, 2 accounts, 2 open holds.')
  })

  it('a gate on the other default folder is named, with the command that looks there', async () => {
    await atRest(REAL, 'real')
    await running(PLAY, 'play')
    const { code, stderr } = await satgate('ledger', 'entries', '--limit', '3')
    expect(code).toBe(0)
    expect(stderr).toContain('books of ~/.satgate: real money, no gate runs on this folder\n')
    expect(stderr).toContain(
      'A gate runs on ~/.satgate-play (play money). To look there: satgate ledger entries --limit 3 --data-dir ~/.satgate-play\n',
    )
    // If a gate runs there, no other folder is proposed.
    const there = await satgate('earnings', '--wallet', 'play')
    expect(there.stderr).toBe('books of ~/.satgate-play: play money, asked of the running gate\n')
  })

  it('other quantities than tokens have a column of their own, if a request used any', async () => {
    const books = await running(PLAY, 'play')
    await lived(books)
    const tokens = await satgate('earnings', '--wallet', 'play')
    expect(tokens.stdout).toMatch(/prompt tokens +completion tokens +play sat/)
    await books.ledger.hold({ ...request('h4', ANN), least: 1, most: 1 })
    const charge = { amount: msat(500n), quantities: { image: 3 }, end: 'complete' } as const
    await books.ledger.settle('h4', { ...charge, usage: 'reported', at: world.now() })
    const shown = await satgate('earnings', '--wallet', 'play')
    expect(shown.stdout).toMatch(/completion tokens +images +play sat/)
    expect(shown.stdout).toMatch(/llama3 +2 +7 +5 +3 +3\.5/)
    const json = JSON.parse((await satgate('earnings', '--wallet', 'play', '--json')).stdout)
    expect(json.charges).toMatchObject([{ prompt_tokens: 7, completion_tokens: 5, images: 3 }])
  })

  it('a folder without a ledger is a mistake, and the message says where a ledger is', async () => {
    const none = await satgate('earnings')
    expect(none).toMatchObject({ code: 1, stdout: '' })
    expect(none.stderr).toContain('there is no ledger in ~/.satgate yet: start the gate once')
    await atRest(PLAY, 'play')
    const { code, stderr } = await satgate('pass', 'mint', '--sats', '5', '--caveat', 'calls <= 1')
    expect(code).toBe(1)
    expect(stderr).toContain('there is no ledger in ~/.satgate. ~/.satgate-play has a ledger')
    expect(stderr).toContain(
      "satgate pass mint --sats 5 --caveat 'calls <= 1' --data-dir ~/.satgate-play",
    )
  })

  it('a gate of another version is not taken for no gate', async () => {
    mkdirSync(join(home, REAL))
    const control = await listenForCommands(real, socketIn(join(home, REAL)), async () => {
      throw new Error('this gate does not know that question')
    })
    clean.push(() => control.close())
    const { code, stderr } = await satgate('ledger')
    expect([code, stderr.split('\n').length]).toEqual([1, 2])
    expect(stderr).toContain('start it again with this one')
  })
})

describe('L5 dollars', () => {
  it('are shown as dollars in every view, and never added to sats', async () => {
    const books = await running(REAL, 'real')
    await pay(books, BOB, 5_000n, 'b')
    await books.ledger.deposit({
      ...{ payment: 'x', account: ANN, amount: microUsd(2_500_000n), credit: 'usd', rail: 'x402' },
      ...{ native: { amount: '2500000', unit: 'USDC', rate: '60000' }, at: world.now() },
    })
    const usd = { rate: 6_000_000_000_000n, price: null }
    await books.ledger.hold({ ...request('h1', ANN), usd })
    const charge = { amount: msat(1_000n), quantities: { output: 1 }, end: 'complete' }
    await books.ledger.settle('h1', { ...charge, usage: 'reported', at: world.now() })
    await books.ledger.hold({ ...request('h2', ANN), usd })
    const name = nameOf(ANN)

    const [account] = (await satgate('ledger', '--json')).json()
    expect(account).toMatchObject({ account: name, available_msat: 0, usd_micros: 2_498_200 })
    expect((await satgate('ledger')).stdout).toMatch(/dollars +since/)
    expect((await satgate('ledger')).stdout).toContain('$2.4982')
    const [hold] = (await satgate('ledger', 'holds', '--json')).json()
    expect(hold).toMatchObject({ id: 'h2', amount_msat: 2_000, usd_micros: 1_200 })
    expect((await satgate('ledger', 'holds')).stdout).toContain('$0.0012')
    const entries = (await satgate('ledger', 'entries', '--account', name, '--json')).json()
    expect(entries.map((one: { postings: unknown }) => one.postings)).toEqual([
      [
        { debit: 'exchange:usd', credit: `held:${name}`, amount_msat: 2_000 },
        { debit: `usd:${name}`, credit: 'usd-spent:exchange', amount_usd_micros: 1_200 },
      ],
      [{ debit: `usd:${name}`, credit: 'usd-spent:exchange', amount_usd_micros: 600 }],
      [{ debit: 'usd-rail:x402', credit: `usd:${name}`, amount_usd_micros: 2_500_000 }],
    ])
    expect((await satgate('ledger', 'entries')).stdout).toMatch(/usd:\w{8} +\$2\.50 /)

    const proof = (await satgate('ledger', 'verify', '--json')).json()
    expect(proof).toMatchObject({ balanced: true, buyers: { usd_micros: 2_498_200 } })
    expect(proof.drawers).toContainEqual({
      ...{ drawer: 'usd-spent:exchange', balance_usd_micros: 1_800 },
    })
    const shown = (await satgate('ledger', 'verify')).stdout
    expect(shown).toMatch(/^exchange:usd +-3$/m)
    expect(shown).toMatch(/^usd-rail:x402 +\$-2\.50$/m)
    expect(shown).toMatch(/^owed to buyers +7$/m)
    expect(shown).toMatch(/^dollars of buyers +\$2\.4982$/m)

    const earned = (await satgate('earnings', '--json')).json()
    expect(earned.charges).toMatchObject([{ earned_msat: 1_000 }])
    expect(earned.deposits).toEqual([
      { day: '2026-11-26', rail: 'l402', credit: 'paid', payments: 1, amount_msat: 5_000 },
      { day: '2026-11-26', rail: 'x402', credit: 'usd', payments: 1, amount_usd_micros: 2_500_000 },
    ])
    expect((await satgate('earnings')).stdout).toMatch(/x402 +usd +1 +\$2\.50$/m)
  })
})

describe('what left', () => {
  it('is in the earnings, the accounts, the entries and the proof, under the name of its account', async () => {
    const books = await running(REAL, 'real')
    await pay(books, ANN, 100_000n, 'a', 'lnd')
    const leave = (id: string) =>
      books.withdrawals.withdraw({
        ...{ id, account: ANN, source: 'lnd', kind: 'lightning', at: world.now() },
        ...{ amount: msat(20_000n), fee: msat(1_000n) },
      })
    await leave('ln:1')
    const close = { is: 'sent', fee: msat(500n), at: world.now() } as const
    await books.withdrawals.closeWithdrawal('ln:1', close)
    await leave('ln:2')
    const name = nameOf(ANN)
    expect((await satgate('earnings', '--json')).json().withdrawals).toEqual([
      { day: '2026-11-26', source: 'lnd', withdrawals: 1, amount_msat: 20_500, fees_msat: 500 },
    ])
    expect((await satgate('earnings')).stdout).toContain('Paid back to buyers')
    const [account] = (await satgate('ledger', '--json')).json()
    expect(account).toMatchObject({ account: name, paid_msat: 58_500, leaving_msat: 21_000 })
    expect((await satgate('ledger')).stdout).toMatch(/leaving/)
    const entries = (await satgate('ledger', 'entries', '--account', name, '--json')).json()
    expect(entries.map(({ why, ref }: { why: string; ref: string }) => `${why} ${ref}`)).toEqual([
      ...['withdraw ln:2', 'send ln:1', 'withdraw ln:1', 'deposit a'],
    ])
    expect(entries[0].postings).toEqual([
      { debit: `paid:${name}`, credit: `leaving:${name}`, amount_msat: 21_000 },
    ])
    const proof = (await satgate('ledger', 'verify', '--json')).json()
    expect(proof).toMatchObject({ balanced: true, buyers: { leaving_msat: 21_000 } })
    expect(proof.drawers).toContainEqual({ drawer: 'sent:lnd', balance_msat: 20_500 })
    for (const view of ['accounts', 'entries', 'verify'])
      expect((await satgate('ledger', view, '--json')).stdout).not.toMatch(/(aa){16}/)
  })
})

describe('an account', () => {
  it('has one name, which every view accepts, however many rows of others came since', async () => {
    await lived(await running(REAL, 'real'))
    const name = nameOf(ANN)
    const accounts = (await satgate('ledger', 'accounts', '--account', name, '--json')).json()
    expect(accounts).toEqual([
      {
        ...{ account: name, paid_msat: 95_000, bonus_msat: 0, held_msat: 2_000, owed_msat: 0 },
        ...{
          leaving_msat: 0,
          available_msat: 95_000,
          usd_micros: 0,
          created_at: '2026-11-26T10:00:00.000Z',
        },
      },
    ])
    const holds = (await satgate('ledger', 'holds', '--account', name, '--json')).json()
    expect(holds).toMatchObject([{ id: 'h2', account: name, amount_msat: 2_000 }])
    const entries = (await satgate('ledger', 'entries', '--account', name, '--json')).json()
    expect(entries.map(({ why, ref }: { why: string; ref: string }) => `${why} ${ref}`)).toEqual([
      ...['hold h2', 'settle h1', 'deposit a'],
    ])
    expect(entries[2].postings).toEqual([
      { debit: 'rail:l402', credit: `paid:${name}`, amount_msat: 100_000 },
    ])
    const limited = await satgate('ledger', 'entries', '--account', name, '--limit', '1', '--json')
    expect(limited.json()).toHaveLength(1)
    const table = (await satgate('ledger', '--account', name.slice(0, 4).toUpperCase())).stdout
    expect(table).toContain(name)
    expect(table).not.toContain(nameOf(BOB))
    for (const view of ['accounts', 'holds', 'entries', 'verify'])
      expect((await satgate('ledger', view, '--json')).stdout).not.toMatch(/(aa|bb){16}/)
  })

  it('that does not exist, or whose name is malformed, is a mistake', async () => {
    await lived(await running(REAL, 'real'))
    const missing = await satgate('ledger', '--account', '0123abcd')
    expect(missing).toMatchObject({ code: 1, stdout: '' })
    expect(missing.stderr).toContain('there is no account 0123abcd in these books')
    const odd = await satgate('ledger', 'holds', '--account', 'ann')
    expect(odd.stderr).toContain('"ann" is not the name of an account: a name is 8 hex digits')
  })

  it('is not guessed if two names begin in the same way', async () => {
    const books = await running(REAL, 'real')
    const [one, other] = alike()
    await pay(books, one, 1_000n, 'one')
    await pay(books, other, 1_000n, 'other')
    const { code, stderr } = await satgate('ledger', '--account', nameOf(one, 4))
    expect(code).toBe(1)
    expect(stderr).toContain(`2 accounts begin with ${nameOf(one, 4)}. Give more digits:`)
    expect(stderr).toContain(nameOf(other, 12))
    const sure = await satgate('ledger', '--account', nameOf(one, 12), '--json')
    expect(sure.json()).toMatchObject([{ account: nameOf(one) }])
  })
})

/** Two accounts whose names begin with the same four digits. */
function alike(): readonly [string, string] {
  const seen = new Map<string, string>()
  for (let n = 0; ; n += 1) {
    const account = n.toString(16).padStart(32, '0')
    const before = seen.get(nameOf(account, 4))
    if (before !== undefined) return [before, account]
    seen.set(nameOf(account, 4), account)
  }
}

describe('satgate ledger archive', () => {
  it.each(['with a running gate', 'without one'])('rolls up what is older, %s', async (how) => {
    const books = how === 'without one' ? openBooks(REAL, 'real') : await running(REAL, 'real')
    await lived(books)
    const at = Date.UTC(2026, 10, 24, 23)
    await books.ledger.hold({ ...request('h0', BOB), at, deadline: at + 60_000 })
    const used = {
      quantities: { input: 1, output: 1 },
      end: 'complete',
      usage: 'reported',
    } as const
    await books.ledger.settle('h0', { ...used, amount: msat(1_000n), at })
    if (how === 'without one') await books.close()
    const earned = (await satgate('earnings', '--json')).json()
    // Without a gate the command goes by the clock of the machine, and its day may be a later one.
    const since = how === 'without one' ? daysBetween(world.now(), real.now()) : 0
    const kept = await satgate('ledger', 'archive', '--keep', `${since + 2}`)
    expect(kept.stdout).toBe('0 requests from before 2026-11-24 were rolled up.\n')
    const done = await satgate('ledger', 'archive', '--keep', `${since + 1}`, '--json')
    const before = '2026-11-25T00:00:00.000Z'
    expect(done.json()).toEqual({ archived_requests: 1, before, keep_days: since + 1 })
    expect((await satgate('earnings', '--json')).json()).toEqual(earned)
    expect((await satgate('ledger', 'verify')).code).toBe(0)
    const entries = (await satgate('ledger', 'entries', '--limit', '999', '--json')).json()
    expect(entries.map(({ ref }: { ref: string }) => ref)).not.toContain('h0')
  })

  it('keeps any number of days', async () => {
    await running(REAL, 'real')
    const keep = String(Number.MAX_SAFE_INTEGER)
    const done = await satgate('ledger', 'archive', '--keep', keep)
    expect(done.stdout).toBe('0 requests from before 1970-01-01 were rolled up.\n')
  })

  it('keeps at least a day', async () => {
    await running(REAL, 'real')
    for (const keep of ['0', '-1', '1.5', 'all']) {
      expect((await satgate('ledger', 'archive', '--keep', keep)).code).toBe(2)
    }
  })
})

describe.each(['a running gate', 'a folder at rest'])('satgate pass, with %s', (where) => {
  const opened = async () => {
    if (where === 'a running gate') await running(REAL, 'real')
    else await atRest(REAL, 'real')
    const label = ['--caveat', 'label = team-a', '--caveat', 'spend <= 3 / day']
    const root = (await satgate('pass', 'mint', '--sats', '10')).stdout.trim()
    const team = (await satgate('pass', 'mint', '--sats', '5', ...label)).stdout.trim()
    const child = (await satgate('pass', 'narrow', root, 'calls <= 2')).stdout.trim()
    return { root, team, child }
  }
  const listed = async () => JSON.parse((await satgate('pass', 'list', '--json')).stdout)
  const shown = async (what: string) =>
    JSON.parse((await satgate('pass', 'show', what, '--json')).stdout)

  it('lists passes with label and balance, and never a secret', async () => {
    const { root, team } = await opened()
    const table = await satgate('pass', 'list')
    expect(table.stdout).toMatch(/^account +pass +kind +label +rail +sat +created/)
    const rows = await listed()
    expect(rows.slice(0, 2)).toMatchObject([
      { kind: 'narrowed', label: 'team-a', rail: 'gift', balance_msat: 5_000, state: 'good' },
      { kind: 'root', label: null, rail: 'gift', balance_msat: 10_000, state: 'good' },
    ])
    const all = [table.stdout, JSON.stringify(rows), JSON.stringify(await shown(team))].join('')
    for (const pass of [root, team]) expect(all).not.toContain(pass.split(':')[1])
    expect((await satgate('pass', 'list', '--limit', '1', '--json')).stdout).not.toContain('"root"')
  })

  it('shows caveats, the names of their prefixes, and what is left', async () => {
    const { child, team } = await opened()
    expect(await shown(team)).toMatchObject({
      kind: 'narrowed',
      state: 'good',
      balance_msat: 5_000,
      limits: [{ limit: 'spend <= 3 / day', left: '3000', unit: 'msat' }],
    })
    const { account, prefixes } = await shown(child)
    expect(prefixes.map((one: { caveat: string }) => one.caveat)).toEqual([
      null,
      expect.stringMatching(/^id = /),
      'calls <= 2',
    ])
    expect((await shown(account)).passes).toHaveLength(1)
  })

  it('revokes a child, a prefix and, with --yes, a root pass or an account that has credit', async () => {
    const { child, root, team } = await opened()
    expect((await satgate('pass', 'revoke', child)).code).toBe(0)
    expect((await shown(child)).state).toBe('revoked')
    expect((await shown(root)).state).toBe('good')
    const refused = await satgate('pass', 'revoke', root)
    expect([refused.code, refused.stderr]).toEqual([
      4,
      expect.stringMatching(/10 sat are on account/),
    ])
    const [prefix] = (await shown(root)).prefixes
    expect((await satgate('pass', 'revoke', prefix.name)).code).toBe(0)
    expect((await shown(root)).state).toBe('revoked')
    const { account } = await shown(team)
    expect((await satgate('pass', 'revoke', account)).code).toBe(4)
    expect((await satgate('pass', 'revoke', account, '--yes')).code).toBe(0)
    expect((await shown(team)).state).toBe('rotated')
  })

  it('rotates a root pass: the new one is printed once, and the others have ended', async () => {
    const { child, root, team } = await opened()
    const rotated = await satgate('pass', 'rotate', root)
    expect(rotated.stdout).toMatch(/^[A-Za-z0-9+/=]+:[0-9a-f]{64}\n$/)
    const next = rotated.stdout.trim()
    expect((await shown(next)).state).toBe('good')
    for (const old of [root, child]) expect((await shown(old)).state).toBe('rotated')
    expect((await shown(next)).balance_msat).toBe(10_000)
    expect(await satgate('pass', 'rotate', team)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('this pass is narrowed: give the root pass'),
    })
  })

  it.each([
    [['show', 'ffff'], 'there is no account ffff'],
    [['revoke', 'AgEHc2F0Z2F0ZQJC'.repeat(8)], 'this gate did not make that pass'],
    [['rotate', 'x', '--url', 'http://llm.example.com'], '--url takes the address of a gate'],
    [['show', 'nonsense'], 'is not the name of an account'],
  ])('bad input: %j', async (words, said) => {
    await opened()
    const { code, stderr } = await satgate('pass', ...words)
    expect(code).toBeGreaterThan(0)
    expect(stderr).toContain(said)
  })
})

describe('satgate pass', () => {
  it('mint prints only the pass, and says which gate accepts it', async () => {
    await running(PLAY, 'play')
    const where = ['--data-dir', join(home, PLAY)]
    const minted = await satgate('pass', 'mint', '--sats', '100', ...where)
    expect(minted.code).toBe(0)
    expect(minted.stdout).toMatch(/^[\w+/=-]{50,}:[0-9a-f]{64}\n$/)
    expect(minted.stderr).toMatch(
      /^books of ~\/\.satgate-play: play money, asked of the running gate\n100 play sat for account [0-9a-f]{8}\. Only the gate on ~\/\.satgate-play takes this pass\n$/,
    )
    const { account, ...rest } = (
      await satgate('pass', 'mint', '--sats', '7', '--caveat', 'calls <= 2', ...where, '--json')
    ).json()
    expect(rest).toMatchObject({ amount_sat: 7, caveats: ['calls <= 2'], money: 'play' })
    const accounts = (await satgate('ledger', '--account', account, ...where, '--json')).json()
    expect(accounts).toMatchObject([{ account, bonus_msat: 7_000 }])
  })

  it('narrow prints only the pass too, and inspect a text for people', async () => {
    await running(REAL, 'real')
    const pass = (await satgate('pass', 'mint', '--sats', '1')).stdout.trim()
    const narrowed = await satgate('pass', 'narrow', pass, 'spend <= 10 / day')
    expect(narrowed).toMatchObject({ code: 0, stderr: '' })
    expect(narrowed.stdout).toMatch(/^\S{50,}:[0-9a-f]{64}\n$/)
    expect((await satgate('pass', 'inspect', narrowed.stdout.trim())).stdout).toContain(
      'caveat        spend <= 10 / day\n',
    )
  })
})

describe('what was typed', () => {
  it.each([
    [['pass', 'narrow', 'x', 'y', '--tunnel'], 'satgate pass narrow does not take --tunnel'],
    [['--no-tunnel', 'ledger'], 'satgate ledger accounts does not take --no-tunnel'],
    [['--port', '1', 'pass', 'inspect', 'x'], 'satgate pass inspect does not take --port'],
    [['demo', '--payout', 'a@b.example'], 'satgate demo does not take --payout'],
    [['ledger', '--limit', '3', 'verify'], 'satgate ledger verify does not take --limit here'],
    [['--yes', 'wallet', 'restore'], 'write it after the command: satgate wallet restore --yes'],
    [['ledger', 'entrys'], 'did you mean entries?'],
    [['ledger', 'entries', 'a1b2c3d4'], 'satgate ledger entries --account a1b2c3d4'],
    [['ledger', 'a1b2c3d4'], 'satgate ledger accounts --account a1b2c3d4'],
    [['ledger', '--limit', '0'], '--limit takes a whole number above 0, not "0"'],
    [['earnings', 'today'], 'satgate earnings takes flags only, not "today"'],
    [['pass', 'mint'], "required option '--sats <sats>' not specified"],
    [['pass', 'mint', '--sats', '1', '--caveat', 'foo = 1'], '"foo = 1": a caveat starts with'],
    [['pass', 'mint'], 'satgate pass mint --help shows how it is used.'],
    [['pass', 'mnt'], 'did you mean mint?'],
    [['ledgr'], 'did you mean ledger?'],
    [['--tunel'], '(Did you mean --tunnel?)'],
  ])('%j is refused, with what to do', async (argv, says) => {
    await openBooks(REAL, 'real').close()
    const { code, stdout, stderr } = await satgate(...argv)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(says)
  })

  it.each([['--moed'], ['--nope'], ['ledger', '--tunel']])(
    'proposes no useless flag for %s %s',
    async (...argv) => {
      expect((await satgate(...argv)).stderr).not.toContain('Did you mean')
    },
  )

  it('--config, --data-dir and --json may stand before the command and after it', async () => {
    await atRest('elsewhere', 'test')
    for (const argv of [
      ['--data-dir', 'elsewhere', '--json', 'ledger', 'entries', '--limit', '2'],
      ['ledger', '--data-dir', 'elsewhere', '--limit', '2', '--json', 'entries'],
      ['ledger', 'entries', '--json', '--limit', '2', '--data-dir', 'elsewhere'],
    ]) {
      const { json, stderr } = await satgate(...argv)
      expect(json()).toHaveLength(2)
      expect(stderr).toContain('books of ~/elsewhere: test money')
    }
  })
})
