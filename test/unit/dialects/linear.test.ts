import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UNKNOWN_TERMS } from '../../../src/dialects/dialect.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { readForm } from '../../../src/dialects/kit/multipart.ts'
import { Pictures } from '../../../src/dialects/kit/pictures.ts'
import { soundTokens } from '../../../src/dialects/kit/sound.ts'
import { pieceEnd } from '../../../src/money/tokens.ts'
import { parseCaveat } from '../../../src/passes/caveat.ts'
import { present } from '../../../src/passes/present.ts'
import { HEAD } from '../../support/dialects.ts'
import { BOUNDARY, FORM_HEAD } from '../../support/forms.ts'
import { growth } from '../../support/growth.ts'
import { gif, mp3, png, segment, wav, webp } from '../../support/pictures.ts'

/** The units of hostile texts. */
const UNITS: readonly string[] = [
  ...['a', ' ', '1', '=', '"', '\\', '\\"', '\n', '{', '[', '{1,', '{1}', '%7B', ':', ','],
  ...['\u0300', 'a\u0315\u0300', '\u1100\u1161\u11a8', '\u11a8', '\uac01', '\ufdfa'],
  ...['\u1ebf', 'ß', 'İ', 'Σ', '🙂', '\u{1d15e}', '\ud800'],
]

/** Texts that repeat one unit. A mark needs a letter before it and is put in an unusual order. */
const TEXTS: readonly [string, (times: number) => string][] = [
  ...UNITS.map((unit): [string, (times: number) => string] => [unit, (n) => unit.repeat(n)]),
  ['marks out of order', (n) => `a${'\u0315'.repeat(n)}${'\u0300'.repeat(n)}`],
  ['marks of three classes', (n) => `a${'\u0315\u0327\u0300'.repeat(n)}`],
]

/** Puts a text everywhere in a request where a stranger can put one. */
const everywhere = (text: string): object => ({
  model: 'm',
  messages: [
    { role: 'user', content: text, [`${text}1`]: text },
    { role: 'user', content: [{ type: 'text', text, [`${text}2`]: 1 }] },
  ],
  [`${text}3`]: text,
  tools: [{ function: { parameters: { [`${text}4`]: 1, pattern: text } } }],
  grammar: text.slice(0, 9e4),
  response_format: text.slice(0, 9e4),
  chat_template_kwargs: { [`${text}5`]: text },
  prompt: text,
  input: [text, text],
  query: text,
  documents: [text, { text }],
  user: text,
})

/** Files that repeat one unit after their beginning: chunks, segments, blocks and filling bytes. */
const FILES: readonly [string, readonly number[], readonly number[]][] = [
  ['chunks of a PNG', [...Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')], Array(12).fill(0)],
  ['headers of a PNG', [...png()].slice(0, 8), [...png([1, 1])].slice(8, 33)],
  ['segments of a JPEG', [0xff, 0xd8], segment(0xe1, [])],
  ['filling bytes of a JPEG', [0xff, 0xd8], [0xff]],
  ['bytes between segments of a JPEG', [0xff, 0xd8, 0xff, 0xd0], [1]],
  ['bare markers of a JPEG', [0xff, 0xd8], [0xff, 0xd0]],
  ['frames of a GIF', [...gif(1, 1, [])].slice(0, 19), [...gif(1, 1)].slice(19, -1)],
  ['blocks of a GIF', [...gif(1, 1, [])].slice(0, 19), [0x21, 0xff, 1, 0, 0]],
  ['a WebP', [...webp.extended(1, 1)], [0]],
  ['chunks of a WAV', [...wav(0)].slice(0, 36), [...Buffer.from('LIST'), 0, 0, 0, 0]],
  ['formats of a WAV', [...wav(0)].slice(0, 12), [...wav(0)].slice(12, 36)],
  ['an MP3', [...mp3(4)], [0xff]],
]

const readAll = (body: Buffer) => () => dialects.map((dialect) => dialect.read(body, HEAD))

describe('J1 bytes of a stranger never cost more than linear time', () => {
  it.each(TEXTS)('%j everywhere in a request', { timeout: 60_000 }, (_, text) => {
    const read = (times: number) => readAll(Buffer.from(JSON.stringify(everywhere(text(times)))))
    expect(growth(read)).toBeLessThan(3)
  })

  it('as a body that is no JSON, or only brackets', { timeout: 60_000 }, () => {
    const bodies: readonly ((times: number) => string)[] = [
      ...['{"a":', '[', '{', '"', '\\"', '{"a":[', '[],', '"a",', '-', '1', ' ', ',', ':'].map(
        (unit) => (times: number) => unit.repeat(times),
      ),
      (n) => `{"a":${'['.repeat(n)}${']'.repeat(n)}}`,
      (n) => `${'{"a":'.repeat(n)}1${'}'.repeat(n)}`,
      (n) => `{"model":"m","prompt":[${'1,'.repeat(n)}1]}`,
      (n) => `{"model":"m","messages":[${'{},'.repeat(n)}{}]}`,
      (n) => `{"a":${'9'.repeat(n)}e${'9'.repeat(n)}}`,
      (n) => `{"${'\\u0041'.repeat(n)}":1}`,
      (n) => `{"a":"${'\\ud800'.repeat(n)}"}`,
    ]
    for (const body of bodies) {
      const read = (times: number) => readAll(Buffer.from(body(times)))
      expect.soft(growth(read), body(1)).toBeLessThan(3)
    }
  })

  it.each(FILES)('as a picture or sound: %s', { timeout: 60_000 }, (_, start, unit) => {
    const read = (times: number) => {
      const file = Buffer.concat([Buffer.from(start), ...Array(times).fill(Buffer.from(unit))])
      const data = file.toString('base64')
      return () => [
        new Pictures(UNKNOWN_TERMS.media).url(`data:image/png;base64,${data}`, null, 'p'),
        soundTokens(data, UNKNOWN_TERMS.media, 'p'),
      ]
    }
    expect(growth(read)).toBeLessThan(3)
  })

  it('J1 as a form of tiny parts, or of boundaries that almost match', { timeout: 60_000 }, () => {
    const part = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n`
    const units = [`${part}\r\n`, `--${BOUNDARY}\r\n`, `\r\n--${BOUNDARY.slice(0, -1)}`, '\r\n-']
    for (const unit of [...units, '\r\n\r\n', '"', ';', ' ']) {
      for (const head of [part, '']) {
        const read = (times: number) => {
          const body = Buffer.from(head + unit.repeat(times))
          return () => dialects.map((dialect) => dialect.read(body, FORM_HEAD))
        }
        expect.soft(growth(read), JSON.stringify(head + unit)).toBeLessThan(3)
      }
    }
  })

  it('J1 ten megabytes of tiny parts are refused at once', () => {
    const part = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n`
    const body = Buffer.from(part.repeat(Math.ceil(10_000_000 / part.length)))
    expect(readForm(body, FORM_HEAD.contentType)).toMatchObject({ ok: false })
    const begun = performance.now()
    for (let i = 0; i < 10; i += 1) readForm(body, FORM_HEAD.contentType)
    expect((performance.now() - begun) / 10).toBeLessThan(50)
  })

  it('in a header', () => {
    for (const [name, text] of TEXTS) {
      for (const scheme of ['L402 ', 'Bearer ', 'Bearer AgEJ', '']) {
        const read = (times: number) => {
          const value = scheme + text(Math.min(times, 8_000))
          return () => present(['Authorization', value, 'X-API-Key', value])
        }
        expect.soft(growth(read), JSON.stringify(scheme + name)).toBeLessThan(3)
      }
      for (const caveat of ['label = ', 'path = /', 'model = ', 'expires = ', '']) {
        const read = (times: number) => {
          const value = caveat + text(times)
          return () => parseCaveat(value)
        }
        expect.soft(growth(read), JSON.stringify(caveat + name)).toBeLessThan(3)
      }
    }
  })

  it('J1 a long text is cut into pieces in linear time, with spaces or without', () => {
    for (const unit of ['a', 'a b', '\ud55c', '9']) {
      const read = (times: number) => {
        // The result of `repeat` is not one flat string yet, so it is copied.
        const text = Buffer.from(unit.repeat(4 * times)).toString()
        return () => {
          for (let from = 0; from < text.length; ) from = pieceEnd(text, from, 500)
        }
      }
      // The work for each piece is small, so a text that does not fit into the cache costs a little
      // more.
      expect.soft(growth(read, 3.5), unit).toBeLessThan(3.5)
    }
  })

  it('is tokenised in pieces of a bounded length, whatever it is', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 2_000, size: 'max' }),
      fc
        .tuple(fc.constantFrom(...UNITS), fc.integer({ min: 1, max: 1_000 }))
        .map(([unit, times]) => unit.repeat(times)),
    )
    fc.assert(
      fc.property(text, (text) => {
        for (let from = 0; from < text.length; ) {
          const to = pieceEnd(text, from)
          expect(to).toBeGreaterThan(from)
          expect(to - from).toBeLessThanOrEqual(250)
          from = to
        }
      }),
    )
  })
})
