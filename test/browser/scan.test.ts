import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { encodeQR } from 'qr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGate } from '../support/gate.ts'
import { browserMissing, launch } from './chromium.ts'
import { visit } from './visit.ts'

const TOKEN = `cashuB${'o2FteB9'.repeat(20)}`
const [WIDTH, HEIGHT] = [640, 480]

/** A film in which a camera sees that QR code: YUV4MPEG2, 4:2:0, two pictures. */
function film(text: string): Buffer {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: 4 })
  const scale = Math.floor(HEIGHT / rows.length)
  const bright = Buffer.alloc(WIDTH * HEIGHT, 200)
  for (const [y, row] of rows.entries()) {
    for (const [x, dark] of row.entries()) {
      for (let line = 0; dark && line < scale; line++) {
        bright.fill(
          30,
          (y * scale + line) * WIDTH + x * scale,
          (y * scale + line) * WIDTH + (x + 1) * scale,
        )
      }
    }
  }
  const picture = Buffer.concat([
    Buffer.from('FRAME\n'),
    bright,
    Buffer.alloc((WIDTH * HEIGHT) / 2, 128),
  ])
  const head = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420\n`)
  return Buffer.concat([head, picture, picture])
}

describe.skipIf(browserMissing !== null)('the camera of the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-camera-'))
  const path = join(folder, 'camera.y4m')
  let browser: Browser
  beforeAll(async () => {
    writeFileSync(path, film(`cashu:${TOKEN}`))
    browser = await launch([
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${path}`,
    ])
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  async function atTheForm(page: Page): Promise<void> {
    await page.route('**/.well-known/l402', async (route) => {
      const told = await (await route.fetch()).json()
      const cashu = { mints: ['https://mint.example'], unit: 'sat' }
      await route.fulfill({ json: { ...told, payment: { ...told.payment, cashu } } })
    })
    await page.reload()
    await page.getByText('Pay with ecash').click()
    await page.getByRole('button', { name: 'Scan a code' }).click()
  }

  it('reads a token from a QR code, and is off again', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url, { permissions: ['camera'] })
    await atTheForm(page)
    await expect
      .poll(() => page.getByLabel('A Cashu token').inputValue(), { timeout: 20_000 })
      .toBe(TOKEN)
    expect(await page.locator('#scanner').isHidden()).toBe(true)
    expect(await page.evaluate(`document.getElementById('camera').srcObject`)).toBe(null)
  })

  it('says what to do without a camera', async () => {
    const gate = await startGate()
    const { page } = await visit(browser, gate.url)
    await atTheForm(page)
    await page.getByText('The browser does not show its camera. Paste the token instead.').waitFor()
  })
})
