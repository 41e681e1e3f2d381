import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spendingKey } from '../../src/web/spending-key.ts'
import { startGate } from '../support/gate.ts'
import { browserMissing, launch } from './chromium.ts'
import { balanceOf, buy, keyOf, send, visit } from './visit.ts'

const focused = (page: Page): Promise<string> =>
  page.evaluate<string>('document.activeElement.id || document.activeElement.textContent')

/** Presses Tab until that element has the focus. */
async function tabTo(page: Page, id: string): Promise<void> {
  for (let pressed = 0; pressed < 40; pressed += 1) {
    if ((await focused(page)) === id) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab never came to #${id}`)
}

/** Texts whose contrast with their background is below WCAG's 4.5 to 1. */
const PALE = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0)
  const behind = (one) => {
    for (let at = one; at !== null; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor)
      if (colour[3] === 255) return colour
    }
    return [255, 255, 255]
  }
  return [...document.querySelectorAll('body *')].filter((one) => {
    const said = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')
    if (!(said || one.value) || !one.checkVisibility()) return false
    const [a, b] = [light(rgba(getComputedStyle(one).color)), light(behind(one))]
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5
  }).map((one) => one.outerHTML.slice(0, 120))
})()`

/** Every kind of element that an answer can have, some of them wider than a phone. */
const EVERYTHING = `### Heading

> quoted *and* **strong** ~~struck~~ \`code\` [link](https://example.com)

1. one
   - two

| ${'a-long-head | '.repeat(6)}
|${'--|'.repeat(6)}
| ${'cell | '.repeat(6)}

\`\`\`js
const long = '${'word '.repeat(30)}'
\`\`\``

const WIDER = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'

describe.skipIf(browserMissing !== null)('the page, for everybody', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  it('needs no mouse', async () => {
    const gate = await startGate({ script: { deltas: ['by keyboard'] } })
    const { page } = await visit(browser, gate.url)
    await page.getByRole('rowheader', { name: 'fake' }).waitFor()
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('Skip to the content')
    await page.locator('input[name=sats][value="1000"]').focus()
    await page.keyboard.press('ArrowLeft')
    await tabTo(page, 'make')
    await page.keyboard.press('Enter')
    await page.getByText('Waiting for the payment').waitFor()
    expect(await focused(page)).toBe('buy-title')
    await tabTo(page, 'play-pay')
    await page.keyboard.press('Enter')
    await page.locator('#balance', { hasText: '100 play sat' }).waitFor()
    expect(await focused(page)).toBe('key-title')
    await tabTo(page, 'tab-curl')
    await page.keyboard.press('ArrowRight')
    expect(await focused(page)).toBe('tab-python')
    expect(await page.locator('#snippet').textContent()).toContain('from openai import OpenAI')
    await page.keyboard.press('End')
    expect(await page.locator('#webui-url').inputValue()).toBe(`${gate.url}/v1`)
    expect(await page.locator('#webui-key').inputValue()).toBe(spendingKey(await keyOf(page)))
    await page.keyboard.press('ArrowRight')
    expect(await focused(page)).toBe('tab-curl')
    await tabTo(page, 'prompt')
    await page.keyboard.type('one')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('two')
    await page.keyboard.press('Enter')
    await page.getByText('by keyboard', { exact: true }).waitFor()
    expect(gate.fake.seen.at(-1)?.json?.messages).toEqual([{ role: 'user', content: 'one\ntwo' }])
    expect(await focused(page)).toBe('prompt')
  })

  it('shows where the focus is', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await page.getByRole('rowheader', { name: 'fake' }).waitFor()
    for (let at = 0; at < 8; at += 1) {
      await page.keyboard.press('Tab')
      const outline = `(() => {
        const one = document.activeElement
        const shown = one.type === 'radio' ? one.nextElementSibling : one
        return getComputedStyle(shown).outlineStyle
      })()`
      expect(await page.evaluate(outline), await focused(page)).toBe('solid')
    }
  })

  it('gives every control a name', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await buy(page, '100')
    const nameless = await page.evaluate<string[]>(`
      [...document.querySelectorAll('button, input, select, textarea, a')].filter((one) =>
        !(one.labels?.length || one.ariaLabel || one.querySelector('[aria-label]') || one.textContent.trim())).map((one) => one.id)`)
    expect(nameless).toEqual([])
  })

  it.each(['light', 'dark'] as const)('is legible in %s', async (colorScheme) => {
    const gate = await startGate({ script: { deltas: [EVERYTHING] } })
    const { page } = await visit(browser, gate.url, { colorScheme, reducedMotion: 'reduce' })
    await page.getByRole('rowheader', { name: 'fake' }).waitFor()
    expect(await page.evaluate(PALE)).toEqual([])
    await send(page, 'Without credit')
    await page.locator('.offer').waitFor()
    expect(await page.evaluate(PALE)).toEqual([])
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.getByText('Waiting for the payment').waitFor()
    expect(await page.evaluate(PALE)).toEqual([])
    const colours = `[...document.querySelectorAll('#qr svg *')].map((one) => one.getAttribute('fill'))`
    expect(await page.evaluate(colours)).toEqual(['#fff', '#000'])
    await page.getByRole('button', { name: 'Pay with play money' }).click()
    await balanceOf(page)
    await page.locator('#doing', { hasText: 'Cost' }).waitFor()
    await page.locator('.assistant .code').waitFor()
    expect(await page.evaluate(PALE)).toEqual([])
  })

  it.each([
    ['a phone', 390, 844],
    ['the smallest phone, or a window at 200 % and more', 320, 568],
  ])('fits %s', async (_, width, height) => {
    const models = [{ id: `a-model-with-quite-a-${'long-'.repeat(12)}name`, object: 'model' }]
    const deltas = ['word '.repeat(80), `\n\n${EVERYTHING}`]
    const gate = await startGate({ script: { models, deltas } })
    const { page } = await visit(browser, gate.url, {
      viewport: { width, height },
      hasTouch: true,
      isMobile: true,
    })
    await page.getByRole('rowheader').waitFor()
    expect(await page.evaluate(WIDER)).toBe(0)
    await page.getByRole('button', { name: 'Get an invoice' }).tap()
    await page.getByText('Waiting for the payment').waitFor()
    expect(await page.evaluate(WIDER)).toBe(0)
    const code = await page.locator('#qr').boundingBox()
    expect(code?.width).toBeGreaterThan(240)
    await page.getByRole('button', { name: 'Pay with play money' }).tap()
    await balanceOf(page)
    await send(page, 'long')
    await page.locator('#doing', { hasText: 'Cost' }).waitFor()
    await page.locator('.assistant .code').waitFor()
    expect(await page.evaluate(WIDER)).toBe(0)
    // Wide elements scroll by themselves.
    const scrolls = `[...document.querySelectorAll('.assistant :is(pre, .wide-table)')].map((one) => one.scrollWidth > one.clientWidth)`
    expect(await page.evaluate(scrolls)).toEqual([true, true])
  })

  it('breaks no head of the table of prices', async () => {
    const gate = await startGate({
      settings: { pricing: { default: { input: 0.125, output: 0.25, request: 5 } } },
    })
    const { page } = await visit(browser, gate.url, { viewport: { width: 320, height: 568 } })
    await page.getByRole('columnheader', { name: 'Each request' }).waitFor()
    const lines = `[...document.querySelectorAll('#models thead th')].map((one) => {
      const range = document.createRange()
      range.selectNodeContents(one)
      return new Set([...range.getClientRects()].map(({ top }) => top)).size
    }).filter((lines) => lines > 0)`
    expect(await page.evaluate(lines)).toEqual([1, 1, 1, 1])
    expect(await page.evaluate(WIDER)).toBe(0)
    await page.getByRole('table', { name: 'Prices in play sat per 1,000 tokens' }).waitFor()
  })

  it('copies', async () => {
    const gate = await startGate()
    const { page, context } = await visit(browser, gate.url)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'Get an invoice' }).click()
    await page.locator('[data-copy=bolt11]').click()
    await page.getByText('Copied', { exact: true }).waitFor()
    const clipboard = () => page.evaluate<string>('navigator.clipboard.readText()')
    expect(await clipboard()).toBe(await page.locator('#bolt11').inputValue())
    await page.getByRole('button', { name: 'Pay with play money' }).click()
    await balanceOf(page)
    await page.locator('[data-copy=key]').click()
    await expect.poll(clipboard).toBe(await keyOf(page))
    await page.locator('[data-copy=snippet]').click()
    await expect.poll(clipboard).toBe(await page.locator('#snippet').textContent())
  })

  it('copies over plain http, too, where there is no clipboard API', async () => {
    const gate = await startGate()
    const before = `Object.defineProperty(navigator, 'clipboard', { value: undefined })
      document.addEventListener('copy', () => { window.copied = String(getSelection()) })`
    const { page } = await visit(browser, gate.url, { before })
    const key = await buy(page, '100')
    await page.locator('[data-copy=key]').click()
    await expect.poll(() => page.evaluate('window.copied')).toBe(key)
    expect(await page.locator('textarea:not([id])').count()).toBe(0)
  })

  it('filters where there are many models', async () => {
    const ids = Array.from({ length: 12 }, (_, at) => `${at % 2 ? 'odd' : 'even'}-${at}`)
    const gate = await startGate({ script: { models: ids.map((id) => ({ id, object: 'model' })) } })
    const { page } = await visit(browser, gate.url)
    await page.getByLabel('Filter').fill('ODD')
    expect(await page.locator('#models tbody tr').count()).toBe(6)
    await page.getByLabel('Filter').fill('none of them')
    await page.getByText('No model of that name.').waitFor()
  })

  it('keeps nothing but the key', async () => {
    const gate = await startGate({ script: { deltas: ['secret answer'] } })
    const { page, context } = await visit(browser, gate.url)
    const key = await buy(page, '100')
    await send(page, 'secret question')
    await page.getByText('secret answer', { exact: true }).waitFor()
    expect(await page.evaluate('JSON.stringify({ ...localStorage })')).toBe(
      JSON.stringify({ 'satgate.keys': JSON.stringify([key]) }),
    )
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
    expect(await context.cookies()).toEqual([])
    await page.reload()
    await balanceOf(page)
    expect(await page.locator('#log').isVisible()).toBe(false)
  })
})
