import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'vite'
import { describe, expect, it } from 'vitest'

/** Messages that docs/troubleshooting.md quotes must be messages that the program prints. */

const ROOT = join(import.meta.dirname, '../../..')
const DOCUMENT = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8')

interface Node {
  readonly type: string
  readonly [name: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value

/** The texts in a source file, with `…` for each inserted value. */
function textsOf(source: string): readonly string[] {
  const texts: string[] = []
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) visit(one)
    if (!isNode(value)) return
    if (value.type === 'Literal' && typeof value.value === 'string') texts.push(value.value)
    if (value.type === 'TemplateLiteral') {
      const quasis = value.quasis as readonly { readonly value: { readonly cooked: string } }[]
      texts.push(quasis.map((part) => part.value.cooked).join('…'))
    }
    for (const inner of Object.values(value)) visit(inner)
  }
  visit(parseAst(source, { lang: 'ts' }))
  return texts
}

const sources = ['src', 'bin'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('web/'))
    .map((name) => readFileSync(join(ROOT, folder, name), 'utf8')),
)
const printed = sources.flatMap(textsOf)

/** The lines of all blocks with messages. */
const messagesIn = (document: string): readonly string[] =>
  [...document.matchAll(/^```text\n([^`]*)^```$/gm)].flatMap(([, block = '']) =>
    block.trimEnd().split('\n'),
  )

const unprinted = (messages: readonly string[]): readonly string[] =>
  messages.filter((message) => !printed.some((text) => text.includes(message)))

describe('docs/troubleshooting.md', () => {
  it('quotes messages that the program prints, word for word', () => {
    const messages = messagesIn(DOCUMENT)
    expect(messages.length).toBeGreaterThan(40)
    expect(unprinted(messages)).toEqual([])
  })

  it('quotes enough of each to find it by', () => {
    const short = messagesIn(DOCUMENT).filter((one) => one.replace(/[…\W]/g, '').length < 8)
    expect(short).toEqual([])
  })

  it('would miss a message that nobody prints', () => {
    expect(unprinted(['nothing listens at …', 'nobody listens at …'])).toEqual([
      'nobody listens at …',
    ])
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    const source = "say(`a ${b.map((c) => `${c}!`)} d`, 'it\\'s')"
    expect(textsOf(source)).toEqual(['a … d', '…!', "it's"])
  })
})
