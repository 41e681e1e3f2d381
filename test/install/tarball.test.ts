import { copyFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brokenLinks } from '../support/links.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'
import { buy, pageOf, payInPlay } from './buy.ts'
import { Machine, registryMissing } from './machine.ts'

/** Everything at the top of the package. */
const TOP = [
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'bench',
  'dist',
  'docs',
  'examples',
  'package.json',
  'satgate.yaml.example',
]
/** The most bytes of the packed file and of its content. */
const [PACKED, UNPACKED] = [1_500_000, 4_000_000]

interface Manifest {
  readonly name: string
  readonly version: string
  readonly scripts?: Readonly<Record<string, string>>
}

const manifestOf = (path: string): Manifest => JSON.parse(readFileSync(path, 'utf8'))

/** Files below a folder, as paths in it. */
const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  )

describe.skipIf(registryMissing !== null)('the packed tarball', () => {
  let machine: Machine
  let unpacked: string
  let file: string
  let version: string
  let backend: FakeUpstream

  /** A new empty folder with only the tarball in it. */
  const elsewhere = (name: string): string => {
    const folder = machine.empty(name)
    copyFileSync(machine.path('packed', file), join(folder, file))
    return folder
  }

  beforeAll(async () => {
    machine = new Machine()
    unpacked = machine.path('unpacked/package')
    const script = { deltas: ['Hel', 'lo'], models: [{ id: 'fake', object: 'model' }] }
    backend = await startFakeUpstream(script)
    const clone = machine.clone()
    const packed = machine.empty('packed')
    machine.empty('unpacked')
    const line = `npm ci && npm pack --pack-destination ${packed} && tar -xzf ${packed}/*.tgz -C ../unpacked`
    const { code, stdout, stderr } = await machine.run(line, clone)
    expect(code, stdout + stderr).toBe(0)
    file = readdirSync(packed)[0] ?? ''
    version = manifestOf(join(clone, 'package.json')).version
  })
  afterAll(async () => {
    await backend?.close()
    machine?.remove()
  })

  it('has all that is needed, and nothing else', () => {
    expect(file).toBe(`satgate-${version}.tgz`)
    expect(readdirSync(unpacked).sort()).toEqual(TOP)
    const files = filesBelow(unpacked)
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/bin/satgate.js',
        'dist/web/index.html',
        'dist/web/licenses.md',
        'docs/README.md',
      ]),
    )
    const strange = /\.(?:ts|map|tgz|db|pyc)$|(?:^|\/)(?:node_modules|test)\/|package-lock/
    expect(files.filter((name) => strange.test(name))).toEqual([])
    expect(readdirSync(join(unpacked, 'dist')).sort()).toEqual(['bin', 'src', 'web'])
    const programs = files.filter((name) => /\.(?:js|css)$/.test(name))
    const text = (name: string) => readFileSync(join(unpacked, name), 'utf8')
    expect(programs.filter((name) => text(name).includes('sourceMappingURL'))).toEqual([])
  })

  it('is small', () => {
    const sizes = filesBelow(unpacked).map((name) => statSync(join(unpacked, name)).size)
    const whole = sizes.reduce((sum, size) => sum + size, 0)
    const packed = statSync(machine.path('packed', file)).size
    console.log(`${file}: ${packed} bytes packed, ${whole} unpacked, ${sizes.length} files`)
    expect(packed).toBeLessThan(PACKED)
    expect(whole).toBeLessThan(UNPACKED)
  })

  it('has no link, picture or anchor that leads nowhere', () => {
    expect(brokenLinks(unpacked)).toEqual([])
  })

  it('names no address that nobody has', () => {
    const manifest = manifestOf(join(unpacked, 'package.json'))
    expect(Object.keys(manifest)).toEqual(
      expect.arrayContaining(['description', 'keywords', 'license', 'bin', 'engines']),
    )
    for (const key of ['repository', 'homepage', 'bugs', 'private'])
      expect(manifest).not.toHaveProperty(key)
  })

  it('serves a paid answer and the page by npx, in an empty folder', async () => {
    const line = `npx --yes -p ./${file} satgate --upstream ${backend.base.origin} --wallet play --port 0`
    const gate = await machine.gate(line, elsewhere('by npx'), machine.pinned)
    const { cost, text } = await buy(gate.url, (invoice) => payInPlay(gate.url, invoice))
    const page = await pageOf(gate.url)
    const assets = [...page.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? '')
    const answers = await Promise.all(assets.map((path) => fetch(gate.url + path)))
    const { stdout } = await gate.stop()
    expect([text, cost > 0]).toEqual(['Hello', true])
    expect(assets.some((path) => path.endsWith('.js'))).toBe(true)
    expect(answers.filter(({ status }) => status !== 200).map(({ url }) => url)).toEqual([])
    expect(stdout).toContain('"event":"stopped"')
  })

  it('is a command after npm install -g, and runs no script of anybody on the way', async () => {
    const folder = elsewhere('global')
    const line = `npm install -g --prefix there ./${file} && there/bin/satgate --version`
    const { code, stdout, stderr } = await machine.run(line, folder, machine.pinned)
    expect([code, stdout.trim().split('\n').at(-1)], stderr).toEqual([0, version])
    const modules = join(folder, 'there/lib/node_modules')
    const manifests = filesBelow(modules).filter((name) => name.endsWith('package.json'))
    expect(manifests.length).toBeGreaterThan(20)
    const scripted = manifests.filter((name) => {
      const scripts = manifestOf(join(modules, name)).scripts ?? {}
      const native = existsSync(join(modules, name, '../binding.gyp'))
      return native || ['preinstall', 'install', 'postinstall'].some((on) => on in scripts)
    })
    expect(scripted).toEqual([])
  })

  it('says on Node 20 which command works, and that command works', async () => {
    const folder = elsewhere('on node 20')
    const env = await machine.node20()
    const refused = await machine.run(`npx --yes ./${file} --version`, folder, env)
    const [, old, command = ''] =
      /^satgate needs Node 22\.13 or newer, this is (\S+)\. Run it with: (npx .+)$/m.exec(
        refused.stderr,
      ) ?? []
    expect([refused.code, old?.split('.')[0]], refused.stderr).toEqual([1, '20'])
    // It starts the file that is here: a package of that name elsewhere may be another program.
    expect(command).toMatch(/^npx -p node@24 node "\/.*satgate[^/]*"$/)
    const works = command.replace('npx', 'npx --yes')
    const { stdout, stderr, code } = await machine.run(`${works} --version`, folder, env)
    expect([code, stdout.trim()], stderr).toEqual([0, version])
  })
})
