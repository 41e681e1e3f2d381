import {
  createBlindSignature,
  createDLEQProof,
  createNewMintKeys,
  hashToCurve,
  pointFromHex,
  verifyUnblindedSignature,
} from '@cashu/cashu-ts'

/** A refusal with an error code of the NUTs. */
export class MintNo extends Error {
  readonly code: number
  constructor(code: number, detail: string) {
    super(detail)
    this.code = code
  }
}

export interface BlindedOutput {
  readonly amount: number
  readonly id: string
  readonly B_: string
}

export interface Input {
  readonly amount: number
  readonly id: string
  readonly secret: string
  readonly C: string
}

export interface Signed {
  readonly id: string
  readonly amount: number
  readonly C_: string
  readonly dleq: { readonly e: string; readonly s: string }
}

interface Keyset {
  readonly id: string
  readonly feePpk: number
  readonly publicKeys: Readonly<Record<string, string>>
  readonly privateKeys: Readonly<Record<string, Uint8Array>>
  active: boolean
}

/** The keys and coins of a mint, in a form that can be stored. */
export interface CoinsMemory {
  readonly keysets: readonly (Omit<Keyset, 'privateKeys'> & {
    readonly privateKeys: Readonly<Record<string, string>>
  })[]
  readonly signed: readonly (readonly [string, Signed])[]
  readonly spent: readonly (readonly [string, 'SPENT' | 'PENDING'])[]
  readonly out: number
}

const POWERS = 22
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const pointOf = (secret: string) => hashToCurve(Buffer.from(secret)).toHex(true)

export const sum = (list: readonly { readonly amount: number }[]): number =>
  list.reduce((all, { amount }) => all + amount, 0)

/** The powers of two in a number, the largest first. */
export function powersOf(sat: number): readonly number[] {
  const powers = Array.from({ length: POWERS }, (_, index) => 2 ** index)
  return powers.filter((power) => (sat & power) !== 0).reverse()
}

/** The keys of a mint, what it signed, and what was spent (NUT-00, 02, 03, 07, 09, 12). */
export class MintCoins {
  readonly #version: 0 | 1
  readonly #keysets: Keyset[] = []
  readonly #signed = new Map<string, Signed>()
  readonly #spent = new Map<string, 'SPENT' | 'PENDING'>()
  #out = 0

  constructor(version: 0 | 1) {
    this.#version = version
  }

  /** Makes a new active keyset and returns its id. The older keysets sign nothing more. */
  rotate(feePpk: number): string {
    for (const keyset of this.#keysets) keyset.active = false
    const fee = feePpk === 0 ? {} : { input_fee_ppk: feePpk }
    const made = createNewMintKeys(POWERS, undefined, { ...fee, versionByte: this.#version })
    this.#keysets.push({
      id: made.keysetId,
      feePpk,
      active: true,
      privateKeys: made.privKeys,
      publicKeys: Object.fromEntries(Object.entries(made.pubKeys).map(([a, key]) => [a, hex(key)])),
    })
    return made.keysetId
  }

  memory(): CoinsMemory {
    const keysets = this.#keysets.map((keyset) => ({
      ...keyset,
      privateKeys: mapped(keyset.privateKeys, hex),
    }))
    return { keysets, signed: [...this.#signed], spent: [...this.#spent], out: this.#out }
  }

  /** Replaces what it knows by the memory of another mint. */
  remember({ keysets, signed, spent, out }: CoinsMemory): void {
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
    const kept = keysets.map((one) => ({ ...one, privateKeys: mapped(one.privateKeys, bytes) }))
    this.#keysets.splice(0, this.#keysets.length, ...kept)
    for (const [point, one] of signed) this.#signed.set(point, one)
    for (const [point, state] of spent) this.#spent.set(point, state)
    this.#out = out
  }

  /** The sats of all coins that were signed and not spent. The mint owes them. */
  out(): number {
    return this.#out
  }

  keysets(): readonly { id: string; active: boolean; feePpk: number }[] {
    return this.#keysets
  }

  keyset(id: string): Keyset {
    const found = this.#keysets.find((keyset) => keyset.id === id)
    if (found === undefined) throw new MintNo(12001, 'keyset not found')
    return found
  }

  feeFor(inputs: readonly Input[]): number {
    return Math.ceil(inputs.reduce((ppk, { id }) => ppk + this.keyset(id).feePpk, 0) / 1000)
  }

  checkInputs(inputs: readonly Input[]): void {
    if (new Set(inputs.map(({ secret }) => secret)).size < inputs.length) {
      throw new MintNo(11007, 'duplicate inputs')
    }
    for (const { id, amount, secret, C } of inputs) {
      const key = this.keyset(id).privateKeys[amount]
      const coin = { C: pointFromHex(C), secret: Buffer.from(secret), id }
      if (key === undefined || !verifyUnblindedSignature(coin, key))
        throw new MintNo(10001, 'proof')
      const state = this.#spent.get(pointOf(secret))
      if (state === 'SPENT') throw new MintNo(11001, 'spent')
      if (state === 'PENDING') throw new MintNo(11002, 'pending')
    }
  }

  /** `blank` outputs get their amounts later (NUT-08). */
  checkOutputs(outputs: readonly BlindedOutput[], blank = false): void {
    if (new Set(outputs.map(({ B_ }) => B_)).size < outputs.length) throw new MintNo(11008, 'twice')
    for (const { id, amount, B_ } of outputs) {
      const { active, privateKeys } = this.keyset(id)
      if (!active) throw new MintNo(12002, 'keyset inactive')
      if (this.#signed.has(B_)) throw new MintNo(11003, 'outputs already signed')
      if (!blank && privateKeys[amount] === undefined) throw new MintNo(11000, 'amount')
    }
  }

  sign({ amount, id, B_ }: BlindedOutput): Signed {
    const key = this.keyset(id).privateKeys[amount]
    if (key === undefined) throw new Error('outputs are checked before they are signed')
    const point = pointFromHex(B_)
    const { e, s } = createDLEQProof(point, key)
    const C_ = createBlindSignature(point, key, id).C_.toHex(true)
    const signed = { id, amount, C_, dleq: { e: hex(e), s: hex(s) } }
    this.#signed.set(B_, signed)
    this.#out += amount
    return signed
  }

  signedBefore(B_: string): Signed | undefined {
    return this.#signed.get(B_)
  }

  spend(inputs: readonly Input[]): void {
    for (const { secret } of inputs) this.#spent.set(pointOf(secret), 'SPENT')
    this.#out -= sum(inputs)
  }

  setAside(inputs: readonly Input[]): void {
    for (const { secret } of inputs) this.#spent.set(pointOf(secret), 'PENDING')
  }

  giveBack(inputs: readonly Input[]): void {
    for (const { secret } of inputs) this.#spent.delete(pointOf(secret))
  }

  stateOf(point: string): 'UNSPENT' | 'PENDING' | 'SPENT' {
    return this.#spent.get(point) ?? 'UNSPENT'
  }
}

const mapped = <A, B>(
  record: Readonly<Record<string, A>>,
  change: (value: A) => B,
): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
