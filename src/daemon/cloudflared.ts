import { execFile } from 'node:child_process'
import { accessSync, constants, mkdirSync, renameSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { onLine } from '../floor/printable.ts'
import { Failed, interrupted } from './failed.ts'
import type { Host } from './host.ts'

const run = promisify(execFile)

/** The npm package that knows which download of cloudflared fits a machine. */
const INSTALLER = 'cloudflared@0.7.3'
const WHERE =
  'https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/downloads/'
const WINDOWS = process.platform === 'win32'
const DOWNLOAD = `require('cloudflared').install(process.argv[1]).catch((error) => {
  console.error(error.message)
  process.exit(1)
})`
/** ms. 40 MB over a slow line. */
const INSTALL_WITHIN = 600_000

/**
 * Finds cloudflared: the one that CLOUDFLARED_BIN names, else one on PATH, else the one that
 * satgate installed into the data folder before. Null if there is none.
 */
export function findCloudflared({ env }: Pick<Host, 'env'>, dataDir: string): string | null {
  const named = env.CLOUDFLARED_BIN
  if (named !== undefined && named !== '') return isProgram(named) ? named : null
  const onPath = (env.PATH ?? env.Path ?? '').split(delimiter).filter((folder) => folder !== '')
  const candidates = [...onPath, join(dataDir, 'bin')].flatMap((folder) =>
    (WINDOWS ? ['cloudflared.exe'] : ['cloudflared']).map((name) => join(folder, name)),
  )
  return candidates.find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/**
 * Finds the cloudflared that `--tunnel` needs. If there is none, a person is asked, and after a yes
 * it is installed into the data folder. Throws `Failed` (2) after a no, or if nobody can be asked.
 */
export async function needCloudflared(host: Host, dataDir: string): Promise<string> {
  const found = findCloudflared(host, dataDir)
  if (found !== null) return found
  const missing = `--tunnel needs cloudflared, and there is none (CLOUDFLARED_BIN, PATH, ${join(dataDir, 'bin')}). Install it: npm install --global ${INSTALLER}, or ${WHERE}`
  if (host.ask === null) {
    throw new Failed(`${missing}. On a terminal satgate --tunnel offers to install it`, 2)
  }
  const question = `install cloudflared from GitHub (about 40 MB) into ${join(dataDir, 'bin')}? [y/N] `
  const answer = await host.ask(question)
  if (answer === 'interrupted') throw interrupted()
  if (answer === 'closed' || !/^y(es)?$/i.test(answer.typed.trim())) throw new Failed(missing, 2)
  host.stderr.write('satgate: installing cloudflared\n')
  try {
    return await install(host, dataDir)
  } catch (error) {
    throw new Failed(`cloudflared could not be installed: ${reason(error)}. ${missing}`)
  }
}

/**
 * Installs the npm package without its install scripts, and runs its download in a process of its
 * own, whose environment holds no keys. A download that failed leaves an empty file behind, so only
 * a program that answers `--version` is used.
 */
async function install({ env, stderr }: Host, dataDir: string): Promise<string> {
  const [tool, bin] = [join(dataDir, 'tool'), join(dataDir, 'bin')]
  for (const folder of [tool, bin]) mkdirSync(folder, { recursive: true, mode: 0o700 })
  const options = { env: strangersEnv(env), timeout: INSTALL_WITHIN, cwd: tool }
  const flags = ['--prefix', tool, '--ignore-scripts', '--no-audit', '--no-fund']
  const [npm, ...npmArgs] = npmOf(env)
  const registry = { ...options, env: { ...options.env, ...npmEnv(env) } }
  await run(npm, [...npmArgs, 'install', ...flags, INSTALLER], registry)
  stderr.write('satgate: downloading from github.com/cloudflare/cloudflared\n')
  const name = WINDOWS ? 'cloudflared.exe' : 'cloudflared'
  const fresh = join(bin, `new-${name}`)
  await run(process.execPath, ['-e', DOWNLOAD, fresh], options)
  const { stdout } = await run(fresh, ['--version'], options)
  if (!stdout.startsWith('cloudflared version')) throw new Error('what came is no cloudflared')
  renameSync(fresh, join(bin, name))
  stderr.write(`satgate: installed ${onLine(stdout.trim().split('\n')[0] ?? '', 100)}\n`)
  return join(bin, name)
}

/** The npm that started this program, because it needs no shell; else the one on PATH. */
function npmOf({ npm_execpath: npm }: Host['env']): [string, ...string[]] {
  return npm?.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm']
}

/** The settings of npm: the registry and its credentials. */
const npmEnv = (env: Host['env']) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => /^npm_config_/i.test(name)))

const LENT =
  /^(?:PATH|Path|HOME|USERPROFILE|APPDATA|LOCALAPPDATA|TMPDIR|TEMP|TMP|SystemRoot|LANG|(?:https?|no|all)_proxy|SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|CLOUDFLARED_VERSION)$/i

/**
 * The environment for another program: how to reach the network, and no keys. `TUNNEL_…` is left
 * out too, so that the operator's own tunnels are not touched.
 */
export function strangersEnv(env: Host['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => LENT.test(name)))
}

/** The error of the program that failed, in one line. */
function reason(error: unknown): string {
  const { message = '', stderr = '' } = error as { message?: string; stderr?: string }
  const said = stderr.split('\n').find((line) => /error|ENOTFOUND|ECONN|status/i.test(line))
  return onLine((said ?? message.split('\n')[0] ?? '').trim(), 200)
}
