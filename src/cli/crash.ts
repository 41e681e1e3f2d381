import type { Host } from '../daemon/host.ts'
import { sayError } from '../floor/say-error.ts'

/**
 * An internal error without its message, because that may contain a key, an invoice or a prompt.
 */
export const crashLine = (error: unknown): string => `satgate: internal error: ${sayError(error)}\n`

/** Ends the process at an unhandled error. Before a gate runs, there is nothing to finish. */
export function endOnCrash(host: Host): void {
  host.onLost((error) => {
    host.stderr.write(crashLine(error))
    host.exit(1)
  })
}
