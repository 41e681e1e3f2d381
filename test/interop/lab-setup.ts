import { labMissing } from './lab.ts'

/** Without the lab nothing is proven: said on a person's machine, an error where CI counts on it. */
export default function setup(): void {
  if (labMissing === null) return
  if (process.env.CI === 'true') throw new Error(labMissing)
  console.warn(`interop: skipped, ${labMissing}`)
}
