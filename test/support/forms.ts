import type { RequestHead } from '../../src/dialects/dialect.ts'

export const BOUNDARY = 'satgate-test'

/** The headers of a request with a form. */
export const FORM_HEAD: RequestHead = {
  contentType: `multipart/form-data; boundary=${BOUNDARY}`,
  headers: {},
}

/** A field of a form: its name, and a text or a file. */
export type Field = readonly [name: string, value: string | Uint8Array, filename?: string]

/** A form as clients write it. */
export function form(fields: readonly Field[], boundary = BOUNDARY): Buffer {
  const parts = fields.flatMap(([name, value, filename]) => {
    const file = filename === undefined ? '' : `; filename="${filename}"`
    const type = filename === undefined ? '' : '\r\nContent-Type: application/octet-stream'
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}${type}\r\n\r\n`
    return [Buffer.from(head), Buffer.from(value), Buffer.from('\r\n')]
  })
  return Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)])
}

/** A PNG as far as its size is read: 64 × 48 pixels. */
export function png(width = 64, height = 48): Buffer {
  const head = Buffer.alloc(33)
  head.write('\x89PNG\r\n\x1a\n', 'latin1')
  head.writeUInt32BE(13, 8)
  head.write('IHDR', 12, 'latin1')
  head.writeUInt32BE(width, 16)
  head.writeUInt32BE(height, 20)
  return head
}

/** So many bytes that begin like an MP3. */
export const mp3 = (bytes: number): Buffer =>
  Buffer.concat([Buffer.from('ID3\x04'), Buffer.alloc(bytes - 4, 7)])
