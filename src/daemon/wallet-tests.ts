import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { Background } from '../floor/background.ts'
import type { World } from '../floor/world.ts'
import { ledgerKind } from '../ledger/kind.ts'
import { mintParts } from '../wallets/ecash/mint-parts.ts'
import { openPlayWallet } from '../wallets/play/play.ts'
import { testPart, testWallet, untested, type WalletTested } from '../wallets/test-wallet.ts'
import type { NamedWallet } from '../wallets/wallet-list.ts'
import { type ConfiguredWallet, ecashSettings, NO_WALLET } from './configured-wallets.ts'
import { ecashIn } from './ecash-folder.ts'
import { Failed } from './failed.ts'
import { ledgerIn, takeFolder } from './folder.ts'
import type { EcashParts } from './open-ecash.ts'
import { tryOpening, walletsOf } from './open-wallet.ts'

/** A tested wallet, with the name that its invoices keep. */
export type NamedTest = WalletTested & { readonly name: string }

/** Tests the wallets of a running gate. */
export async function testRunning(
  wallets: readonly NamedWallet[],
  world: World,
): Promise<readonly NamedTest[]> {
  const making = wallets.filter(({ makes }) => makes)
  const tested = await Promise.all(
    making.map(async ({ name, wallet }) =>
      (await testWallet(wallet, world)).map((one) => ({ ...one, name })),
    ),
  )
  return tested.flat()
}

interface AtRest {
  readonly config: Config
  readonly world: World
}

/**
 * Opens and tests the configured wallets, while no gate runs on the data folder. Takes the lock of
 * the folder only if it has coins: the mints of another ecash wallet are tested with a new seed that
 * is thrown away. Throws `Failed`.
 */
export async function testAtRest({ config, world }: AtRest): Promise<readonly NamedTest[]> {
  if (config.wallets.length === 0) throw new Failed(NO_WALLET)
  if (config.wallets.some(({ kind }) => kind === 'play')) return testPlay(world)
  const folder = takeEcashFolder(config)
  try {
    return await testConfigured({ config, world }, folder.path)
  } finally {
    folder.release()
  }
}

function takeEcashFolder({ dataDir }: Config): { readonly path: string; release(): void } {
  if (existsSync(ecashIn(dataDir).coins)) {
    const folder = takeFolder(dataDir)
    if (folder.ok) return { path: dataDir, release: folder.value.unlock }
    throw new Failed(
      `another process uses ${dataDir} and does not answer. If a gate is starting or stopping there, try again in a moment`,
    )
  }
  const path = mkdtempSync(join(tmpdir(), 'satgate-wallet-test-'))
  return { path, release: () => rmSync(path, { recursive: true, force: true }) }
}

async function testConfigured(
  { config, world }: AtRest,
  folder: string,
): Promise<readonly NamedTest[]> {
  const kept = ledgerKind(ledgerIn(config.dataDir))
  const background = new Background(world, () => {})
  const choosing = { folder, kept, world, background, say: () => {}, waiting: () => () => {} }
  const { configured, ecash } = await walletsOf(config, choosing)
  try {
    const making = configured.filter(({ makes }) => makes)
    const tests = making.map(async (one) => {
      const mints = one.kind === 'ecash' ? (ecash?.parts ?? null) : null
      const tested =
        mints === null ? await testOne(one, kept, world) : await testMints(mints, config, world)
      return tested.map((each) => ({ ...each, name: one.kind }))
    })
    return (await Promise.all(tests)).flat()
  } finally {
    for (const { mint } of ecash?.parts.mints.all ?? []) mint.close()
    ecash?.parts.folder.close()
  }
}

async function testOne(
  one: ConfiguredWallet,
  kept: ReturnType<typeof ledgerKind>,
  world: World,
): Promise<readonly WalletTested[]> {
  const opened = await tryOpening(one, kept)
  if (opened.wallet === null) return [untested(one.kind, one.name, opened.reason)]
  try {
    return await testWallet(opened.wallet, world)
  } finally {
    await opened.wallet.close()
  }
}

function testMints(
  { mints, store }: EcashParts,
  config: Config,
  world: World,
): Promise<readonly WalletTested[]> {
  const maxPerMint = ecashSettings(config)?.maxPerMint ?? 0
  const parts = mintParts({ mints, store, maxPerMint })
  return Promise.all(parts.map((part) => testPart(part, { kind: 'ecash', world })))
}

async function testPlay(world: World): Promise<readonly NamedTest[]> {
  const facts = new Map<string, string>()
  const store = {
    async remember(key: string, value: string) {
      facts.set(key, value)
    },
    recall: async (key: string) => facts.get(key) ?? null,
  }
  const background = new Background(world, () => {})
  const wallet = openPlayWallet({ store, world, background })
  return testRunning([{ name: 'play', also: [], makes: true, wallet }], world)
}
