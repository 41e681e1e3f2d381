import { QUESTION, quoted, type Use } from './snippets.ts'

/** A program that pays with dollars, by the client of x402 version 2. */
export const payingProgram = ({
  baseUrl,
  model,
  network,
}: Omit<Use, 'key'> & {
  readonly network: string
}): string => `// npm install @x402/fetch@2.27.0 @x402/evm@2.27.0 viem@2.57.1
// Save this as a file that ends in .mjs. Run it with PRIVATE_KEY in the environment.
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { privateKeyToAccount } from 'viem/accounts'

const account = privateKeyToAccount(process.env.PRIVATE_KEY)
const client = new x402Client().register(${quoted(network)}, new ExactEvmScheme(account))
const pay = wrapFetchWithPayment(fetch, client)

const answer = await pay(${quoted(`${baseUrl}/chat/completions`)}, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    model: ${quoted(model)},
    messages: [{ role: 'user', content: ${quoted(QUESTION)} }],
  }),
})
// The API key for what is left. It comes once: keep it.
console.log(answer.headers.get('x-satgate-pass'))
console.log(await answer.text())
`
