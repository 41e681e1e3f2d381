import { readFileSync } from 'node:fs'

/** `-` reads the pass from stdin, because all processes of a machine can see its arguments. */
export const passGiven = (pass: string): string =>
  (pass === '-' ? readFileSync(0, 'utf8') : pass).trim()

/** The macaroon of a pass alone: a gate needs no secret to find it. */
export const macaroonGiven = (pass: string): string => passGiven(pass).replace(/:.*$/s, '')
