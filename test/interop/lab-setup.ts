import { labMissing } from './lab.ts'

/**
 * Without the lab nothing is tested. On a person's machine that is only printed; in CI it is an
 * error.
 */
export default function setup(): void {
  if (labMissing === null) return
  if (process.env.CI === 'true') throw new Error(labMissing)
  console.warn(`interop: skipped, ${labMissing}`)
}
