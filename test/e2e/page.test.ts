import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { loadPage } from '../../src/http/page.ts'
import type { Question } from '../support/ask.ts'
import { startGate, type TestGate } from '../support/gate.ts'

const BUILT = join(import.meta.dirname, '../../dist/web')
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'

const HOME: Question = { path: '/', headers: { accept: BROWSER } }

let gate: TestGate
beforeAll(async () => {
  gate = await startGate({ shared: true })
})
afterAll(() => gate.close())

/** The paths that the page's own HTML requests. */
async function linked(): Promise<readonly string[]> {
  const { text } = await gate.ask(HOME)
  return [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '')
}

describe('the page', () => {
  it('H6 runs only its own files, and tells its address to nobody', async () => {
    const { status, headers, text } = await gate.ask(HOME)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    const policy = String(headers['content-security-policy']).split('; ')
    expect(policy).toEqual(
      expect.arrayContaining([
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
      ]),
    )
    expect(policy.join()).not.toMatch(/unsafe|https?:|\*/)
    expect(headers['referrer-policy']).toBe('no-referrer')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['cross-origin-opener-policy']).toBe('same-origin')
    expect(headers['permissions-policy']).toContain('camera=(self), ')
    expect(headers['set-cookie']).toBeUndefined()
    expect(text).not.toMatch(/<style|style="|\son\w+="|<script(?![^>]* src="\/assets\/)/)
  })

  it('H6 names no other origin in any of its files', () => {
    const names = readdirSync(BUILT, { recursive: true, encoding: 'utf8' })
    const files = names.filter((name) => /\.(?:html|js|css|svg)$/.test(name))
    expect(files.length).toBeGreaterThanOrEqual(5)
    for (const name of files) {
      const text = readFileSync(join(BUILT, name), 'utf8')
      const origins = [...text.matchAll(/\b(?:https?|wss?):\/\/[^\s'"`)]*/g)].map(String)
      // A namespace is a name and is never requested. The other one is how the parser completes a
      // link.
      const named = origins.filter(
        (url) => !/^http:\/\/(?:www\.w3\.org\/2000\/svg$|\$\{)/.test(url),
      )
      expect(named).toEqual([])
      expect(text).not.toMatch(/["'(=]\/\/[a-z]/)
    }
  })

  it('is small', () => {
    const names = readdirSync(BUILT, { recursive: true, encoding: 'utf8' })
    const sizeOf = (which: (name: string) => boolean) =>
      names
        .filter((name) => /\.(?:html|js|css|svg)$/.test(name) && which(name))
        .reduce((sum, name) => sum + gzipSync(readFileSync(join(BUILT, name))).length, 0)
    const later = (name: string) => /\/(?:blocks|decode|dollars)-/.test(name)
    expect(sizeOf((name) => !later(name))).toBeLessThan(31_000)
    // Paying with dollars is loaded where they are taken.
    expect(sizeOf((name) => name.includes('/dollars-'))).toBeLessThan(6_000)
    // The reader of QR codes is loaded when the camera is used, the Markdown parser with the first
    // answer.
    expect(sizeOf((name) => name.includes('/decode-'))).toBeLessThan(15_000)
    expect(sizeOf((name) => name.includes('/blocks-'))).toBeLessThan(45_000)
  })

  it('is requested again each time, and answered with 304 while it is the same', async () => {
    const { headers } = await gate.ask(HOME)
    expect(headers['cache-control']).toBe('no-cache')
    const etag = String(headers.etag)
    const again = (value: string): Question => ({
      path: '/',
      headers: { accept: BROWSER, 'if-none-match': value },
    })
    for (const value of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const { status, text, headers } = await gate.ask(again(value))
      expect([status, text]).toEqual([304, ''])
      expect(headers.etag).toBe(etag)
    }
    expect((await gate.ask(again('"other"'))).status).toBe(200)
  })

  it('has assets that browsers keep for ever', async () => {
    const paths = await linked()
    expect(paths).toHaveLength(3)
    const types = ['image/svg+xml', 'text/css; charset=utf-8', 'text/javascript; charset=utf-8']
    const answers = await Promise.all(paths.map((path) => gate.ask({ path })))
    expect(answers.map(({ headers }) => headers['content-type']).sort()).toEqual(types)
    for (const { status, headers } of answers) {
      expect(status).toBe(200)
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers.etag).toMatch(/^"[\w-]{22}"$/)
    }
  })

  it.each(['/', '/assets'])('answers HEAD on %s as GET without a body', async (path) => {
    const [script] = await linked()
    const asked = path === '/' ? path : `${script}`
    const get = await gate.ask({ ...HOME, path: asked })
    const head = await gate.ask({ ...HOME, path: asked, method: 'HEAD' })
    expect([head.status, head.text]).toEqual([200, ''])
    expect(head.headers['content-type']).toBe(get.headers['content-type'])
    expect(head.headers.etag).toBe(get.headers.etag)
  })

  it.each([
    '/assets/',
    '/assets/nothing.js',
    '/assets/../index.html',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e/index.html',
    '/assets/..%5cindex.html',
    '/assets//etc/passwd',
    '/assets/__proto__',
    '/index.html',
    '/src/web/main.ts',
  ])('G7 serves nothing at %s', async (path) => {
    const { status, json } = await gate.ask({ path })
    expect([status, json.error.code]).toEqual([404, 'not_found'])
  })

  it.each(['POST', 'PUT', 'DELETE'])('takes no %s', async (method) => {
    expect((await gate.ask({ path: '/', method })).status).toBe(404)
  })

  it('says that its money is play money', async () => {
    expect((await gate.ask(HOME)).text).toContain('<meta name="satgate-money" content="play"')
    const html = Buffer.from(loadPage('test')?.html.bytes ?? []).toString()
    expect(html).toContain('<meta name="satgate-money" content="test"')
  })

  it.each([
    ['curl', '*/*'],
    ['a client that says nothing', undefined],
    ['a client that wants JSON', 'application/json'],
  ])('is a few lines of text to %s, with the links that a program needs', async (_, accept) => {
    const headers = accept === undefined ? {} : { accept }
    const { status, text, headers: answered } = await gate.ask({ path: '/', headers })
    expect(status).toBe(200)
    expect(answered['content-type']).toBe('text/plain; charset=utf-8')
    expect(answered.vary).toContain('Accept')
    expect(text.length).toBeLessThan(1_000)
    expect(text).toContain('Its money is play money.')
    const links = [...text.matchAll(/^http\S+/gm)].map(([url]) => url)
    expect(links.length).toBeGreaterThan(3)
    for (const url of links) {
      expect(url.startsWith(`${gate.url}/`)).toBe(true)
      expect((await gate.ask({ path: new URL(url).pathname })).status).toBe(200)
    }
  })

  it('is missing if it was not built, and nothing breaks', () => {
    const empty = mkdtempSync(join(tmpdir(), 'satgate-page-'))
    onTestFinished(() => rmSync(empty, { recursive: true }))
    expect(loadPage('play', [pathToFileURL(`${empty}/`)])).toBeNull()
  })
})

describe('where an invoice is paid', () => {
  it.each([
    ['a browser', BROWSER, 'text/html; charset=utf-8'],
    ['a page that prefers HTML', 'application/json;q=0.5, text/html', 'text/html; charset=utf-8'],
    ['curl', '*/*', 'application/json'],
    ['a program that says nothing', undefined, 'application/json'],
    ['a program', 'application/json', 'application/json'],
    ['a program that would take HTML', 'application/json, text/html;q=0.9', 'application/json'],
    ['a program that refuses HTML', 'text/html;q=0, */*', 'application/json'],
    ['nonsense', ';;;q=x', 'application/json'],
  ])('%s gets its own media type', async (_, accept, type) => {
    const made = await gate.ask({ path: '/create-invoice', body: { amountSats: 10 } })
    const { status, headers, text } = await gate.ask({
      path: made.json.payment_url,
      ...(accept === undefined ? {} : { headers: { accept } }),
    })
    expect([status, headers['content-type']]).toEqual([200, type])
    expect(headers['cache-control']).toBe('private, no-store')
    expect(headers.vary).toContain('Accept')
    expect(text.includes(made.json.bolt11)).toBe(type === 'application/json')
  })

  it('I2 the page contains nothing of the invoice, which is asked for as JSON with its token', async () => {
    const path = `/invoice-status/${'0'.repeat(64)}?token=none`
    const page = await gate.ask({ path, headers: { accept: BROWSER } })
    expect(page.text).toBe((await gate.ask(HOME)).text)
    expect(page.headers['referrer-policy']).toBe('no-referrer')
    expect((await gate.ask({ path })).status).toBe(404)
  })

  it('answers HEAD', async () => {
    const made = await gate.ask({ path: '/create-invoice', body: {} })
    const question = { path: made.json.payment_url, method: 'HEAD', headers: { accept: BROWSER } }
    const { status, headers, text } = await gate.ask(question)
    expect([status, headers['content-type'], text]).toEqual([200, 'text/html; charset=utf-8', ''])
  })
})
