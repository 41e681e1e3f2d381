import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { satgateAt } from '../../support/command-line.ts'
import { type FakeMint, startFakeMint } from '../../support/fake-mint.ts'
import { type LndDouble, startLndDouble } from '../wallets/lnd/lnd-double.ts'

let folder: string
let mint: FakeMint
let lnd: LndDouble
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'satgate-wallet-'))
  ;[mint, lnd] = await Promise.all([startFakeMint(), startLndDouble()])
})
afterEach(async () => {
  await Promise.all([mint.stop(), lnd.stop()])
  rmSync(folder, { recursive: true })
})

/** `satgate wallet test …`, for a node and a mint, on a folder on which no gate has run. */
function test(columns: number, ...argv: readonly string[]) {
  writeFileSync(join(folder, 'lnd.macaroon'), lnd.adminHex, { mode: 0o600 })
  const node = { kind: 'lnd', url: lnd.url, key: { file: 'lnd.macaroon' } }
  const wallet = [node, { kind: 'ecash', mints: [mint.url] }]
  writeFileSync(join(folder, 'satgate.json'), JSON.stringify({ wallet, dataDir: 'data' }))
  return satgateAt({ cwd: folder, columns }, 'wallet', 'test', ...argv)
}

it('says of each wallet and of each mint what it can do', async () => {
  const { code, stdout } = await test(90)
  expect(code).toBe(0)
  const said = stdout.replace(/\d+ ms/g, '0 ms').replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')
  expect(said).toBe(`lnd at HOST
  works          an invoice of 1 test sat was made and looked up in 0 ms
  money          test (regtest)
  held by        your node
  can receive    50,000 test sat
  preimage       shown to this gate alone
  payments       told by a subscription, and looked up besides
  pays buyers    yes
  warning        its macaroon may pay. That is needed to pay buyers back, and for nothing
                 else: if they cannot withdraw, use the invoice.macaroon.

ecash at HOST
  works          an invoice of 1 test sat was made and looked up in 0 ms
  money          test (regtest)
  held by        the mint HOST, until you take it out
  can receive    200,000 test sat, up to wallet.maxPerMint
  preimage       not shown; buyers use the settlement secret
  payments       told by a subscription, and looked up besides
  pays buyers    yes
`)
})

it('leaves nothing behind: no data folder, no seed, no secret in what it prints', async () => {
  const { stdout } = await test(90, '--json')
  expect(existsSync(join(folder, 'data'))).toBe(false)
  expect(stdout).not.toMatch(/lnbc|[0-9a-f]{40}/)
})

it('exits with 3 if one does not work, and says why; the others are tested all the same', async () => {
  await lnd.close()
  const { code, stdout } = await test(90, '--json')
  expect(code).toBe(3)
  expect(JSON.parse(stdout)).toMatchObject([
    { wallet: 'lnd', works: false, problem: expect.stringMatching(/is lnd running/) },
    { wallet: 'ecash', works: true, invoice_sat: 1, receivable_sat: 200_000 },
  ])
})
