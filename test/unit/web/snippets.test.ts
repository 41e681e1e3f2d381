import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { SNIPPETS } from '../../../src/web/snippets.ts'

const run = promisify(execFile)

const use = (model: string) => ({ baseUrl: 'http://127.0.0.1:3000/v1', key: 'AgE+/=:00ff', model })

/** The name of a model comes from an upstream and can be any text. */
const NAMES = [
  'llama3:8b',
  `it's "quoted"`,
  '$HOME `id` $(id) \\',
  `'; touch /tmp/x; '`,
  '<img src=x onerror=alert(1)>',
  'new\nline\tand 日本語',
]

describe('a snippet', () => {
  it.each(NAMES)('of curl says %j to a shell as it is', async (model) => {
    const curl = `curl() { printf '%s\\0' "$@"; }\n`
    const { stdout } = await run('bash', ['-c', `${curl}${SNIPPETS.curl(use(model))}`])
    const words = stdout.split('\0')
    expect(words[0]).toBe('http://127.0.0.1:3000/v1/chat/completions')
    expect(words[2]).toBe('Authorization: Bearer AgE+/=:00ff')
    expect(JSON.parse(words[6] ?? '').model).toBe(model)
  })

  it.each(NAMES)('of Node says %j to JavaScript as it is', async (model) => {
    const script = SNIPPETS.node(use(model)).replace(/^import .*$/m, '')
    const asked: unknown[] = []
    const create = async (body: unknown) => {
      asked.push(body)
      return { choices: [{ message: { content: 'x' } }] }
    }
    class OpenAI {
      readonly chat = { completions: { create } }
      constructor(options: object) {
        asked.push(options)
      }
    }
    const program = `return (async () => {${script}})()`
    await new Function('OpenAI', 'console', program)(OpenAI, { log: () => {} })
    expect(asked).toEqual([
      { baseURL: 'http://127.0.0.1:3000/v1', apiKey: 'AgE+/=:00ff' },
      { model, messages: [{ role: 'user', content: 'What is a millisatoshi?' }] },
    ])
  })

  it.each(NAMES)('of Python keeps %j within its string', (model) => {
    const line = /^ {4}model=(.*),$/m.exec(SNIPPETS.python(use(model)))?.[1] ?? ''
    expect(JSON.parse(line)).toBe(model)
  })
})
