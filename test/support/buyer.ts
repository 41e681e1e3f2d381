import { randomBytes } from 'node:crypto'
import { narrow } from '../../src/passes/narrow.ts'

export interface Pass {
  /** `<macaroon>:<secret>`. */
  readonly text: string
  readonly macaroon: string
  readonly secret: string
  readonly hash: string
}

/** Narrows a pass offline, with these caveats. */
export function child(pass: Pass | string, ...caveats: string[]): string {
  const made = narrow(textOf(pass), caveats, randomBytes(8).toString('hex'))
  if (!made.ok) throw new Error(made.error.detail)
  return made.value
}

const textOf = (pass: Pass | string): string => (typeof pass === 'string' ? pass : pass.text)

export const bearer = (pass: Pass | string | null): Record<string, string> =>
  pass === null ? {} : { authorization: `Bearer ${textOf(pass)}` }

export const passOf = (macaroon: string, secret: string, hash: string): Pass => ({
  text: `${macaroon}:${secret}`,
  macaroon,
  secret,
  hash,
})

/** One turn of the event loop and a little more. */
export const tick = (ms = 5): Promise<void> => new Promise((then) => setTimeout(then, ms))

/** Waits until the condition is true. If it never is, the timeout of the test fails it. */
export async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await so())) await tick()
}
