import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Config } from '../../../src/config/config.ts'
import { load } from '../../../src/config/load.ts'

/** The files of `docs/running.md` for systemd and Docker must fit the program that they start. */

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** The settings of a run with this environment. Throws if the program would not start. */
function configOf(env: Readonly<Record<string, string>>): Config {
  const nothing = { cwd: '/app', home: '/app', readFile: () => ({ ok: false }) as never }
  const loaded = load({ flags: {}, env, ...nothing })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  return loaded.value.config
}

/** ms that a stop may take: running answers, lingering connections, and background work. */
const stopping = (config: Config): number => config.timeouts.shutdownMs + 2_000 + 2_000
const seconds = (text: string): number => Number(/^(\d+)s?$/.exec(text)?.[1]) * 1_000

describe('examples/systemd/satgate.service', () => {
  const lines = read('examples/systemd/satgate.service').split('\n')
  const all = (key: string) =>
    lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []))
  const one = (key: string) => all(key).join(' ')

  it('gives running answers their time, and stops the program alone', () => {
    expect(seconds(one('TimeoutStopSec'))).toBeGreaterThan(stopping(configOf({})))
    expect(one('KillMode')).toBe('mixed')
  })

  it('starts again what failed, and not what a person has to look at', () => {
    expect(one('Restart')).toBe('on-failure')
    expect(one('RestartPreventExitStatus').split(' ')).toEqual(['2', '4'])
  })

  it('lets Node compile, and the program write to its data folder alone', () => {
    expect(all('MemoryDenyWriteExecute')).toEqual([])
    expect(one('ProtectSystem')).toBe('strict')
    expect(one('StateDirectoryMode')).toBe('0700')
    expect(one('ExecStart')).toContain(`--data-dir /var/lib/${one('StateDirectory')}`)
    expect(one('User')).not.toMatch(/^(?:|root)$/)
  })
})

describe('the Dockerfile and examples/compose', () => {
  const compose = parse(read('examples/compose/compose.yaml'))
  const caddy = parse(read('examples/compose/compose.caddy.yaml'))
  const image = Object.fromEntries(
    [...(/^ENV (SATGATE_.*)$/m.exec(read('Dockerfile'))?.[1] ?? '').matchAll(/(\w+)=(\S+)/g)].map(
      ([, name = '', value = '']) => [name, value],
    ),
  )
  const { satgate, ollama } = compose.services
  const alone = configOf({ ...image, ...satgate.environment })

  it('starts with the settings that it is given, where its port and its volume are', () => {
    expect(alone).toMatchObject({ host: '0.0.0.0', upstream: 'http://ollama:11434' })
    expect(satgate.ports).toEqual([`127.0.0.1:3000:${alone.port}`])
    expect(satgate.volumes).toEqual([`satgate:${alone.dataDir}`])
    expect(existsSync(join(ROOT, 'examples/compose', satgate.build, 'Dockerfile'))).toBe(true)
  })

  it('has its time to stop', () => {
    expect(seconds(satgate.stop_grace_period)).toBeGreaterThan(stopping(alone))
  })

  it('keeps no log for ever, which strangers could fill a disk with', () => {
    for (const { logging } of [satgate, ollama, caddy.services.caddy]) {
      expect(logging.options).toEqual({ 'max-size': '50m', 'max-file': '5' })
    }
    expect(read('docs/running.md')).toMatch(/docker run -d [^`]*--log-opt max-size=/)
  })

  it('lets nobody but the gate reach the model server', () => {
    expect(ollama.ports).toBeUndefined()
    expect(caddy.services.ollama).toBeUndefined()
  })

  it('believes Caddy about where a request comes from, and nobody else', () => {
    const named = Object.entries<string>(caddy.services.satgate.environment).map(
      ([name, value]) => [name, value.replace(/\$\{DOMAIN[^}]*\}/, 'llm.example.com')],
    )
    const behind = configOf({ ...image, ...satgate.environment, ...Object.fromEntries(named) })
    const address = caddy.services.caddy.networks.default.ipv4_address
    expect(behind).toMatchObject({
      publicUrl: 'https://llm.example.com',
      trustedProxies: [address],
    })
    expect(caddy.networks.default.ipam.config[0].subnet).toBe(address.replace(/\.\d+$/, '.0/24'))
    expect(read('examples/compose/Caddyfile')).toContain(`satgate:${behind.port}`)
  })
})
