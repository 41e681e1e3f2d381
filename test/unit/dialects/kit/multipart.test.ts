import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundaryFor, readForm, writeForm } from '../../../../src/dialects/kit/multipart.ts'
import { BOUNDARY, FORM_HEAD, form } from '../../../support/forms.ts'

const TYPE = FORM_HEAD.contentType
const read = (body: string | Uint8Array, type = TYPE) => readForm(Buffer.from(body), type)

/** A form with one part whose headers are these lines. */
const headed = (...lines: readonly string[]) =>
  `--${BOUNDARY}\r\n${lines.join('\r\n')}\r\n\r\nx\r\n--${BOUNDARY}--\r\n`
const NAMED = 'Content-Disposition: form-data; name="a"'
const FILED = (filename: string) => `${NAMED}; filename="${filename}"`

describe('I13 a form is read in the one way in which every parser reads it', () => {
  const good = `--${BOUNDARY}\r\n${NAMED}\r\n\r\nx\r\n--${BOUNDARY}--`
  it.each<[string, string | Uint8Array]>([
    ['as clients write it', form([['a', 'x']])],
    ['without the last line end', good],
    ['with a content type', headed(NAMED, 'Content-Type: text/plain; charset=utf-8')],
    ['with a length that is right', headed(NAMED, 'Content-Length: 1')],
    ['with an encoding that changes nothing', headed(NAMED, 'Content-Transfer-Encoding: binary')],
    ['with headers in small letters', headed('content-disposition: form-data; name="a"')],
  ])('it is read %s', (_, body) => {
    const parts = read(body)
    expect(parts).toMatchObject({ ok: true, value: [{ name: 'a', filename: null }] })
    expect(parts.ok && parts.value[0]?.bytes.toString()).toBe('x')
  })

  it.each<[string, string]>([
    ['lines end with LF alone', good.replaceAll('\r\n', '\n')],
    ['text stands before the first boundary', `hello\r\n${good}`],
    ['an empty line does', `\r\n${good}`],
    ['something stands behind the end', `${good}\r\nmore`],
    ['the last boundary is missing', good.slice(0, -2 - BOUNDARY.length - 2)],
    ['the last boundary has no dashes', good.slice(0, -2)],
    ['a boundary goes on', good.replace('\r\nx\r\n', `\r\nx\r\n--${BOUNDARY}x\r\n`)],
    ['a boundary has a space behind it', good.replace(`${BOUNDARY}\r\n`, `${BOUNDARY} \r\n`)],
    ['a part has no headers', `--${BOUNDARY}\r\n\r\nx\r\n--${BOUNDARY}--`],
    ['a part has no name', headed('Content-Disposition: form-data')],
    ['a part is an attachment', headed('Content-Disposition: attachment; name="a"')],
    ['a name has no quotes', headed('Content-Disposition: form-data; name=a')],
    ['a part has two names', headed('Content-Disposition: form-data; name="a"; name="b"')],
    ['a name is escaped', headed('Content-Disposition: form-data; name="a\\"b"')],
    ['a name has two spellings', headed(`${FILED('a')}; filename*=utf-8''b`)],
    ['a header stands twice', headed(NAMED, NAMED)],
    ['a header is folded', headed('Content-Disposition: form-data;', ' name="a"')],
    ['a header has a NUL', headed(`${NAMED}\0`)],
    ['a header is unknown', headed(NAMED, 'X-Other: 1')],
    ['a part is encoded', headed(NAMED, 'Content-Transfer-Encoding: base64')],
    ['a length is wrong', headed(NAMED, 'Content-Length: 2')],
    ['a part is a form itself', headed(NAMED, 'Content-Type: multipart/mixed; boundary=b')],
    ['a part is a message', headed(NAMED, 'Content-Type: message/rfc822')],
    ['a content type is no type', headed(NAMED, 'Content-Type: text')],
    ['the headers of a part are long', headed(NAMED, `Content-Type: a/b;${'x'.repeat(3_000)}`)],
    ['there are many parts', form(Array.from({ length: 65 }, (_, n) => [`a${n}`, ''])).toString()],
  ])('it is refused if %s', (_, body) => {
    expect(read(body)).toMatchObject({ ok: false, error: { status: 400, code: 'invalid_form' } })
  })

  it.each([
    [null, 415],
    ['application/json', 415],
    ['multipart/mixed; boundary=b', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data', 400],
    ['multipart/form-data; boundary=', 400],
    [`multipart/form-data; boundary=${'a'.repeat(71)}`, 400],
    ['multipart/form-data; boundary="a b"', 400],
    [`multipart/form-data; boundary=${BOUNDARY}; boundary=b`, 400],
    [`multipart/form-data; x=1; boundary=${BOUNDARY}`, 400],
  ])('415 or 400 if its content type is %s', (type, status) => {
    expect(readForm(form([['a', 'x']]), type)).toMatchObject({ ok: false, error: { status } })
  })

  it.each([
    [`multipart/form-data; boundary="${BOUNDARY}"`],
    [`Multipart/Form-Data;boundary=${BOUNDARY}`],
    [`multipart/form-data; charset=utf-8; boundary=${BOUNDARY}`],
    [`multipart/form-data; boundary=${BOUNDARY}; charset=UTF-8`],
  ])('clients also write %s', (type) => {
    expect(read(form([['a', 'x']]), type).ok).toBe(true)
  })
})

describe('I13 a file name is a name and never a path', () => {
  it.each([
    ['/etc/passwd'],
    ['../a.png'],
    ['C:\\a.png'],
    ['a%2fb.png'],
    ['a%5Cb.png'],
    ['a\u0007b.png'],
    ['a\u0085b.png'],
  ])('%j is refused', (filename) => {
    expect(read(headed(FILED(filename)))).toMatchObject({ error: { code: 'invalid_form' } })
  })

  it.each([
    ['a.png', 'a.png'],
    ['über mich.mp3', '_ber_mich.mp3'],
    ['..', 'file'],
    ['', 'file'],
    ['.htaccess', 'htaccess'],
    ['-rf.wav', 'rf.wav'],
    ['a;b$(c).wav', 'a_b__c_.wav'],
    [`${'x'.repeat(200)}.wav`, `${'x'.repeat(96)}.wav`],
  ])('%j is sent as %j', (filename, sent) => {
    expect(read(headed(FILED(filename)))).toMatchObject({ value: [{ filename: sent }] })
  })
})

describe('what is sent is written anew', () => {
  const written = (body: Uint8Array) => {
    const parts = read(body)
    if (!parts.ok) throw new Error(parts.error.message)
    return { parts: parts.value, ...writeForm(parts.value, boundaryFor(parts.value)) }
  }

  it('I13 it has the same parts, and a boundary that no part contains', () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b))
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 5 }), (files) => {
        const body = form(files.map((file, n) => [`f${n}`, file, 'a.bin']))
        const { parts, body: again, contentType } = written(body)
        const boundary = contentType.split('boundary=')[1] ?? ''
        expect(boundary).not.toBe(BOUNDARY)
        expect(parts.some((part) => part.bytes.includes(boundary))).toBe(false)
        const reread = readForm(again, contentType)
        expect(reread).toMatchObject({ ok: true })
        expect(reread.ok && reread.value.map((part) => [part.name, `${part.bytes}`])).toEqual(
          parts.map((part) => [part.name, `${part.bytes}`]),
        )
      }),
    )
  })

  it('never throws, whatever the bytes', () => {
    const good = form([
      ['a', 'x'],
      ['file', 'y', 'b.wav'],
    ])
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 400 }).map((b) => Buffer.from(b)),
      fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
        const other = Buffer.from(good)
        other[at] = byte
        return other
      }),
      fc
        .array(fc.constantFrom('\r\n', `--${BOUNDARY}`, '--', NAMED, '\n', ':', ';', '"'), {
          maxLength: 30,
        })
        .map((parts) => Buffer.from(parts.join(''))),
    )
    fc.assert(
      fc.property(noise, fc.option(fc.string(), { nil: TYPE }), (body, type) => {
        const parts = readForm(body, type)
        if (parts.ok) expect(written(form([['a', 'x']])).body.length).toBeGreaterThan(0)
        else expect([400, 415]).toContain(parts.error.status)
      }),
      { numRuns: 2_000 },
    )
  })
})
