/**
 * satgate beside other proxies, in one run: the same completions, streams and calm hours through
 * each. Those that are not on the machine are installed for the run, by the package registries, into
 * a folder that is removed after it. README.md says what cannot be compared.
 *
 * npm run bench:peers [-- --write] [-- --in FOLDER]
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { launch, type Running, residentMb, startOurs, startUpstream, stopAll } from './processes.ts'
import { median, number, type Target, table, writeReadme } from './report.ts'
import { type Bench, measure, wrongAnswer } from './rounds.ts'
import { freePort, reachable, startBare, startNginx, startSatgate } from './targets.ts'
import type { Kind } from './work.ts'
import type { Sample, Work } from './works.ts'

const run = promisify(execFile)
/** The longest time that an installation may take, in ms. */
const INSTALL_MS = 240_000
const CALM = 40

interface Peer {
  readonly name: Target
  /** What it does with each request of this bench. */
  readonly does: string
  /** `installed` is the folder for what has to be installed. Null if it is not to be had. */
  start(upstream: number, folder: string, installed: string): Promise<Running | null>
}

const PEERS: readonly Peer[] = [
  { name: 'bare', does: 'passes bytes', start: startBare },
  { name: 'nginx', does: 'passes bytes', start: startNginx },
  {
    name: 'satgate',
    does: 'verifies a pass, prices, holds, counts, settles on disk, logs',
    start: (upstream, folder) =>
      startSatgate(upstream, { entry: join(import.meta.dirname, '../bin/satgate.ts'), folder }),
  },
  { name: 'LiteLLM', does: 'compares a key, parses and writes all anew', start: startLiteLlm },
  { name: 'Portkey', does: 'parses and writes all anew', start: startPortkey },
]

const WORKS: readonly Work[] = [
  {
    name: 'completions',
    kind: 'whole',
    job: { connections: 16, seconds: 3, rampMs: 200 },
    figures: [
      [column('completions/s'), (of) => of.perSecond],
      [column('CPU each, µs'), cpu],
    ],
  },
  {
    name: 'bursts',
    kind: 'burst',
    job: { connections: 16, seconds: 3, rampMs: 200 },
    figures: [
      [column('100-event streams/s'), (of) => of.perSecond],
      [column('CPU each, µs'), cpu],
    ],
  },
  {
    name: 'calm',
    kind: 'whole',
    job: { connections: 16, seconds: 3, rampMs: 500 },
    paced: { rate: CALM, requests: 160 },
    figures: [[column(`p50 at ${CALM}/s, ms`, 2), (of) => of.p50 ?? Number.NaN]],
  },
]

function column(name: string, digits = 0) {
  return { name, digits, judged: 'plain', goal: null } as const
}

function cpu(of: Sample): number {
  return (of.cpu * 1e6) / of.perSecond
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: { write: { type: 'boolean', default: false }, in: { type: 'string' } },
  })
  const folder = mkdtempSync(join(tmpdir(), 'satgate-peers-'))
  const installed = options.in === undefined ? join(folder, 'installed') : resolve(options.in)
  mkdirSync(installed, { recursive: true })
  try {
    const upstream = await startUpstream()
    const targets = new Map<Target, Running>([['direct', upstream]])
    const notes: string[] = []
    for (const { name, start } of PEERS) {
      const target = await start(upstream.port, join(folder, name), installed).catch(
        (error: Error) => {
          notes.push(`${name} is not in the table: ${error.message.split('\n')[0]}`)
          return null
        },
      )
      if (target !== null) targets.set(name, target)
    }
    const warm = { requests: 10_000, seconds: 8 }
    const common = { load: startOurs('load.ts'), targets, wrong: [], rounds: 3, shorter: 1, warm }
    const text = [await tableOf(common, notes), ...notes.map((note) => `- ${note}`)].join('\n\n')
    console.log(`\n${text}`)
    if (common.wrong.length > 0) throw new Error(common.wrong.join('\n'))
    if (options.write) writeReadme('npm run bench:peers -- --write', text)
  } finally {
    await stopAll()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function tableOf(bench: Bench, notes: string[]): Promise<string> {
  const columns: {
    name: string
    digits: number
    values: Readonly<Record<Target, readonly number[]>>
  }[] = []
  for (const work of WORKS) {
    const names: Target[] = []
    for (const [name, target] of bench.targets) {
      const wrong = await wrongAnswer(target, work.kind)
      if (wrong === null) names.push(name)
      else notes.push(`${name} does not do ${work.name}: ${wrong}`)
    }
    const measured = await measure(bench, work, names)
    columns.push(...measured.map(({ figure, values }) => ({ ...figure, values })))
  }
  const rows = [...bench.targets].map(([name, target]) => [
    name,
    ...columns.map(({ values, digits }) => number(median(values[name] ?? []), digits)),
    name === 'direct' ? '–' : number(residentMb(target), 0),
    PEERS.find((peer) => peer.name === name)?.does ?? 'no proxy',
  ])
  return table(['', ...columns.map(({ name }) => name), 'memory after, MB', 'does'], rows)
}

/** The newest LiteLLM of which all parts can be installed. */
async function startLiteLlm(upstream: number, folder: string, installed: string): Promise<Running> {
  const venv = join(installed, 'litellm')
  const [pip, program] = [join(venv, 'bin/pip'), join(venv, 'bin/litellm')]
  if (!existsSync(program)) {
    await run('python3', ['-m', 'venv', venv], { timeout: INSTALL_MS })
    const wanted = ['litellm[proxy]==1.106.0', 'prisma']
    await run(pip, ['-q', 'install', '--only-binary', ':all:', ...wanted], { timeout: INSTALL_MS })
  }
  const port = await freePort()
  const base = `http://127.0.0.1:${upstream}/v1`
  const kinds: readonly Kind[] = ['whole', 'burst', 'paced']
  const config = {
    model_list: kinds.map((kind) => ({
      model_name: kind,
      litellm_params: { model: `openai/${kind}`, api_base: base, api_key: 'none' },
    })),
    general_settings: { master_key: 'sk-bench' },
    litellm_settings: { telemetry: false, num_retries: 0 },
  }
  mkdirSync(folder)
  // JSON is YAML.
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config))
  const flags = ['--host', '127.0.0.1', '--port', String(port), '--telemetry', 'False']
  const child = launch([program, '--config', join(folder, 'config.yaml'), ...flags], {
    on: 'proxy',
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { HOME: folder, LITELLM_LOCAL_MODEL_COST_MAP: 'True', DISABLE_ADMIN_UI: 'True' },
    cwd: folder,
  })
  await reachable(child, port, 90_000)
  return { child, port, headers: ['authorization: Bearer sk-bench'] }
}

async function startPortkey(upstream: number, folder: string, installed: string): Promise<Running> {
  const program = join(installed, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  if (!existsSync(program)) {
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefix', installed]
    const wanted = '@portkey-ai/gateway@1.15.2'
    await run('npm', ['install', ...flags, wanted], { timeout: INSTALL_MS })
  }
  mkdirSync(folder)
  const port = await freePort()
  const child = launch([process.execPath, program, `--port=${port}`, '--headless'], {
    on: 'proxy',
    stdio: ['ignore', 'ignore', 'ignore'],
    cwd: folder,
  })
  await reachable(child, port, 20_000)
  const host = `x-portkey-custom-host: http://127.0.0.1:${upstream}/v1`
  return {
    child,
    port,
    headers: ['authorization: Bearer none', 'x-portkey-provider: openai', host],
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stopAll().then(() => process.exit(1)))
await main()
