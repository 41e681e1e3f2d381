import { createHash } from 'node:crypto'
import type { RequestBody } from '../rails/rail.ts'
import type { Incoming } from './ports.ts'

/** What rails may know of a body. The hash is made once, and only if a rail asks for it. */
export function requestBody({ body }: Pick<Incoming, 'body'>): RequestBody {
  let made: string | null = null
  return {
    empty: body.length === 0,
    hash() {
      made ??= createHash('sha256').update(body).digest('hex')
      return made
    },
  }
}
