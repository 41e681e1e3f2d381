import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'

/** A page in a new browser, and everything that went wrong on it. */
export interface Visit {
  readonly context: BrowserContext
  readonly page: Page
  /** Errors, refused loads and violations of the policy, as text. */
  readonly wrong: string[]
  /** Origins that were asked for anything. */
  readonly origins: Set<string>
}

const REPORT = `addEventListener('securitypolicyviolation', (event) =>
  console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))`

/**
 * Opens the page. At the end of the test nothing may have gone wrong but what the test took out of
 * `wrong`, and nobody else may have been asked.
 * @param before a script that runs before the page's own.
 */
export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions & { readonly before?: string } = {},
): Promise<Visit> {
  const { before, ...rest } = options
  const context = await browser.newContext({ acceptDownloads: true, ...rest })
  await context.addInitScript(REPORT)
  if (before !== undefined) await context.addInitScript(before)
  const page = await context.newPage()
  const wrong: string[] = []
  const origins = new Set<string>()
  page.on('console', (message) => {
    // The browser logs each 402 and 404, but the page handles these answers.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      wrong.push(message.text())
    }
  })
  page.on('pageerror', (error) => wrong.push(String(error)))
  page.on('request', (request) => {
    if (!/^(?:data|blob):/.test(request.url())) origins.add(new URL(request.url()).origin)
  })
  onTestFinished(async () => {
    // A route handler that still fetches when the context closes would reject, and nobody would
    // handle that.
    for (const opened of context.pages()) await opened.unrouteAll({ behavior: 'ignoreErrors' })
    await context.close()
    expect(wrong).toEqual([])
    expect([...origins]).toEqual([new URL(url).origin])
  })
  await page.goto(url)
  return { context, page, wrong, origins }
}

/** Buys with the form, and pays with play money. Resolves with the key. */
export async function buy(page: Page, sats: '100' | '1000' | '5000' = '1000'): Promise<string> {
  await page.locator(`input[name=sats][value="${sats}"]`).check()
  await page.getByRole('button', { name: 'Get an invoice' }).click()
  await page.getByRole('button', { name: 'Pay with play money' }).click()
  await page.getByRole('heading', { name: 'Your key' }).waitFor()
  return keyOf(page)
}

export const keyOf = (page: Page): Promise<string> => page.locator('#key').inputValue()

/** Waits for the balance. Returns it in msat. */
export async function balanceOf(page: Page): Promise<number> {
  const shown = page.locator('#balance', { hasText: /[\d,.]+ play sat/ })
  const text = (await shown.textContent()) ?? ''
  return Math.round(Number(text.replace(/[^\d.]/g, '')) * 1000)
}

export async function send(page: Page, text: string): Promise<void> {
  await page.getByLabel('Your message').fill(text)
  await page.getByLabel('Your message').press('Enter')
}
