import { describe, expect, it } from 'vitest'
import { type Terms, UNKNOWN_TERMS } from '../../../../src/dialects/dialect.ts'
import { openaiResponses } from '../../../../src/dialects/responses/dialect.ts'
import { bytes, HEAD } from '../../../support/dialects.ts'
import { growth } from '../../../support/growth.ts'
import { dataUrl, png, wav } from '../../../support/pictures.ts'

const BASE = { model: 'fake', input: 'Hello' }
const FUNCTION = { type: 'function', name: 'add', parameters: { type: 'object' } }

const read = (more: object, terms: Terms = UNKNOWN_TERMS) =>
  openaiResponses.read(bytes({ ...BASE, ...more }), HEAD, terms)
const asked = (more: object, terms?: Terms) => {
  const result = read(more, terms)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}
const sent = (more: object) => {
  const { body } = openaiResponses.rewrite(asked(more), 9, 'other')
  return JSON.parse(Buffer.from(body).toString())
}
const said = (content: unknown) => ({ input: [{ role: 'user', content }] })

/** What Codex 0.169 sends in its second request, in short. */
const CODEX = {
  stream: true,
  input: [
    {
      ...{ type: 'message', role: 'developer' },
      content: [{ type: 'input_text', text: 'Be it.' }],
    },
    {
      ...{ type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm.' }] },
      ...{ content: [{ type: 'reasoning_text', text: 'Hm, hm.' }], encrypted_content: 'gAAAAxyz' },
    },
    {
      ...{ type: 'function_call', id: 'fc_1', call_id: 'c', status: 'completed' },
      ...{ name: 'exec_command', arguments: '{"cmd":"ls"}' },
    },
    { type: 'function_call_output', call_id: 'c', output: 'a.txt' },
    { ...{ type: 'custom_tool_call', call_id: 'd', name: 'patch' }, input: 'free text' },
    { type: 'custom_tool_call_output', call_id: 'd', output: [{ type: 'input_text', text: 'ok' }] },
  ],
  tools: [FUNCTION, { type: 'namespace', name: 'agents', tools: [FUNCTION] }],
  ...{ tool_choice: 'auto', parallel_tool_calls: true, reasoning: { summary: 'auto' } },
  ...{ store: false, include: ['reasoning.encrypted_content'], prompt_cache_key: 'a-b-c' },
}

describe('a request', () => {
  it('of Codex passes whole, and every text of it is in the bound and in the estimate', () => {
    const { tools, input, prompt_cache_key, ...others } = CODEX
    expect(sent(CODEX)).toMatchObject({ ...others, tools, input })
    // The gate writes it anew for each account (threats L21).
    expect(sent(CODEX).prompt_cache_key).not.toBe(prompt_cache_key)
    const all = asked(CODEX)
    const texts = all.texts().join(' ')
    for (const text of [
      'Be it.',
      'Hm, hm.',
      'gAAAAxyz',
      'ls',
      'a.txt',
      'free text',
      'ok',
      'agents',
    ])
      expect(texts).toContain(text)
    expect(all).toMatchObject({ stream: true, plain: false, ignored: [], limit: null, choices: 1 })
    // Six items, two tools, and a function inside one of them.
    expect(all.parts).toBe(6 + 3)
    expect(all.most.input).toBeGreaterThanOrEqual(Buffer.byteLength(all.texts().join('')))
  })

  it('J2 each text that a model can read raises the bound and the estimate', () => {
    const long = 'word '.repeat(100)
    const plain = asked({})
    const places: readonly object[] = [
      { instructions: long },
      { input: long },
      said(long),
      said([{ type: 'input_text', text: long }]),
      said([{ type: 'input_text', text: '', odd: long }]),
      { input: [{ role: 'user', content: 'a', odd: long }] },
      { input: [{ role: 'user', content: 'a', id: long }] },
      { input: [{ type: 'reasoning', summary: [], encrypted_content: 'A'.repeat(500) }] },
      { input: [{ type: 'function_call_output', call_id: 'c', output: long }] },
      { input: [{ type: 'local_shell_call', call_id: 'c', action: { command: [long] } }] },
      { input: [{ type: 'shell_call_output', call_id: 'c', output: [{ stdout: long }] }] },
      { tools: [{ ...FUNCTION, description: long }] },
      { tools: [{ type: 'custom', name: 'a', format: { type: 'grammar', definition: long } }] },
      { tools: [{ type: 'namespace', name: 'a', tools: [{ ...FUNCTION, description: long }] }] },
      { text: { format: { type: 'json_schema', name: 'a', schema: { description: long } } } },
      { tool_choice: long },
    ]
    for (const place of places) {
      const one = asked(place)
      const what = JSON.stringify(place).slice(0, 60)
      expect(one.most.input, what).toBeGreaterThan(plain.most.input + 450)
      expect(one.texts().join('').length, what).toBeGreaterThan(450)
    }
  })

  it.each<[number | null | undefined, number | null]>([
    [undefined, null],
    [null, null],
    [-1, null], // K19
    [0, 1],
    [64, 64],
  ])('has its limit in max_output_tokens: %s is %s', (max_output_tokens, limit) => {
    expect(asked({ max_output_tokens }).limit).toBe(limit)
    expect(sent({ max_output_tokens })).toMatchObject({ max_output_tokens: 9 })
  })

  it('J16 settings pass as booleans, numbers and words, and other names of the limit do not', () => {
    const more = {
      reasoning: { effort: 'low', summary: 'auto', odd: 'word '.repeat(99) },
      chat_template_kwargs: { enable_thinking: false, chat_template: '{{ messages }}' },
      ...{ max_tokens: 9_999, n_predict: 9_999, ignore_eos: true },
      stream_options: { include_obfuscation: false, include_usage: true },
    }
    expect(sent(more)).toEqual({
      ...{ ...BASE, store: false, background: false, max_output_tokens: 9 },
      reasoning: { effort: 'low', summary: 'auto' },
      chat_template_kwargs: { enable_thinking: false },
      stream_options: { include_obfuscation: false },
    })
    expect([...asked(more).ignored].sort()).toEqual([
      ...['chat_template_kwargs.chat_template', 'ignore_eos', 'max_tokens', 'n_predict'],
      'reasoning.odd',
    ])
  })

  it.each<[string, object, string]>([
    ['I13 a key in capitals', { Max_Output_Tokens: 9 }, 'Max_Output_Tokens'],
    ['I13 one inside an item', { input: [{ role: 'user', Content: 'a' }] }, 'input[0]'],
    ['I13 one inside a part', said([{ type: 'input_text', Text: 'a' }]), 'input[0].content[0]'],
    ['instructions that are no text', { instructions: ['a'] }, 'instructions'],
    ['a limit as a text', { max_output_tokens: '9' }, 'max_output_tokens'],
    ['half a token', { max_output_tokens: 1.5 }, 'max_output_tokens'],
    ['too many alternatives', { top_logprobs: 21 }, 'top_logprobs'],
    ['a part that is no object', said(['a']), 'input[0].content[0]'],
    ['tools that are no list', { tools: { type: 'function' } }, 'tools'],
    ['a tool without a type', { tools: [{ name: 'a' }] }, 'tools[0]'],
  ])('is refused, with the place: %s', (_, more, param) => {
    expect(read(more)).toMatchObject({ ok: false, error: { status: 400, param } })
  })

  it.each<[string, object, boolean]>([
    ['a schema of the answer', { text: { format: { schema: { minItems: 1e6 } } } }, false],
    [
      'a grammar of a tool',
      { tools: [{ type: 'custom', format: { definition: 'a{99999}' } }] },
      false,
    ],
    [
      'the same in a namespace',
      {
        tools: [
          { type: 'namespace', tools: [{ type: 'custom', format: { definition: 'a{99999}' } }] },
        ],
      },
      false,
    ],
    [
      'a strict function',
      { tools: [{ ...FUNCTION, strict: true, parameters: { maxItems: 1e4 } }] },
      false,
    ],
    [
      'a function that is only shown',
      { tools: [{ ...FUNCTION, parameters: { maxItems: 1e4 } }] },
      true,
    ],
  ])('K22 has bounds where a backend compiles them: %s', (_, more, ok) => {
    expect(read(more).ok).toBe(ok)
  })
})

describe('A7 pictures and sound are input', () => {
  const picture = (more: object = {}) => ({
    ...{ type: 'input_image', image_url: dataUrl(png([1_920, 1_080])), ...more },
  })
  const sound = {
    type: 'input_audio',
    input_audio: { data: wav(100).toString('base64'), format: 'wav' },
  }
  const text = { type: 'input_text', text: 'What is this?' }
  const without = asked(said([text]))
  const output = (part: object) => ({
    input: [{ type: 'function_call_output', call_id: 'c', output: [part] }],
  })

  it.each([
    ['a picture', said([text, picture()]), 7_560],
    ['a picture in low detail', said([text, picture({ detail: 'low', file_id: null })]), 7_560],
    ['sound', said([text, sound]), 960],
  ])('%s', (_, more, tokens) => {
    const one = asked(more)
    expect(one.ids).toBe(tokens)
    expect(one.most.input).toBe(without.most.input + tokens)
    expect(one.texts()).toEqual(without.texts())
    expect(sent(more)).toMatchObject(more)
  })

  it('a picture in the result of a call', () => {
    expect(asked(output(picture())).ids).toBe(7_560)
  })

  it.each<[string, object, string]>([
    ['a picture by its URL (G11)', picture({ image_url: 'https://a.example/b.png' }), 'image_url'],
    ['no picture', picture({ image_url: 'data:image/png;base64,AAAA' }), 'image_url'],
    ['an object, as in chat completions', picture({ image_url: { url: 'a' } }), 'image_url'],
    ['something beside it', picture({ uuid: 'x' }), 'uuid'],
    ['a detail that nobody knows', picture({ detail: 'huge' }), 'image_url'],
    [
      'sound in another format',
      { ...sound, input_audio: { data: 'AAAA', format: 'pcm' } },
      'input_audio',
    ],
    ['a text with a picture beside it', { ...text, image_url: 'a' }, ''],
    ['a file', { type: 'input_file', file_data: 'data:application/pdf;base64,AA' }, ''],
  ])('is refused, with the place: %s', (_, part, at) => {
    const where = `input[0].content[0]${at === '' ? '' : `.${at}`}`
    expect(read(said([part]))).toMatchObject({ ok: false, error: { status: 400, param: where } })
    expect(read(output(part)).ok).toBe(false)
  })

  it('L19 all pictures of a request count together', () => {
    expect(read(said(Array.from({ length: 101 }, () => picture()))).ok).toBe(false)
  })
})

describe('J1 bytes of a stranger never cost more than linear time', () => {
  const units = ['a', ' ', '"', '\\', '{1,', '\u0300', 'a\u0315\u0300', '\u1100\u1161\u11a8', '🙂']
  it.each(units)('%j everywhere in a request', { timeout: 60_000 }, (unit) => {
    const everywhere = (text: string) => ({
      ...{ model: 'm', instructions: text, [`${text}1`]: text },
      input: [
        { role: 'user', content: text, [`${text}2`]: text },
        { role: 'user', content: [{ type: 'input_text', text, [`${text}3`]: 1 }] },
        { type: 'function_call', name: text, arguments: text, call_id: text },
        { type: 'reasoning', summary: [], encrypted_content: text },
      ],
      tools: [{ type: 'custom', name: text, format: { definition: text.slice(0, 9e4) } }],
      text: { format: { schema: { pattern: text, [`${text}4`]: 1 } } },
    })
    const once = (times: number) => {
      const body = bytes(everywhere(unit.repeat(times)))
      return () => openaiResponses.read(body, HEAD)
    }
    expect(growth(once)).toBeLessThan(3)
  })

  it('as many small items and tools', { timeout: 60_000 }, () => {
    const bodies: readonly ((times: number) => object)[] = [
      (n) => ({ ...BASE, input: Array.from({ length: n }, () => ({ role: 'user', content: [] })) }),
      (n) => ({ ...BASE, ...said(Array.from({ length: n }, () => ({ type: 'input_text' }))) }),
      (n) => ({ ...BASE, include: Array.from({ length: n }, () => 'a') }),
      (n) => ({ ...BASE, tools: Array.from({ length: Math.min(n, 4_000) }, () => FUNCTION) }),
    ]
    for (const body of bodies) {
      const once = (times: number) => {
        const raw = bytes(body(times))
        return () => openaiResponses.read(raw, HEAD)
      }
      expect.soft(growth(once), JSON.stringify(body(1))).toBeLessThan(3)
    }
  })
})
