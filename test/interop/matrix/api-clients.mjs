/**
 * `api-clients.mjs CLIENT BASE_URL MODEL`: one client for Node, as its users call it. It reads one
 * question a line, `{key, prompt, tool}`, and prints one answer a line, `{ok, text, error}`. The
 * answer is streamed, unless the model may call a tool. BASE_URL ends in /v1. It runs beside the
 * packages that the part `clients` of the lab installed.
 */
import { createInterface } from 'node:readline'

const [client, base, model] = process.argv.slice(2)
const root = base.replace(/\/v1$/, '')

const NAME = 'look_up'
const ABOUT = 'Looks something up.'
const PARAMETERS = {
  type: 'object',
  properties: { what: { type: 'string' } },
  required: ['what'],
}
const lookUp = ({ what }) => `${what}-${'21'.repeat(3)}`
const user = (content) => ({ role: 'user', content })

/** Each client answers `{prompt, tool, say}`. `say` is given each piece of text when it comes. */
const clients = {
  async 'openai-node'(apiKey) {
    const { default: OpenAI } = await import('openai')
    const { completions } = new OpenAI({ baseURL: base, apiKey }).chat
    return async ({ prompt, tool, say }) => {
      if (tool) {
        const run = completions.runTools({
          ...{ model, messages: [user(prompt)] },
          tools: [
            {
              type: 'function',
              function: {
                ...{ name: NAME, description: ABOUT, parameters: PARAMETERS },
                ...{ function: lookUp, parse: JSON.parse },
              },
            },
          ],
        })
        return say(await run.finalContent())
      }
      const stream = await completions.create({
        ...{ model, messages: [user(prompt)], stream: true },
        stream_options: { include_usage: true },
      })
      for await (const { choices } of stream) say(choices[0]?.delta?.content)
    }
  },

  async 'openai-node-responses'(apiKey) {
    const { default: OpenAI } = await import('openai')
    const { responses } = new OpenAI({ baseURL: base, apiKey })
    return async ({ prompt, tool, say }) => {
      if (tool) {
        const tools = [
          {
            ...{ type: 'function', name: NAME, description: ABOUT, strict: false },
            parameters: PARAMETERS,
          },
        ]
        const input = [user(prompt)]
        for (;;) {
          const answer = await responses.create({ model, input, tools, store: false })
          const calls = answer.output.filter(({ type }) => type === 'function_call')
          if (calls.length === 0) return say(answer.output_text)
          input.push(...answer.output)
          for (const { call_id, arguments: text } of calls) {
            input.push({ type: 'function_call_output', call_id, output: lookUp(JSON.parse(text)) })
          }
        }
      }
      const stream = responses.stream({ model, input: prompt, store: false })
      stream.on('response.output_text.delta', ({ delta }) => say(delta))
      const { error } = await stream.finalResponse()
      // The SDK hands over a failed response as any other.
      if (error) throw new Error(error.message)
    }
  },

  async 'anthropic-node'(apiKey) {
    const { default: Anthropic } = await import('@anthropic-ai/sdk')
    const { messages: api } = new Anthropic({ baseURL: root, apiKey, authToken: null })
    return async ({ prompt, tool, say }) => {
      const asked = { model, max_tokens: 4000 }
      if (tool) {
        const tools = [{ name: NAME, description: ABOUT, input_schema: PARAMETERS }]
        const messages = [user(prompt)]
        for (;;) {
          const { content } = await api.create({ ...asked, messages, tools })
          const calls = content.filter(({ type }) => type === 'tool_use')
          if (calls.length === 0) return say(content.map(({ text }) => text ?? '').join(''))
          const results = calls.map(({ id, input }) => ({
            ...{ type: 'tool_result', tool_use_id: id, content: lookUp(input) },
          }))
          messages.push({ role: 'assistant', content }, user(results))
        }
      }
      await api
        .stream({ ...asked, messages: [user(prompt)] })
        .on('text', say)
        .finalMessage()
    }
  },

  async 'ai-sdk'(apiKey) {
    const { generateText, jsonSchema, stepCountIs, streamText } = await import('ai')
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
    const provider = createOpenAICompatible({
      ...{ name: 'gate', baseURL: base, apiKey, includeUsage: true },
    })
    return async ({ prompt, tool, say }) => {
      if (tool) {
        const inputSchema = jsonSchema(PARAMETERS)
        const tools = { [NAME]: { description: ABOUT, inputSchema, execute: lookUp } }
        const stopWhen = stepCountIs(3)
        return say((await generateText({ model: provider(model), prompt, tools, stopWhen })).text)
      }
      let failed
      const onError = ({ error }) => {
        failed = error
      }
      const answer = streamText({ model: provider(model), prompt, onError })
      for await (const piece of answer.textStream) say(piece)
      if (failed) throw failed
    }
  },

  async 'langchain-node'(apiKey) {
    const { ChatOpenAI } = await import('@langchain/openai')
    const { HumanMessage, ToolMessage } = await import('@langchain/core/messages')
    const chat = new ChatOpenAI({ model, apiKey, configuration: { baseURL: base } })
    return async ({ prompt, tool, say }) => {
      if (tool) {
        const shape = { name: NAME, description: ABOUT, parameters: PARAMETERS }
        const bound = chat.bindTools([{ type: 'function', function: shape }])
        const messages = [new HumanMessage(prompt)]
        for (;;) {
          const answer = await bound.invoke(messages)
          if (!answer.tool_calls?.length) return say(answer.content)
          messages.push(answer)
          for (const { id, args } of answer.tool_calls) {
            messages.push(new ToolMessage({ tool_call_id: id, content: lookUp(args) }))
          }
        }
      }
      for await (const { content } of await chat.stream(prompt)) say(content)
    }
  },

  async 'ollama-node'(apiKey) {
    const { Ollama } = await import('ollama')
    const ollama = new Ollama({ host: root, headers: { authorization: `Bearer ${apiKey}` } })
    return async ({ prompt, tool, say }) => {
      const messages = [user(prompt)]
      if (tool) {
        const shape = { name: NAME, description: ABOUT, parameters: PARAMETERS }
        const tools = [{ type: 'function', function: shape }]
        for (;;) {
          const { message } = await ollama.chat({ model, messages, tools })
          if (!message.tool_calls?.length) return say(message.content)
          messages.push(message)
          for (const { function: called } of message.tool_calls) {
            const content = lookUp(called.arguments)
            messages.push({ role: 'tool', tool_name: called.name, content })
          }
        }
      }
      for await (const { message } of await ollama.chat({ model, messages, stream: true })) {
        say(message.content)
      }
    }
  },
}

const opened = new Map()
for await (const line of createInterface({ input: process.stdin })) {
  const { key, ...question } = JSON.parse(line)
  let text = ''
  const say = (piece) => {
    text += piece ?? ''
  }
  let error
  try {
    if (!opened.has(key)) opened.set(key, await clients[client](key))
    await opened.get(key)({ ...question, say })
  } catch (thrown) {
    error = `${thrown?.constructor?.name}: ${thrown?.message ?? thrown}`
  }
  console.log(JSON.stringify({ ok: error === undefined, text, error }))
}
