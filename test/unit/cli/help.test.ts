/**
 * Each file of test/golden/help is the help of a command at a width. UPDATE_GOLDEN=1 writes what is
 * printed now, and removes the files of removed commands.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Command } from '../../../src/cli/commands/command.ts'
import { satgate } from '../../../src/cli/commands/index.ts'
import { BY_KEY } from '../../../src/config/settings.ts'
import { satgateAt } from '../../support/command-line.ts'

const FOLDER = new URL('../../golden/help/', import.meta.url)
const WIDTHS = [80, 120]
const UPDATE = process.env.UPDATE_GOLDEN === '1'

/** The words of every command: `[]` is satgate itself. */
const pathsOf = ({ commands = [] }: Command): string[][] => [
  [],
  ...commands.flatMap((one) => pathsOf(one).map((rest) => [one.name, ...rest])),
]
const PATHS = pathsOf(satgate)

const fileOf = (path: readonly string[], width: number) =>
  `${['satgate', ...path].join('-')}-${width}.txt`

const help = (path: readonly string[], columns: number | null, colour = false) =>
  satgateAt({ columns, colour }, ...path, '--help')

describe('--help', () => {
  if (UPDATE) {
    rmSync(FOLDER, { recursive: true, force: true })
    mkdirSync(FOLDER, { recursive: true })
  }
  const cases = PATHS.flatMap((path) => WIDTHS.map((width) => [path, width] as const))

  it.each(cases)('of %j at %d columns', async (path, width) => {
    const { code, stdout, stderr } = await help(path, width)
    expect([code, stderr]).toEqual([0, ''])
    const golden = new URL(fileOf(path, width), FOLDER)
    if (UPDATE) writeFileSync(golden, stdout)
    expect(stdout).toBe(readFileSync(golden, 'utf8'))
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(width)
  })

  it('has a golden file for each command, and for nothing else', () => {
    const names = cases.map(([path, width]) => fileOf(path, width))
    expect(readdirSync(FOLDER).sort()).toEqual(names.sort())
  })

  it.each(PATHS)(
    '%s %s is the same with weight, and 80 columns wide when piped',
    async (...path) => {
      const words = path.filter((word) => word !== undefined)
      const weighty = (await help(words, 80, true)).stdout
      const plain = (await help(words, null)).stdout
      expect(weighty).not.toBe(plain)
      expect(stripVTControlCharacters(weighty)).toBe(plain)
    },
  )

  it('is also printed by satgate help', async () => {
    const { code, stdout } = await satgateAt({}, 'help', 'ledger')
    expect([code, stdout]).toEqual([0, (await help(['ledger'], null)).stdout])
  })

  it.each([
    ['pass sell --help', 'sell', 'satgate pass'],
    ['ledger book --help', 'book', 'satgate ledger'],
    ['shop --help', 'shop', 'satgate'],
    ['help shop', 'shop', 'satgate'],
  ])('%s says that there is no such command', async (typed, word, group) => {
    const { code, stdout, stderr } = await satgateAt({}, ...typed.split(' '))
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toBe(`satgate: there is no command "${word}". See ${group} --help\n`)
  })

  it('begins with real money, and shows no flag without effect', async () => {
    const { stdout } = await help([], 120)
    const [first] = stdout.slice(stdout.indexOf('Examples:')).split('\n').slice(1)
    expect(first).toContain('satgate --upstream http://localhost:11434 ')
    for (const { flag, later } of BY_KEY.values()) {
      if (flag !== undefined && later !== undefined && flag.help !== undefined)
        expect(flag.name).toBe('--upstream')
    }
    expect(stdout).not.toMatch(/--free|--mode\b/)
  })

  it('shows the flags of the gate for commands that start a gate, and for no others', async () => {
    for (const path of [[], ['run']]) expect((await help(path, 120)).stdout).toContain('--payout')
    for (const path of PATHS.filter(([name]) => !['run', undefined].includes(name))) {
      const { stdout } = await help(path, 120)
      expect(stdout).not.toMatch(/^ {2}--payout|^ {2}--tunnel/m)
      expect(stdout).toContain('Flags of the gate: satgate run --help')
      for (const flag of ['--config', '--data-dir', '--json']) expect(stdout).toContain(flag)
    }
  })
})

describe('--version', () => {
  it.each(['-v', '--version'])('%s prints the version of the package', async (flag) => {
    const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
    const { version } = JSON.parse(text) as { version: string }
    expect(await satgateAt({}, flag)).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})
