/**
 * What reading a request costs: the time that the main thread spends before anybody is admitted,
 * divided by the time of `JSON.parse` of the same bytes. Both work on the same buffers in one
 * process and take turns, so that a slow moment of the machine falls on both.
 *
 *   npm run bench:bodies            a table of all bodies
 *   npm run bench:bodies -- tools   only those whose name contains the word
 */
import { UNKNOWN_TERMS } from '../src/dialects/dialect.ts'
import { dialects } from '../src/dialects/index.ts'

const GOAL = 1.5
const SIZES: readonly (readonly [name: string, bytes: number])[] = [
  ['1 KB', 1_000],
  ['50 KB', 50_000],
  ['74 KB', 74_000],
  ['1 MB', 1_000_000],
]
/** ms of one turn, and turns of each. */
const TURN = 4
const TURNS = 61

const WORDS =
  'the quick model answers a question about prices, tokens and (some) other things; it is short. '
const text = (bytes: number): string =>
  WORDS.repeat(Math.ceil(bytes / WORDS.length)).slice(0, bytes)

const chat = (messages: readonly object[], more: object = {}): object => ({
  model: 'llama3.2:3b',
  messages,
  temperature: 0.7,
  max_tokens: 256,
  stream: true,
  ...more,
})
const ask = (content: string): object => chat([{ role: 'user', content }])

/** As many of `make(0)`, `make(1)`, … as fill so many bytes of JSON. */
function filled<T>(bytes: number, make: (at: number) => T): T[] {
  const all: T[] = []
  for (let size = 0; size < bytes; ) {
    const one = make(all.length)
    all.push(one)
    size += JSON.stringify(one).length + 1
  }
  return all
}

const turn = (at: number): object => ({
  role: at % 2 === 0 ? 'user' : 'assistant',
  content: `${at}: ${text(180 + ((at * 37) % 400))}\n\nwith a "quoted" word`,
})

const tool = (at: number): object => ({
  type: 'function',
  function: {
    name: `get_thing_${at}`,
    description: `Finds the thing ${at} that a user asks for, by its name or its number.`,
    parameters: {
      type: 'object',
      properties: {
        name: { type: 'string', description: 'Its name, as the user wrote it.' },
        count: { type: 'integer', minimum: 0, maximum: 100 },
        unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
        filters: {
          type: 'array',
          items: { type: 'object', properties: { key: { type: 'string' } } },
        },
      },
      required: ['name'],
      additionalProperties: false,
    },
  },
})

function nested(bytes: number): object {
  const leaf = (depth: number): object =>
    depth === 0 ? { a: 1 } : { type: 'object', p: leaf(depth - 1) }
  return { x: filled(bytes, () => leaf(24)) }
}

const KINDS: readonly (readonly [name: string, make: (bytes: number) => string | Buffer])[] = [
  ['a plain prompt', (bytes) => JSON.stringify(ask(text(bytes - 120)))],
  ['a long conversation', (bytes) => JSON.stringify(chat(filled(bytes - 120, turn)))],
  ['tools', (bytes) => JSON.stringify(chat([turn(0)], { tools: filled(bytes - 400, tool) }))],
  [
    'tools, indented',
    (bytes) => JSON.stringify(chat([turn(0)], { tools: filled(bytes * 0.45, tool) }), null, 2),
  ],
  [
    'deeply structured',
    (bytes) => JSON.stringify(chat([turn(0)], { response_format: nested(bytes - 400) })),
  ],
  [
    'many short strings',
    (bytes) =>
      JSON.stringify(
        chat([turn(0)], { tools: [], documents: filled(bytes - 400, (at) => `w${at}`) }),
      ),
  ],
  [
    'many short messages',
    (bytes) =>
      JSON.stringify(chat(filled(bytes - 120, (at) => ({ role: 'user', content: `w${at}` })))),
  ],
  [
    'unicode escapes',
    (bytes) => escaped(JSON.stringify(ask('\u4f60\u597d, '.repeat(Math.ceil(bytes / 14))))),
  ],
  ['Chinese', (bytes) => JSON.stringify(ask('\u4f60\u597d, '.repeat(Math.ceil(bytes / 8))))],
  [
    'Chinese tools',
    (bytes) =>
      JSON.stringify(chat([turn(0)], { tools: filled(bytes * 0.8, tool) })).replaceAll(
        'Finds the thing',
        '\u67e5\u627e\u4e8b\u7269',
      ),
  ],
  [
    'base64',
    (bytes) =>
      JSON.stringify(
        ask(
          Buffer.from(text(bytes * 0.75))
            .toString('base64')
            .slice(0, bytes - 120),
        ),
      ),
  ],
]

const escaped = (json: string): string =>
  json.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

const [dialect] = dialects
const HEAD = { contentType: 'application/json', headers: {} }
const TERMS = { ...UNKNOWN_TERMS, also: new Set<string>(), backend: 'other' } as const

const parse = (body: Buffer): unknown => JSON.parse(body.toString('utf8'))

function read(body: Buffer): void {
  const asked = dialect!.read(body, HEAD, TERMS)
  if (!asked.ok) throw new Error(`${asked.error.message}`)
}

function readAndRewrite(body: Buffer): void {
  const asked = dialect!.read(body, HEAD, TERMS)
  if (!asked.ok) throw new Error(`${asked.error.message}`)
  dialect!.rewrite(asked.value, 200, 'other')
}

type Work = (body: Buffer) => void

/** µs of one call in a turn of this work. */
function timed(work: Work, body: Buffer, times: number): number {
  const began = performance.now()
  for (let at = 0; at < times; at += 1) work(body)
  return ((performance.now() - began) * 1_000) / times
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

function measure(body: Buffer): { parse: number; read: number; sent: number } {
  const works: readonly Work[] = [parse, read, readAndRewrite]
  const times = works.map((work) => {
    const once = timed(work, body, 3)
    return Math.max(1, Math.round((TURN * 1_000) / Math.max(1, once)))
  })
  const turns: number[][] = works.map(() => [])
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const [at, work] of works.entries()) turns[at]!.push(timed(work, body, times[at]!))
  }
  const [base, ...others] = turns
  const ratio = (other: readonly number[]): number =>
    median(other.map((one, at) => one / base![at]!))
  return { parse: median(base!), read: ratio(others[0]!), sent: ratio(others[1]!) }
}

const only = process.argv[2] ?? ''
const bodies = KINDS.flatMap(([kind, make]) =>
  SIZES.filter(([size]) => (size === '74 KB') === kind.startsWith('tools') || size !== '74 KB').map(
    ([size, bytes]) => ({ name: `${kind}, ${size}`, body: Buffer.from(make(bytes)) }),
  ),
).filter(({ name }) => name.includes(only))

// Every kind once before any is measured, so that no body finds code that only knows another kind.
for (const { body } of bodies) {
  for (let at = 0; at < Math.ceil(2e6 / body.length); at += 1) {
    parse(body)
    readAndRewrite(body)
  }
}
console.log(
  '| body | bytes | `JSON.parse`, µs | before admission ÷ it | with writing it anew ÷ it | goal |',
)
console.log('|---|--:|--:|--:|--:|--:|')
for (const { name, body } of bodies) {
  const { parse: base, read: ratio, sent } = measure(body)
  const met = ratio <= GOAL ? '' : ', missed'
  console.log(
    `| ${name} | ${body.length} | ${base.toFixed(1)} | ${ratio.toFixed(2)} | ${sent.toFixed(2)} | ≤ ${GOAL}${met} |`,
  )
}
