import { browserMissing } from './chromium.ts'

/** Without a browser nothing is proven: said on a person's machine, an error where CI counts on it. */
export default function setup(): void {
  if (browserMissing === null) return
  if (process.env.CI === 'true') throw new Error(browserMissing)
  console.warn(`browser: skipped, ${browserMissing}`)
}
