import { execFile } from 'node:child_process'
import { accessSync, constants, mkdirSync, renameSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { onLine } from '../floor/printable.ts'
import { Failed, interrupted } from './failed.ts'
import type { Host } from './host.ts'

const run = promisify(execFile)

/** The npm package that knows where cloudflared is to be had for which machine. */
const INSTALLER = 'cloudflared@0.7.3'
const WHERE =
  'https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/downloads/'
const WINDOWS = process.platform === 'win32'
const DOWNLOAD = `require('cloudflared').install(process.argv[1]).catch((error) => {
  console.error(error.message)
  process.exit(1)
})`
/** ms. 40 MB over a slow line. */
const PATIENCE = 600_000

/**
 * The cloudflared of this machine: the one that CLOUDFLARED_BIN names, else one on PATH, else the
 * one that was installed into the data folder before. Null: there is none.
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
 * The cloudflared that `--tunnel` cannot do without. Where there is none a person is asked, and on a
 * yes it is installed into the data folder; throws `Failed` (2) where nobody can be asked, or on a no.
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
 * No script of a package runs but the one that is asked for, in a process of its own: it is handed
 * neither keys nor this process's memory. A download that failed leaves an empty file behind, so
 * only a program that answers to `--version` is taken.
 */
async function install({ env, stderr }: Host, dataDir: string): Promise<string> {
  const [tool, bin] = [join(dataDir, 'tool'), join(dataDir, 'bin')]
  for (const folder of [tool, bin]) mkdirSync(folder, { recursive: true, mode: 0o700 })
  const options = { env: strangersEnv(env), timeout: PATIENCE, cwd: tool }
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

/** The npm that started this program, which needs no shell on any system; else the one on PATH. */
function npmOf({ npm_execpath: npm }: Host['env']): [string, ...string[]] {
  return npm?.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm']
}

/** Which registry, and what it asks of its users. */
const npmEnv = (env: Host['env']) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => /^npm_config_/i.test(name)))

const LENT =
  /^(?:PATH|Path|HOME|USERPROFILE|APPDATA|LOCALAPPDATA|TMPDIR|TEMP|TMP|SystemRoot|LANG|(?:https?|no|all)_proxy|SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|CLOUDFLARED_VERSION)$/i

/**
 * What another program is told of the environment: how to reach the network, no key that lies in it.
 * `TUNNEL_…` stays out too, so that the operator's own tunnels are not touched.
 */
export function strangersEnv(env: Host['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => LENT.test(name)))
}

/** What the program that failed said of it, in one line. */
function reason(error: unknown): string {
  const { message = '', stderr = '' } = error as { message?: string; stderr?: string }
  const said = stderr.split('\n').find((line) => /error|ENOTFOUND|ECONN|status/i.test(line))
  return onLine((said ?? message.split('\n')[0] ?? '').trim(), 200)
}
