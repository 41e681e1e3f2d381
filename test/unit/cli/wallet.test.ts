import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenForCommands } from '../../../src/daemon/control.ts'
import { openEcashFolder } from '../../../src/daemon/ecash-folder.ts'
import { socketIn, takeFolder } from '../../../src/daemon/folder.ts'
import { openSqliteBooks } from '../../../src/ledger/sqlite.ts'
import { msat } from '../../../src/money/msat.ts'
import { openMint } from '../../../src/wallets/ecash/mint/cashu.ts'
import { splitSats } from '../../../src/wallets/ecash/mint/sats.ts'
import { satgateAt } from '../../support/command-line.ts'
import { type FakeMint, startFakeMint } from '../../support/fake-mint.ts'
import { type LnurlServer, startLnurlServer } from '../../support/lnurl-server.ts'
import { real } from '../../support/world.ts'

const world = {
  ...real,
  now: () => Date.now(),
}

let folder: string
let mint: FakeMint
let there: LnurlServer

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'satgate-wallet-'))
  mint = await startFakeMint({ feePpk: 100 })
  there = await startLnurlServer()
})
afterEach(async () => {
  await mint.stop()
  await there.stop()
  rmSync(folder, { recursive: true })
})

/** `satgate <words>`, as from a terminal. With `--json`, as from a program. */
async function satgate(...argv: readonly string[]) {
  const settings = { wallet: { kind: 'ecash', mints: [mint.url] }, payout: there.address.text }
  writeFileSync(join(folder, 'satgate.json'), JSON.stringify({ ...settings, dataDir: 'data' }))
  return satgateAt({ cwd: folder, columns: 200 }, ...argv)
}

const data = () => join(folder, 'data')

/** A gate has run here: buyers paid, and spent a part of it. */
async function earned(sats: readonly number[], owed: bigint) {
  const { store, seed, close } = openEcashFolder(data(), world)
  const wire = await openMint({ url: mint.url, seed, world })
  const { keyset, amounts } = await wire.about()
  for (const sat of sats) {
    const { quote, bolt11 } = await wire.createQuote({ sat, memo: '', key: null })
    const hash = randomBytes(32).toString('hex')
    mint.pay(bolt11)
    const rest = { privateKey: null, createdAt: 1, expiresAt: 2 }
    store.addQuote({ hash, mint: mint.url, quote, sat, bolt11, ...rest })
    const batch = store.beginBatch({
      ...{ kind: 'mint', mint: mint.url, keyset, quote: hash },
      ...{ amounts: splitSats(sat, amounts), inputs: [], at: 1 },
    })
    store.finishBatch(batch, await wire.mint(quote, null, batch))
  }
  wire.close()
  close()
  const books = openSqliteBooks({ path: join(data(), 'ledger.db'), kind: 'test', world })
  await books.ledger.deposit({
    ...{ payment: 'ln:1', account: 'ann', amount: msat(owed), credit: 'paid', rail: 'l402' },
    ...{ native: { amount: `${owed}`, unit: 'msat', rate: '1' }, at: world.now() },
  })
  await books.close()
}

describe('satgate wallet, without a running gate', () => {
  it('tells what is held, what is owed, and what can leave', async () => {
    await earned([1000, 24], 100_500n)
    const shown = await satgate('wallet')
    expect(shown.code).toBe(0)
    expect(shown.stdout).toContain('held               1,024 test sat')
    expect(shown.stdout).toContain('owed to buyers     101 test sat')
    expect(shown.stdout).toContain(
      `Payout to ${there.address.text}: when the wallet holds more than 20,000 test sat, a first 1,000 test sat`,
    )
    const { json } = await satgate('wallet', 'balance', '--json')
    expect(json()).toMatchObject({ balance_sat: 1024, owed_sat: 101, alarm: null })
    expect(json().mints).toMatchObject([
      { mint: mint.url, free_sat: 1024, held_sat: 0, coins: 8, problem: null },
    ])
    expect(json().mints[0].net_sat).toBeLessThan(1024)
    expect(json().withdrawable_sat).toBeLessThan(1024 - 101)
  })

  it('I1 withdraws to an address, and leaves what is owed', async () => {
    await earned([1024], 500_000n)
    const refused = await satgate('wallet', 'withdraw', there.address.text, '--sats', '800')
    expect(refused).toMatchObject({ code: 4, stdout: '' })
    expect(refused.stderr).toContain('buyers are owed 500 sat')
    const done = await satgate('wallet', 'withdraw', there.address.text, '--sats', '300')
    expect(done).toMatchObject({
      ...{ code: 0, stderr: 'wallet of ~/data: test money, no gate runs on this folder\n' },
    })
    expect(done.stdout).toMatch(
      /^Paid 300 test sat to you@127\.0\.0\.1:\d+ from 127\.0\.0\.1:\d+\. Fee: \d test sat\.\n$/,
    )
    const insisted = await satgate(
      'wallet',
      'withdraw',
      there.address.text,
      '--sats',
      '300',
      '--yes',
    )
    expect(insisted.code).toBe(0)
    expect(mint.payouts.map(({ sat }) => sat)).toEqual([300, 300])
    expect((await satgate('wallet', '--json')).json().balance_sat).toBe(mint.issuedSat())
  })

  it('pays an invoice of somebody else', async () => {
    await earned([1024], 0n)
    const done = await satgate('wallet', 'withdraw', mint.invoice(50), '--json')
    expect(done.json()).toEqual({ ...done.json(), state: 'paid', amount_sat: 50, to: 'invoice' })
    expect(mint.payouts).toHaveLength(1)
  })

  it('E7 exports a token that another wallet can read, and shows it again', async () => {
    await earned([1024], 0n)
    const [token] = (await satgate('wallet', 'export', '--sats', '100', '--json')).json()
    expect(token).toMatchObject({ amount_sat: 100, mint: mint.url })
    expect(token.token).toMatch(/^cashuB/)
    const again = await satgate('wallet', 'export', '--again')
    expect(again.stdout).toBe(`${token.token}\n`)
    expect(again.stderr).toContain('100 test sat from 127.0.0.1')
    const rest = await satgate('wallet', 'export')
    expect(rest.stdout).toMatch(/^cashuB\S+\n$/)
    expect(rest.stderr).toContain('Whoever has a token has its money')
    expect((await satgate('wallet', '--json')).json().balance_sat).toBe(0)
  })

  it('E5 restores from the words alone', async () => {
    await earned([777, 223], 0n)
    for (const name of ['ecash.db', 'ecash.db-wal', 'ecash.db-shm']) {
      rmSync(join(data(), name), { force: true })
    }
    expect((await satgate('wallet')).stdout).toContain('STOPPED')
    const restored = await satgate('wallet', 'restore')
    expect(restored.code).toBe(0)
    expect(restored.stdout).toContain('1,000')
    expect(restored.stderr).toMatch(/looked at 100 outputs, 1000 sat found/)
    expect((await satgate('wallet', '--json')).json()).toMatchObject({
      ...{ balance_sat: 1000, alarm: null },
    })
  })

  it('E7 exports the coins if the seed is lost and there is no backup', async () => {
    await earned([1024], 500_000n)
    rmSync(join(data(), 'ecash.seed'))
    const shown = await satgate('wallet')
    expect(shown.code).toBe(4)
    expect(shown.stderr).toContain('satgate wallet export --yes')
    expect((await satgate('wallet', 'export')).code).toBe(4)
    const left = await satgate('wallet', 'export', '--yes', '--json')
    expect(left.json()).toMatchObject([{ amount_sat: 1024, mint: mint.url }])
  })

  it('exits with 3 if the mint does not answer', async () => {
    await earned([1024], 0n)
    await mint.stop()
    expect((await satgate('wallet', 'withdraw', there.address.text, '--sats', '10')).code).toBe(3)
    expect((await satgate('wallet', 'restore')).code).toBe(3)
    const shown = await satgate('wallet')
    expect(shown.code).toBe(0)
    expect(shown.stdout).toContain('unreachable')
  })

  it.each([
    [2, 'no Lightning address', ['withdraw', 'nonsense']],
    [2, 'whole number above 0', ['withdraw', 'you@example.com', '--sats', '1.5']],
    [2, 'did you mean withdraw?', ['witdraw']],
    [1, 'nothing was sent to', ['confirm']],
  ])('ends with %d: %s', async (code, says, words) => {
    await earned([64], 0n)
    const answer = await satgate('wallet', ...words)
    expect(answer.code).toBe(code)
    expect(answer.stderr).toContain(says)
  })

  it('says that there is no wallet, and makes none', async () => {
    const none = await satgate('wallet')
    expect(none.code).toBe(1)
    expect(none.stderr).toContain('there is no ledger in ~/data yet')
  })

  it('does not wait for a process that holds the folder and does not answer', async () => {
    await earned([64], 0n)
    const taken = takeFolder(data())
    const answer = await satgate('wallet')
    expect(answer).toMatchObject({ code: 1 })
    expect(answer.stderr).toContain('another process uses')
    if (taken.ok) taken.value.unlock()
  })
})

describe('satgate wallet, through the running gate', () => {
  it('asks the gate, shows its progress, and exits as it says', async () => {
    const asked: unknown[] = []
    const folder = takeFolder(data())
    const server = await listenForCommands(real, socketIn(data()), async (question, { told }) => {
      if ((question as { ask: string }).ask === 'about') return { money: 'real' }
      asked.push(question)
      told('half way')
      return { ok: false, error: { why: 'refused', says: 'not without --yes' } }
    })
    const answer = await satgate('wallet', 'withdraw', 'you@example.com', '--sats', '5')
    expect(asked).toEqual([
      {
        ask: 'wallet',
        what: { do: 'withdraw', to: 'you@example.com', sat: 5, yes: false },
      },
    ])
    expect(answer).toMatchObject({ code: 4, stdout: '' })
    expect(answer.stderr).toBe(
      'wallet of ~/data: real money, asked of the running gate\n  half way\nsatgate: not without --yes\n',
    )
    server.close()
    if (folder.ok) folder.value.unlock()
  })
})
