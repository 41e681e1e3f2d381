import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { MoneyKind } from '../ledger/ledger.ts'

/** One file of the page, as it is answered. */
export interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
}

/** The page for buyers, built by Vite from `src/web`, whole in memory. */
export interface Page {
  readonly html: PageFile
  /** By the request's path. Whatever is not a key here is not served: no path reaches the disk. */
  readonly assets: ReadonlyMap<string, PageFile>
}

/**
 * Nothing but this gate's own files runs or is asked (threats H6). Text becomes markup nowhere, and
 * a browser that knows trusted types holds the page to it.
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

/** The address of an invoice has its token in it: no referrer, no window that opened this one. */
const HTML_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), usb=()',
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Where the build lies: beside the built program, or in `dist` of the sources. */
const FOLDERS = [
  new URL('../../web/', import.meta.url),
  new URL('../../dist/web/', import.meta.url),
]

/**
 * The built page, the kind of money written into it. Null where it was never built. Throws where a
 * file of it cannot be read.
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

/** An asset's name has the hash of its content in it, so it never changes. */
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
