import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGate } from '../support/gate.ts'
import { browserMissing, launch } from './chromium.ts'
import { balanceOf, buy, keyOf, visit } from './visit.ts'

const TOKEN = `cashuB${'o2FteB9'.repeat(20)}`

/** A gate of play money takes no ecash, so the answers about ecash are written here. */
async function takesEcash(page: Page): Promise<void> {
  await page.route('**/.well-known/l402', async (route) => {
    const answer = await route.fetch()
    const told = await answer.json()
    const cashu = { mints: ['https://mint.example/path', 'https://other.example'], unit: 'sat' }
    await route.fulfill({ json: { ...told, payment: { ...told.payment, cashu } } })
  })
}

describe.skipIf(browserMissing !== null)('the page, for a buyer with ecash', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  it('offers it only where the gate takes it', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await page.getByText('Buy credit').waitFor()
    await expect.poll(() => page.locator('#ecash').isHidden()).toBe(true)
    await takesEcash(page)
    await page.reload()
    await page.getByText('Pay with ecash').click()
    await page.getByText('A Cashu token of mint.example, other.example').waitFor()
  })

  it('keeps a token over a reload until the gate has said what became of it', async () => {
    const gate = await startGate()
    const key = (await gate.buy(50)).text
    const { page } = await visit(browser, gate.url)
    await takesEcash(page)
    const sent: unknown[] = []
    let pending = true
    await page.route('**/cashu-redeem', (route) => {
      sent.push(route.request().postDataJSON())
      if (pending)
        return route.fulfill({ status: 202, json: { state: 'pending', retryAfterMs: 50 } })
      return route.fulfill({ json: { credited: 50, pass: key } })
    })
    await page.reload()
    await page.getByText('Pay with ecash').click()
    await page.getByLabel('A Cashu token').fill(`cashu:${TOKEN}`)
    await page.getByRole('button', { name: 'Pay with this token' }).click()
    await page.getByText('The mint has not answered yet').waitFor()
    await page.reload()
    await page.getByText('The mint has not answered yet').waitFor()
    pending = false
    await page.getByRole('heading', { name: 'Your key' }).waitFor()
    expect(await keyOf(page)).toBe(key)
    expect(await balanceOf(page)).toBe(50_000)
    const { paymentHash, statusToken } = sent[0] as Record<string, string>
    expect(sent.at(-1)).toEqual({ token: TOKEN, paymentHash, statusToken })
    expect(paymentHash).toMatch(/^[0-9a-f]{64}$/)
    expect(await page.evaluate(`localStorage.getItem('satgate.token')`)).toBe(null)
  })

  it('says why a token is not taken, and keeps none that was refused', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await takesEcash(page)
    await page.route('**/cashu-redeem', (route) =>
      route.fulfill({
        status: 400,
        json: { error: { message: 'This token is of another mint.' } },
      }),
    )
    await page.reload()
    await page.getByText('Pay with ecash').click()
    await page.getByLabel('A Cashu token').fill('not a token')
    await page.getByRole('button', { name: 'Pay with this token' }).click()
    await page.getByText('This is no Cashu token').waitFor()
    await page.getByLabel('A Cashu token').fill(TOKEN)
    await page.getByRole('button', { name: 'Pay with this token' }).click()
    await page.getByText('This token is of another mint.').waitFor()
    expect(await page.evaluate(`localStorage.getItem('satgate.token')`)).toBe(null)
  })

  it('pays for the invoice that is shown', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await takesEcash(page)
    let sent: Record<string, string> = {}
    await page.route('**/cashu-redeem', async (route) => {
      sent = route.request().postDataJSON()
      const status = await page.request.get(
        `${gate.url}/invoice-status/${sent.paymentHash}?token=${sent.statusToken}`,
      )
      await gate.play.pay(`${sent.paymentHash}`)
      await expect
        .poll(async () => {
          const told = await page.request.get(status.url())
          return (await told.json()).paid
        })
        .toBe(true)
      const { token_suffix } = await (await page.request.get(status.url())).json()
      await route.fulfill({ json: { credited: 100, token_suffix } })
    })
    await page.reload()
    await page.locator('input[name=sats][value="100"]').check()
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByText('Pay with ecash').click()
    await page.getByLabel('A Cashu token').fill(TOKEN)
    await page.getByRole('button', { name: 'Pay with this token' }).click()
    await page.getByRole('heading', { name: 'Your key' }).waitFor()
    expect(await balanceOf(page)).toBe(100_000)
    expect(sent).toMatchObject({
      token: TOKEN,
      paymentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  it('gives change back as a token and a QR code, which a reload does not lose', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await page.route('**/v1/balance', async (route) => {
      const answer = await route.fetch()
      const withdrawable = [{ source: 'ecash https://mint.example', sats: 90 }]
      await route.fulfill({ json: { ...(await answer.json()), withdrawable } })
    })
    const ids: (string | undefined)[] = []
    await page.route('**/v1/withdraw', (route) => {
      ids.push(route.request().headers()['idempotency-key'])
      expect(route.request().postDataJSON()).toEqual({ ecash: true })
      if (ids.length === 1) return route.fulfill({ status: 202, json: { state: 'pending' } })
      const paid = { state: 'paid', kind: 'ecash', amount_sats: 89, fee_msat: 1_000 }
      return route.fulfill({ json: { ...paid, token: TOKEN, mint: 'https://mint.example' } })
    })
    await buy(page, '100')
    await page.getByText('Take money out').click()
    await page.getByRole('button', { name: 'Take everything as an ecash token' }).click()
    await page.getByText('Ecash of mint.example. The fee was 1 play sat.').waitFor()
    expect(await page.getByLabel('The token').inputValue()).toBe(TOKEN)
    await page.getByRole('img', { name: 'QR code of a token of 89 play sat' }).waitFor()
    await page.reload()
    await page.getByText('Ecash of mint.example.').waitFor()
    expect(new Set(ids).size).toBe(1)
    await page.getByRole('button', { name: 'My wallet has it' }).click()
    await page.getByRole('button', { name: 'Have it paid' }).waitFor()
    expect(await page.evaluate(`localStorage.getItem('satgate.withdrawal')`)).toBe(null)
  })
})
