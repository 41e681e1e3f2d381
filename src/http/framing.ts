import type { ServerResponse } from 'node:http'

/**
 * Up to so many bytes are joined to one string with the head and the frame of their chunk, because
 * Node passes one string to the kernel without allocating. More bytes are not copied.
 */
const JOINED = 14_336

/** What is written at once. */
export interface Piece {
  readonly bytes: readonly Uint8Array[]
  /** The length of all bytes. */
  readonly size: number
  /** Whether the body goes out in chunks. */
  readonly chunked: boolean
  /** The trailer fields if the answer ends here, else null. Only a body in chunks has any. */
  readonly end: Readonly<Record<string, string>> | null
}

/** Writes one piece of a body, and the end if it is the last one, in one system call. */
export function writePiece(outgoing: ServerResponse, { bytes, size, chunked, end }: Piece): void {
  const head = chunked && size > 0 ? `${size.toString(16)}\r\n` : ''
  const tail = (head === '' ? '' : '\r\n') + (chunked && end !== null ? endOfChunks(end) : '')
  if (size <= JOINED) {
    let text = head
    for (const part of bytes) text += latin1(part)
    text += tail
    if (end !== null) outgoing.end(text, 'latin1')
    else writeNow(outgoing, text)
    return
  }
  outgoing.cork()
  if (head !== '') outgoing.write(head, 'latin1')
  for (const part of bytes) outgoing.write(part)
  if (end !== null) outgoing.end(tail, 'latin1')
  else {
    if (tail !== '') outgoing.write(tail, 'latin1')
    outgoing.uncork()
  }
}

/**
 * Writes one chunk to the socket itself, past the response, which would make the same bytes of it at
 * more cost. Allowed only if the response has a body in chunks. False if the socket has no room at
 * once, if it is not this answer's turn, or if the chunk is large: then nothing was written.
 */
export function writeChunk(outgoing: ServerResponse, bytes: Uint8Array): boolean {
  const { socket } = outgoing
  if (bytes.byteLength > JOINED || !socket?.writable || outgoing.writableLength > 0) return false
  socket.write(`${bytes.byteLength.toString(16)}\r\n${latin1(bytes)}\r\n`, 'latin1')
  return true
}

/** Without this cork, Node would wait for the next tick. */
function writeNow(outgoing: ServerResponse, text: string): void {
  outgoing.cork()
  outgoing.write(text, 'latin1')
  outgoing.uncork()
}

/** The last chunk, which is empty, and the trailer fields (RFC 9112 7.1). */
function endOfChunks(trailers: Readonly<Record<string, string>>): string {
  let text = '0\r\n'
  for (const name in trailers) text += `${name}: ${trailers[name]}\r\n`
  return `${text}\r\n`
}

/** Each byte as the character of its number. */
const latin1 = (bytes: Uint8Array): string =>
  (Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  ).toString('latin1')

/** Takes that many bytes from the front of a queue. */
export function takeFrom(queue: Uint8Array[], size: number): Uint8Array[] {
  const taken: Uint8Array[] = []
  let left = size
  while (left > 0) {
    const [first] = queue
    if (first === undefined) break
    if (first.byteLength <= left) queue.shift()
    else queue[0] = first.subarray(left)
    taken.push(first.subarray(0, left))
    left -= first.byteLength
  }
  return taken
}
