import { nodeVersion, pythonVersion } from './api-clients.ts'
import type { Row, Shown } from './row.ts'
import type { ToolCall } from './spoken-apis.ts'

const CHAT = '/v1/chat/completions'

/** What a shell makes of it is in no request until the app has run it. */
export const COMMAND = 'echo satgate-$((20+1))'
export const COMMAND_SAYS = 'satgate-21'

/** A tool of the app that runs `COMMAND`. */
const runs = (name: string, args: ToolCall['arguments']) =>
  ({ does: 'calls', tool: { name, arguments: args }, result: COMMAND_SAYS }) as const

/** The apps of the lab, set up as their users would, asked one question in a home of their own. */
const app = (
  name: string,
  row: Pick<Row, 'name' | 'types' | 'path' | 'tool' | 'version'>,
): Row => ({
  asides: typeof row.tool !== 'string',
  ...row,
  async open({ lab, url, model }) {
    return {
      async ask({ key, prompt }) {
        const printed = await lab.exec('apps', name, `${url}/v1`, key, model, prompt)
        const { exit, out, err } = JSON.parse(printed.split('\n').at(-1) ?? '')
        return { ok: exit === 0, text: out ?? '', error: err ?? '' } satisfies Shown
      },
      close: async () => {},
    }
  },
})

export const APPS: readonly Row[] = [
  app('open-webui', {
    name: 'Open WebUI',
    types: '[OpenAI connection](#open-webui): `GATE/v1`, `KEY`',
    path: CHAT,
    version: () => pythonVersion('apps', 'venv-open-webui', 'open_webui'),
    tool: {
      ...{ does: 'calls', result: 'calculated_timestamp' },
      tool: { name: 'calculate_timestamp', arguments: { days_ago: 1 } },
    },
  }),
  app('codex', {
    name: 'Codex',
    types: '[config.toml](#codex)',
    path: '/v1/responses',
    version: () => nodeVersion('apps', '@openai/codex'),
    tool: runs('exec_command', { cmd: COMMAND }),
  }),
  app('aider', {
    name: 'aider',
    types: '[`OPENAI_API_BASE=GATE/v1`, `OPENAI_API_KEY=KEY`](#aider)',
    path: CHAT,
    version: () => pythonVersion('apps', 'venv-aider', 'aider_chat'),
    tool: 'has none',
  }),
  app('opencode', {
    name: 'opencode',
    types: '[opencode.json](#opencode)',
    path: CHAT,
    version: () => nodeVersion('apps', 'opencode-linux-x64'),
    tool: runs('bash', { command: COMMAND, description: 'Says a number' }),
  }),
  app('continue', {
    name: 'Continue',
    types: '[config.yaml](#continue)',
    path: CHAT,
    version: () => nodeVersion('apps', '@continuedev/cli'),
    tool: runs('Bash', { command: COMMAND }),
  }),
  app('cline', {
    name: 'Cline',
    types: '[OpenAI Compatible](#cline)',
    path: CHAT,
    version: () => nodeVersion('apps', '@cline/cli-linux-x64'),
    tool: runs('run_commands', { commands: [COMMAND] }),
  }),
  app('pi', {
    name: 'pi',
    types: '[models.json](#pi)',
    path: CHAT,
    version: () => nodeVersion('apps', '@mariozechner/pi-coding-agent'),
    tool: runs('bash', { command: COMMAND }),
  }),
]
