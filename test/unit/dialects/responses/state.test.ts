import { describe, expect, it } from 'vitest'
import { UNKNOWN_TERMS } from '../../../../src/dialects/dialect.ts'
import { openaiResponses } from '../../../../src/dialects/responses/dialect.ts'
import { bytes, HEAD, mustRead } from '../../../support/dialects.ts'

const BASE = { model: 'fake', input: 'Hello' }
const FUNCTION = { type: 'function', name: 'add', parameters: { type: 'object' } }
const OUTPUT = { type: 'function_call_output', call_id: 'call_1' }
const FOUND = { type: 'tool_search_output', call_id: 'call_1', execution: 'client', tools: [] }
/** The tool that Codex 0.169 adds to every request unless its user turned it off. */
const UNASKED = { type: 'web_search', external_web_access: false }

const read = (more: object) => openaiResponses.read(bytes({ ...BASE, ...more }), HEAD)

/** The request as a backend gets it. */
function sent(more: object): Record<string, unknown> {
  const asked = mustRead(openaiResponses, { ...BASE, ...more })
  return JSON.parse(Buffer.from(openaiResponses.rewrite(asked, 9, 'other').body).toString())
}

describe('L18 state and tools at the upstream are refused by name', () => {
  it.each<[string, object, string]>([
    ['an earlier answer', { previous_response_id: 'resp_1' }, 'previous_response_id'],
    ['a conversation', { conversation: 'conv_1' }, 'conversation'],
    ['a conversation as an object', { conversation: { id: 'conv_1' } }, 'conversation'],
    ['a template of prompts', { prompt: { id: 'pmpt_1' } }, 'prompt'],
    ['work that goes on', { background: true }, 'background'],
    ['a shorter prompt', { truncation: 'auto' }, 'truncation'],
    ['a compacted prompt', { context_management: [{ type: 'compaction' }] }, 'context_management'],
    ['a dearer tier', { service_tier: 'priority' }, 'service_tier'],
    ['a cheaper tier', { service_tier: 'flex' }, 'service_tier'],
    ['several runs at once', { reasoning: { mode: 'pro' } }, 'reasoning.mode'],
    ['a store that is no boolean', { store: 'yes' }, 'store'],
    ['a search', { tools: [{ type: 'web_search' }] }, 'tools[0]'],
    ['a search of the web', { tools: [{ ...UNASKED, external_web_access: true }] }, 'tools[0]'],
    ['an older search', { tools: [FUNCTION, { type: 'web_search_preview' }] }, 'tools[1]'],
    ['a search that must be used', { tools: [UNASKED], tool_choice: 'required' }, 'tools[0]'],
    ['a search that is chosen', { tools: [UNASKED], tool_choice: UNASKED }, 'tool_choice'],
    ['files', { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }, 'tools[0]'],
    ['code', { tools: [{ type: 'code_interpreter', container: 'c' }] }, 'tools[0]'],
    ['a computer', { tools: [{ type: 'computer_use_preview' }] }, 'tools[0]'],
    ['MCP', { tools: [{ type: 'mcp', server_url: 'https://a.example' }] }, 'tools[0]'],
    ['pictures', { tools: [{ type: 'image_generation' }] }, 'tools[0]'],
    [
      'a shell over there',
      { tools: [{ type: 'shell', environment: { type: 'container_auto' } }] },
      'tools[0]',
    ],
    ['a search of tools over there', { tools: [{ type: 'tool_search' }] }, 'tools[0]'],
    [
      'a search inside a namespace',
      { tools: [{ type: 'namespace', name: 'a', tools: [FUNCTION, { type: 'web_search' }] }] },
      'tools[0].tools[1]',
    ],
    [
      'a choice between tools with a search',
      { tool_choice: { type: 'allowed_tools', tools: [{ type: 'web_search' }] } },
      'tool_choice.tools',
    ],
    ...[{ type: 'mcp', server_url: 'https://a.example' }, { type: 'web_search' }].map(
      (tool): [string, object, string] => [
        `a tool that a search is said to have found: ${tool.type}`,
        { input: [{ ...FOUND, tools: [FUNCTION, tool] }] },
        'input[0].tools[1]',
      ],
    ),
    [
      'a search of tools that the upstream is said to have made',
      { input: [{ ...FOUND, execution: 'server' }] },
      'input[0].execution',
    ],
    ['an item that is kept', { input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0]'],
    ['the same without a type', { input: [{ id: 'msg_1' }] }, 'input[0]'],
    ['a search that was made', { input: [{ type: 'web_search_call', id: 'ws_1' }] }, 'input[0]'],
    ['a compacted item', { input: [{ type: 'compaction', encrypted_content: 'gA' }] }, 'input[0]'],
    [
      'a file that is kept',
      { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }] },
      'input[0].content[0]',
    ],
    [
      'a picture that is kept',
      { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'file-1' }] }] },
      'input[0].content[0].file_id',
    ],
    [
      'a file in the result of a call',
      {
        input: [
          {
            ...{ type: 'function_call_output', call_id: 'c' },
            output: [{ type: 'input_file', file_data: 'data:application/pdf;base64,AA' }],
          },
        ],
      },
      'input[0].output[0]',
    ],
    [
      'G11 a picture that is not on a list',
      { input: [{ role: 'user', content: { type: 'input_image', image_url: 'http://10.0.0.1' } }] },
      'input[0].content',
    ],
    [
      'G11 a file that is not on a list',
      { input: [{ ...OUTPUT, output: { type: 'input_file', file_url: 'http://10.0.0.1' } }] },
      'input[0].output',
    ],
  ])('%s', (_, more, param) => {
    expect(read(more)).toMatchObject({ ok: false, error: { status: 400, param } })
  })

  it.each<[string, object]>([
    ['a function', { tools: [FUNCTION] }],
    ['a tool with free input', { tools: [{ type: 'custom', name: 'patch' }] }],
    ['a group of functions', { tools: [{ type: 'namespace', name: 'a', tools: [FUNCTION] }] }],
    ['a shell of the client', { tools: [{ type: 'local_shell' }] }],
    ['the newer one', { tools: [{ type: 'shell', environment: { type: 'local' } }] }],
    ['a search of tools by the client', { tools: [{ type: 'tool_search', execution: 'client' }] }],
    ['tools that such a search has found', { input: [{ ...FOUND, tools: [FUNCTION] }] }],
    ['a choice of a function', { tools: [FUNCTION], tool_choice: { type: 'function', name: 'a' } }],
    [
      'a choice between functions',
      {
        tools: [FUNCTION],
        tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function' }] },
      },
    ],
    ['encrypted thinking', { include: ['reasoning.encrypted_content'] }],
  ])('what the client itself does or keeps passes as it came: %s', (_, more) => {
    expect(sent(more)).toMatchObject(more)
    expect(mustRead(openaiResponses, { ...BASE, ...more }).ignored).toEqual([])
  })
})

describe('L18 what is written, and what is left out', () => {
  it.each<[string, object, readonly string[]]>([
    ['nothing', {}, []],
    ['the same', { store: false, background: false }, []],
    ['what leaving out means too', { truncation: 'disabled', service_tier: 'auto' }, []],
    ['nothing, as null', { previous_response_id: null, conversation: null, prompt: null }, []],
    ['a wish to keep the answer', { store: true }, ['store']],
    ['a field that nobody knows', { client_metadata: { a: 'b' } }, ['client_metadata']],
    ['the search that Codex adds', { tools: [FUNCTION, UNASKED] }, ['tools.web_search']],
    ['what search results are for', { include: ['web_search_call.results'] }, ['include']],
  ])(
    '%s: store and background are false, the limit is the one that was granted',
    (_, more, ignored) => {
      const request = sent(more)
      expect(request).toMatchObject({ store: false, background: false, max_output_tokens: 9 })
      for (const key of ['truncation', 'service_tier', 'client_metadata', 'conversation', 'prompt'])
        expect(request).not.toHaveProperty(key)
      expect(JSON.stringify(request)).not.toContain('web_search')
      expect(mustRead(openaiResponses, { ...BASE, ...more }).ignored).toEqual(ignored)
    },
  )

  it('K5 a backend that does not know one of them gets the request without it', () => {
    const asked = mustRead(openaiResponses, BASE)
    const refusal = (field: string) =>
      bytes({ error: { param: field, code: 'unknown_parameter', message: `${field}?` } })
    const refused = openaiResponses.respell(asked, refusal('background'), new Set())
    expect(refused).toEqual(new Set(['background']))
    const { body } = openaiResponses.rewrite(asked, 9, 'other', refused ?? undefined)
    expect(JSON.parse(Buffer.from(body).toString())).toEqual({
      ...BASE,
      ...{ max_output_tokens: 9, store: false },
    })
    expect(openaiResponses.respell(asked, refusal('max_output_tokens'), new Set())).toBeNull()
    const own = mustRead(openaiResponses, { ...BASE, store: false })
    expect(openaiResponses.respell(own, refusal('store'), new Set())).toBeNull()
  })

  it('a name that the operator lets pass is written once all the same', () => {
    const terms = { ...UNKNOWN_TERMS, also: new Set(['background']) }
    const read = openaiResponses.read(bytes({ ...BASE, background: false }), HEAD, terms)
    if (!read.ok) throw new Error(read.error.message)
    const { body } = openaiResponses.rewrite(read.value, 9, 'other')
    expect(Buffer.from(body).toString().split('"background"')).toHaveLength(2)
  })

  it('the price and the estimate are of what is sent', () => {
    const bound = (more: object) => mustRead(openaiResponses, { ...BASE, ...more }).most.input
    expect(bound({ client_metadata: { a: 'b'.repeat(999) }, metadata: { a: 'b' } })).toBe(bound({}))
    expect(bound({ tools: [FUNCTION, UNASKED] })).toBe(bound({ tools: [FUNCTION] }))
    expect(bound({ instructions: 'a'.repeat(99) })).toBeGreaterThan(bound({}) + 99)
  })
})
