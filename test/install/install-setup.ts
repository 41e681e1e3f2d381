import { registryMissing } from './machine.ts'

/**
 * Without a registry nothing is tested. On a person's machine that is only printed; in CI it is an
 * error.
 */
export default function setup(): void {
  if (registryMissing === null) return
  if (process.env.CI === 'true') throw new Error(registryMissing)
  console.warn(`install: skipped, ${registryMissing}`)
}
