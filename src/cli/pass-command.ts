import { readFileSync } from 'node:fs'
import { onLine } from '../floor/printable.ts'
import { printLimit } from '../passes/caveat.ts'
import { inspect, narrow } from '../passes/narrow.ts'
import type { Outcome } from './config-command.ts'
import type { Host } from './host.ts'
import { jsonLine } from './lines.ts'

/** `-` is stdin: a pass is money, and an argument is seen by every process of the machine. */
const given = (pass: string): string => (pass === '-' ? readFileSync(0, 'utf8') : pass).trim()

/** `satgate pass inspect`: what a pass allows, offline, without its secret. */
export function inspectPass(_: Host, pass: string, json: boolean): Outcome {
  const read = inspect(given(pass))
  if (!read.ok) return bad(read.error.detail)
  const { hash, root, caveats, limits, preimage } = read.value
  const listed = limits.map(printLimit)
  if (json) {
    const shown = {
      payment_hash: hash,
      root,
      caveats,
      limits: listed,
      secret_is_preimage: preimage,
    }
    return { code: 0, stdout: jsonLine(shown), stderr: '' }
  }
  const lines = [
    `payment hash  ${hash}`,
    `kind          ${root ? 'root pass: the whole account' : 'narrowed pass'}`,
    ...caveats.map(
      ({ text, problem }) =>
        `caveat        ${onLine(text)}${problem === null ? '' : `   (${onLine(problem)}: refused)`}`,
    ),
  ]
  return { code: 0, stdout: `${lines.join('\n')}\n`, stderr: '' }
}

/** `satgate pass narrow`: a child of a pass, offline. */
export function narrowPass(
  host: Host,
  {
    pass,
    caveats,
    json,
  }: { readonly pass: string; readonly caveats: readonly string[]; readonly json: boolean },
): Outcome {
  const id = Buffer.from(host.world.random(8)).toString('hex')
  const made = narrow(given(pass), caveats, id)
  if (!made.ok) return bad(made.error.detail)
  const stdout = json ? jsonLine({ pass: made.value }) : `${made.value}\n`
  return { code: 0, stdout, stderr: '' }
}

const bad = (detail: string): Outcome => ({
  code: 2,
  stdout: '',
  stderr: `satgate: ${onLine(detail)}\n`,
})
