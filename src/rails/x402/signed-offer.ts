import { createHash, timingSafeEqual } from 'node:crypto'
import { err, ok, type Result } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import type { UsdPerBtc } from '../../money/parse.ts'
import { type MicroUsd, microUsd } from '../../money/usd.ts'
import { hmac } from '../../passes/hmac.ts'
import { offerKey } from '../../passes/keys.ts'
import type { RootKeys } from '../../passes/write.ts'
import type { Address, Caip2 } from './payment.ts'

/** How long an offer is good at its rate, in ms (threats L5). */
export const OFFER_LIFE = 120_000

/** What an offer is bound to, so that its payment buys this and nothing else (threats F4). */
export interface OfferedFor {
  readonly network: Caip2
  readonly asset: Address
  readonly payTo: Address
  readonly method: string
  /** Without its query. */
  readonly path: string
  /** SHA-256 of the body of the request, in hex. */
  readonly body: string
}

export interface SignedOffer {
  readonly amount: MicroUsd
  readonly rate: UsdPerBtc
  /** SHA-256 of its random id, in hex. */
  readonly id: string
}

/** Bytes of the random id, and where rate, amount, time and code begin. */
const ID = 16
const AMOUNT = ID + 8
const TIME = AMOUNT + 8
const CODE = TIME + 6
const SIZE = CODE + 16

/**
 * Offers that are not stored. The text that a client sends back has a random id, the rate, the amount
 * and the time, and a code (HMAC-SHA256, 16 bytes) over them and over the request. The id is what only
 * the buyer knows: it reaches neither the facilitator nor the chain (threats L1).
 */
export class SignedOffers {
  readonly #world: Pick<World, 'now' | 'random'>
  /** The key that signs, and those whose offers are good too, after a rotation. */
  readonly #keys: readonly Uint8Array[]

  constructor(keys: RootKeys, world: Pick<World, 'now' | 'random'>) {
    this.#world = world
    this.#keys = keys.all.map(({ master }) => offerKey(master))
  }

  /** 72 characters of base64url. */
  make({ amount, rate }: Omit<SignedOffer, 'id'>, offered: OfferedFor): string {
    const head = Buffer.alloc(CODE)
    head.set(this.#world.random(ID), 0)
    head.writeBigUInt64BE(rate, ID)
    head.writeBigUInt64BE(amount, AMOUNT)
    head.writeUIntBE(this.#world.now(), TIME, 6)
    const [key = new Uint8Array()] = this.#keys
    return Buffer.concat([head, codeOf(key, head, offered)]).toString('base64url')
  }

  /** `other`: it was not made here, or not for this request. `late`: it was, and is not good any more. */
  read(text: unknown, offered: OfferedFor): Result<SignedOffer, 'other' | 'late'> {
    const bytes = bytesOf(text)
    if (bytes === null) return err('other')
    const head = bytes.subarray(0, CODE)
    const code = bytes.subarray(CODE)
    const ours = this.#keys.some((key) => timingSafeEqual(codeOf(key, head, offered), code))
    if (!ours) return err('other')
    const age = this.#world.now() - head.readUIntBE(TIME, 6)
    if (Math.abs(age) > OFFER_LIFE) return err('late')
    const rate = head.readBigUInt64BE(ID)
    return ok({ rate, amount: microUsd(head.readBigUInt64BE(AMOUNT)), id: idOf(head) })
  }
}

/** SHA-256 of the id of an offer, in hex, whoever made it. Null for any other text. */
export function offerIdIn(text: unknown): string | null {
  const bytes = bytesOf(text)
  return bytes === null ? null : idOf(bytes)
}

const FORM = /^[A-Za-z0-9_-]{72}$/

const bytesOf = (text: unknown): Buffer | null =>
  typeof text === 'string' && FORM.test(text) ? Buffer.from(text, 'base64url') : null

const idOf = (bytes: Buffer): string =>
  createHash('sha256').update(bytes.subarray(0, ID)).digest('hex')

function codeOf(key: Uint8Array, head: Uint8Array, offered: OfferedFor): Buffer {
  const { network, asset, payTo, method, path, body } = offered
  const about = JSON.stringify([network, asset, payTo, method, path, body])
  return hmac(key, Buffer.concat([head, Buffer.from(about)])).subarray(0, SIZE - CODE)
}
