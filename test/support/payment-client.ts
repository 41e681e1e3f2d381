/** The other side of the Payment scheme: what a client reads out of challenges, and what it sends. */

export type Params = Readonly<Record<string, string>>

const NEEDED = ['id', 'realm', 'method', 'intent', 'request']
const PIECE =
  /([A-Za-z0-9-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([A-Za-z0-9-]+)(?=\s|$)|[\s,]+/gy

/**
 * The Payment challenges in values of WWW-Authenticate, on lines of their own or folded into one. An
 * incomplete challenge is left out, and of a repeated parameter the first counts.
 */
export function challengesIn(...lines: readonly string[]): readonly Params[] {
  const all = lines.flatMap((line) => {
    const found: Record<string, string>[] = []
    let into: Record<string, string> | null = null
    for (const [, name, quoted, bare, scheme] of line.matchAll(PIECE)) {
      if (scheme !== undefined) {
        into = scheme.toLowerCase() === 'payment' ? {} : null
        if (into !== null) found.push(into)
      } else if (name !== undefined && into !== null) {
        into[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, '$1') ?? bare ?? ''
      }
    }
    return found
  })
  return all.filter((params) => NEEDED.every((name) => (params[name] ?? '') !== ''))
}

const write = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const read = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString())

/** The credential that answers a challenge, as fetch402 writes it. */
export function credentialFor(challenge: Params, preimage: string): string {
  const { id, realm, method, intent, request, expires } = challenge
  return `Payment ${write({ challenge: { id, realm, method, intent, request, expires }, payload: { preimage } })}`
}

/** What a challenge charges. */
export const requestIn = ({ request = '' }: Params) => read(request)

/** What `Payment-Receipt` says. */
export const receiptIn = (header: string) => read(header)
