import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { INSTALLED } from '../lab.ts'
import { nodeVersion } from './api-clients.ts'
import { COMMAND, COMMAND_SAYS } from './apps.ts'
import { typing } from './program.ts'
import type { Row } from './row.ts'

const versionOf = (program: string): string =>
  /\d+(?:\.\d+)+/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[0] ?? '?'

const CHAT = '/v1/chat/completions'

export const CURL: Row = {
  name: 'curl',
  version: () => versionOf('curl'),
  types: '[`Authorization: Bearer KEY`](#curl-tested)',
  path: CHAT,
  tool: 'has none',
  asides: false,
  open: async (where) => {
    const session = await typing(({ key, prompt }, { url, model }) => {
      const messages = [{ role: 'user', content: prompt }]
      const body = JSON.stringify({ model, messages, stream: true })
      return {
        program: 'curl',
        words: [
          ...['-sSN', '--fail-with-body', `${url}${CHAT}`, '-d', body],
          ...['-H', `Authorization: Bearer ${key}`, '-H', 'Content-Type: application/json'],
        ],
      }
    })(where)
    return {
      ...session,
      // A person reads the pieces of the answer where they stand.
      async ask(question) {
        const { ok, text, error } = await session.ask(question)
        const pieces = [...text.matchAll(/"content":"([^"]*)"/g)].map(([, piece]) => piece)
        return { ok: ok && !text.includes('"error":'), text: pieces.join(''), error: error + text }
      },
    }
  },
}

const OLLAMA_PROGRAM = join(INSTALLED, 'ollama', 'bin', 'ollama')

/** It can send no header, so the key stands in the path (`dialects.keyPath`). */
export const OLLAMA: Row = {
  name: 'ollama, the command',
  version: () => versionOf(OLLAMA_PROGRAM),
  types: '[`OLLAMA_HOST=GATE/k/KEY`](#the-ollama-command)',
  path: '/api/generate',
  tool: 'has none',
  asides: false,
  open: typing(({ key, prompt }, { url, model }) => ({
    program: OLLAMA_PROGRAM,
    words: ['run', model, prompt],
    env: { OLLAMA_HOST: `${url}/k/${key}` },
  })),
}

/** Where `install` puts Claude Code, beside the parts of the lab. */
const CLAUDE = join(INSTALLED, 'satgate-claude-code')
const CLAUDE_PACKAGE = '@anthropic-ai/claude-code'
const CLAUDE_VERSION = '2.1.197'

/** Installs it without its scripts, outside of the project. */
export function installClaudeCode(): void {
  const words = [
    'i',
    '--prefix',
    CLAUDE,
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
  ]
  execFileSync('npm', [...words, `${CLAUDE_PACKAGE}@${CLAUDE_VERSION}`], { stdio: 'ignore' })
}

export const CLAUDE_CODE: Row = {
  name: 'Claude Code',
  version: () => nodeVersion('satgate-claude-code', CLAUDE_PACKAGE),
  types: '[`ANTHROPIC_BASE_URL=GATE`, `ANTHROPIC_AUTH_TOKEN=KEY`](#claude-code)',
  path: '/v1/messages',
  tool: {
    ...{ does: 'calls', result: COMMAND_SAYS },
    tool: { name: 'Bash', arguments: { command: COMMAND, description: 'Says a number' } },
  },
  asides: true,
  open: typing(({ key, prompt }, { url, model }) => ({
    program: join(CLAUDE, 'node_modules', '@anthropic-ai', 'claude-code-linux-x64', 'claude'),
    words: ['-p', prompt, '--allowedTools', 'Bash'],
    env: {
      ...{ ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: key, ANTHROPIC_MODEL: model },
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    },
  })),
}
