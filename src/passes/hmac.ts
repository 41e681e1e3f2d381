import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

/**
 * A key for `hmac`. Node takes bytes as well. But it then finds out by two errors, which it catches, that
 * they are no key object, and that takes longer than the HMAC itself.
 */
export const hmacKey = (bytes: Uint8Array): KeyObject => createSecretKey(bytes)

/** HMAC-SHA256. */
export const hmac = (key: KeyObject, data: Uint8Array): Buffer =>
  createHmac('sha256', key).update(data).digest()
