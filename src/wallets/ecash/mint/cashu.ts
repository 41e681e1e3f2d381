import type { World } from '../../../floor/world.ts'
import {
  costOf,
  expiryOf,
  invoiceOf,
  listOf,
  quoteIdOf,
  quoteStateOf,
  satsOf,
  signatureOf,
  signaturesOf,
  statesOf,
} from './answers.ts'
import type { Keys, Output, Signature } from './coins.ts'
import { type Json, type MintHttp, mintHttp } from './http.ts'
import {
  type Batch,
  ChangeLies,
  InvoicePaid,
  type Melted,
  type Mint,
  MintLies,
  MintRefused,
  MintUnreachable,
  type Proof,
  type ProofState,
  type RefusedMeaning,
} from './mint.ts'
import { type MintInfo, mintInfo } from './mint-info.ts'
import { mintSocket } from './socket.ts'

export interface MintOptions {
  /** In the form that `normalMintUrl` returns. */
  readonly url: string
  /** The 64 bytes that the words make (BIP-39). */
  readonly seed: Uint8Array
  readonly world: World
  /** For a whole exchange, in ms (10 s unless given). Paying may take three times as long. */
  readonly deadlineMs?: number
}

const DEADLINE_MS = 10_000
/** A payment may take long. After so many deadlines its state is asked for. */
const MELT_DEADLINES = 3
/** Mints accept up to 1,000 items in one list. The answers for so many are short enough. */
const AT_ONCE = 100

type Coins = typeof import('./coins.ts')

/**
 * Opens one mint over HTTP (NUT-00 to 09, 12, 13, 17, 20). Opening it makes no call. Every method
 * throws the errors of the port: `MintUnreachable`, `MintBusy`, `MintRefused`, `MintLies`.
 */
export async function openMint(options: MintOptions): Promise<Mint> {
  const { url, seed, world, deadlineMs = DEADLINE_MS } = options
  const [coins, tokens] = await Promise.all([import('./coins.ts'), import('./token.ts')])
  const http = mintHttp(world, url, deadlineMs)
  const offer = mintInfo({ http, now: world.now, isIdOf: coins.isIdOf })
  const socket = mintSocket(world, url, { deadlineMs })
  const outputs = (batch: Batch) => coins.outputsOf(seed, batch)
  const parts: Parts = { world, coins, http, offer, outputs, deadlineMs }
  return {
    url,
    about: offer.about,
    async alive() {
      await http.ask('/v1/info')
    },
    feeFor: offer.feeFor,
    keysets: offer.keysets,
    isSigned: async (proof) => tokens.isSigned(proof, await offer.keys(proof.keyset)),
    ...invoices(parts),
    ...signing(parts),
    ...payments(parts),
    watchQuotes: (quotes, told) =>
      offer.heard()?.tells === false ? null : socket.watch(quotes, told),
    close() {
      http.close()
      socket.close()
    },
  }
}

/** A cashuB token of coins of one mint in sats, with the proofs of their signatures (NUT-00). */
export async function writeToken(mintUrl: string, proofs: readonly Proof[]): Promise<string> {
  const { tokenOf } = await import('./coins.ts')
  return tokenOf(mintUrl, proofs)
}

interface Parts {
  readonly world: World
  readonly coins: Coins
  readonly http: MintHttp
  readonly offer: MintInfo
  outputs(batch: Batch): readonly Output[]
  readonly deadlineMs: number
}

/** Quotes for incoming payments (NUT-04). */
function invoices({ coins, http, offer }: Parts): Pick<Mint, 'createQuote' | 'quoteState'> {
  return {
    async createQuote({ sat, memo, key }) {
      const { describes } = await offer.info()
      const pubkey = key === null ? null : coins.publicKeyOf(key)
      const answer = await http.ask('/v1/mint/quote/bolt11', {
        body: {
          amount: sat,
          unit: 'sat',
          ...(describes ? { description: memo } : {}),
          ...(pubkey === null ? {} : { pubkey }),
        },
      })
      if (pubkey !== null && answer.pubkey !== pubkey) throw new MintLies('a quote without our key')
      const quote = quoteIdOf(answer, null)
      return { quote, bolt11: invoiceOf(answer, sat), expiresAt: expiryOf(answer) }
    },
    async quoteState(quote) {
      const answer = await http.ask(`/v1/mint/quote/bolt11/${quote}`)
      quoteIdOf(answer, quote)
      const state = quoteStateOf(answer)
      if (state === null) throw new MintLies('a quote in no known state')
      return state
    },
  }
}

/** Everything that makes coins and checks them (NUT-03, 04, 07, 09). */
function signing(parts: Parts): Pick<Mint, 'mint' | 'swap' | 'restore' | 'states'> {
  const { world, coins, http, offer, outputs } = parts

  async function signed(path: string, body: object, batch: Batch): Promise<readonly Proof[]> {
    const keys = await offer.keys(batch.keyset)
    const ours = outputs(batch)
    const asked = { ...body, outputs: ours.map(({ blinded }) => blinded) }
    const answer = await http.ask(path, { body: asked }).catch((error: unknown) => {
      if (error instanceof MintRefused && error.means === 'keyset') offer.forget()
      throw error
    })
    const signatures = signaturesOf(answer, batch)
    return unblinded(world, zip(ours, signatures), keys)
  }

  return {
    async mint(quote, key, batch) {
      const path = '/v1/mint/bolt11'
      if (key === null) return signed(path, { quote }, batch)
      const blinded = outputs(batch).map((output) => output.blinded)
      try {
        return await signed(path, { quote, signature: coins.signQuote(key, quote, blinded) }, batch)
      } catch (error) {
        if (!(error instanceof MintRefused && error.code === BAD_SIGNATURE)) throw error
        const signature = coins.signQuoteAsBefore(key, quote, blinded)
        return signed(path, { quote, signature }, batch)
      }
    },
    swap: (inputs, batch) => signed('/v1/swap', { inputs: inputs.map(asInput) }, batch),
    restore: (batch) => restored(parts, batch),
    async states(proofs) {
      const points = proofs.map(({ secret }) => coins.pointOf(secret))
      const states: ProofState[] = []
      for (let at = 0; at < points.length; at += AT_ONCE) {
        const Ys = points.slice(at, at + AT_ONCE)
        states.push(...statesOf(await http.ask('/v1/checkstate', { body: { Ys } }), Ys))
      }
      return states
    },
  }
}

/** The error code of the NUTs for a missing or wrong signature of a locked quote. */
const BAD_SIGNATURE = 20008

/** The mint answers with the outputs that it knows, in its own order. */
async function restored({ world, http, offer, outputs }: Parts, batch: Batch): Promise<Proof[]> {
  const keys = await offer.keys(batch.keyset)
  const ours = outputs(batch)
  const found = new Map<string, Signature>()
  for (let at = 0; at < ours.length; at += AT_ONCE) {
    const some = ours.slice(at, at + AT_ONCE)
    const body = { outputs: some.map(({ blinded }) => blinded) }
    const answer = await http.ask('/v1/restore', { body })
    const theirs = listOf(answer.outputs, 'no list of restored outputs')
    const signatures = listOf(answer.signatures, 'no list of restored signatures')
    if (theirs.length !== signatures.length) throw new MintLies('outputs without signatures')
    theirs.forEach(({ B_ }, index) => {
      const output = some.find(({ blinded }) => blinded.B_ === B_)
      if (output === undefined) throw new MintLies('an output that was not asked for')
      const { amount } = output.blinded
      found.set(output.blinded.B_, signatureOf(signatures[index] ?? {}, batch.keyset, amount))
    })
  }
  const known = ours.filter(({ blinded }) => found.has(blinded.B_))
  const signatures = known.flatMap(({ blinded }) => found.get(blinded.B_) ?? [])
  return unblinded(world, zip(known, signatures), keys)
}

/** Pairs outputs with their signatures. The longer list is cut. */
function zip(outputs: readonly Output[], signatures: readonly Signature[]): readonly Pair[] {
  return outputs.flatMap((output, at) => {
    const signature = signatures[at]
    return signature === undefined ? [] : [[output, signature] as const]
  })
}

type Pair = readonly [Output, Signature]

/** Checking one signature takes many ms, so the event loop runs other work after each. */
async function unblinded(world: World, pairs: readonly Pair[], keys: Keys): Promise<Proof[]> {
  const proofs: Proof[] = []
  for (const [output, signature] of pairs) {
    proofs.push(output.unblind(signature, keys))
    await world.turn()
  }
  return proofs
}

/** Paying invoices (NUT-05, 08). */
function payments(parts: Parts): Pick<Mint, 'meltQuote' | 'melt' | 'meltState'> {
  const { world, http, offer, outputs, deadlineMs } = parts
  const path = '/v1/melt/quote/bolt11'

  async function melted(answer: Json, quote: string, batch: Batch): Promise<Melted | null> {
    quoteIdOf(answer, quote)
    if (answer.state === 'UNPAID') return { is: 'unpaid' }
    if (answer.state === 'PENDING') return { is: 'pending' }
    if (answer.state !== 'PAID') throw new MintLies('a payment in no known state')
    if (answer.change === undefined || answer.change === null) return null
    return { is: 'paid', change: await checked(() => changeOf(answer.change, batch)) }
  }

  async function changeOf(change: unknown, batch: Batch): Promise<readonly Proof[]> {
    const signatures = listOf(change, 'change that is no list')
    const ours = outputs(batch)
    if (signatures.length > ours.length) throw new MintLies('more change than asked for')
    const keys = await offer.keys(batch.keyset)
    const read = signatures.map((one) => signatureOf(one, batch.keyset, 0))
    return unblinded(world, zip(ours, read), keys)
  }

  return {
    async meltQuote(bolt11) {
      const answer = await http.ask(path, { body: { request: bolt11, unit: 'sat' } })
      const feeReserve = satsOf(answer.fee_reserve)
      return { quote: quoteIdOf(answer, null), sat: costOf(answer, bolt11), feeReserve }
    },
    async melt(quote, inputs, change) {
      const blanks = outputs(change).map(({ blinded }) => blinded)
      const body = {
        quote,
        inputs: inputs.map(asInput),
        ...(blanks.length > 0 && { outputs: blanks }),
      }
      // No other step may come between a payment and its change.
      if (blanks.length > 0) await offer.keys(change.keyset)
      try {
        const answer = await http.ask('/v1/melt/bolt11', {
          body,
          deadlineMs: MELT_DEADLINES * deadlineMs,
        })
        return (await melted(answer, quote, change)) ?? { is: 'paid', change: [] }
      } catch (error) {
        return notMelted(error, offer)
      }
    },
    async meltState(quote, change) {
      const known = await melted(await http.ask(`${path}/${quote}`), quote, change)
      // Not every mint keeps the change with its quote. All of them keep what they signed.
      return known ?? { is: 'paid', change: await checked(() => restored(parts, change)) }
    },
  }
}

/** The payment was made, even if something is wrong with its change. */
async function checked(change: () => Promise<readonly Proof[]>): Promise<readonly Proof[]> {
  try {
    return await change()
  } catch (error) {
    if (!(error instanceof MintLies)) throw error
    throw new ChangeLies(error.what, { cause: error })
  }
}

/** Refusals of a payment that surely come before the mint tries it. */
const BEFORE_PAYING: readonly RefusedMeaning[] = ['spent', 'pending', 'keyset', 'amount']
/** The code of Nutshell for all other errors, also after it has paid. */
const ANYTHING = 11000
const INVOICE_PAID = 20006

function notMelted(error: unknown, offer: MintInfo): { readonly is: 'unpaid' } {
  if (!(error instanceof MintRefused)) throw error
  if (error.means === 'not_paid') return { is: 'unpaid' }
  if (error.means === 'keyset') offer.forget()
  if (BEFORE_PAYING.includes(error.means) && error.code !== ANYTHING) throw error
  if (error.code === INVOICE_PAID) throw new InvoicePaid()
  throw new MintUnreachable(`it does not say whether it has paid (${error.code})`)
}

/** A coin as it is spent. With its DLEQ proof, the mint would know where it came from. */
function asInput({ secret, keyset, amount, c }: Proof) {
  return { id: keyset, amount, secret, C: c }
}
