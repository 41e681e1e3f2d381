// 402, sign, retry: how a program pays with dollars (x402 v2).
//   PRIVATE_KEY=0x… node buy.mjs [URL [MODEL [PROMPT]]]
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { privateKeyToAccount } from 'viem/accounts'

const [url = 'http://127.0.0.1:3000', model = 'llama3', prompt = 'What is a stablecoin?'] =
  process.argv.slice(2)
if (!process.env.PRIVATE_KEY) {
  console.error('Put the key of an account with USDC into PRIVATE_KEY.')
  process.exit(1)
}

// 1. The wallet, and the networks that it pays on: all EVM networks here. It signs; it needs no gas.
const account = privateKeyToAccount(process.env.PRIVATE_KEY)
const client = new x402Client().register('eip155:*', new ExactEvmScheme(account))
const pay = wrapFetchWithPayment(fetch, client)

const ask = (fetched, headers) =>
  fetched(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: prompt }] }),
  })

// 2. Ask. The client reads PAYMENT-REQUIRED of the 402, signs what it asks for, and asks again with
//    PAYMENT-SIGNATURE.
const answered = await ask(pay, {})
const { choices, error } = await answered.json()
console.log(choices?.[0].message.content ?? error?.message)
const receipt = answered.headers.get('payment-response')
if (receipt !== null) console.error(`paid ${decodePaymentResponseHeader(receipt).transaction}`)

// 3. The pass for what is left comes once. Keep it: it is the API key from now on, and no other
//    payment is needed until it is empty.
const pass = answered.headers.get('x-satgate-pass')
console.error(`pass ${pass}`)
if (pass === null) process.exit(1)
const again = await ask(fetch, { authorization: `Bearer ${pass}` })
console.error(`again ${again.status}, cost ${again.headers.get('x-cost-msat')} msat`)
process.exit(answered.ok && again.ok ? 0 : 1)
