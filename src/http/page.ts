import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { MoneyKind } from '../ledger/ledger.ts'

/** One file of the page with its headers. */
export interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
}

/** The page for buyers. Vite builds it from `src/web`, and the gate keeps it in memory. */
export interface Page {
  readonly html: PageFile
  /**
   * The files by the path of the request. Only these paths are served, so no request reads from the
   * disk.
   */
  readonly assets: ReadonlyMap<string, PageFile>
}

/**
 * The browser runs only files of this gate and sends requests only to this gate (threats H6). The
 * page never turns text into markup, and a browser that knows trusted types enforces that.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/**
 * The address of an invoice contains its token. So no other page may learn it, as a referrer or
 * through the window that opened this one.
 */
const HTML_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(self), geolocation=(), microphone=(), usb=()',
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The folders that may contain the build: beside the built program, or `dist` of the sources. */
const FOLDERS = [
  new URL('../../web/', import.meta.url),
  new URL('../../dist/web/', import.meta.url),
]

/**
 * Loads the built page and writes the kind of money into it. Null if the page was not built. Throws
 * if one of its files cannot be read.
 */
export function loadPage(money: MoneyKind, folders: readonly URL[] = FOLDERS): Page | null {
  const folder = folders.find((one) => existsSync(new URL('index.html', one)))
  if (folder === undefined) return null
  const markup = readFileSync(new URL('index.html', folder), 'utf8')
  const bytes = Buffer.from(markup.replace(EMPTY, `<meta name="satgate-money" content="${money}"`))
  const html = { bytes, headers: { ...HTML_HEADERS, etag: etagOf(bytes) } }
  const assets = readdirSync(new URL('assets/', folder)).map((name): [string, PageFile] => {
    const content = readFileSync(new URL(`assets/${name}`, folder))
    return [`/assets/${name}`, { bytes: content, headers: assetHeaders(name, content) }]
  })
  return { html, assets: new Map(assets) }
}

const EMPTY = '<meta name="satgate-money" content=""'

/**
 * The name of an asset contains the hash of its content, so a file with this name never changes.
 */
const assetHeaders = (name: string, content: Uint8Array) => ({
  'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
  'cache-control': 'public, max-age=31536000, immutable',
  'cross-origin-resource-policy': 'same-origin',
  etag: etagOf(content),
})

const etagOf = (bytes: Uint8Array): string =>
  `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`

/** Whether `If-None-Match` names that file (RFC 9110 13.1.2). */
export const isFresh = (file: PageFile, ifNoneMatch: string | undefined): boolean =>
  (ifNoneMatch ?? '').split(',').some((one) => one.trim().replace(/^W\//, '') === file.headers.etag)
