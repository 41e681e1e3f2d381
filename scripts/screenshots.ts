/**
 * Takes the pictures of the page in docs/img from a gate of its own: `satgate demo` on a free port,
 * a folder that is removed again, and the machine's Chromium. The pictures are in the npm package, so
 * they have to be small: a picture of more than `MOST_BYTES` is an error.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Browser, Page } from 'playwright-core'
import { browserMissing, launch } from '../test/browser/chromium.ts'
import { buildPage } from './page.ts'

const ROOT = join(import.meta.dirname, '..')
const IMAGES = join(ROOT, 'docs/img')

interface Picture {
  readonly name: string
  readonly width: number
  readonly height: number
  /** Where the picture is cut off at the bottom. Without it, at the end of the window. */
  readonly shown?: number
  readonly scheme: 'light' | 'dark'
  readonly phone?: true
  /** Brings the page into the state for the picture. */
  readonly prepare: (page: Page) => Promise<void>
}

/** The toy model answers these in Markdown. */
const TABLE = chat('What does a token cost? Show me a table and some Python.')
const STEPS = chat('How do I pay for a token?')

const PICTURES: readonly Picture[] = [
  { name: 'page-light', width: 860, height: 900, shown: 830, scheme: 'light', prepare: TABLE },
  { name: 'page-dark', width: 860, height: 860, scheme: 'dark', prepare: invoice },
  { name: 'page-phone', width: 390, height: 844, scheme: 'light', phone: true, prepare: STEPS },
]

const MOST_BYTES = 120_000

async function invoice(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Get an invoice' }).click()
  await page.getByText('Waiting for the payment').waitFor()
}

async function key(page: Page): Promise<void> {
  await invoice(page)
  await page.getByRole('button', { name: 'Pay with play money' }).click()
  await page.locator('#balance', { hasText: '1,000' }).waitFor()
  await page.evaluate('scrollTo(0, 0)')
}

function chat(question: string): Picture['prepare'] {
  return async (page) => {
    await key(page)
    await page.getByLabel('Your message').fill(question)
    await page.getByLabel('Your message').press('Enter')
    await page.locator('#doing', { hasText: 'Cost' }).waitFor()
    await page.locator('#left', { hasText: '999.' }).waitFor()
    await page.locator('.assistant :is(table, ol)').waitFor()
    await page.evaluate(`document.activeElement.blur()
      document.getElementById('chat-title').scrollIntoView()
      scrollBy(0, -80)`)
  }
}

async function take(browser: Browser, url: string, picture: Picture): Promise<void> {
  const { width, height, scheme } = picture
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: 1.25,
    colorScheme: scheme,
    reducedMotion: 'reduce',
    ...(picture.phone ? { isMobile: true, hasTouch: true } : {}),
  })
  const page = await context.newPage()
  await page.goto(url)
  await page.locator('#models tbody tr').first().waitFor()
  await picture.prepare(page)
  const clip = { x: 0, y: 0, width, height: picture.shown ?? height }
  const { length } = await page.screenshot({ path: join(IMAGES, `${picture.name}.png`), clip })
  await context.close()
  if (length > MOST_BYTES) throw new Error(`${picture.name}.png has ${length} bytes`)
}

/** The URL of the demo, once it is ready. Throws if the demo ends before. */
async function ready(demo: ChildProcess): Promise<string> {
  if (demo.stdout === null) throw new Error('the demo says nothing')
  for await (const line of createInterface(demo.stdout)) {
    const said: { event?: string; url?: string } = JSON.parse(line)
    if (said.event === 'ready' && said.url !== undefined) return said.url
  }
  throw new Error('the demo ended before it was ready')
}

async function main(): Promise<void> {
  if (browserMissing !== null) throw new Error(browserMissing)
  await buildPage()
  mkdirSync(IMAGES, { recursive: true })
  const folder = mkdtempSync(join(tmpdir(), 'satgate-pictures-'))
  const words = ['demo', '--json', '--port', '0', '--data-dir', join(folder, 'data')]
  const demo = spawn(process.execPath, [join(ROOT, 'bin/satgate.ts'), ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(demo, 'exit')
  const browser = await launch()
  try {
    const url = await ready(demo)
    demo.stdout?.resume()
    for (const picture of PICTURES) await take(browser, url, picture)
  } finally {
    await browser.close()
    demo.kill('SIGTERM')
    await gone
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
