import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { countTokens } from '../../../src/money/tokens.ts'
import { type Saying, SPOKEN, type SpokenApi, type ToolCall } from './spoken-apis.ts'

/** The model that the scripted backend has. */
export const MODEL = 'tiny'
/** A word that is in an answer and in no request. It is sent in two pieces. */
export const WORD = 'cormorant'

const LONG = 4_000
/** The last word of a model that goes on until it has nothing more to say. */
export const LAST_WORD = `word${LONG - 1}`

/**
 * What the model does until a test says something else. `talks` says `WORD`; `calls` calls this tool if
 * the request has it and no result of it is there yet, and else says what it was told; `goes on` says
 * thousands of words unless a limit ends it; `breaks` cuts the connection within its answer.
 */
export type Doing =
  | { readonly does: 'talks' | 'goes on' | 'breaks' }
  | { readonly does: 'calls'; readonly tool: ToolCall; readonly result: string }

/** A backend whose answers are known before, for programs that are not ours. */
export interface ScriptedModel {
  readonly url: string
  doing: Doing
  /** A tool that every request for an answer has. Others are answered with a few words. Null: no such tool. */
  sign: string | null
  /** Whether a result of the tool has come back since it was called. */
  told: boolean
  close(): Promise<void>
}

const words = (count: number) => Array.from({ length: count }, (_, at) => `word${at} `)

/** Starts it on a free port. It speaks every API of `spoken-apis.ts`. */
export async function startScriptedModel(): Promise<ScriptedModel> {
  const model = { doing: { does: 'talks' } as Doing, sign: null as string | null, told: false }
  const server = createServer((request, response) => {
    take(request, response, model).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(model, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

type Mind = { readonly doing: Doing; readonly sign: string | null; told: boolean }

async function take(request: IncomingMessage, response: ServerResponse, mind: Mind) {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  const path = request.url?.split('?')[0] ?? ''
  const api = SPOKEN[path]
  response.setHeader('content-type', 'application/json')
  if (request.method === 'GET' && path === '/v1/models') {
    const data = [{ id: MODEL, object: 'model', created: 1, owned_by: 'test' }]
    return void response.end(JSON.stringify({ object: 'list', data }))
  }
  if (request.method !== 'POST' || api === undefined) {
    response.statusCode = 404
    return void response.end('{"error":{"message":"no such path"}}')
  }
  await answer(response, { api, text, mind })
}

async function answer(
  response: ServerResponse,
  { api, text, mind }: { readonly api: SpokenApi; readonly text: string; readonly mind: Mind },
) {
  const body = JSON.parse(text)
  const { stream, limit, tools } = api.hears(body)
  const aside = mind.sign !== null && !tools.includes(mind.sign)
  const doing: Doing = aside ? { does: 'talks' } : mind.doing
  const { does } = doing
  const called = does === 'calls' && tools.includes(doing.tool.name) ? doing : null
  const told = called !== null && text.includes(called.result)
  if (told) mind.told = true
  const all = { talks: ['Hello, ', 'cormo', 'rant.'], 'goes on': words(LONG), breaks: words(40) }
  const meant = does === 'calls' ? all.talks : all[does]
  const call = called === null || told ? null : called.tool
  const says = call === null ? meant.slice(0, limit ?? meant.length) : []
  const said: Saying = {
    model: body.model,
    words: says,
    call,
    cut: call === null && says.length < meant.length,
    inputTokens: countTokens(text),
  }
  if (!stream && does !== 'breaks') return void response.end(JSON.stringify(api.whole(said)))
  response.setHeader('content-type', api.streamType)
  response.flushHeaders()
  let sent = 0
  for (const piece of api.stream(said)) {
    if (response.destroyed) return
    if (does === 'breaks' && sent === 20) return void response.destroy()
    response.write(piece)
    sent += 1
    if (sent <= 10 || sent % 20 === 0) await sleep(2)
  }
  response.end()
}
