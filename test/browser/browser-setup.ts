import { browserMissing } from './chromium.ts'

/**
 * Without a browser nothing is tested. On a person's machine that is only printed; in CI it is an
 * error.
 */
export default function setup(): void {
  if (browserMissing === null) return
  if (process.env.CI === 'true') throw new Error(browserMissing)
  console.warn(`browser: skipped, ${browserMissing}`)
}
