import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spendingKey } from '../../src/web/spending-key.ts'
import { startGate } from '../support/gate.ts'
import { browserMissing, launch } from './chromium.ts'
import { balanceOf, buy, keyOf, send, visit } from './visit.ts'

const run = promisify(execFile)

describe.skipIf(browserMissing !== null)('the page, for a buyer', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  it('sells a key that pays for a chat, and shows what it cost', async () => {
    const gate = await startGate({
      settings: { pricing: { default: '1/2' } },
      script: { deltas: ['Hello', ' there', '.'] },
    })
    const { page } = await visit(browser, gate.url)
    const key = await buy(page)
    expect(key).toMatch(/^[A-Za-z0-9+/=]{40,}:[0-9a-f]{64}$/)
    expect(await balanceOf(page)).toBe(1_000_000)
    expect(new URL(page.url()).pathname).toBe('/')
    await send(page, 'Say hello')
    await page.getByText('Hello there.', { exact: true }).waitFor()
    const event = await gate.last()
    const cost = `${(event.charged_msat ?? 0) / 1000} play sat`
    await page.locator('#doing', { hasText: cost }).waitFor()
    await page.locator('#balance', { hasText: /999\.\d+ play sat/ }).waitFor()
    expect(await balanceOf(page)).toBe(1_000_000 - (event.charged_msat ?? 0))
  })

  it('shows the heading of the new key on a phone, not behind the strip for play money', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url, {
      viewport: { width: 360, height: 640 },
      reducedMotion: 'reduce',
    })
    await buy(page)
    const room = `document.getElementById('key-title').getBoundingClientRect().top -
      document.getElementById('worthless').getBoundingClientRect().bottom`
    await expect.poll(() => page.evaluate(room)).toBeGreaterThanOrEqual(0)
    expect(await page.evaluate('scrollY')).toBeGreaterThan(0)
  })

  it('shows a snippet that runs as it is copied', async () => {
    const gate = await startGate({ script: { deltas: ['out of curl'] } })
    const { page } = await visit(browser, gate.url)
    await buy(page, '100')
    const script = await page.locator('#snippet').textContent()
    const { stdout } = await run('bash', ['-c', `${script}`])
    expect(JSON.parse(stdout).choices[0].message.content).toBe('out of curl')
    expect((await gate.last()).status).toBe(200)
  })

  it('keeps the key over a reload, offers it as a file, and forgets it when told', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    const key = await buy(page, '100')
    await page.reload()
    expect(await balanceOf(page)).toBe(100_000)
    expect(await keyOf(page)).toBe(key)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ])
    const file = await readFile(await download.path(), 'utf8')
    const [base, spending, , own] = file.split('\n')
    expect([base, own]).toEqual([`OPENAI_BASE_URL=${gate.url}/v1`, `SATGATE_KEY=${key}`])
    expect(spending).toBe(`OPENAI_API_KEY=${spendingKey(key)}`)
    await page.getByRole('button', { name: 'Forget this key' }).click()
    await page.getByRole('dialog').getByText('100 play sat').waitFor()
    await page.getByRole('button', { name: 'Keep it' }).click()
    expect(await keyOf(page)).toBe(key)
    await page.getByRole('button', { name: 'Forget this key' }).click()
    await page.getByRole('button', { name: 'Forget it' }).click()
    await page.getByRole('heading', { name: 'Buy credit' }).waitFor()
    expect(
      await page.evaluate<string>('JSON.stringify(Object.values(localStorage))'),
    ).not.toContain(key.slice(-64))
    await page.reload()
    await page.getByText('I already have a key').click()
    await page.getByLabel('Paste the key').fill(key)
    await page.getByLabel('Paste the key').press('Enter')
    expect(await balanceOf(page)).toBe(100_000)
  })

  it('goes on with an invoice after a reload, and leaves it for another amount', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByText('Waiting for the payment').waitFor()
    const invoice = await page.locator('#bolt11').inputValue()
    await page.reload()
    await page.getByText('Waiting for the payment').waitFor()
    expect(await page.locator('#bolt11').inputValue()).toBe(invoice)
    await page.getByRole('button', { name: 'Choose another amount' }).click()
    expect(page.url()).toBe(`${gate.url}/`)
    await page.locator('input[value=own]').check()
    for (const [amount, says] of [
      ['0', /Whole sats/],
      ['1.5', /Whole sats/],
    ] as const) {
      await page.getByLabel('Amount in').fill(amount)
      await page.getByRole('button', { name: 'Get an invoice' }).click()
      await page.locator('#buy-problem', { hasText: says }).waitFor()
    }
    await page.getByLabel('Amount in').fill('21')
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByText('21 play sat', { exact: true }).waitFor()
  })

  it('tells another tab, and neither writes over the other’s key', async () => {
    const gate = await startGate()
    const { page, context } = await visit(browser, gate.url)
    const second = await context.newPage()
    await second.goto(gate.url)
    await second.getByRole('button', { name: 'Get an invoice' }).click()
    await second.getByText('Waiting for the payment').waitFor()
    const first = await buy(page, '100')
    await second.locator('#balance', { hasText: '100 play sat' }).waitFor()
    await second.getByRole('button', { name: 'Pay with play money' }).click()
    await second.locator('#balance', { hasText: '1,000 play sat' }).waitFor()
    await page.locator('#balance', { hasText: '1,000 play sat' }).waitFor()
    expect(await page.locator('#keys option').count()).toBe(2)
    await page.locator('#keys').selectOption(first)
    await page.locator('#balance', { hasText: '100 play sat' }).waitFor()
  })

  it('works where the browser stores nothing, and says so', async () => {
    const gate = await startGate()
    const before = `Object.defineProperty(window, 'localStorage', {
      get() { throw new DOMException('denied', 'SecurityError') } })`
    const { page } = await visit(browser, gate.url, { before })
    await buy(page, '100')
    await page.getByText('This browser does not keep it: a reload loses it.').waitFor()
    expect(await balanceOf(page)).toBe(100_000)
  })

  it('tops the same account up, and the key stays', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    const key = await buy(page, '100')
    await page.getByRole('button', { name: 'Top up' }).click()
    expect(await buy(page, '1000')).toBe(key)
    await page.locator('#balance', { hasText: '1,100 play sat' }).waitFor()
    expect(await keyOf(page)).toBe(key)
    expect(await page.locator('#which').isVisible()).toBe(false)
  })

  it('is where a 402 sends a stranger, and a reload goes on', async () => {
    const gate = await startGate()
    const refused = await gate.chat(null)
    const url = /Pay at (\S+)/.exec(refused.json.error.message)?.[1] ?? ''
    expect(url).toContain('/invoice-status/')
    const { page } = await visit(browser, url)
    await page.getByText('Waiting for the payment').waitFor()
    expect(await page.locator('#bolt11').inputValue()).toBe(refused.json.l402.invoice)
    await page.reload()
    await page.getByText('Waiting for the payment').waitFor()
    expect(page.url()).toBe(url)
    await gate.pay(refused.json.l402.invoice)
    await page.getByRole('heading', { name: 'Your key' }).waitFor()
    expect(page.url()).toBe(`${gate.url}/`)
    const key = await keyOf(page)
    expect(key.startsWith(`${refused.json.l402.macaroon}:`)).toBe(true)
    expect(await balanceOf(page)).toBe(refused.json.amount_sats * 1000)
    // Somebody who opens the address later gets no key.
    const late = await visit(browser, url)
    await late.page.getByText('its key is in use').waitFor()
    expect(await keyOf(late.page)).toBe('')
  })

  it('offers an answer for its price, and lets the question wait for its payment', async () => {
    const gate = await startGate({ script: { deltas: ['paid for'] } })
    const { page } = await visit(browser, gate.url)
    await send(page, 'Without a key')
    await page.getByText(/^This answer costs up to 10 play sat\. Pay, and it is answered/).waitFor()
    expect(await page.locator('#log .problem').count()).toBe(0)
    await page.locator('#doing', { hasText: 'Waiting for your payment' }).waitFor()
    await page.getByRole('button', { name: 'Pay 10 play sat' }).click()
    await page.getByRole('button', { name: 'Pay with play money' }).click()
    await page.getByText('paid for', { exact: true }).waitFor()
    expect(gate.fake.seen.at(-1)?.json?.messages).toEqual([
      { role: 'user', content: 'Without a key' },
    ])
  })

  it('offers a top-up where the credit does not suffice, and the key stays', async () => {
    const gate = await startGate({
      settings: { pricing: { default: '1000/1000' } },
      script: { deltas: ['Hello'] },
    })
    const { page } = await visit(browser, gate.url)
    await page.locator('input[value=own]').check()
    await page.getByLabel('Amount in').fill('1')
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByRole('button', { name: 'Pay with play money' }).click()
    await page.locator('#balance', { hasText: '1 play sat' }).waitFor()
    const key = await keyOf(page)
    await send(page, 'More than a sat')
    await page.locator('.offer', { hasText: 'Your credit does not cover this answer' }).waitFor()
    await page.getByRole('button', { name: /^Pay [\d,]+ play sat$/ }).click()
    await page.getByRole('button', { name: 'Pay with play money' }).click()
    await page.getByText('Hello', { exact: true }).waitFor()
    expect(await keyOf(page)).toBe(key)
  })

  it('goes back from an invoice to the form, and forward to it', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByText('Waiting for the payment').waitFor()
    const invoice = page.url()
    expect(invoice).toContain('/invoice-status/')
    await page.goBack()
    await page.getByRole('button', { name: 'Get an invoice' }).waitFor()
    expect([page.url(), await page.locator('#invoice').isVisible()]).toEqual([
      `${gate.url}/`,
      false,
    ])
    await page.goForward()
    await page.getByText('Waiting for the payment').waitFor()
    expect(page.url()).toBe(invoice)
    await page.reload()
    await page.getByRole('button', { name: 'Pay with play money' }).click()
    await page.getByRole('heading', { name: 'Your key' }).waitFor()
    // The back button does not lead to a paid invoice.
    expect(page.url()).toBe(`${gate.url}/`)
    await page.goBack()
    expect(page.url()).toBe(`${gate.url}/`)
    expect(await page.locator('#invoice').isVisible()).toBe(false)
  })

  it('says what an amount buys, and who runs the gate', async () => {
    const gate = await startGate({
      settings: {
        pricing: { default: '1/2' },
        operator: {
          name: '<b>Ann</b> & co.',
          contact: 'ann@example.com',
          terms: 'https://example.com/terms',
        },
      },
    })
    const { page } = await visit(browser, gate.url)
    const buys = page.locator('#buys')
    await buys.getByText('1,000 play sat buys about 500 thousand to 1 million tokens.').waitFor()
    await page.locator('input[name=sats][value="100"]').check()
    await buys.getByText('100 play sat buys about 50 thousand to 100 thousand tokens.').waitFor()
    await page.getByRole('heading', { level: 1, name: '<b>Ann</b> & co.' }).waitFor()
    expect(await page.title()).toContain('<b>Ann</b> & co.')
    const operator = page.locator('#operator')
    const links = [
      ['ann@example.com', 'mailto:ann@example.com'],
      ['example.com/terms', 'https://example.com/terms'],
    ] as const
    for (const [name, href] of links) {
      expect(await operator.getByRole('link', { name }).getAttribute('href')).toBe(href)
    }
  })

  it.each([
    ['javascript:window.owned=1', 0],
    ['http://example.com/', 0],
    ['https://user@example.com/', 0],
    ['nostr:npub1', 0],
    ['"onclick="window.owned=1"@example.com', 0],
    ['mailto:ann@example.com', 1],
  ])('H6 links to a contact %j %d times', async (contact, links) => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await page.route('**/.well-known/l402', async (route) => {
      const response = await route.fetch()
      const operator = { name: 'satgate', contact, terms: null }
      await route.fulfill({ response, json: { ...(await response.json()), operator } })
    })
    await page.reload()
    await page.locator('#operator').getByText('Contact:').waitFor()
    expect(await page.locator('#operator a').count()).toBe(links)
    expect(await page.locator('#operator').textContent()).toContain(contact.replace('mailto:', ''))
  })
})
