/** A chat over a paid API: the pass is the API key; each answer says its cost and what is left. */
import OpenAI from 'openai'

const client = new OpenAI() // OPENAI_BASE_URL and OPENAI_API_KEY
const model = process.argv[2] ?? 'toy'

try {
  const { data, response } = await client.chat.completions
    .create({ model, messages: [{ role: 'user', content: 'What is a millisatoshi?' }] })
    .withResponse()
  console.log(data.choices[0].message.content)
  const { headers } = response
  console.log(
    `cost ${headers.get('x-cost-msat')} msat, ${headers.get('x-credit-balance')} sat left`,
  )
} catch (error) {
  if (!(error instanceof OpenAI.APIError) || error.status !== 402) throw error
  // A URL to pay at, for a person; `www-authenticate` has invoice and macaroon for a program.
  console.error(error.message)
  process.exitCode = 1
}
