/** A wallet that a browser extension provides (webln.guide). */
interface WebLn {
  enable(): Promise<unknown>
  sendPayment(invoice: string): Promise<{ readonly preimage?: string }>
}

function found(): WebLn | null {
  const webln: unknown = Reflect.get(window, 'webln')
  return typeof webln === 'object' && webln !== null && 'sendPayment' in webln
    ? (webln as WebLn)
    : null
}

export const hasWebLn = (): boolean => found() !== null

/** Pays with the browser's wallet. Resolves with the preimage, or with the wallet's error message. */
export async function payByWebLn(
  invoice: string,
): Promise<{ readonly preimage: string | null } | { readonly problem: string }> {
  try {
    const webln = found()
    await webln?.enable()
    const paid = await webln?.sendPayment(invoice)
    const preimage = paid?.preimage ?? ''
    return { preimage: /^[0-9a-f]{64}$/.test(preimage) ? preimage : null }
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    return { problem: `The wallet did not pay: ${said.slice(0, 200)}` }
  }
}
