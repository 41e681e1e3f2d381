/**
 * The position in one HTTP/1.1 answer. Reads only what is needed to time the answer and to find its
 * end.
 */
export class AnswerReader {
  status = 0
  /** Whether the first event of a chat stream has begun. Comments and the head do not count. */
  event = false
  #head = ''
  #at: 'head' | 'length' | 'size' | 'data' | 'gap' | 'trailer' = 'head'
  #left = 0
  #line = 0
  #inSize = true

  reset(): void {
    this.status = 0
    this.event = false
    this.#head = ''
    this.#at = 'head'
  }

  /**
   * Returns true if this piece contains the end of the answer. Nothing may follow, because requests
   * are not pipelined.
   */
  feed(bytes: Buffer): boolean {
    let from = 0
    if (this.#at === 'head') {
      from = this.#readHead(bytes)
      if (from < 0) return false
    }
    if (this.#at === 'length') {
      this.#left -= bytes.length - from
      return this.#left <= 0
    }
    return this.#readChunks(bytes, from)
  }

  #readHead(bytes: Buffer): number {
    const before = this.#head.length
    this.#head += bytes.toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end < 0) return -1
    const head = this.#head.slice(0, end)
    this.status = Number(head.slice(9, 12))
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)
    this.#at = length ? 'length' : 'size'
    this.#left = Number(length?.[1] ?? 0)
    this.#inSize = true
    return end + 4 - before
  }

  #readChunks(bytes: Buffer, from: number): boolean {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0
      if (this.#at === 'data') {
        this.event ||= byte === 0x64
        const skipped = Math.min(this.#left, bytes.length - at)
        this.#left -= skipped
        at += skipped - 1
        if (this.#left === 0) this.#at = 'gap'
      } else if (this.#at === 'size') {
        this.#readSize(byte)
      } else if (this.#at === 'gap') {
        if (byte === 0x0a) this.#nextSize()
      } else if (byte === 0x0a) {
        if (this.#line === 0) return true
        this.#line = 0
      } else if (byte !== 0x0d) this.#line++
    }
    return false
  }

  #nextSize(): void {
    this.#at = 'size'
    this.#left = 0
    this.#inSize = true
  }

  #readSize(byte: number): void {
    if (byte === 0x0a) {
      this.#at = this.#left === 0 ? 'trailer' : 'data'
      this.#line = 0
      return
    }
    const digit = byte < 0x3a ? byte - 0x30 : (byte | 0x20) - 0x57
    this.#inSize &&= digit >= 0 && digit < 16
    if (this.#inSize) this.#left = this.#left * 16 + digit
  }
}
