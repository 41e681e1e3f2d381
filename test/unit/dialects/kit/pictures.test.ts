import { describe, expect, it } from 'vitest'
import type { MediaTerms } from '../../../../src/dialects/dialect.ts'
import {
  base64PictureTokens,
  MOST_PICTURES,
  Pictures,
  pictureTokens,
} from '../../../../src/dialects/kit/pictures.ts'
import { dataUrl, gif, jpeg, png } from '../../../support/pictures.ts'

const TERMS: MediaTerms = { imageTokens: 16_384, remoteUrls: false }
const REMOTE: MediaTerms = { ...TERMS, remoteUrls: true }

const bound = (size: readonly [number, number], detail: string | null = null, terms = TERMS) => {
  const read = pictureTokens(dataUrl(png(size)), detail, terms, 'p')
  return read.ok ? read.value : read.error.code
}

/** What the families make of a size, by the examples and formulas that their makers publish. */
const FAMILIES: readonly [string, readonly [number, number], number][] = [
  ['OpenAI, tiles: 1024 × 1024', [1_024, 1_024], 765],
  ['OpenAI, tiles: 2048 × 4096', [2_048, 4_096], 1_105],
  ['OpenAI, patches × 2.46: 1024 × 1024', [1_024, 1_024], Math.ceil(1_024 * 2.46)],
  ['OpenAI, patches × 2.46: the most', [4_000, 4_000], Math.ceil(1_536 * 2.46)],
  ['OpenAI, detail original: 10,000 patches', [3_200, 3_200], 10_000],
  ['Claude: 1092 × 1092', [1_092, 1_092], 1_590],
  ['Claude: the most of newer models', [2_576, 1_396], 4_784],
  ['Qwen-VL: 1024 × 1024', [1_024, 1_024], 37 * 37],
  ['Qwen-VL: its most', [3_584, 3_584], 16_384],
  ['LLaVA 1.5', [336, 336], 576],
  ['LLaVA-NeXT: one pixel', [1, 1], 5 * 576],
  ['LLaVA-OneVision: 1152 × 1152', [1_152, 1_152], 10 * 729 + 27 * 3],
  ['InternVL: a line', [12, 1], 13 * 256],
  ['Idefics3: one pixel', [1, 1], 26 * 169],
  ['Llama 3.2: above 560 × 560', [561, 561], 4 * 1_601],
  ['Pixtral: 1024 × 1024', [1_024, 1_024], 64 * 64 + 64],
  ['Gemma 3: five crops', [4_000, 1_000], 5 * 256],
  ['Gemini: 3072 × 3072', [3_072, 3_072], 16 * 258],
]

describe('the bound of a picture whose bytes are in the prompt', () => {
  it.each(FAMILIES)('%s', (_, size, tokens) => {
    expect(bound(size)).toBeGreaterThanOrEqual(tokens)
  })

  it.each([
    ['one pixel', [1, 1], 4_608],
    ['640 × 480', [640, 480], 4_608],
    ['a screen of 1920 × 1080', [1_920, 1_080], 7_560],
    ['a photo of 4032 × 3024', [4_032, 3_024], 16_258],
  ] as const)('%s is %i tokens at most', (_, size, tokens) => {
    expect(bound(size)).toBe(tokens)
  })

  it.each(['auto', 'low', 'medium', 'high', 'original', 'ultra_high'])(
    'detail %s changes nothing, because most backends do not obey it',
    (detail) => {
      expect(bound([1_024, 1_024], detail)).toBe(bound([1_024, 1_024]))
    },
  )

  it('refuses a detail that nobody knows', () => {
    expect(bound([1, 1], 'extreme')).toBe('invalid_value')
  })

  it('is never above media.imageTokens', () => {
    expect(bound([4_032, 3_024], null, { ...TERMS, imageTokens: 256 })).toBe(256)
  })

  it('contains what gpt-4o-mini counts if media.imageTokens is as much as its largest picture', () => {
    const raised = { ...TERMS, imageTokens: 48_169 }
    expect(bound([512, 512], null, raised)).toBe(8_500)
    expect(bound([2_048, 768], null, raised)).toBe(48_169)
  })

  it('is the same as bare base64', () => {
    const data = jpeg(1_920, 1_080).toString('base64')
    expect(base64PictureTokens(data, TERMS, 'p')).toEqual({ ok: true, value: 7_560 })
  })
})

const code = (url: string, terms = TERMS): string => {
  const read = pictureTokens(url, null, terms, 'messages[0].content[1].image_url.url')
  if (read.ok) return `${read.value}`
  expect(read.error.status).toBe(400)
  expect(read.error.param).toBe('messages[0].content[1].image_url.url')
  return read.error.code
}

const base64 = png([2, 2]).toString('base64')

describe('pictures that are refused', () => {
  it.each([
    ['bytes that are no picture', 'data:image/png;base64,aGVsbG8=', 'unsupported_content'],
    [
      'a film that says it is a picture',
      dataUrl(Buffer.from('\0\0\0\x18ftypisom')),
      'unsupported_content',
    ],
    ['a picture that says it is a film', dataUrl(png([2, 2]), 'video/mp4'), 'unsupported_content'],
    ['a document', dataUrl(Buffer.from('%PDF-1.7'), 'application/pdf'), 'unsupported_content'],
    ['an SVG', dataUrl(Buffer.from('<svg/>'), 'image/svg+xml'), 'unsupported_content'],
    ['a data URL that is no base64', 'data:image/png,hello', 'unsupported_content'],
    ['further parameters', `data:image/png;charset=x;base64,${base64}`, 'unsupported_content'],
    ['nothing', 'data:image/png;base64,', 'invalid_value'],
    [
      'a line end in base64',
      `data:image/png;base64,${base64.slice(0, 8)}\n${base64.slice(8)}`,
      'invalid_value',
    ],
    [
      'base64 without padding',
      `data:image/png;base64,${base64.replace(/=+$/, '')}A`,
      'invalid_value',
    ],
    ['the other alphabet', `data:image/png;base64,-_${base64.slice(2)}`, 'invalid_value'],
    ['100,000 × 100,000 pixels', dataUrl(png([100_000, 100_000])), 'picture_too_large'],
    ['a second header with those', dataUrl(png([1, 1], [100_000, 100_000])), 'picture_too_large'],
    [
      'a frame beyond the screen',
      dataUrl(gif(1, 1, [[0, 0, 60_000, 60_000]])),
      'picture_too_large',
    ],
    ['8,001 × 8,000 pixels', dataUrl(png([8_001, 8_000])), 'picture_too_large'],
    ['a line', dataUrl(png([20_001, 100])), 'picture_too_large'],
  ])('%s', (_, url, refused) => {
    expect(code(url)).toBe(refused)
  })

  it('takes 8,000 × 8,000 pixels, and the label in capitals', () => {
    expect(code(dataUrl(png([8_000, 8_000])))).toBe('16384')
    expect(code(`DATA:Image/PNG;BASE64,${base64}`)).toBe('4608')
  })

  it('takes 100 pictures in a request, and no more', () => {
    const pictures = new Pictures(TERMS)
    for (let at = 0; at < MOST_PICTURES; at += 1) expect(pictures.base64(base64, 'p').ok).toBe(true)
    const more = pictures.base64(base64, 'p')
    expect(more.ok ? '' : more.error.code).toBe('too_many_pictures')
  })

  it('takes 200 million pixels in a request, and no more', () => {
    const pictures = new Pictures(TERMS)
    const large = png([8_000, 8_000]).toString('base64')
    for (const _ of [1, 2, 3]) expect(pictures.base64(large, 'p').ok).toBe(true)
    const more = pictures.base64(large, 'p')
    expect(more.ok ? '' : more.error.message).toContain('200 million pixels')
  })
})

const INSIDE = [
  ...['http://127.0.0.1/a.png', 'http://127.1/', 'http://2130706433/', 'http://0x7f000001/'],
  ...[
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://127.0.0.0x1/',
    'http://0/',
    'http://0.0.0.0/',
  ],
  ...[
    'http://169.254.169.254/latest/meta-data/',
    'http://100.100.100.200/',
    'http://168.63.129.16/',
  ],
  ...['http://10.0.0.1/', 'http://192.168.1.1/', 'http://172.16.0.1/', 'http://93.184.216.34/'],
  ...[
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[fd00:ec2::254]/',
    'http://[fe80::1]/',
  ],
  ...['http://[64:ff9b::7f00:1]/', 'http://[2002:7f00:1::]/'],
  ...['http://localhost/', 'http://LOCALHOST/', 'http://localhost./', 'http://a.localhost/'],
  ...[
    'http://printer/',
    'http://printer.local/',
    'http://metadata.google.internal/',
    'http://a.lan/',
  ],
  ...['http://redis.default.svc/', 'http://a.svc.cluster.local/', 'http://1.0.0.127.in-addr.arpa/'],
  ...['http://user@example.com/', 'http://user:word@example.com/', 'http://example.com@127.0.0.1/'],
  ...['http://127.0.0.1\\@example.com/', 'http://example.com\\.local/', 'http://example.com\t/'],
  ...['http://exam\nple.com/', ' http://example.com/', 'http:/example.com/', 'http:example.com'],
  ...['http://example.com:22/', 'http://example.com:6379/', 'http://example.com%2f@127.0.0.1/'],
  ...['http://ⓔxample.com/', 'http://example。com/', 'http://①②⑦.⓪.⓪.①/', 'http://1.2.3.4./'],
  ...['ftp://example.com/', 'file:///etc/passwd', 'gs://bucket/a.png', 's3://bucket/a.png'],
  ...['gopher://example.com/', 'javascript:alert(1)', '//example.com/', 'example.com', ''],
  ...['http://example.com?@127.0.0.1/\\', `http://example.com/${'a'.repeat(5_000)}`],
]

describe('G11 a picture by URL: no address of the backend’s own network can be asked for', () => {
  it.each(INSIDE)('refuses %j although media.remoteUrls is on', (url) => {
    expect(code(url, REMOTE)).toBe('invalid_value')
  })

  it.each([
    'https://upload.example.org/a.png',
    'http://example.com',
    'https://example.com:443/a/b.jpg?size=2&x=%20#top',
    'HTTPS://Example.COM/',
    'https://xn--bcher-kva.example/a.png',
  ])('takes %j if media.remoteUrls is on, at the bound media.imageTokens', (url) => {
    expect(code(url, REMOTE)).toBe('16384')
    expect(code(url, { ...REMOTE, imageTokens: 500 })).toBe('500')
  })

  it.each(['https://example.com/a.png', ...INSIDE])('refuses %j as usual', (url) => {
    expect(code(url)).toBe('unsupported_content')
  })

  it('counts such pictures too', () => {
    const pictures = new Pictures(REMOTE)
    const url = 'https://example.com/a.png'
    for (let at = 0; at < MOST_PICTURES; at += 1) expect(pictures.url(url, null, 'p').ok).toBe(true)
    expect(pictures.url(url, null, 'p').ok).toBe(false)
  })
})
