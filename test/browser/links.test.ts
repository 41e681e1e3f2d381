import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGate, type TestGate } from '../support/gate.ts'
import { browserMissing, launch } from './chromium.ts'
import { buy, keyOf, send, visit } from './visit.ts'

/** Everything that a browser stores, as one text. */
const kept = (page: Page) => page.evaluate<string>('JSON.stringify(Object.values(localStorage))')

/** An invoice that somebody else made, and its key, which that person has too. */
async function foreign(gate: TestGate, amountSats = 21) {
  const { json } = await gate.ask({ path: '/create-invoice', body: { amountSats } })
  return { url: `${gate.url}${json.payment_url}`, invoice: json.bolt11, macaroon: json.macaroon }
}

describe.skipIf(browserMissing !== null)('J23 the_page_adopts_only_keys_it_asked_for', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  it('J23 a link to a paid invoice puts no key into a page that has none', async () => {
    const gate = await startGate()
    const link = await foreign(gate)
    await gate.pay(link.invoice)
    const { page } = await visit(browser, link.url)
    await page.getByRole('heading', { name: 'This page did not ask for that key' }).waitFor()
    expect([await keyOf(page), (await kept(page)).includes(link.macaroon)]).toEqual(['', false])
    await page.getByRole('button', { name: 'Leave it' }).click()
    await page.getByRole('heading', { name: 'Buy credit' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/')
    expect([await keyOf(page), (await kept(page)).includes(link.macaroon)]).toEqual(['', false])
  })

  it('J23 nor beside a key that it has, unless its owner says so', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    const mine = await buy(page, '100')
    const link = await foreign(gate)
    await page.goto(link.url)
    await page.getByText('This invoice came by a link').waitFor()
    await gate.pay(link.invoice)
    await page.getByRole('heading', { name: 'This page did not ask for that key' }).waitFor()
    expect([await keyOf(page), (await kept(page)).includes(link.macaroon)]).toEqual([mine, false])
    await page.reload()
    await page.getByRole('button', { name: 'Leave it' }).click()
    await page.locator('#balance', { hasText: '100 play sat' }).waitFor()
    expect(await keyOf(page)).toBe(mine)
    await page.goto(link.url)
    await page.getByRole('button', { name: 'Use its key here' }).click()
    await page.locator('#balance', { hasText: '21 play sat' }).waitFor()
    expect((await keyOf(page)).startsWith(link.macaroon)).toBe(true)
    await page.locator('#keys').selectOption(mine)
    await page.locator('#balance', { hasText: '100 play sat' }).waitFor()
    await page.getByRole('button', { name: 'Top up' }).waitFor()
  })

  it('J23 nothing is paid into a key that came by a link: who pays gets one of their own', async () => {
    const gate = await startGate()
    const link = await foreign(gate)
    const { page } = await visit(browser, link.url)
    await page.getByText('Waiting for the payment').waitFor()
    await gate.pay(link.invoice)
    await page.getByText('This key came with a link').waitFor()
    const linked = await keyOf(page)
    expect(linked.startsWith(link.macaroon)).toBe(true)
    await page.getByRole('button', { name: 'Buy a key of your own' }).click()
    await buy(page, '100')
    // Until the new key is there, the page still shows the one from the link.
    await page.locator('#balance', { hasText: '100 play sat' }).waitFor()
    expect(await keyOf(page)).not.toBe(linked)
    expect((await gate.balance(linked)).balance_msat).toBe(21_000)
  })

  it('J23 nor is it topped up for an answer that its credit does not cover', async () => {
    const gate = await startGate({
      settings: { pricing: { default: '1000/1000' } },
      script: { deltas: ['Hello'] },
    })
    const link = await foreign(gate, 1)
    const { page } = await visit(browser, link.url)
    await page.getByText('Waiting for the payment').waitFor()
    await gate.pay(link.invoice)
    await page.getByText('This key came with a link').waitFor()
    const linked = await keyOf(page)
    await send(page, 'More than a sat')
    await page.locator('#log').getByRole('button', { name: 'Buy credit' }).click()
    await buy(page, '5000')
    await page.getByText('Hello', { exact: true }).waitFor()
    expect(await keyOf(page)).not.toBe(linked)
    expect((await gate.balance(linked)).balance_msat).toBe(1_000)
  })

  it('J23 nor by an offer that was made for it, when another key is chosen meanwhile', async () => {
    const gate = await startGate({ settings: { pricing: { default: '1000/1000' } } })
    const { page } = await visit(browser, gate.url)
    const mine = await buy(page, '100')
    const link = await foreign(gate, 1)
    await gate.pay(link.invoice)
    await page.goto(link.url)
    await page.getByRole('button', { name: 'Use its key here' }).click()
    await page.getByText('This key came with a link').waitFor()
    const asked = Promise.withResolvers<void>()
    const chosen = Promise.withResolvers<void>()
    await page.route('**/v1/chat/completions', async (route) => {
      asked.resolve()
      await chosen.promise
      await route.continue()
    })
    await send(page, 'More than a sat')
    await asked.promise
    await page.locator('#keys').selectOption(mine)
    chosen.resolve()
    await page.locator('#log').getByRole('button', { name: 'Buy credit' }).waitFor()
  })

  it('J23 a link that its owner made is theirs to top up', async () => {
    const gate = await startGate()
    const link = await foreign(gate)
    const { page } = await visit(browser, link.url)
    await page.getByText('Waiting for the payment').waitFor()
    await gate.pay(link.invoice)
    await page.getByRole('button', { name: 'I made the link myself' }).click()
    const key = await keyOf(page)
    await page.reload()
    await page.getByRole('button', { name: 'Top up' }).click()
    await buy(page, '100')
    await page.locator('#balance', { hasText: '121 play sat' }).waitFor()
    expect(await keyOf(page)).toBe(key)
  })

  it('J23 no other address puts a key into the page', async () => {
    const gate = await startGate()
    const stolen = (await gate.buy(10)).text
    const key = encodeURIComponent(stolen)
    const { page } = await visit(browser, gate.url)
    for (const path of [
      `/?key=${key}`,
      `/#${key}`,
      `/#key=${key}`,
      `/?api_key=${key}&token=${key}`,
      `/?keys=${encodeURIComponent(JSON.stringify([stolen]))}`,
    ]) {
      await page.goto(`${gate.url}${path}`)
      await page.evaluate(`postMessage(${JSON.stringify({ key: stolen })}, '*')`)
      await page.getByRole('heading', { name: 'Buy credit' }).waitFor()
      expect([await keyOf(page), (await kept(page)).includes(stolen)]).toEqual(['', false])
    }
  })
})
