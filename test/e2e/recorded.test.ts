import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { dialects } from '../../src/dialects/index.ts'
import { type Recorded, recorded } from '../fixtures/recorded/recorded.ts'
import { bearer } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'

/** The recorded answers of real servers, each through a whole gate, after the request that it answered. */

const PATHS = new Set(dialects.map(({ path }) => path))
const SOLD = (['llamacpp', 'ollama', 'litellm'] as const).flatMap((server) =>
  readdirSync(new URL(`../fixtures/recorded/${server}`, import.meta.url))
    .map((file) => file.replace(/\.http$/, ''))
    .map((name): [string, Recorded] => [`${server}/${name}`, recorded(server, name)])
    .filter(([, { path, status }]) => PATHS.has(path) && status === 200),
)

/** An input token and an output token cost 1 msat each. */
const COSTS: Readonly<Record<string, string>> = {
  'llamacpp/chat': '59 complete reported',
  'llamacpp/chat-error-in-stream': '20 complete reported',
  'llamacpp/chat-json-schema': '79 complete reported',
  'llamacpp/chat-logprobs-stream': '21 complete reported',
  // It reports one choice of two.
  'llamacpp/chat-n2': '26 complete counted',
  'llamacpp/chat-n2-stream': '25 complete reported',
  'llamacpp/chat-stream': '25 complete reported',
  'llamacpp/chat-stream-aborted': '18 upstream_failed counted',
  'llamacpp/chat-stream-usage': '25 complete reported',
  'llamacpp/chat-stream-usage-false': '25 complete reported',
  'llamacpp/chat-thinking': '37 complete reported',
  'llamacpp/chat-thinking-stream': '37 complete reported',
  'llamacpp/chat-tools': '290 complete reported',
  'llamacpp/chat-tools-stream': '290 complete reported',
  'llamacpp/completion': '8 complete reported',
  // It reports one prompt of two.
  'llamacpp/completion-prompts': '19 complete counted',
  'llamacpp/completion-stream': '6 complete reported',
  'llamacpp/completion-stream-usage': '6 complete reported',
  'llamacpp/embeddings-base64': '4 complete reported',
  // Its input is what is new and what was in the cache: 1 + 18.
  'llamacpp/messages': '25 complete reported',
  'llamacpp/messages-no-max-tokens': '62 complete reported',
  'llamacpp/messages-stream': '25 complete reported',
  'llamacpp/responses': '25 complete reported',
  'llamacpp/responses-stream': '25 complete reported',
  'ollama/chat': '78 complete reported',
  // Ollama ignored these limits, and its answers are cut.
  'ollama/chat-max-completion-tokens': '23 complete reported',
  'ollama/chat-max-tokens-zero': '20 complete reported',
  'ollama/chat-n2': '23 complete reported',
  'ollama/chat-stream': '15 complete counted',
  'ollama/chat-stream-usage': '23 complete reported',
  'ollama/completion': '18 complete reported',
  'ollama/completion-stream': '14 complete counted',
  'ollama/completion-stream-usage': '17 complete reported',
  'ollama/embeddings-base64': '4 complete reported',
  'ollama/messages': '23 complete reported',
  'ollama/messages-stream': '22 complete reported',
  'ollama/native-chat': '23 complete reported',
  'ollama/native-chat-stream': '22 complete reported',
  'ollama/native-chat-stream-aborted': '16 upstream_failed counted',
  'ollama/native-embed': '7 complete reported',
  // This API has no place for a report.
  'ollama/native-embeddings-old': '11 complete counted',
  'ollama/native-generate': '18 complete reported',
  // The gate answers it (L20).
  'ollama/native-generate-load': '0 complete answered_here',
  'ollama/native-generate-stream': '17 complete reported',
  'ollama/responses': '23 complete reported',
  'ollama/responses-stream': '22 complete reported',
  'litellm/chat': '25 complete reported',
  'litellm/chat-n2': '25 complete counted',
  'litellm/chat-stream': '16 complete counted',
  'litellm/chat-stream-usage': '23 complete reported',
  'litellm/completion': '6 complete reported',
  // It reports zeros.
  'litellm/completion-stream': '14 complete counted',
  // It made 16 tokens where 4 and 3 were asked for: the answer in one piece is cut, the stream had flowed.
  'litellm/messages': '23 complete reported',
  'litellm/messages-stream': '35 complete reported',
  'litellm/responses': '22 complete reported',
}

it('every recorded answer has a cost', () => {
  expect(SOLD.map(([name]) => name).sort()).toEqual(Object.keys(COSTS).sort())
})

describe.each(SOLD)('%s', (name, { path, request, response }) => {
  it('A1 costs the same and looks the same in one piece and byte by byte', async () => {
    const models = [{ id: JSON.parse(request.toString()).model, object: 'model' }]
    const pricing = { default: '1/1', maxOutputTokens: 4_000 }
    const gate = await startGate({ script: { models }, settings: { pricing } })
    const pass = await gate.buy(1_000)
    const text = response.toString()
    const lines = path.startsWith('/api') ? 'application/x-ndjson' : 'text/event-stream'
    const streams = /^(?:data|event):/.test(text) || text.trimEnd().includes('}\n{')
    const headers = { 'content-type': streams ? lines : 'application/json' }
    const single = [...response].map((byte) => Uint8Array.of(byte))
    const shown: string[] = []
    // L21: the first answer does not tell what was in the cache. The others do: he himself has asked it.
    for (const pieces of [[response], [response], single]) {
      gate.fake.script = { models, pieces, headers }
      const answer = await gate.ask({ path, body: request.toString(), headers: bearer(pass) })
      expect(answer.status).toBe(200)
      shown.push(answer.text.replace(/"created_at":"[^"]*"/g, ''))
    }
    expect(shown[2]).toBe(shown[1])
    for (const { charged_msat = 0, end, reason, usage = reason } of await gate.requests(3))
      expect(`${charged_msat} ${end} ${usage}`).toBe(COSTS[name])
    await gate.proof()
  })
})
