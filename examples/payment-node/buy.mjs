// 402, charge, retry: how a program pays by the Payment scheme (MPP) over Lightning.
//   [NWC_URL=nostr+walletconnect://…] node buy.mjs [URL [MODEL [PROMPT]]]
import { fetch402 } from '@getalby/lightning-tools/402'

const [url = 'http://127.0.0.1:3000', model = 'toy', prompt = 'What is a millisatoshi?'] =
  process.argv.slice(2)
const body = JSON.stringify({ model, messages: [{ role: 'user', content: prompt }] })
const json = { 'content-type': 'application/json' }

// 1. A wallet: any that gives a connection by Nostr Wallet Connect. Without one, the gate of
//    `satgate demo` pays with its own play money.
const wallet = process.env.NWC_URL ? await connected(process.env.NWC_URL) : { payInvoice: playPay }

async function connected(nostrWalletConnectUrl) {
  const { NWCClient } = await import('@getalby/sdk')
  return new NWCClient({ nostrWalletConnectUrl })
}

async function playPay({ invoice }) {
  const paid = await fetch(`${url}/play/pay`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ invoice }),
  })
  if (!paid.ok) throw new Error(`${paid.status} ${await paid.text()}`)
  return paid.json()
}

// 2. Ask. The client pays the invoice of `WWW-Authenticate: Payment`, and asks again with its
//    credential. `?rail=payment` asks for that challenge alone; otherwise this client takes L402.
const options = { method: 'POST', headers: json, body }
const answered = await fetch402(`${url}/v1/chat/completions?rail=payment`, options, { wallet })
const { choices, error } = await answered.json()
console.log(choices?.[0].message.content ?? error?.message)
console.error(`receipt ${answered.headers.get('payment-receipt')}`)

// 3. The charge paid for one request. What that did not cost is on the pass, which comes once.
const pass = answered.headers.get('x-satgate-pass')
console.error(`pass ${pass}`)
if (pass === null) process.exit(1)
const left = await fetch(`${url}/v1/balance`, { headers: { authorization: `Bearer ${pass}` } })
console.error(`left ${(await left.json()).available_msat} msat`)
process.exit(answered.ok && left.ok ? 0 : 1)
