/**
 * The libraries of an own facilitator. They have 95 MB, so they are loaded only if one is configured, and
 * the operator installs them beside satgate.
 */
export type Libraries = NonNullable<Awaited<ReturnType<typeof loadLibraries>>>

/** With the versions that were tested. */
export const INSTALL = 'npm install --global viem@2.57.1 @x402/evm@2.27.0'

/** Null if they are not installed. */
export async function loadLibraries() {
  try {
    const [viem, accounts, evm, scheme] = await Promise.all([
      import('viem'),
      import('viem/accounts'),
      import('@x402/evm'),
      import('@x402/evm/exact/facilitator'),
    ])
    return { viem, accounts, evm, scheme }
  } catch (error) {
    if (error instanceof Error && 'code' in error && MISSING.has(String(error.code))) return null
    throw error
  }
}

const MISSING = new Set([
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
  'ERR_PACKAGE_PATH_NOT_EXPORTED',
])
