import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * Every promise is handled. The lint forbids statements that are promises, and `void`. This test
 * checks what the lint cannot see: emitters, whose unhandled errors end the process, and callbacks
 * of timers.
 */
const ROOT = join(import.meta.dirname, '../..')
const sources = ['src', 'bin']
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }).filter(
      (found) => found.isFile() && found.name.endsWith('.ts'),
    ),
  )
  .map((found) => relative(ROOT, join(found.parentPath, found.name)).split(sep).join('/'))
  .filter((path) => !path.startsWith('src/web/'))
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))

/** Calls that make an emitter. `gateServer` returns its server to its callers. */
const MAKES =
  /(?<![.\w]|function )(?:createServer|gateServer|spawn|createInterface)\(|\.library\.request\(|\bnew (?:Client|Worker|WebSocket|EventEmitter)\((?!\{)/g
const DIALS = /import \{[^}]*\bconnect\b[^}]*\} from 'node:net'/
const LISTENS = /\bon\('error'|addEventListener\('error'/g

const unheard = ({ path, text }: { path: string; text: string }): string[] => {
  const dials = DIALS.test(text) ? (text.match(/(?<![.\w])connect\(/g)?.length ?? 0) : 0
  const made = (text.match(MAKES)?.length ?? 0) + dials
  const heard = text.match(LISTENS)?.length ?? 0
  return made > heard ? [`${path}: ${made} made, ${heard} heard`] : []
}

/** Callbacks whose promise nobody handles. */
const CALLS = /(?:queueMicrotask|nextTick|(?<!background)\.on(?:ce)?|addEventListener)\(/
const TAKEN = new RegExp(
  `${CALLS.source}\\s*(?:'[^']*',\\s*)?async\\b|createServer\\(\\s*async\\b|(?:\\.after|\\bevery)\\([^)]*?,\\s*async\\b`,
  'g',
)
const TIMED =
  /(?:\.after\([^,]+|\bevery\([\w.#]*world,[^,]+),\s*(?:\(\) => )?(?:this\.)?(?!#world|#parts)(#?\w+)/g

const dropped = ({ path, text }: { path: string; text: string }): string[] => {
  const literal = [...text.matchAll(TAKEN)].map(([found]) => `${path}: ${found}`)
  const named = [...text.matchAll(TIMED)].flatMap(([, name = '']) => {
    const asynchronous = new RegExp(
      `async (?:function )?${name}\\(|\\b${name} = async\\b|(?<![\\w#])${name}\\([^)]*\\): Promise<`,
    )
    return asynchronous.test(text) ? [`${path}: ${name}`] : []
  })
  return [...literal, ...named]
}

describe('J11 every emitter has an owner', () => {
  it('J11 each file that makes one listens to its errors', () => {
    const files = sources.filter(({ path }) => path !== 'src/http/server.ts')
    expect(files.flatMap(unheard)).toEqual([])
  })

  it.each([
    ['const s = createServer(() => {})', 1],
    ["const s = createServer(() => {})\ns.on('error', () => {})", 0],
    [
      "import { connect } from 'node:net'\nconst a = connect(1)\nconst b = connect(2)\na.on('error', () => {})",
      1,
    ],
    ["const s = new WebSocket(url)\ns.addEventListener('error', end)", 0],
  ])('J11 that rule reads %j', (text, found) => {
    expect(unheard({ path: 'a.ts', text })).toHaveLength(found)
  })
})

describe('J12 no callback drops a promise', () => {
  it('J12 timers and listeners take no asynchronous function', () => {
    expect(sources.flatMap(dropped)).toEqual([])
  })

  it.each([
    ['every(world, 1, async () => {})', 1],
    ['world.after(1, async () => {})', 1],
    ["lines.once('line', async (line) => {})", 1],
    ['createServer(async (request) => {})', 1],
    ['function refresh(): Promise<void> {}\nevery(world, 1, refresh)', 1],
    ['async #round() {}\nevery(world, 1, () => this.#round())', 1],
    ['#round(): void {}\nevery(world, 1, () => this.#round())', 0],
    ['const round = () => {}\nworld.after(1, round)', 0],
  ])('J12 that rule reads %j', (text, found) => {
    expect(dropped({ path: 'a.ts', text })).toHaveLength(found)
  })
})

describe('J12 the lint', () => {
  it('J12 forbids floating promises everywhere, and void in the product', () => {
    const { linter, overrides } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'))
    expect(linter.rules).toMatchObject({
      complexity: { noVoid: 'error' },
      nursery: { noFloatingPromises: 'error', noMisusedPromises: 'error' },
    })
    for (const { includes, linter: own } of overrides) {
      expect(own.rules.nursery?.noFloatingPromises).toBeUndefined()
      const product = includes.filter((path: string) => /^(?:src|bin)/.test(path))
      if (own.rules.complexity?.noVoid === 'off')
        expect(product.join()).toMatch(/^(?:src\/web\/\*\*)?$/)
    }
  })
})
