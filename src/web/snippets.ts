/** The values that a snippet needs. */
export interface Use {
  /** Ends in `/v1`. */
  readonly baseUrl: string
  readonly key: string
  readonly model: string
}

const QUESTION = 'What is a millisatoshi?'

/** For a POSIX shell, which interprets nothing inside single quotes. */
const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** A JSON string is a valid string of JavaScript and of Python, too. */
const quoted = (text: string): string => JSON.stringify(text)

const body = (model: string): string =>
  JSON.stringify({ model, messages: [{ role: 'user', content: QUESTION }] })

export const SNIPPETS = {
  curl: ({ baseUrl, key, model }: Use) => `export OPENAI_BASE_URL=${shell(baseUrl)}
export OPENAI_API_KEY=${shell(key)}

curl "$OPENAI_BASE_URL/chat/completions" \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -H 'Content-Type: application/json' \\
  -d ${shell(body(model))}
`,
  python: ({ baseUrl, key, model }: Use) => `# pip install openai
from openai import OpenAI

client = OpenAI(
    base_url=${quoted(baseUrl)},
    api_key=${quoted(key)},
)
answer = client.chat.completions.create(
    model=${quoted(model)},
    messages=[{"role": "user", "content": ${quoted(QUESTION)}}],
)
print(answer.choices[0].message.content)
`,
  node: ({ baseUrl, key, model }: Use) => `// npm install openai
import OpenAI from 'openai'

const client = new OpenAI({
  baseURL: ${quoted(baseUrl)},
  apiKey: ${quoted(key)},
})
const answer = await client.chat.completions.create({
  model: ${quoted(model)},
  messages: [{ role: 'user', content: ${quoted(QUESTION)} }],
})
console.log(answer.choices[0].message.content)
`,
} as const satisfies Record<string, (use: Use) => string>

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
