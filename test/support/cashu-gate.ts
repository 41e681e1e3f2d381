import { expect, onTestFinished } from 'vitest'
import { ecashSources, restoredEcash } from '../../src/daemon/ecash-sources.ts'
import { Swapper } from '../../src/wallets/ecash/spend/swap.ts'
import type { Answered } from './ask.ts'
import { type FakeMint, type FakeMintOptions, startFakeMint } from './fake-mint.ts'
import { type GateOptions, startGate, type TestGate } from './gate.ts'
import { Payer, TokenBed, type TokenBedOptions } from './token-bed.ts'

/** The machine may be busy. */
const PATIENT = { timeout: 30_000 }

/** A gate that takes tokens of one mint, the mint, and somebody who pays. */
export interface CashuGate {
  readonly gate: TestGate
  readonly bed: TokenBed
  readonly mint: FakeMint
  readonly payer: Payer
  /** Sends a chat completion with this token in `X-Cashu`. */
  pays(token: string, pass?: string | null, body?: object): Promise<Answered>
  /** The same gate after `kill -9`: another process on the same books and coins. */
  again(more?: Pick<GateOptions, 'keys'>): Promise<CashuGate>
}

export interface CashuGateOptions {
  readonly mint?: FakeMintOptions
  readonly taking?: Partial<TokenBedOptions>
  readonly gate?: Omit<GateOptions, 'ecash' | 'receiver'>
  /** Buyers are paid back from the mint: change and withdrawals. */
  readonly paysBack?: boolean
}

/** A thousand sats for a thousand tokens, so that small amounts show. */
const DEAR = { pricing: { default: '1000' } }

export async function startCashuGate(options: CashuGateOptions = {}): Promise<CashuGate> {
  const mint = await startFakeMint(options.mint)
  const bed = new TokenBed()
  const payer = new Payer(mint)
  onTestFinished(async () => {
    await payer.close()
    await bed.close()
    await mint.stop()
  })
  return open({ mint, bed, payer, options, after: null })
}

async function open(
  parts: Pick<CashuGate, 'mint' | 'bed' | 'payer'> & {
    readonly options: CashuGateOptions
    readonly after: TestGate | null
  },
): Promise<CashuGate> {
  const { mint, bed, payer, options, after } = parts
  const taking = await bed.receiver({ mints: [mint], ...options.taking })
  const { freeze, receiver, world } = taking
  const swapper = new Swapper({ store: taking.store, freeze, world })
  // The coins of the fake mint are test money; the gate's ledger keeps play money.
  const sources = ecashSources({ ...taking, swapper }, { money: 'test', world, say: () => {} })
  const ecash = options.paysBack === true ? { sources, restored: restoredEcash({ freeze }) } : null
  const gate = await startGate({
    ...{ settings: DEAR, world: bed.world, ...options.gate, receiver, ecash },
    ...(after === null ? {} : { after }),
  })
  await expect.poll(() => receiver.request(1), PATIENT).not.toBeNull()
  return {
    ...{ gate, bed, mint, payer },
    pays: (token, pass = null, body = {}) => gate.chat(pass, body, { 'x-cashu': token }),
    async again(more = {}) {
      await gate.stop()
      await bed.die()
      return open({
        ...parts,
        options: { ...options, gate: { ...options.gate, ...more } },
        after: gate,
      })
    },
  }
}
