import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCashuGate } from '../support/cashu-gate.ts'
import { browserMissing, launch } from './chromium.ts'
import { balanceOf, keyOf, visit } from './visit.ts'

async function pay(page: Page, token: string): Promise<void> {
  if (!(await page.getByLabel('A Cashu token').isVisible())) {
    await page.getByText('Pay with ecash').click()
  }
  await page.getByLabel('A Cashu token').fill(token)
  await page.getByRole('button', { name: 'Pay with this token' }).click()
}

/** The answers to one path, as the page sees them. */
function answersTo(page: Page, path: string): { status: number; json: Record<string, unknown> }[] {
  const answers: { status: number; json: Record<string, unknown> }[] = []
  page.on('response', async (response) => {
    if (new URL(response.url()).pathname !== path) return
    const json = await response.json().catch(() => ({}))
    answers.push({ status: response.status(), json })
  })
  return answers
}

/** ms. The machine may be busy. */
const PATIENT = 120_000

describe.skipIf(browserMissing !== null)(
  'the page, at a gate that takes ecash',
  { timeout: PATIENT },
  () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await launch()
    })
    afterAll(() => browser?.close())

    it('L14 sells a key for a token, shows a spending key, and gives the rest back as a token', async () => {
      const at = await startCashuGate({ paysBack: true })
      const { page } = await visit(browser, at.gate.url)
      const redeemed = answersTo(page, '/cashu-redeem')
      const withdrawn = answersTo(page, '/v1/withdraw')
      await pay(page, await at.payer.token(2_000))
      await page.getByRole('heading', { name: 'Your key' }).waitFor()
      expect(await balanceOf(page)).toBe(2_000_000)
      await expect
        .poll(() => redeemed.at(-1)?.json)
        .toEqual({ credited: 2_000, token_suffix: expect.stringMatching(/^[0-9a-f]{64}$/) })
      const key = await keyOf(page)
      const snippet = (await page.locator('#snippet').textContent()) ?? ''
      const spending = /OPENAI_API_KEY='([^']+)'/.exec(snippet)?.[1] ?? ''
      expect(spending).not.toBe(key)
      const [root, child] = [await at.gate.balance(key), await at.gate.balance(spending)]
      expect(child.balance_msat).toBe(root.balance_msat)
      expect([root.withdrawable?.length, child.withdrawable]).toEqual([1, undefined])
      expect((await at.gate.chat(spending)).status).toBe(200)
      await page.getByText('Take money out').click()
      await page.getByRole('button', { name: 'Take everything as an ecash token' }).click()
      await page.getByText('Ecash of 127.0.0.1').waitFor()
      await expect.poll(() => withdrawn.at(-1)?.json.state).toBe('paid')
      const done = withdrawn.at(-1)
      expect(done?.json).toMatchObject({ state: 'paid', kind: 'ecash', mint: at.mint.url })
      const token = await page.getByLabel('The token').inputValue()
      expect(token).toBe(done?.json.token)
      expect(await at.payer.receive(token)).toBe(done?.json.amount_sats)
      await page.getByRole('button', { name: 'My wallet has it' }).click()
      await at.gate.proof()
    })

    it('L17 pays an invoice that is open with a token, and has a wallet’s invoice paid', async () => {
      const at = await startCashuGate({ paysBack: true })
      const { page } = await visit(browser, at.gate.url)
      const withdrawn = answersTo(page, '/v1/withdraw')
      await page.locator('input[name=sats][value="100"]').check()
      await page.getByRole('button', { name: 'Get an invoice' }).click()
      await page.getByText('Waiting for the payment').waitFor()
      await pay(page, await at.payer.token(5_000))
      await page.getByRole('heading', { name: 'Your key' }).waitFor()
      expect(await balanceOf(page)).toBe(5_000_000)
      expect(new URL(page.url()).pathname).toBe('/')
      await page.getByText('Take money out').click()
      await page.getByLabel('A Lightning invoice').fill(at.mint.invoice(2_000))
      await page.getByRole('button', { name: 'Have it paid' }).click()
      await page.getByText('2,000 play sat paid.').waitFor()
      await expect
        .poll(() => withdrawn.at(-1)?.json)
        .toMatchObject({
          ...{ state: 'paid', kind: 'lightning', amount_sats: 2_000 },
          fee_msat: expect.any(Number),
        })
      await at.gate.proof()
    })

    it('E4 L3 shows the key although the mint was silent and the answer was lost', async () => {
      const at = await startCashuGate({ paysBack: true })
      const { page } = await visit(browser, at.gate.url)
      const redeemed = answersTo(page, '/cashu-redeem')
      at.mint.faults.swap = { is: 'dropAfter', times: 1 }
      let lost = 0
      await page.route('**/cashu-redeem', async (route) => {
        const answer = await route.fetch()
        if (answer.status() !== 200 || lost > 0) return route.fulfill({ response: answer })
        lost += 1
        return route.abort()
      })
      await pay(page, await at.payer.token(500))
      await page.getByText('The mint has not answered yet').waitFor()
      await expect
        .poll(() => redeemed[0])
        .toEqual({
          ...{ status: 202, json: { state: 'pending', retryAfterMs: 2000 } },
        })
      at.gate.world.advance(5_000)
      await expect.poll(() => lost, { timeout: 20_000 }).toBe(1)
      await page.reload()
      await page.getByRole('heading', { name: 'Your key' }).waitFor()
      expect(await balanceOf(page)).toBe(500_000)
      expect((await at.gate.chat(await keyOf(page))).status).toBe(200)
    })

    it('says what is wrong with a token, and leaves it to its owner', async () => {
      const at = await startCashuGate({ paysBack: true })
      const { page } = await visit(browser, at.gate.url)
      const coins = await at.payer.coins(500)
      await at.payer.spend(coins)
      await pay(page, await at.payer.write(coins))
      await page.locator('#ecash-problem', { hasText: 'spent' }).waitFor()
      expect(await page.evaluate(`localStorage.getItem('satgate.token')`)).toBe(null)
    })
  },
)
