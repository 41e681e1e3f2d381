import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGate } from '../support/gate.ts'
import { browserMissing, launch } from './chromium.ts'
import { balanceOf, buy, keyOf, send, visit } from './visit.ts'

const MARKUP = '<img src=x onerror="document.title=\'owned\'">'

/** The page as a gate with that kind of money serves it. The gate still uses play money. */
const asIf = (money: 'real' | 'test', page: Page) =>
  page.route(/\/(?:$|invoice-status)/, async (route) => {
    const response = await route.fetch()
    const body = (await response.text()).replace('content="play"', `content="${money}"`)
    await route.fulfill({ response, body })
  })

describe.skipIf(browserMissing !== null)('the page, where things go wrong', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  it('H6 shows markup in a model’s name, an answer and an error as text', async () => {
    const models = [{ id: MARKUP, object: 'model' }]
    const gate = await startGate({ script: { models, deltas: [MARKUP, ' is text'] } })
    const { page } = await visit(browser, gate.url)
    await buy(page, '100')
    await page.getByRole('rowheader', { name: MARKUP }).waitFor()
    await page.locator('#snippet', { hasText: 'img src=x' }).waitFor()
    await send(page, MARKUP)
    await page.locator('.assistant .text', { hasText: `${MARKUP} is text` }).waitFor()
    gate.fake.script = { models, status: 400, body: JSON.stringify({ error: { message: MARKUP } }) }
    await send(page, 'again')
    await page.locator('.assistant .problem', { hasText: 'refused the request' }).waitFor()
    expect(await page.locator('img, script:not([src])').count()).toBe(0)
    expect(await page.title()).not.toBe('owned')
  })

  it('H6 has a browser that refuses inline code', async () => {
    const gate = await startGate()
    const { page, wrong } = await visit(browser, gate.url)
    await page.evaluate(`{
      const made = document.createElement('script')
      try { made.textContent = 'document.title = "owned"' } catch {}
      document.body.append(made)
      try { document.body.innerHTML += '<i>' } catch {}
      fetch('http://127.0.0.1:9/').catch(() => {})
    }`)
    await page.waitForTimeout(200)
    expect(await page.title()).not.toBe('owned')
    const violated = wrong.splice(0).join('\n')
    expect(violated).toContain('policy: connect-src http://127.0.0.1:9')
    expect(violated).toContain('policy: require-trusted-types-for')
  })

  it('says at its top that the model server is gone, and takes it back', async () => {
    const gate = await startGate()
    gate.fake.script = { ...gate.fake.script, refuse: true }
    gate.world.advance(60_000)
    await gate.chat(null)
    gate.world.advance(15_000)
    await gate.chat(null)
    const { page, wrong } = await visit(browser, gate.url)
    const top = page.locator('#gone', { hasText: 'Nothing is sold until it is back' })
    await top.waitFor()
    expect(await page.locator('body > :not(.skip)').first().getAttribute('id')).toBe('gone')
    gate.fake.script = { ...gate.fake.script, refuse: false }
    await top.waitFor({ state: 'hidden' })
    // The browser logs each 503.
    wrong.splice(0)
  })

  it('says what an amount of real money is worth, where that is known', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await asIf('real', page)
    await page.route('**/.well-known/l402', async (route) => {
      const response = await route.fetch()
      const json = { ...(await response.json()), usd_per_btc: 65_000 }
      await route.fulfill({ response, json })
    })
    await page.reload()
    await page.getByText('1,000 sat (about $0.65) buys about 1 million tokens.').waitFor()
  })

  it('offers a new invoice for one that expired', async () => {
    const gate = await startGate()
    gate.world.advance(-597_000)
    const { page } = await visit(browser, gate.url)
    await page.locator('input[name=sats][value="5000"]').check()
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByText(/Expires in 0:0\d/).waitFor()
    await page.getByText('This invoice has expired').waitFor()
    expect(await page.locator('#qr').isVisible()).toBe(false)
    gate.world.advance(597_000)
    await page.getByRole('button', { name: 'Get a new invoice' }).click()
    await page.getByText('Waiting for the payment').waitFor()
    expect(await page.locator('#sum').textContent()).toBe('5,000 play sat')
  })

  it('says that there is no such invoice, and sells another', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, `${gate.url}/invoice-status/${'0'.repeat(64)}?token=x`)
    await page.getByText('No such invoice, or not with this token.').waitFor()
    await page.getByRole('button', { name: 'Choose another amount' }).click()
    expect(await buy(page, '100')).not.toBe('')
  })

  it('goes by the gate’s clock, not by this machine’s', async () => {
    const gate = await startGate()
    const before = `{ const real = Date.now; Date.now = () => real() + 3_600_000 }`
    const { page } = await visit(browser, gate.url, { before })
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByText(/Expires in (?:9:5\d|10:00)/).waitFor()
    await page.getByText('Waiting for the payment').waitFor()
  })

  it('says that the gate is gone, while paying and while chatting', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByText('Waiting for the payment').waitFor()
    await gate.stop()
    await page.getByText('The gate does not answer').first().waitFor()
    await send(page, 'Are you there?')
    await page.locator('.assistant .problem', { hasText: 'does not answer' }).waitFor()
    await page.getByRole('button', { name: 'Choose another amount' }).click()
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.locator('#buy-problem', { hasText: 'does not answer' }).waitFor()
  })

  it('keeps trying, and goes on when the network is back', async () => {
    const gate = await startGate()
    const { page, context } = await visit(browser, gate.url)
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByText('Waiting for the payment').waitFor()
    const invoice = await page.locator('#bolt11').inputValue()
    await context.setOffline(true)
    await page.getByText('The gate does not answer').first().waitFor()
    await gate.pay(invoice)
    await context.setOffline(false)
    await page.getByRole('heading', { name: 'Your key' }).waitFor()
    expect(await balanceOf(page)).toBe(1_000_000)
  })

  it('says what an answer that broke off was', async () => {
    const gate = await startGate({
      script: { deltas: ['one', ' two', ' three'], after: { deltas: 2, does: 'die' }, paceMs: 50 },
    })
    const { page } = await visit(browser, gate.url)
    await buy(page, '100')
    await send(page, 'Count')
    await page.locator('.assistant .text', { hasText: 'one two' }).waitFor()
    await page.locator('#doing', { hasText: /failed|broke off/ }).waitFor()
  })

  it('stops an answer that is long enough, for what was written', async () => {
    const deltas = Array.from({ length: 400 }, (_, at) => `word${at} `)
    const gate = await startGate({ script: { deltas, paceMs: 20 } })
    const { page } = await visit(browser, gate.url)
    await buy(page, '100')
    await send(page, 'Talk')
    await page.locator('.assistant .text', { hasText: 'word5 ' }).waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.locator('#doing', { hasText: 'Stopped.' }).waitFor()
    await gate.fake.untilAborted()
    const { charged_msat: charged = 0 } = await gate.last()
    expect(charged).toBeGreaterThan(0)
    expect(charged).toBeLessThan(200)
    const left = `${(100_000 - charged) / 1000}`
    await page.locator('#balance', { hasText: left }).waitFor()
  })

  it('says that a key is not of this gate, and sells a new one beside it', async () => {
    const gate = await startGate()
    const foreign = `${'A'.repeat(100)}:${'0'.repeat(64)}`
    const before = `localStorage.setItem('satgate.keys', '["${foreign}"]')`
    const { page } = await visit(browser, gate.url, { before: `localStorage.length || ${before}` })
    await page.getByText('This gate does not know this key').waitFor()
    await page.getByRole('button', { name: 'Top up' }).click()
    await buy(page, '100')
    expect(await balanceOf(page)).toBe(100_000)
    expect(await keyOf(page)).not.toBe(foreign)
    expect(await page.locator('#keys option').count()).toBe(2)
  })

  it.each([
    ['the wallet pays', `return { preimage: (await paid.json()).preimage }`, /Your key/],
    ['the wallet says no', `throw new Error('User rejected')`, /did not pay: User rejected/],
  ])('pays by WebLN: %s', async (_, end, seen) => {
    const gate = await startGate()
    const before = `window.webln = {
      enable: async () => { window.enabled = true },
      sendPayment: async (invoice) => {
        if (!window.enabled) throw new Error('not enabled')
        const body = JSON.stringify({ invoice })
        const paid = ${end.startsWith('throw') ? 'null' : `await fetch('/play/pay', { method: 'POST', body })`}
        ${end}
      } }`
    const { page } = await visit(browser, gate.url, { before })
    await asIf('real', page)
    await page.reload()
    expect(await page.locator('#worthless').isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByText('1,000 sat', { exact: true }).last().waitFor()
    const wallet = page.getByRole('link', { name: 'Open a wallet' })
    expect(await wallet.getAttribute('href')).toMatch(/^lightning:lnbcrt/)
    await page.getByRole('button', { name: 'Pay with the browser’s wallet' }).click()
    await page.getByText(seen).first().waitFor()
    expect((await keyOf(page)) !== '').toBe(!end.startsWith('throw'))
  })
  it('says of the money of a test network that it is worth nothing, and in every amount', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await asIf('test', page)
    await page.reload()
    await page.getByText('Test money: it is worth nothing.').waitFor()
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByText('1,000 test sat', { exact: true }).last().waitFor()
    expect(await page.getByRole('button', { name: 'Pay with play money' }).isVisible()).toBe(false)
    expect(await page.getByText(/\$\d/).count()).toBe(0)
  })
})
