import { randomBytes } from 'node:crypto'
import { openMint, writeToken } from '../../src/wallets/ecash/mint/cashu.ts'
import type { Mint, Proof } from '../../src/wallets/ecash/mint/mint.ts'
import { splitSats } from '../../src/wallets/ecash/mint/sats.ts'
import { tokenProofs } from '../../src/wallets/ecash/mint/token.ts'
import { AcceptedMints } from '../../src/wallets/ecash/receive/accepted-mints.ts'
import { EcashReceiver } from '../../src/wallets/ecash/receive/receiver.ts'
import { TokenRows } from '../../src/wallets/ecash/receive/token-rows.ts'
import type { ReceivedToken, TokenRefused } from '../../src/wallets/receiver.ts'
import { EcashBed, type EcashOptions } from './ecash.ts'
import type { FakeMint } from './fake-mint.ts'
import { real } from './world.ts'

export interface TokenBedOptions extends EcashOptions {
  /** The mints whose tokens are taken. All of them if not given. */
  readonly accepts?: readonly string[]
}

/** A wallet that takes tokens. It can be opened several times, as by several processes in turn. */
export class TokenBed extends EcashBed {
  /** The parts of one process. Its work in the background is not started. */
  async receiver(options: TokenBedOptions) {
    const parts = await this.parts(options)
    const { store, mints, world } = parts
    const rows = new TokenRows(store)
    const accepted = new AcceptedMints({
      ...{ mints, store, rows, world, money: options.money ?? 'test' },
      urls: options.accepts ?? options.mints.map(({ url }) => url),
      maxPerMint: options.maxPerMint ?? 1_000_000,
      say: (event) => void this.events.push({ ...event }),
    })
    const receiver = new EcashReceiver({ ...parts, rows, accepted })
    return { ...parts, rows, accepted, receiver }
  }
}

/** Whoever pays: has a wallet of their own at a mint. */
export class Payer {
  readonly #fake: FakeMint
  readonly #mint: Promise<Mint>
  #counter = 0

  constructor(fake: FakeMint) {
    this.#fake = fake
    this.#mint = openMint({ url: fake.url, seed: randomBytes(64), world: real })
  }

  async close(): Promise<void> {
    const mint = await this.#mint
    mint.close()
  }

  /** Coins of that many sats: as few as possible, or of these amounts. */
  async coins(sat: number, amounts?: readonly number[]): Promise<readonly Proof[]> {
    const mint = await this.#mint
    const about = await mint.about()
    const quote = await mint.createQuote({ sat, memo: 'a buyer', key: null })
    this.#fake.pay(quote.bolt11)
    const split = amounts ?? splitSats(sat, about.amounts)
    const counter = this.#counter
    this.#counter += split.length
    return mint.mint(quote.quote, null, { keyset: about.keyset, counter, amounts: split })
  }

  async token(sat: number, amounts?: readonly number[]): Promise<string> {
    return this.write(await this.coins(sat, amounts))
  }

  write(proofs: readonly Proof[], url = this.#fake.url): Promise<string> {
    return writeToken(url, proofs)
  }

  /** Receives a token, as a wallet does. Returns its sats. */
  async receive(token: string): Promise<number> {
    const mint = await this.#mint
    const { keyset } = await mint.about()
    const proofs = tokenProofs(token, [keyset])
    if (proofs === null) throw new Error('no token of this mint')
    await this.spend(proofs)
    return proofs.reduce((sum, { amount }) => sum + amount, 0)
  }

  /** Spends coins elsewhere. */
  async spend(proofs: readonly Proof[]): Promise<void> {
    const mint = await this.#mint
    const { keyset, amounts } = await mint.about()
    const sat = proofs.reduce((sum, { amount }) => sum + amount, 0) - (await mint.feeFor(proofs))
    const split = splitSats(sat, amounts)
    const counter = this.#counter
    this.#counter += split.length
    await mint.swap(proofs, { keyset, counter, amounts: split })
  }
}

/** The same proofs in the older form (NUT-00 V3), in another order and with a memo. */
export function asCashuA(url: string, proofs: readonly Proof[]): string {
  const list = proofs
    .map(({ keyset, amount, secret, c, dleq }) => {
      return { id: keyset, amount, secret, C: c, dleq: JSON.parse(dleq ?? 'null') }
    })
    .reverse()
  const body = { token: [{ mint: url, proofs: list }], unit: 'sat', memo: 'the same' }
  return `cashuA${Buffer.from(JSON.stringify(body)).toString('base64url')}`
}

/** A request that any amount is enough for. */
export const ENOUGH = { account: null, short: () => null }

/** The refusal, or what a token credits. */
export const outcomeOf = (
  received: { ok: true; value: ReceivedToken } | { ok: false; error: TokenRefused },
): string | number =>
  received.ok ? received.value.sat - received.value.feeSat : received.error.why
