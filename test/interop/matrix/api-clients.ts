import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { INSTALLED } from '../lab.ts'
import type { Row, Session, Shown, Where } from './row.ts'

/** The tool that the programs `api-clients.mjs` and `api-clients.py` have. */
const LOOKS_UP = {
  does: 'calls',
  tool: { name: 'look_up', arguments: { what: 'river' } },
  result: 'river-212121',
} as const

const HOME = join(INSTALLED, 'clients')
const CHAT = '/v1/chat/completions'
const RESPONSES = '/v1/responses'
const MESSAGES = '/v1/messages'

/** The version of a package for Node in the folder of a part of the lab. */
export function nodeVersion(part: string, name: string): string {
  const file = join(INSTALLED, part, 'node_modules', name, 'package.json')
  return JSON.parse(readFileSync(file, 'utf8')).version
}

/** The version of a package for Python in a virtual environment of a part of the lab. */
export function pythonVersion(part: string, venv: string, name: string): string {
  const lib = join(INSTALLED, part, venv, 'lib')
  const python = readdirSync(lib).find((folder) => folder.startsWith('python3')) ?? ''
  const found = readdirSync(join(lib, python, 'site-packages')).find(
    (folder) => folder.startsWith(`${name}-`) && folder.endsWith('.dist-info'),
  )
  return found?.slice(name.length + 1, -'.dist-info'.length) ?? 'not installed'
}

const node = (client: string, packageName: string, row: Typed): Row => ({
  ...{ tool: LOOKS_UP, asides: false, ...row },
  version: () => nodeVersion('clients', packageName),
  open: (where) => converse(process.execPath, 'api-clients.mjs', client, where),
})

const python = (client: string, packageName: string, row: Typed, venv = 'venv'): Row => ({
  ...{ tool: LOOKS_UP, asides: false, ...row },
  version: () => pythonVersion('clients', venv, packageName),
  open: (where) => converse(join(HOME, venv, 'bin', 'python'), 'api-clients.py', client, where),
})

type Typed = Pick<Row, 'name' | 'types' | 'path'>

/** The libraries that people use in programs of their own. */
export const API_CLIENTS: readonly Row[] = [
  node('openai-node', 'openai', {
    name: 'openai (Node)',
    types: '`baseURL: GATE/v1`, `apiKey: KEY`',
    path: CHAT,
  }),
  node('openai-node-responses', 'openai', {
    name: 'openai (Node), `responses`',
    types: 'the same',
    path: RESPONSES,
  }),
  python('openai-python', 'openai', {
    name: 'openai (Python)',
    types: '`base_url=GATE/v1`, `api_key=KEY`',
    path: CHAT,
  }),
  python('openai-python-responses', 'openai', {
    name: 'openai (Python), `responses`',
    types: 'the same',
    path: RESPONSES,
  }),
  node('anthropic-node', '@anthropic-ai/sdk', {
    name: '@anthropic-ai/sdk',
    types: '`baseURL: GATE`, `apiKey: KEY`',
    path: MESSAGES,
  }),
  python('anthropic-python', 'anthropic', {
    name: 'anthropic (Python)',
    types: '`base_url=GATE`, `api_key=KEY`',
    path: MESSAGES,
  }),
  node('ai-sdk', 'ai', {
    name: 'ai, with @ai-sdk/openai-compatible',
    types: '`baseURL: GATE/v1`, `apiKey: KEY`',
    path: CHAT,
  }),
  node('langchain-node', '@langchain/openai', {
    name: '@langchain/openai',
    types: '`configuration: { baseURL: GATE/v1 }`, `apiKey: KEY`',
    path: CHAT,
  }),
  python('langchain-python', 'langchain_openai', {
    name: 'langchain-openai (Python)',
    types: '`base_url=GATE/v1`, `api_key=KEY`',
    path: CHAT,
  }),
  node('ollama-node', 'ollama', {
    name: 'ollama (Node)',
    types: '`host: GATE`, `headers: { authorization: Bearer KEY }`',
    path: '/api/chat',
  }),
  python(
    'litellm',
    'litellm',
    {
      name: 'litellm',
      types: '`model=openai/MODEL`, `api_base=GATE/v1`, `api_key=KEY`',
      path: CHAT,
    },
    'venv-litellm',
  ),
  python('llm', 'llm', {
    name: 'llm',
    types: '`api_base: GATE/v1` in `extra-openai-models.yaml`, `llm keys set gate`',
    path: CHAT,
  }),
]

/** Starts a client that answers a line for each line, in a folder of its own. */
async function converse(
  program: string,
  script: string,
  client: string,
  { url, model }: Where,
): Promise<Session> {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-client-'))
  copyFileSync(fileURLToPath(new URL(script, import.meta.url)), join(folder, script))
  symlinkSync(join(HOME, 'node_modules'), join(folder, 'node_modules'))
  const child = spawn(program, [join(folder, script), client, `${url}/v1`, model], {
    cwd: folder,
    // LiteLLM would look for prices on the internet first.
    env: { PATH: process.env.PATH, HOME: folder, LITELLM_LOCAL_MODEL_COST_MAP: 'True' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const next = linesOf(child)
  return {
    async ask(question) {
      child.stdin?.write(`${JSON.stringify(question)}\n`)
      const { ok, text, error } = JSON.parse(await next())
      return { ok, text, error: error ?? '' } satisfies Shown
    },
    async close() {
      child.stdin?.end()
      if (child.exitCode === null) await new Promise((resolve) => child.once('close', resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The next line that a program prints. If it ends before, rejects with what it wrote to stderr. */
function linesOf(child: ChildProcess): () => Promise<string> {
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  if (child.stdout === null) throw new Error('the client has no stdout')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async () => {
    const { done, value } = await lines.next()
    if (done) throw new Error(`the client ended: ${said}`)
    return value
  }
}
