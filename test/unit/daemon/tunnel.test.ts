import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { findCloudflared, needCloudflared, strangersEnv } from '../../../src/daemon/cloudflared.ts'
import type { Answer, Host } from '../../../src/daemon/host.ts'
import { Tunnel, type TunnelOptions } from '../../../src/daemon/tunnel.ts'
import { tunnelChance } from '../../../src/daemon/tunnel-choice.ts'
import { alive } from '../../support/alive.ts'
import { until } from '../../support/buyer.ts'
import { type FakeCloudflared, fakeCloudflared } from '../../support/cloudflared.ts'
import { real, TestWorld } from '../../support/world.ts'

const clean: (() => unknown)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-tunnel-'))
  clean.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function fakeOf(): FakeCloudflared {
  const fake = fakeCloudflared()
  clean.push(() => fake.remove())
  return fake
}

/** Writes a file that can be run. */
function script(path: string, text: string): string {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

describe('the process', () => {
  const opened = (fake: FakeCloudflared, more: Partial<TunnelOptions> = {}) => {
    const said: string[] = []
    const tunnel = new Tunnel({
      world: real,
      program: fake.program,
      port: 9,
      folder: folderOf(),
      env: { ...process.env, OPENAI_API_KEY: 'sk-operator', TUNNEL_TOKEN: 'theirs' },
      graceMs: 5_000,
      pause: { first: 50, most: 200 },
      onUp: (url) => said.push(`up ${url}`),
      onDown: () => said.push('down'),
      ...more,
    })
    clean.push(() => tunnel.close())
    return { tunnel, said }
  }

  it('is read for its address', async () => {
    const { tunnel, said } = opened(fakeOf())
    expect(await tunnel.first(10_000)).toBe('https://fake-words-1.trycloudflare.com')
    expect(tunnel.url).toBe('https://fake-words-1.trycloudflare.com')
    expect(said).toEqual(['up https://fake-words-1.trycloudflare.com'])
  })

  it('gets no key and nothing of the tunnels that the operator has', async () => {
    const fake = fakeOf()
    const { tunnel } = opened(fake)
    await tunnel.first(10_000)
    const { args, env } = await fake.spoken()
    expect(JSON.stringify(env)).not.toMatch(/sk-operator|TUNNEL_TOKEN/)
    expect(args.slice(0, 2)).toEqual(['tunnel', '--no-autoupdate'])
    expect(args.slice(-2)).toEqual(['--url', 'http://127.0.0.1:9'])
    const config = args[args.indexOf('--config') + 1] ?? ''
    expect(readFileSync(config, 'utf8')).toMatch(/^#.*\n\{\}\n$/)
  })

  it('that ends is started again, with a new address', async () => {
    const fake = fakeOf()
    const { tunnel, said } = opened(fake)
    await tunnel.first(10_000)
    process.kill((await fake.spoken()).pid, 'SIGKILL')
    await until(() => said.length === 3)
    expect(said).toEqual([
      'up https://fake-words-1.trycloudflare.com',
      'down',
      'up https://fake-words-2.trycloudflare.com',
    ])
  })

  it('is tried with longer and longer pauses, and reports nothing while it fails', async () => {
    const fake = fakeOf()
    fake.behave('dies')
    const { tunnel, said } = opened(fake)
    expect(await tunnel.first(10_000)).toBe(null)
    await fake.spoken(3)
    expect(said).toEqual([])
    fake.behave('well')
    await until(() => tunnel.url !== null)
    expect(said).toEqual([`up ${tunnel.url}`])
  })

  it.each(['no address', 'no connection'] as const)('with %s is no tunnel', async (how) => {
    const fake = fakeOf()
    fake.behave(how)
    const world = new TestWorld()
    const { tunnel } = opened(fake, { world, startMs: 30_000 })
    expect(await tunnel.first(300)).toBe(null)
    const { pid } = await fake.spoken()
    fake.behave('well')
    world.skip(30_000)
    await until(() => tunnel.url !== null)
    await until(() => !alive(pid))
  })

  it('ends when it is closed, also while it starts', async () => {
    const fake = fakeOf()
    const { tunnel } = opened(fake)
    await tunnel.first(10_000)
    const { pid } = await fake.spoken()
    await tunnel.close()
    await until(() => !alive(pid))
    const early = opened(fake).tunnel
    await early.close()
    const before = fake.starts
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(fake.starts).toBe(before)
  })

  it('that cannot be run means that there is no tunnel, and can be closed', async () => {
    const fake = fakeOf()
    const { tunnel } = opened(fake, { program: join(fake.folder, 'not-there') })
    expect(await tunnel.first(10_000)).toBe(null)
    await tunnel.close()
  })
})

describe('where cloudflared is', () => {
  it('CLOUDFLARED_BIN, then PATH, then what was installed before', () => {
    const [dataDir, onPath, named] = [folderOf(), folderOf(), folderOf()]
    const find = (env: Host['env']) => findCloudflared({ env }, dataDir)
    expect(find({ PATH: onPath })).toBe(null)
    mkdirSync(join(dataDir, 'bin'))
    const installed = script(join(dataDir, 'bin', 'cloudflared'), '')
    expect(find({ PATH: onPath })).toBe(installed)
    expect(find({})).toBe(installed)
    const there = script(join(onPath, 'cloudflared'), '')
    expect(find({ PATH: `/nowhere:${onPath}` })).toBe(there)
    const other = script(join(named, 'cf'), '')
    expect(find({ PATH: onPath, CLOUDFLARED_BIN: other })).toBe(other)
    expect(find({ PATH: onPath, CLOUDFLARED_BIN: join(named, 'gone') })).toBe(null)
  })

  it('a folder or a file that cannot be run does not count', () => {
    const onPath = folderOf()
    mkdirSync(join(onPath, 'cloudflared'))
    expect(findCloudflared({ env: { PATH: onPath } }, folderOf())).toBe(null)
    const other = folderOf()
    writeFileSync(join(other, 'cloudflared'), '')
    expect(findCloudflared({ env: { PATH: other } }, folderOf())).toBe(null)
  })

  it('another program gets the variables for the network, and no others', () => {
    const env = { PATH: '/bin', https_proxy: 'http://p', SATGATE_WALLET_KEY: 'x', TUNNEL_URL: 'y' }
    expect(strangersEnv(env)).toEqual({ PATH: '/bin', https_proxy: 'http://p' })
  })
})

describe('--tunnel without cloudflared', () => {
  /** An npm that installs `program` where npm would put it. */
  const npmThat = (program: string): string => {
    const folder = folderOf()
    const lib = `exports.install = async (to) => require('fs').writeFileSync(to, ${JSON.stringify(program)}, { mode: 0o755 })`
    script(
      join(folder, 'npm'),
      `#!/bin/sh\necho "$@" > ${folder}/asked\nmkdir -p node_modules/cloudflared\ncat > node_modules/cloudflared/index.js <<'LIB'\n${lib}\nLIB\n`,
    )
    return folder
  }
  const hostOf = (answer: Answer | null, path: string) => {
    const asked: string[] = []
    let said = ''
    const host = {
      env: { PATH: `${path}:/usr/bin:/bin` },
      stderr: {
        write: (text: string) => (said += text),
        terminal: true,
        colour: false,
        columns: () => null,
      },
      ask:
        answer === null
          ? null
          : async (question: string) => {
              asked.push(question)
              return answer
            },
    } as Pick<Host, 'env' | 'stderr' | 'ask'> as Host
    return { host, asked, said: () => said }
  }

  it('without a terminal says what to install, and exits with 2', async () => {
    const { host } = hostOf(null, '')
    await expect(needCloudflared(host, folderOf())).rejects.toMatchObject({
      name: 'Failed',
      code: 2,
      message: expect.stringMatching(/npm install --global cloudflared@\d/),
    })
  })

  it.each<Answer>([...['', 'n', 'no', 'yikes'].map((typed) => ({ typed })), 'closed'])(
    'asks, and %j is a no',
    async (answer) => {
      const folder = folderOf()
      const { host, asked } = hostOf(answer, '')
      await expect(needCloudflared(host, folder)).rejects.toMatchObject({ code: 2 })
      expect(asked).toEqual([
        `install cloudflared from GitHub (about 40 MB) into ${folder}/bin? [y/N] `,
      ])
      expect(existsSync(join(folder, 'bin'))).toBe(false)
    },
  )

  it('Ctrl+C at that question exits with 130', async () => {
    const { host } = hostOf('interrupted', '')
    await expect(needCloudflared(host, folderOf())).rejects.toMatchObject({ code: 130 })
  })

  it('installs it on a yes, runs no script of a package, and finds it the next time', async () => {
    const folder = folderOf()
    const npm = npmThat('#!/bin/sh\necho cloudflared version 2026.11.0\n')
    const { host, said } = hostOf({ typed: 'y' }, npm)
    const path = join(folder, 'bin', 'cloudflared')
    expect(await needCloudflared(host, folder)).toBe(path)
    expect(readFileSync(join(npm, 'asked'), 'utf8')).toMatch(
      /--ignore-scripts.* cloudflared@0\.7\.3/,
    )
    expect(said()).toContain('installed cloudflared version 2026.11.0')
    expect(findCloudflared({ env: {} }, folder)).toBe(path)
  })

  it.each([
    ['an empty file', ''],
    ['a program that ends with an error', '#!/bin/sh\nexit 1\n'],
  ])('%s is not used as cloudflared', async (_, program) => {
    const folder = folderOf()
    const { host } = hostOf({ typed: 'y' }, npmThat(program))
    const refused = expect(needCloudflared(host, folder)).rejects
    await refused.toMatchObject({ name: 'Failed', code: 1 })
    expect(findCloudflared({ env: {} }, folder)).toBe(null)
  })
})

describe('whether a tunnel may open by itself', () => {
  const chance = (settings: object, path = fakeOf().folder) => {
    const dataDir = folderOf()
    const config = { tunnel: 'auto', host: '127.0.0.1', publicUrl: null, dataDir, ...settings }
    return tunnelChance({ env: { PATH: path } } as never, config as never)
  }

  it.each(['127.0.0.1', 'localhost', '::1', '127.9.9.9'])('on %s it may', async (host) => {
    expect(await chance({ host })).toMatchObject({ why: 'auto', program: expect.any(String) })
  })

  it.each(['127.evil.example', '127.0.0.1.evil.example', 'localhost.evil.example', '0.0.0.0'])(
    'on %s, which is not this machine alone, it does not',
    async (host) => {
      expect(await chance({ host })).toEqual({ program: null, why: 'host_is_open' })
    },
  )

  it.each([
    [{ tunnel: 'off' }, 'turned_off'],
    [{ tunnel: 'free' }, 'something_is_free'],
    [{ tunnel: 'play' }, 'play_money'],
    [{ publicUrl: 'https://x.example' }, 'public_url'],
  ])('with %j it does not', async (settings, why) => {
    expect(await chance(settings)).toEqual({ program: null, why })
  })

  it('not without a cloudflared', async () => {
    expect(await chance({}, folderOf())).toEqual({ program: null, why: 'no_cloudflared' })
  })
})
