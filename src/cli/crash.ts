import type { Host } from '../daemon/host.ts'
import { sayError } from '../floor/say-error.ts'

/** A mistake of ours, without its message: that may repeat a key, an invoice or a prompt. */
export const crashLine = (error: unknown): string => `satgate: internal error: ${sayError(error)}\n`

/** Until a gate runs there is nothing to drain. */
export function endOnCrash(host: Host): void {
  host.onLost((error) => {
    host.stderr.write(crashLine(error))
    host.exit(1)
  })
}
