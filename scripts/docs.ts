/**
 * Writes the parts of docs/configuration.md that are generated from the settings, each between two
 * markers: the table of settings, and the list of settings without an effect yet. With --check it
 * writes nothing, and fails if the document is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { envName, noEffectYet } from '../src/config/setting.ts'
import { BY_KEY, SHORT } from '../src/config/settings.ts'

const DOCUMENT = 'docs/configuration.md'

const cell = (text: string): string => text.replaceAll('|', '\\|')
const code = (text: string): string => (text === '' ? '' : `\`${text}\``)
const rows = [...BY_KEY]

/** The settings that have an effect, as a table in Markdown. */
function settingsTable(): string {
  const short = new Map([...SHORT].map(([group, key]) => [key as string, group]))
  const cells = rows
    .filter(([, { later }]) => later !== noEffectYet)
    .map(([key, { flag, standard, doc }]) => {
      const negated = flag?.kind === 'switch' && flag.means === undefined
      const name = flag === undefined ? '' : `${flag.name} ${flag.value ?? ''}`.trim()
      const flags = negated ? `${code(name)}, ${code(`--no-${name.slice(2)}`)}` : code(name)
      const env = code(envName(short.get(key) ?? key))
      return [code(key), flags, env, code(standard ?? ''), doc].map(cell)
    })
  const head = ['Setting', 'Flag', 'Environment', 'Default', 'What it does']
  return [head, head.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |\n`).join('')
}

/** The settings that are read and checked but have no effect in this version. */
function withoutEffect(): string {
  return rows
    .filter(([, { later }]) => later === noEffectYet)
    .map(([key, { flag, doc }]) => {
      const name = flag === undefined ? '' : ` (\`${flag.name}\`)`
      return `- \`${key}\`${name}: ${doc}\n`
    })
    .join('')
}

const PARTS: Readonly<Record<string, () => string>> = {
  settings: settingsTable,
  'without effect': withoutEffect,
}

/** The document with every generated part as it is now. */
export function withParts(document: string): string {
  return Object.entries(PARTS).reduce((text, [name, make]) => {
    const open = `<!-- ${name}: made by npm run docs -->`
    const begin = text.indexOf(open)
    const end = text.indexOf(`<!-- /${name} -->`, begin)
    if (begin === -1 || end === -1) throw new Error(`${DOCUMENT}: has no place for ${name}`)
    return `${text.slice(0, begin + open.length)}\n\n${make()}\n${text.slice(end)}`
  }, document)
}

function main(check: boolean): number {
  const before = readFileSync(DOCUMENT, 'utf8')
  const after = withParts(before)
  if (after === before) return 0
  if (check) {
    console.error(`${DOCUMENT}: is out of date: npm run docs`)
    return 1
  }
  writeFileSync(DOCUMENT, after)
  return 0
}

if (import.meta.main) process.exitCode = main(process.argv.includes('--check'))
