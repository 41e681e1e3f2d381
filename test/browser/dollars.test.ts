import type { Browser, Page, Request } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGate } from '../support/gate.ts'
import { read402 } from '../support/x402-buyer.ts'
import { browserMissing, launch } from './chromium.ts'
import { withWallet } from './evm-wallet.ts'
import { balanceOf, buy, keyOf, visit } from './visit.ts'

const KEY = `0x${'7a'.repeat(32)}`
const ENTRY = {
  scheme: 'exact',
  network: 'eip155:84532',
  amount: '9000',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo: `0x${'12'.repeat(20)}`,
  maxTimeoutSeconds: 60,
  extra: { name: 'USDC', version: '2', offer: 'b2ZmZXI' },
}
const REQUIRED = Buffer.from(
  JSON.stringify({ x402Version: 2, resource: { url: 'http://x/y — z' }, accepts: [ENTRY] }),
).toString('base64')

/** A gate of play money takes no dollars, so its documents and its answers to payments are written here. */
async function takesDollars(
  page: Page,
  answer: (payment: Request) => object,
  methods = ['l402', 'x402'],
): Promise<void> {
  await page.route('**/.well-known/l402', async (route) => {
    const told = await (await route.fetch()).json()
    const x402 = { accepting: true, network: ENTRY.network, name: 'USDC' }
    const payment = { ...told.payment, methods, x402 }
    await route.fulfill({ json: { ...told, payment } })
  })
  await page.route('**/v1/chat/completions?rail=x402', async (route) => {
    const request = route.request()
    if ((await request.headerValue('payment-signature')) === null) {
      return route.fulfill({ status: 402, headers: { 'payment-required': REQUIRED }, json: {} })
    }
    await route.fulfill(answer(request))
  })
}

const error = (status: number, code: string, message: string) => ({
  ...{ status, json: { error: { code, message } } },
})
const kept = (page: Page) => page.evaluate(`localStorage.getItem('satgate.dollars')`)

async function pay(page: Page): Promise<void> {
  await page.getByText('Pay with dollars').click()
  await page.getByRole('button', { name: 'Pay with the browser’s wallet' }).last().click()
}

describe.skipIf(browserMissing !== null)('the page, for a buyer with dollars', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  it('says which ways to pay are on, and offers dollars only where they are taken', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await page.getByText('Pay with Lightning.').waitFor()
    await page.getByText('For programs, which pay by L402:').waitFor()
    expect(await page.locator('#dollars').isHidden()).toBe(true)
    await takesDollars(page, () => ({}))
    await page.reload()
    await page.getByText('Pay with Lightning or dollars (USDC on Base Sepolia).').waitFor()
    await page.getByText('For programs, which pay by L402 or x402:').waitFor()
  })

  it('alone: there is no form for an invoice', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await takesDollars(page, () => ({}), ['x402'])
    await page.reload()
    await page.getByText('Pay with dollars (USDC on Base Sepolia).').waitFor()
    await page.locator('#dollars-snippet').waitFor()
    expect(await page.locator('#amount-form').isHidden()).toBe(true)
  })

  it('shows the program that pays if the browser has no wallet', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await takesDollars(page, () => ({}))
    await page.reload()
    await page.getByText('Pay with dollars').click()
    const program = page.locator('#dollars-snippet')
    await program.filter({ hasText: `.register("eip155:84532"` }).waitFor()
    await program.filter({ hasText: `"${gate.url}/v1/chat/completions"` }).waitFor()
    await program.filter({ hasText: 'model: "fake"' }).waitFor()
  })

  it('pays with the wallet of the browser, and keeps the pass', async () => {
    const gate = await startGate()
    const bought = (await gate.buy(50)).text
    const { page } = await visit(browser, gate.url)
    const wallet = await withWallet(page, KEY)
    const sent: Request[] = []
    await takesDollars(page, (request) => {
      sent.push(request)
      return { headers: { 'x-satgate-pass': bought }, json: {} }
    })
    await page.reload()
    await pay(page)
    await page.getByRole('heading', { name: 'Your key' }).waitFor()
    expect(await keyOf(page)).toBe(bought)
    expect(await balanceOf(page)).toBe(50_000)
    expect(await kept(page)).toBe(null)
    expect(wallet.asked).toEqual([
      'eth_requestAccounts',
      'wallet_switchEthereumChain',
      'eth_signTypedData_v4',
    ])
    const payment = read402(await sent[0]?.headerValue('payment-signature'))
    const { accepted, payload, resource } = payment
    expect({ accepted, resource }).toEqual({
      accepted: ENTRY,
      resource: { url: 'http://x/y — z' },
    })
    expect(payload.authorization).toEqual(wallet.signed[0]?.message)
    expect(payload.authorization).toMatchObject({
      ...{ from: wallet.address, to: ENTRY.payTo, value: '9000', validAfter: '0' },
      nonce: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    })
    expect(wallet.signed[0]?.domain).toEqual({
      ...{ name: 'USDC', version: '2', chainId: 84_532, verifyingContract: ENTRY.asset },
    })
  })

  it('sends the same payment after a reload, and never signs a second one', async () => {
    const gate = await startGate()
    const bought = (await gate.buy(50)).text
    const { page } = await visit(browser, gate.url)
    const wallet = await withWallet(page, KEY)
    const sent: (string | undefined)[] = []
    let pending = true
    await takesDollars(page, (request) => {
      sent.push(request.headers()['payment-signature'])
      if (pending) return error(503, 'x402_pending', 'Not known yet.')
      return { headers: { 'x-satgate-pass': bought }, json: {} }
    })
    await page.reload()
    await pay(page)
    await page.getByText('Do not pay again: this page keeps the payment').waitFor()
    const button = page.getByRole('button', { name: 'Pay with the browser’s wallet' }).last()
    expect(await button.isDisabled()).toBe(true)
    await page.reload()
    await page.getByText('Do not pay again: this page keeps the payment').waitFor()
    pending = false
    await page.reload()
    await page.getByRole('heading', { name: 'Your key' }).waitFor()
    expect(await keyOf(page)).toBe(bought)
    expect(new Set(sent).size).toBe(1)
    expect(sent.length).toBeGreaterThanOrEqual(3)
    expect(wallet.signed).toHaveLength(1)
    expect(await kept(page)).toBe(null)
  })

  it('L16 tops up the key that the page has, by a payment beside it', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await withWallet(page, KEY)
    const sent: (string | undefined)[] = []
    await takesDollars(page, (request) => {
      sent.push(request.headers().authorization)
      return { json: {} }
    })
    await page.reload()
    const key = await buy(page, '100')
    await page.getByRole('button', { name: 'Top up' }).click()
    await pay(page)
    await page.getByRole('heading', { name: 'Your key' }).waitFor()
    await expect.poll(() => page.locator('#buy').isHidden()).toBe(true)
    expect(sent).toEqual([`Bearer ${key}`])
    expect(await keyOf(page)).toBe(key)
  })

  it('shows the dollars of the balance', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await page.route('**/v1/balance', async (route) => {
      const told = await (await route.fetch()).json()
      await route.fulfill({ json: { ...told, usd_micros: 9_000, usd: '0.009', usd_counted: true } })
    })
    await buy(page, '100')
    await page.getByText('$0.009 of it in dollars').waitFor()
  })

  it('keeps the pass of a payment whose request failed', async () => {
    const gate = await startGate()
    const bought = (await gate.buy(50)).text
    const { page } = await visit(browser, gate.url)
    await withWallet(page, KEY)
    await takesDollars(page, () => ({
      ...error(502, 'upstream_error', 'The model failed.'),
      headers: { 'x-satgate-pass': bought },
    }))
    await page.reload()
    await pay(page)
    await page.getByRole('heading', { name: 'Your key' }).waitFor()
    expect(await keyOf(page)).toBe(bought)
  })

  it.each([
    ['eth_requestAccounts', 4001, 'You did not sign. Nothing was paid.'],
    ['wallet_switchEthereumChain', 4902, 'Add the network eip155:84532 to your wallet'],
    ['eth_signTypedData_v4', -32_603, 'The wallet did not sign: no'],
  ])('says so if the wallet refuses %s with %i', async (method, code, words) => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    const wallet = await withWallet(page, KEY)
    wallet.refuses = { method, code }
    await takesDollars(page, () => ({}))
    await page.reload()
    await pay(page)
    await page.getByText(words).waitFor()
    expect(await kept(page)).toBe(null)
  })

  it('says why a payment is not taken, and forgets it', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await withWallet(page, KEY)
    await takesDollars(page, () => error(402, 'x402_funds', 'The payer has too little.'))
    await page.reload()
    await pay(page)
    await page.getByText('The payer has too little.').waitFor()
    expect(await kept(page)).toBe(null)
  })
})
