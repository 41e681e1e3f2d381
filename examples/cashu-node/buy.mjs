// 402, a Cashu token, retry: how a program pays with ecash (NUT-24).
//   node buy.mjs [URL [MODEL [PROMPT]]]
import { decodePaymentRequest, getEncodedToken, Wallet } from '@cashu/cashu-ts'

const [url = 'http://127.0.0.1:3000', model = 'llama3', prompt = 'What is a blind signature?'] =
  process.argv.slice(2)
const body = JSON.stringify({ model, messages: [{ role: 'user', content: prompt }] })
const ask = (headers) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })

// 1. Ask. Nothing was paid, so the answer is a 402 with a request for ecash.
const refused = await ask({})
const wanted = refused.headers.get('x-cashu')
if (refused.status !== 402 || wanted === null) {
  console.error(refused.status, await refused.text())
  process.exit(1)
}
const { amount, mints, unit } = decodePaymentRequest(wanted)
console.error(`402  ${amount} ${unit} of ${mints.join(' or ')}`)

// 2. Get a token of that value. A wallet that has ecash of this mint skips the invoice.
const wallet = new Wallet(mints[0], { unit })
await wallet.loadMint()
const quote = await wallet.createMintQuoteBolt11(Number(amount))
console.error(`pay  ${quote.request}`)
for (let paid = false; !paid; ) {
  await new Promise((then) => setTimeout(then, 1_000))
  paid = (await wallet.checkMintQuoteBolt11(quote.quote)).state === 'PAID'
}
const proofs = await wallet.mintProofsBolt11(Number(amount), quote)
const token = getEncodedToken({ mint: wallet.mint.mintUrl, unit, proofs })

// 3. The same request again, with the token. What it did not cost comes back as a token in X-Cashu:
//    that is money, so receive it in your wallet. Parts of a sat stay on the pass, which comes once.
const answered = await ask({ 'x-cashu': token })
const { choices, error } = await answered.json()
console.log(choices?.[0].message.content ?? error.message)
console.error(`left ${answered.headers.get('x-credit-balance')} sat`)
console.error(`pass ${answered.headers.get('x-satgate-pass')}`)
if (answered.ok)
  console.error(`back ${answered.headers.get('x-cashu') ?? 'nothing: the rest is on the pass'}`)
process.exit(answered.ok ? 0 : 1)
