import { Failed } from '../../daemon/failed.ts'
import { onLine } from '../../floor/printable.ts'
import type { World } from '../../floor/world.ts'
import { askJson, objectIn } from '../../outbound/ask-json.ts'
import { explain } from '../../outbound/failure.ts'
import { plainTransport } from '../../outbound/transport.ts'

/** ms that an answer may take, and how often the gate is asked. */
const WITHIN = 30_000
const TRIES = 3
const MOST_BYTES = 64 * 1024

/**
 * Rotates a root pass at a gate, as its buyer. If an answer gets lost the gate is asked again with the
 * same key, so it gives the same pass. The new pass is then used once, which ends the old one for good.
 * Throws `Failed`.
 */
export async function rotateAt(url: string, pass: string, world: World): Promise<string> {
  const base = baseOf(url)
  const key = Buffer.from(world.random(16)).toString('hex')
  const headers = { authorization: `Bearer ${pass}`, 'idempotency-key': key }
  const parts = { transport: plainTransport, world }
  const asked = { deadlineMs: WITHIN, most: MOST_BYTES }
  let why = ''
  for (let time = 0; time < TRIES; time += 1) {
    const at = new URL('v1/passes/rotate', base)
    const answer = await askJson(parts, { ...asked, url: at, body: {}, headers })
    if (!answer.ok) {
      why = explain(answer.error, base)
      continue
    }
    const made = objectIn(answer.value.json)?.pass
    if (answer.value.status !== 200 || typeof made !== 'string') {
      throw new Failed(`the pass was not rotated: ${saidIn(answer.value.json)}`)
    }
    const used = { authorization: `Bearer ${made}` }
    await askJson(parts, { ...asked, url: new URL('v1/balance', base), headers: used })
    return made
  }
  throw new Failed(
    `${why}. Perhaps the pass was rotated and the answer got lost: run this again within ten minutes, with the same pass`,
    3,
  )
}

/** A pass is money, so it is sent in the clear to this machine alone. */
function baseOf(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`)
  const local = url !== null && /^(?:localhost|127\.|\[::1\])/.test(url.hostname)
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && local)) return url
  throw new Failed(`--url takes the address of a gate, https://…, not ${onLine(text, 80)}`, 2)
}

const saidIn = (json: unknown): string => {
  const message = objectIn(objectIn(json)?.error)?.message
  return typeof message === 'string' ? onLine(message, 400) : 'the answer is not one of a gate'
}
