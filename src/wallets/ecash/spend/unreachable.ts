import { unwritable } from '../../../floor/unwritable.ts'
import { WalletUnreachable } from '../../wallet.ts'
import { isOfMint } from '../mint/mint.ts'

/**
 * Turns errors of the mint, and of a disk that cannot be written, into the one error that the
 * callers of a wallet know (threats J12).
 */
export async function unreachable<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const reason = reasonNotOurs(error)
    if (reason === null) throw error
    throw new WalletUnreachable(reason, { cause: error })
  }
}

/** What went wrong at the mint or at the disk. Null if the error is our own. */
export function reasonNotOurs(error: unknown): string | null {
  if (isOfMint(error)) return error.message
  const why = unwritable(error)
  return why === null ? null : `its coins cannot be written: ${why}`
}
