/** After so many bytes it is clear whether they are text. */
const ENOUGH = 16

const SOUND = /^audio\/[\w.+-]{1,64}(?:[ \t]*;[ \t]*[\w-]{1,32}="?[\w./:-]{1,64}"?){0,4}$/i
const UNKNOWN = /^(?:application\/octet-stream|binary\/octet-stream)$/i
const OCTETS = 'application/octet-stream'

const essence = (label: string): string => label.split(';', 1)[0]?.trim() ?? ''

/** The media type of a speech: the backend's own if it is one of sound. */
export const soundType = (label: string | null): string =>
  label !== null && SOUND.test(label) ? label : OCTETS

/**
 * Whether an answer is sound. Backends label their errors in any way and send them with 200 (threats K8,
 * K18), so its first bytes must not be those of JSON, HTML or events. Null while too few have come.
 */
export function isSound(label: string | null, first: Uint8Array): boolean | null {
  if (label !== null && !SOUND.test(label) && !UNKNOWN.test(essence(label))) return false
  const bytes = Buffer.from(first.subarray(0, ENOUGH))
  if (OPENING.test(bytes.toString('latin1'))) return false
  if (!bytes.every(isPrintable)) return true
  return bytes.length < ENOUGH ? null : false
}

/** How JSON and HTML begin. */
const OPENING = /^\s*[{[<]["\s!?A-Za-z]/

/** No file of sound begins with so many characters of ASCII. */
const isPrintable = (byte: number): boolean =>
  (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09
