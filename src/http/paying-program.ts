import type { DollarTerms } from './selling.ts'

/** A program that pays with the client of x402 version 2. */
export const payingProgram = (
  { network }: Pick<DollarTerms, 'network'>,
  { request, url }: { readonly request: string; readonly url: string },
): string => `import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { privateKeyToAccount } from 'viem/accounts'

const account = privateKeyToAccount(process.env.PRIVATE_KEY)
const client = new x402Client().register('${network}', new ExactEvmScheme(account))
const answer = await wrapFetchWithPayment(fetch, client)('${url}', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '${request}',
})
console.log(answer.headers.get('x-satgate-pass'), await answer.text())`
