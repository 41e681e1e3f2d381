/** The values that a snippet needs. */
export interface Use {
  /** Ends in `/v1`. */
  readonly baseUrl: string
  readonly key: string
  readonly model: string
}

export const QUESTION = 'What is a millisatoshi?'

/** For a POSIX shell, which interprets nothing inside single quotes. */
const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** A JSON string is a valid string of JavaScript and of Python, too. */
export const quoted = (text: string): string => JSON.stringify(text)

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
