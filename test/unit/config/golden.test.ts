/**
 * Each file of test/golden/config is a case: a command line, then lines `NAME=value`, then files
 * under `── name [mode]`, then the output under `── exit N`, with stderr behind `! `. For a new
 * case, write a new file with any text under its last rule; UPDATE_GOLDEN=1 replaces that text by
 * the real output.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { describe, expect, it } from 'vitest'
import { checkOutcome } from '../../../src/cli/commands/check.ts'
import type { Outcome } from '../../../src/cli/commands/command.ts'
import { configOutcome } from '../../../src/cli/commands/config.ts'
import { flagsTable } from '../../../src/config/flags.ts'
import type { LoadInput } from '../../../src/config/load.ts'
import { CWD, HOME, readFrom, type TestFiles } from './world.ts'

const FOLDER = new URL('../../golden/config/', import.meta.url)

interface Case {
  readonly argv: readonly string[]
  readonly env: Record<string, string>
  readonly files: TestFiles
  /** All text before the output. */
  readonly given: string
  readonly output: string
}

function readCase(text: string): Case {
  const [head = '', ...sections] = text.split(/^── /m)
  const [command = '', ...variables] = head.split('\n').filter((line) => !/^(#|$)/.test(line))
  const output = sections.pop() ?? ''
  const files: TestFiles = {}
  for (const section of sections) {
    const cut = section.indexOf('\n')
    const [name = '', mode = '600'] = section.slice(0, cut).split(' ')
    files[name] = { text: section.slice(cut + 1), mode: Number.parseInt(mode, 8) }
  }
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map((word) => word[1] ?? word[2] ?? '')
  const env = Object.fromEntries(
    variables.map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
  )
  const given = text.slice(0, text.lastIndexOf('── '))
  return { argv: words.slice(2), env, files, given, output: `── ${output}` }
}

/** Runs the command line. Commander knows the flags only from the table. */
function run({ argv, env, files }: Case): Outcome {
  const command = new Command().argument('<verb>').argument('[file]').option('--config <file>')
  const collect = (value: string, before: string[] = []) => [...before, value]
  for (const { flag, negatable } of flagsTable) {
    const value = flag.kind === 'switch' ? '' : ` <${flag.value}>`
    const option = new Option(`${flag.name}${value}`)
    command.addOption(flag.kind === 'pair' ? option.argParser(collect) : option)
    if (negatable) command.addOption(new Option(`--no-${flag.name.slice(2)}`))
  }
  const [verb, file] = command.parse([...argv], { from: 'user' }).args
  const { json = false, ...flags } = command.opts<{ json?: boolean }>()
  const input: LoadInput = { flags, env, cwd: CWD, home: HOME, readFile: readFrom(files) }
  return verb === 'check' ? checkOutcome(input, { file, json }) : configOutcome(input, json)
}

const shown = ({ code, stdout, stderr }: Outcome): string =>
  `── exit ${code}\n${stdout}${stderr.replace(/^(?=.)/gm, '! ')}`

describe('golden configs', () => {
  for (const name of readdirSync(FOLDER).sort()) {
    it(name.replace('.txt', '').replaceAll('-', ' '), () => {
      const path = new URL(name, FOLDER)
      const golden = readCase(readFileSync(path, 'utf8'))
      const output = shown(run(golden))
      if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, `${golden.given}${output}`)
      else expect(output).toBe(golden.output)
    })
  }
})
