import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { getTokenMetadata } from '@cashu/cashu-ts'
import { describe, expect, it, onTestFailed, onTestFinished } from 'vitest'
import { nwcClient } from '../../src/wallets/nwc/client.ts'
import { readConnection } from '../../src/wallets/nwc/connection.ts'
import { GateProcess } from '../support/gate-process.ts'
import { startFakeUpstream } from '../support/upstream.ts'
import { Chance } from '../support/virtual-world.ts'
import { real } from '../support/world.ts'
import { until } from './buyer.ts'
import { type Coins, Crowd } from './crowd.ts'
import { EcashBuyer } from './ecash-buyer.ts'
import { describeWithLab, openLab } from './lab.ts'
import { openPayer } from './payer.ts'
import { lnbitsPurse, nodePurse, nwcPurse, type Purse } from './purses.ts'

/**
 * Each real part, and the gate itself, stands still, is killed with SIGKILL and comes back with its
 * data, while buyers pay, ask and withdraw. Afterwards every sat that left the wallets of the buyers
 * is on an account, was spent or went back.
 */

const SEED = Number(process.env.FAULTS_SEED ?? Date.now() % 1_000_000)
/** How often all faults of a part come, in an order of their own. The short suite plays none. */
const ROUNDS = Number(process.env.FAULTS_ROUNDS ?? 0)
/** ms in which everything must be known once nothing is broken any more. */
const QUIET = 240_000
const FEE_PPK = 100

interface Fault {
  begin(): Promise<unknown>
  end(): Promise<unknown>
}

interface Scene {
  readonly wallet: Readonly<Record<string, unknown>>
  readonly purse: Purse
  readonly faults: Readonly<Record<string, Fault>>
  /** The mint that buyers' tokens are of. */
  readonly mint?: {
    readonly buyer: EcashBuyer
    readonly coins: readonly Coins[]
    /** How many payments the mint itself calls pending. */
    pending(): Promise<number>
  }
}

async function play({ faults, mint, purse, wallet }: Scene): Promise<void> {
  const chance = new Chance(SEED)
  const upstream = await startFakeUpstream()
  onTestFinished(() => upstream.close())
  const gate = new GateProcess({
    ...{ upstream: upstream.base.origin, wallet, pricing: { default: '1/3', maxOutputTokens: 64 } },
    limits: { invoicesPerClient: 100_000 },
  })
  onTestFinished(() => gate.remove())
  onTestFailed(() => console.info(JSON.stringify(gate.events('problem')), gate.stderr))
  await gate.start()
  const before = await purse.out()
  const crowd = new Crowd({
    ...{ gate, purse, chance, coins: mint?.coins ?? [], ecash: mint !== undefined },
  })
  await crowd.start()
  const all = { ...faults, 'the gate is killed': killed(gate) }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, fault] of shuffled(Object.entries(all), chance)) {
      await sleep(chance.from(500, 2_000))
      console.info(`seed ${SEED}: ${name}`)
      await fault.begin()
      await sleep(chance.from(300, 2_500))
      await fault.end()
    }
  }
  await sleep(1_000)
  const began = Date.now()
  await crowd.settle(QUIET)
  console.info(`seed ${SEED}: everything has ended within ${Date.now() - began} ms`)

  let sums: Sums | null = null
  const balanced = async () => {
    const out = ((await purse.out()) - before) * 1000
    sums = await sumsOf(gate, crowd, out)
    return sums.missing === 0
  }
  await until(balanced, QUIET).catch(() => undefined)
  console.info(`seed ${SEED}`, { ...crowd.counts, ...crowd.ends })
  console.table(sums)
  expect({ seed: SEED, ...(sums ?? {}) }).toMatchObject({ missing: 0 })
  expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true, open_holds: 0 })
  const open = await gate.command('ledger', 'withdrawals')
  expect(open.length).toBeLessThanOrEqual((await mint?.pending()) ?? 0)
  if (mint === undefined) return
  const { mints } = await gate.command('wallet', 'balance')
  for (const { free_sat, held_sat, owed_sat } of mints) {
    expect(free_sat + held_sat).toBeGreaterThanOrEqual(owed_sat)
  }
  for (const token of crowd.tokens) await mint.buyer.receive(token)
}

/** All in msat. */
interface Sums {
  readonly [what: string]: number
  readonly missing: number
}

/** `out` is what left the Lightning wallet of the buyers, less what came back to it. */
async function sumsOf(gate: GateProcess, crowd: Crowd, out: number): Promise<Sums> {
  const sum = (list: readonly number[]) => list.reduce((total, one) => total + one, 0)
  const { charges } = await gate.command('earnings')
  const left = {
    balances: await crowd.balances(),
    leaving: await leavingFrom(gate),
    charged: sum(charges.map((row: { earned_msat: number }) => row.earned_msat)),
    tokensBack: 1000 * sum(crowd.tokens.map((token) => Number(getTokenMetadata(token).amount))),
    withdrawalFees: feesOf(gate),
    swapFees: 1000 * sum(crowd.given.map(({ swapFee }) => swapFee)),
  }
  const tokensIn = 1000 * sum(crowd.given.map(({ sats }) => sats))
  const missing = out + tokensIn - sum(Object.values(left))
  return { lightningOut: out, tokensIn, ...left, missing }
}

/** What is set aside for withdrawals under way, in msat. */
async function leavingFrom(gate: GateProcess): Promise<number> {
  const open: { amount_msat: number; fee_msat: number }[] = await gate.command(
    'ledger',
    'withdrawals',
  )
  return open.reduce((sum, one) => sum + one.amount_msat + one.fee_msat, 0)
}

/** What withdrawals have cost the accounts beyond what arrived, in msat. */
function feesOf(gate: GateProcess): number {
  const db = new DatabaseSync(join(gate.data, 'ledger.db'), { readOnly: true })
  const row = db.prepare('SELECT coalesce(sum(paid_fee), 0) AS fees FROM withdrawals').get()
  db.close()
  return Number(row?.fees)
}

const killed = (gate: GateProcess): Fault => ({
  begin: () => gate.kill9(),
  end: () => gate.start(),
})

function shuffled<T>(list: readonly T[], chance: Chance): readonly T[] {
  const keyed = list.map((one) => ({ one, key: chance.fraction() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ one }) => one)
}

if (ROUNDS === 0) {
  describe.skip('faults of real peers while payments flow (npm run test:interop:full)', () => {
    it.skip('E4, C10 and J24: every paid sat ends on an account or in a wallet', () => {})
  })
}

const describeFaults = ROUNDS === 0 ? () => {} : describeWithLab

describeFaults('faults of real peers while payments flow', () => {
  it('E4 a mint over a real node', async () => {
    const lab = await openLab()
    onTestFinished(() => lab.stop())
    const payer = openPayer(await lab.startPart('lnd'))
    onTestFinished(() => payer.close())
    const options = { FEE_PPK: String(FEE_PPK) }
    const { MINT_URL: url = '' } = await lab.startPart('nutshell-lnd', options)
    const buyer = await EcashBuyer.at(url)
    const coins: Coins[] = []
    for (let at = 0; at < 8 * ROUNDS; at += 1) {
      const proofs = await buyer.coins(1_000 + 111 * at, payer.pay)
      const swapFee = Math.ceil((proofs.length * FEE_PPK) / 1000)
      coins.push({ token: buyer.write(proofs), sats: 1_000 + 111 * at, swapFee })
    }
    await play({
      wallet: { kind: 'ecash', mints: [url] },
      purse: nodePurse(payer),
      mint: {
        ...{ buyer, coins },
        async pending() {
          const sql = "select count(*) from melt_quotes where state = 'PENDING'"
          return Number(await lab.exec('nutshell-lnd', 'sql', sql))
        },
      },
      faults: {
        'the mint stands still': {
          begin: () => lab.pause('nutshell-lnd'),
          end: () => lab.resume('nutshell-lnd'),
        },
        'the mint is killed': {
          begin: () => lab.kill('nutshell-lnd'),
          end: () => lab.startPart('nutshell-lnd', { KEEP: '1', ...options }),
        },
        'the node of the mint is killed': {
          begin: () => lab.exec('lnd', 'down', 'merchant'),
          end: () => lab.exec('lnd', 'up', 'merchant'),
        },
      },
    })
  }, 600_000)

  it('C10 a real node', async () => {
    const lab = await openLab()
    onTestFinished(() => lab.stop())
    const node = await lab.startPart('lnd')
    const payer = openPayer(node)
    onTestFinished(() => payer.close())
    await play({
      wallet: {
        ...{ kind: 'lnd', url: node.LND_REST, tlsCert: node.LND_TLS_CERT },
        key: { file: node.LND_ADMIN_MACAROON },
      },
      purse: nodePurse(payer),
      faults: {
        'the node stands still': {
          begin: () => lab.exec('lnd', 'pause', 'merchant'),
          end: () => lab.exec('lnd', 'resume', 'merchant'),
        },
        'the node is killed': {
          begin: () => lab.exec('lnd', 'down', 'merchant'),
          end: () => lab.exec('lnd', 'up', 'merchant'),
        },
        'all nodes and their chain are killed': {
          begin: () => lab.kill('lnd'),
          end: () => lab.startPart('lnd', { KEEP: '1' }),
        },
      },
    })
  }, 600_000)

  it('J24 an LNbits with a backend of its own', async () => {
    const lab = await openLab()
    onTestFinished(() => lab.stop())
    const env = await lab.startPart('lnbits')
    await play({
      wallet: {
        ...{ kind: 'lnbits', url: env.LNBITS_URL },
        key: { file: keyFile(env.LNBITS_ADMIN_KEY ?? '') },
      },
      purse: lnbitsPurse(env),
      faults: {
        'LNbits stands still': {
          begin: () => lab.pause('lnbits'),
          end: () => lab.resume('lnbits'),
        },
        'LNbits is killed': {
          begin: () => lab.kill('lnbits'),
          end: () => lab.startPart('lnbits', { KEEP: '1' }),
        },
      },
    })
  }, 600_000)

  it('J24 a wallet by Nostr Wallet Connect', async () => {
    const lab = await openLab()
    onTestFinished(() => lab.stop())
    const env = await lab.startPart('nostr', { BACKEND: 'fake' })
    const client = nwcClient({
      connection: readConnection(env.NWC_PAYER_URL ?? ''),
      ...{ world: real, deadlineMs: 10_000, onNotification() {}, onLost() {} },
    })
    onTestFinished(() => client.close())
    const relay = (how: string) => lab.exec('nostr', 'relay', how, 'relay')
    // It receives only, so withdrawals are refused: the pretended wallets share one ledger, and each
    // says of an open invoice of the other that it is paying it.
    await play({
      wallet: { kind: 'nwc', key: { file: keyFile(env.NWC_RECEIVE_ONLY_URL ?? '') } },
      purse: nwcPurse(client),
      faults: {
        'its relay stands still': { begin: () => relay('pause'), end: () => relay('resume') },
        'its relay is killed': { begin: () => relay('kill'), end: () => relay('start') },
      },
    })
  }, 600_000)
})

/** A file that the gate reads a key from. It is removed after the test. */
function keyFile(key: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-key-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'wallet.key')
  writeFileSync(file, key, { mode: 0o600 })
  return file
}
