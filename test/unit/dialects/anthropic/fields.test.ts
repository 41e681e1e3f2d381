import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../../../src/dialects/anthropic/messages.ts'
import { UNKNOWN_TERMS } from '../../../../src/dialects/dialect.ts'
import { bytes, HEAD, mustRead } from '../../../support/dialects.ts'
import { REQUEST } from './sample.ts'

const read = (more: object, headers: Record<string, string> = {}, terms = UNKNOWN_TERMS) =>
  anthropicMessages.read(bytes({ ...REQUEST, ...more }), { ...HEAD, headers }, terms)
const blocks = (...content: readonly unknown[]) => ({ messages: [{ role: 'user', content }] })
const tool = (more: object) => ({ tools: [{ name: 't', input_schema: {}, ...more }] })
const sent = (more: object, output = 100) => {
  const asked = mustRead(anthropicMessages, { ...REQUEST, ...more })
  return JSON.parse(Buffer.from(anthropicMessages.rewrite(asked, output, 'other').body).toString())
}

const FILE = { type: 'file', file_id: 'file_1' }
const PDF = { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' }
const HOUR = { cache_control: { type: 'ephemeral', ttl: '1h' } }

describe('L18 what the model server would keep or run is refused by name:', () => {
  it.each<[string, object, string]>([
    ['a container', { container: 'c_1' }, 'container'],
    ['remote servers of tools', { mcp_servers: [{ url: 'https://x' }] }, 'mcp_servers'],
    ['another price', { service_tier: 'auto' }, 'service_tier'],
    ['another place', { inference_geo: 'us' }, 'inference_geo'],
    ['another speed', { speed: 'fast' }, 'speed'],
    ['a summary', { context_management: { edits: [{ type: 'compact_20260112' }] } }, 'context_m'],
    ['a search', tool({ type: 'web_search_20250305' }), 'tools[0]'],
    ['a page that it loads', tool({ type: 'web_fetch_20250910' }), 'tools[0]'],
    ['a program that it runs', tool({ type: 'code_execution_20250825' }), 'tools[0]'],
    ['a search for tools', tool({ type: 'tool_search_tool_bm25_20251119' }), 'tools[0]'],
    ['tools of a remote server', tool({ type: 'mcp_toolset' }), 'tools[0]'],
    ['a tool of tomorrow', tool({ type: 'advisor_20270101' }), 'tools[0]'],
    ['a picture that it keeps', blocks({ type: 'image', source: FILE }), 'messages[0].content[0]'],
    ['a document that it keeps', blocks({ type: 'document', source: FILE }), 'messages[0].content'],
    ['a PDF', blocks({ type: 'document', source: PDF }), 'messages[0].content[0]'],
    ['a file for a container', blocks({ type: 'container_upload' }), 'messages[0].content[0]'],
    ['what its search found', blocks({ type: 'web_search_tool_result' }), 'messages[0].content[0]'],
    ['a call of its own tool', blocks({ type: 'server_tool_use' }), 'messages[0].content[0]'],
    ['an hour of cache, for all', HOUR, 'request.cache_control.ttl'],
    ['for a block', blocks({ type: 'text', text: 'x', ...HOUR }), 'messages[0].content[0].cache'],
    ['for the system', { system: [{ type: 'text', text: 'x', ...HOUR }] }, 'system[0].cache'],
    ['for a tool', tool(HOUR), 'tools[0].cache_control.ttl'],
    [
      'in the result of a tool',
      blocks({ type: 'tool_result', tool_use_id: 't', content: [{ type: 'image', source: FILE }] }),
      'messages[0].content[0].content[0]',
    ],
  ])('%s', (_, more, param) => {
    const refused = read(more)
    expect(refused).toMatchObject({ ok: false, error: { status: 400 } })
    const { error } = refused as unknown as { error: { param: string; message: string } }
    expect(error.param).toContain(param)
    expect(error.message).toMatch(/^[A-Z\w].*\.$/s)
  })
})

describe('what the client runs and says passes:', () => {
  it.each<[string, object]>([
    ['a tool of its own', tool({ description: 'd', strict: true })],
    ['one that names its type', tool({ type: 'custom' })],
    ['a shell', tool({ type: 'bash_20250124' })],
    ['an editor', tool({ type: 'text_editor_20250728' })],
    ['a screen', tool({ type: 'computer_20251124' })],
    ['a memory', tool({ type: 'memory_20250818' })],
    ['five minutes of cache', { cache_control: { type: 'ephemeral', ttl: '5m' } }],
    ['a system of blocks', { system: [{ type: 'text', text: 'Be brief.' }] }],
    ['words that end an answer', { stop_sequences: ['END'] }],
    ['thinking', { thinking: { type: 'enabled', budget_tokens: 50 } }],
    ['a schema', { output_config: { format: { type: 'json_schema', schema: {} } } }],
    [
      'a document of text',
      blocks({ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } }),
    ],
    [
      'a conversation with tools',
      {
        messages: [
          { role: 'user', content: 'Hello' },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
              { type: 'tool_use', id: 't', name: 'n', input: { a: 1 } },
            ],
          },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'ok' }] },
        ],
      },
    ],
  ])('%s', (_, more) => {
    expect(read(more)).toMatchObject({ ok: true, value: { ignored: [] } })
    expect(sent(more)).toMatchObject(more)
  })
})

it('J16 a field that nobody knows is left out and named, and the operator may let it pass', () => {
  const more = { num_predict: 9_000, ignore_eos: true, betas: ['x'] }
  expect(read(more)).toMatchObject({ value: { ignored: ['num_predict', 'ignore_eos', 'betas'] } })
  expect(sent(more)).toEqual(REQUEST)
  const also = { ...UNKNOWN_TERMS, also: new Set(['betas', 'num_predict']) }
  expect(read(more, {}, also)).toMatchObject({ value: { ignored: ['num_predict', 'ignore_eos'] } })
})

it('old content that is to be forgotten stays, and the client is told', () => {
  const more = { context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] } }
  expect(read(more)).toMatchObject({ value: { ignored: ['context_management'] } })
  expect(sent(more)).toEqual(REQUEST)
})

describe('L18 features of anthropic-beta', () => {
  it.each<[string, string | undefined, readonly string[]]>([
    ['claude-code-20250219', 'claude-code-20250219', []],
    [
      'interleaved-thinking-2025-05-14, fine-grained-tool-streaming-2025-05-14',
      'interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14',
      [],
    ],
    ['structured-outputs-2027-01-01', 'structured-outputs-2027-01-01', []],
    ['mcp-client-2025-04-04', undefined, ['mcp-client-2025-04-04']],
    [
      'files-api-2025-04-14,computer-use-2025-01-24,context-1m-2025-08-07',
      'computer-use-2025-01-24',
      ['files-api-2025-04-14', 'context-1m-2025-08-07'],
    ],
    ['extended-cache-ttl-2025-04-11', undefined, ['extended-cache-ttl-2025-04-11']],
    ['a thing of "tomorrow"', undefined, ['+1']],
    ['', undefined, []],
  ])('%j sends %j and leaves out %j', (header, passed, left) => {
    const headers = { 'anthropic-beta': header, 'anthropic-version': '2023-06-01' }
    const asked = read({}, headers)
    if (!asked.ok) throw new Error(asked.error.message)
    expect(asked.value.ignored).toEqual(left)
    const sent = anthropicMessages.rewrite(asked.value, 5, 'other').headers
    const beta = passed === undefined ? {} : { 'anthropic-beta': passed }
    expect(sent).toEqual({ 'anthropic-version': '2023-06-01', ...beta })
  })
})

describe('the output limit', () => {
  it.each<[string, unknown, number | null]>([
    ['is the client’s own', 7, 7],
    ['K19 is none for -1', -1, null],
    ['is none if it is left out', undefined, null],
    ['is one token for 0, because Ollama reads 0 as no limit', 0, 1],
  ])('%s', (_, max_tokens, limit) => {
    expect(read({ max_tokens })).toMatchObject({ value: { limit } })
  })

  it('is written as what was granted, also if the client named none', () => {
    expect(sent({ max_tokens: undefined }, 12).max_tokens).toBe(12)
    expect(sent({ max_tokens: 5_000 }, 12).max_tokens).toBe(12)
    expect(sent({}, 0).max_tokens).toBe(1)
  })

  it.each<[string, number, object]>([
    ['stays below a limit that is above it', 4_001, { type: 'enabled', budget_tokens: 4_000 }],
    ['shrinks with the limit', 2_000, { type: 'enabled', budget_tokens: 1_999 }],
    ['shrinks at the same figure', 4_000, { type: 'enabled', budget_tokens: 3_999 }],
    ['is off where the least budget does not fit', 1_024, { type: 'disabled' }],
  ])('a budget of thinking %s', (_, granted, thinking) => {
    const asks = { type: 'enabled', budget_tokens: 4_000, note: 'x'.repeat(99) }
    expect(sent({ thinking: asks }, granted).thinking).toEqual(thinking)
  })
})

describe('J2 J3 the bound counts every text that a model can read:', () => {
  const long = 'word '.repeat(2_000)
  const plain = mustRead(anthropicMessages, REQUEST).most.input
  it.each<[string, object]>([
    ['a system', { system: long }],
    ['a system of blocks', { system: [{ type: 'text', text: long }] }],
    ['a block', blocks({ type: 'text', text: long })],
    ['a member that nobody knows', blocks({ type: 'text', text: 'x', note: long })],
    ['the call of a tool', blocks({ type: 'tool_use', id: 't', name: 'n', input: { a: long } })],
    ['its result', blocks({ type: 'tool_result', tool_use_id: 't', content: long })],
    ['thinking', blocks({ type: 'thinking', thinking: long, signature: '' })],
    ['sealed thinking', blocks({ type: 'redacted_thinking', data: long })],
    ['a text that a search found', blocks({ type: 'search_result', source: 's', title: long })],
    ['the description of a tool', tool({ description: long })],
    ['a schema', { output_format: { type: 'json_schema', schema: { description: long } } }],
    [
      'a document of text',
      blocks({ type: 'document', source: { type: 'text', media_type: 'text/plain', data: long } }),
    ],
  ])('%s', (_, more) => {
    const asked = mustRead(anthropicMessages, { ...REQUEST, ...more })
    expect(asked.most.input).toBeGreaterThan(plain + long.length - 100)
    expect(asked.texts().join('')).toContain('word word word')
  })

  it('and the definitions of tools that stand at the backend', () => {
    const { most, ids } = mustRead(anthropicMessages, {
      ...REQUEST,
      ...tool({ type: 'bash_20250124' }),
    })
    expect(ids).toBe(1_024)
    expect(most.input).toBeGreaterThan(plain + 1_024)
  })
})

describe('K22 a schema of a tool', () => {
  const wild = tool({ input_schema: { properties: { a: { type: 'array', maxItems: 10_000 } } } })
  it.each<[string, object, 'llamacpp' | 'other', boolean]>([
    ['that is only shown may be large', {}, 'other', true],
    ['may be large if the model chooses', { tool_choice: { type: 'auto' } }, 'other', true],
    ['may not if a call is forced', { tool_choice: { type: 'any' } }, 'other', false],
    ['may not if its tool is named', { tool_choice: { type: 'tool', name: 't' } }, 'other', false],
    ['may not where all are compiled', {}, 'llamacpp', false],
  ])('%s', (_, more, backend, ok) => {
    expect(read({ ...wild, ...more }, {}, { ...UNKNOWN_TERMS, backend }).ok).toBe(ok)
  })

  it('may not if its arguments are strict', () => {
    const strict = { tools: [{ ...wild.tools[0], strict: true }] }
    expect(read(strict)).toMatchObject({ ok: false, error: { param: 'tools' } })
  })
})

describe('I13 a key that a folding parser takes for another one is refused', () => {
  it.each<[string, object]>([
    ['Max_Tokens', { Max_Tokens: 1 }],
    ['max_toKenſ', { max_toKenſ: 1 }],
    ['MCP_servers', { MCP_servers: [] }],
    ['in a block', blocks({ type: 'text', text: 'x', Cache_Control: {} })],
    ['in a tool', { tools: [{ name: 't', Type: 'web_search_20250305' }] }],
    ['in a source', blocks({ type: 'image', source: { Type: 'file' } })],
    ['in thinking', { thinking: { Budget_Tokens: 9 } }],
  ])('%s', (_, more) => {
    expect(read(more)).toMatchObject({ ok: false, error: { status: 400, code: 'ambiguous_key' } })
  })
})

describe('G11 a picture', () => {
  const png =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
  const inline = { type: 'base64', media_type: 'image/png', data: png }
  const image = (source: object) => blocks({ type: 'image', source })
  const remote = { ...UNKNOWN_TERMS, media: { imageTokens: 777, remoteUrls: true } }

  it('as base64 has a bound, and none of it is text', () => {
    const asked = mustRead(anthropicMessages, { ...REQUEST, ...image(inline) })
    expect(asked.ids).toBeGreaterThan(0)
    expect(asked.texts().join('')).not.toContain('iVBOR')
  })

  it.each<[string, object]>([
    ['by URL, unless the operator lets it pass', { type: 'url', url: 'https://example.com/a.png' }],
    ['that is none', { ...inline, data: 'AAAA' }],
    ['that is no base64', { ...inline, data: '%%%' }],
    ['with a text beside it', { ...inline, note: 'x' }],
    ['of another kind', { type: 'content', content: 'x' }],
    ['with a text as its type', { ...inline, media_type: 'x'.repeat(999) }],
  ])('is refused %s', (_, source) => {
    expect(read(image(source))).toMatchObject({ ok: false, error: { status: 400 } })
  })

  it('by URL counts as much as the operator says, and never from the own network', () => {
    const far = read(image({ type: 'url', url: 'https://example.com/a.png' }), {}, remote)
    expect(far).toMatchObject({ ok: true, value: { ids: 777 } })
    for (const url of ['http://127.0.0.1/a.png', 'http://169.254.169.254/x', 'file:///etc/passwd'])
      expect(read(image({ type: 'url', url }), {}, remote).ok).toBe(false)
  })
})
