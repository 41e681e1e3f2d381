import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import type { World } from '../../floor/world.ts'
import { sharedWith } from './curve.ts'

/** `nip44_v2` is what wallets should speak. `nip04` is the old one, which some speak alone. */
export type Scheme = 'nip44_v2' | 'nip04'

/** The encryption of messages between two Nostr keys (NIP-44 version 2, NIP-04). */
export interface Channel {
  seal(scheme: Scheme, text: string): string
  /** Reads both schemes. Null if the text was not made for this channel, or was changed. */
  open(content: string): string | null
}

/**
 * The channel between a secret key and the public key of somebody else, of 32 bytes each. Throws if
 * the public key is no point of the curve.
 */
export function channelOf(
  secretKey: Uint8Array,
  publicKey: string,
  world: Pick<World, 'random'>,
): Channel {
  const shared = sharedWith(secretKey, publicKey)
  const key = mac(Buffer.from('nip44-v2'), shared)
  return {
    seal: (scheme, text) =>
      scheme === 'nip04'
        ? seal04(shared, text, world.random(16))
        : seal44(key, text, world.random(32)),
    open(content) {
      try {
        return content.includes('?iv=') ? open04(shared, content) : open44(key, content)
      } catch {
        // A wrong length or padding: it is no message of this channel.
        return null
      }
    },
  }
}

const VERSION = 2
const LONGEST = 65_535

/** Encrypts (NIP-44 version 2): padded, ChaCha20, then HMAC-SHA256 over nonce and ciphertext. */
function seal44(key: Uint8Array, text: string, nonce: Uint8Array): string {
  const keys = messageKeys(key, nonce)
  const sealed = chacha20(keys, padded(Buffer.from(text)))
  const tag = mac(keys.mac, nonce, sealed)
  return Buffer.concat([Buffer.from([VERSION]), nonce, sealed, tag]).toString('base64')
}

/** Decrypts. Null if the message was changed. */
function open44(key: Uint8Array, content: string): string | null {
  const bytes = Buffer.from(content, 'base64')
  if (bytes[0] !== VERSION || bytes.length < 99) return null
  const nonce = bytes.subarray(1, 33)
  const sealed = bytes.subarray(33, -32)
  const keys = messageKeys(key, nonce)
  if (!timingSafeEqual(mac(keys.mac, nonce, sealed), bytes.subarray(-32))) return null
  const opened = chacha20(keys, sealed)
  const length = opened.readUInt16BE(0)
  if (length === 0 || opened.length !== 2 + paddedLength(length)) return null
  return opened.toString('utf8', 2, 2 + length)
}

interface MessageKeys {
  readonly cipher: Uint8Array
  /** The counter, which begins at 0, and the nonce of the cipher, as OpenSSL takes them. */
  readonly iv: Uint8Array
  readonly mac: Uint8Array
}

/** HKDF-expand with the nonce as info: 32 bytes, 12 and 32. */
function messageKeys(key: Uint8Array, nonce: Uint8Array): MessageKeys {
  const first = mac(key, nonce, Buffer.from([1]))
  const second = mac(key, first, nonce, Buffer.from([2]))
  const third = mac(key, second, nonce, Buffer.from([3]))
  const all = Buffer.concat([first, second, third])
  return {
    cipher: all.subarray(0, 32),
    iv: Buffer.concat([Buffer.alloc(4), all.subarray(32, 44)]),
    mac: all.subarray(44, 76),
  }
}

function chacha20({ cipher, iv }: MessageKeys, bytes: Uint8Array): Buffer {
  return createCipheriv('chacha20', cipher, iv).update(bytes)
}

/** The length of the text in two bytes, the text, and zeros up to one of a few lengths. */
function padded(text: Buffer): Buffer {
  if (text.length === 0 || text.length > LONGEST) throw new RangeError('no text for NIP-44')
  const bytes = Buffer.alloc(2 + paddedLength(text.length))
  bytes.writeUInt16BE(text.length)
  text.copy(bytes, 2)
  return bytes
}

/** 32 at least, then in steps of an eighth of the next power of two. */
function paddedLength(length: number): number {
  if (length <= 32) return 32
  const power = 2 ** (Math.floor(Math.log2(length - 1)) + 1)
  const step = Math.max(32, power / 8)
  return step * (Math.floor((length - 1) / step) + 1)
}

/** Encrypts (NIP-04): AES-256-CBC. Nothing in it proves who made it, so events are signed. */
function seal04(shared: Uint8Array, text: string, iv: Uint8Array): string {
  const cipher = createCipheriv('aes-256-cbc', shared, iv)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return `${sealed.toString('base64')}?iv=${Buffer.from(iv).toString('base64')}`
}

function open04(shared: Uint8Array, content: string): string {
  const [sealed = '', iv = ''] = content.split('?iv=')
  const cipher = createDecipheriv('aes-256-cbc', shared, Buffer.from(iv, 'base64'))
  return Buffer.concat([cipher.update(sealed, 'base64'), cipher.final()]).toString('utf8')
}

function mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const hash = createHmac('sha256', key)
  for (const part of parts) hash.update(part)
  return hash.digest()
}
