/**
 * Writes the table of settings into the documents that show it, between two markers. With --check
 * it writes nothing and fails where a document is out of date.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { envName, noEffectYet } from '../src/config/setting.ts'
import { BY_KEY, SHORT } from '../src/config/settings.ts'

const BEGIN = '<!-- settings: made by npm run docs -->'
const END = '<!-- /settings -->'
const DOCUMENTS = ['README.md', 'docs/configuration.md']

const cell = (text: string): string => text.replaceAll('|', '\\|')
const code = (text: string): string => (text === '' ? '' : `\`${text}\``)

/** The settings as a table in Markdown. */
export function settingsTable(): string {
  const short = new Map([...SHORT].map(([group, key]) => [key as string, group]))
  const rows = [...BY_KEY].map(([key, { flag, standard, doc, later }]) => {
    const negated = flag?.kind === 'switch' && flag.means === undefined
    const name = flag === undefined ? '' : `${flag.name} ${flag.value ?? ''}`.trim()
    const flags = negated ? `${code(name)}, ${code(`--no-${name.slice(2)}`)}` : code(name)
    const doing = later === noEffectYet ? `${doc}. *No effect yet*` : doc
    const env = code(envName(short.get(key) ?? key))
    return [code(key), flags, env, code(standard ?? ''), doing].map(cell)
  })
  const head = ['Setting', 'Flag', 'Environment', 'Default', 'What it does']
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('')
}

/** The document with the table as it is now; null where it has no place for one. */
export function withTable(document: string, table: string): string | null {
  const begin = document.indexOf(BEGIN)
  const end = document.indexOf(END, begin)
  if (begin === -1 || end === -1) return null
  return `${document.slice(0, begin + BEGIN.length)}\n\n${table}\n${document.slice(end)}`
}

function main(check: boolean): number {
  let code = 0
  for (const path of DOCUMENTS.filter((name) => existsSync(name))) {
    const before = readFileSync(path, 'utf8')
    const after = withTable(before, settingsTable())
    if (after === null) {
      console.error(`${path}: has no ${BEGIN} … ${END}`)
      code = 1
    } else if (after === before) continue
    else if (check) {
      console.error(`${path}: the table of settings is out of date: npm run docs`)
      code = 1
    } else writeFileSync(path, after)
  }
  return code
}

if (import.meta.main) process.exitCode = main(process.argv.includes('--check'))
