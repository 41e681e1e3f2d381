import { createHash } from 'node:crypto'
import type { World } from '../../floor/world.ts'
import { objectIn } from '../../outbound/ask-json.ts'
import { isSigned, publicKeyOf, sign } from './curve.ts'

/** A signed message of Nostr (NIP-01). */
export interface NostrEvent {
  readonly id: string
  readonly pubkey: string
  /** Seconds since the epoch. */
  readonly created_at: number
  readonly kind: number
  readonly tags: readonly (readonly string[])[]
  readonly content: string
  readonly sig: string
}

export type Draft = Pick<NostrEvent, 'created_at' | 'kind' | 'tags' | 'content'>

/** Signs a message. */
export function signed(
  draft: Draft,
  secretKey: Uint8Array,
  world: Pick<World, 'random'>,
): NostrEvent {
  const pubkey = publicKeyOf(secretKey)
  const id = idOf({ ...draft, pubkey })
  return { id, pubkey, ...draft, sig: sign(id, secretKey, world.random(32)) }
}

/** Reads a message. Null if it is none, or if its author has not signed it. */
export function eventIn(json: unknown): NostrEvent | null {
  const event = unprovenIn(json)
  return event !== null && isProven(event) ? event : null
}

/** Reads a message whose author and content are not proven yet. Null if it is none. */
export function unprovenIn(json: unknown): NostrEvent | null {
  const event = objectIn(json)
  return event !== null && isEvent(event) ? event : null
}

/** Whether its author has signed all of it. Takes some ms, so it comes last. */
export const isProven = (event: NostrEvent): boolean =>
  idOf(event) === event.id && isSigned(event.sig, event.id, event.pubkey)

/** The first value of the first tag with that name. */
export const tagOf = ({ tags }: NostrEvent, name: string): string | undefined =>
  tags.find(([key]) => key === name)?.[1]

function isEvent(json: { readonly [name: string]: unknown }): json is NostrEvent & typeof json {
  const { id, pubkey, sig, created_at, kind, tags, content } = json
  const hex = (text: unknown, digits: number) =>
    typeof text === 'string' && text.length === digits && /^[0-9a-f]*$/.test(text)
  return (
    hex(id, 64) &&
    hex(pubkey, 64) &&
    hex(sig, 128) &&
    Number.isSafeInteger(created_at) &&
    Number.isSafeInteger(kind) &&
    typeof content === 'string' &&
    Array.isArray(tags) &&
    tags.every((tag) => Array.isArray(tag) && tag.every((part) => typeof part === 'string'))
  )
}

/** The hash of its canonical JSON. `JSON.stringify` escapes as NIP-01 asks. */
export function idOf({
  pubkey,
  created_at,
  kind,
  tags,
  content,
}: Omit<NostrEvent, 'id' | 'sig'>): string {
  const text = JSON.stringify([0, pubkey, created_at, kind, tags, content])
  return createHash('sha256').update(text).digest('hex')
}
