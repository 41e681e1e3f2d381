import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')
const linesOf = (name: string) => readFileSync(join(ROOT, name), 'utf8').split('\n')

/** The paths that the lines of a Dockerfile copy from the build context. */
const copied = (lines: readonly string[]): readonly string[] =>
  lines
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
    .flatMap((line) => line.split(/\s+/).slice(1, -1))

it('the Dockerfile copies only files that are there and that .dockerignore lets through', () => {
  const [first, ...rest] = linesOf('.dockerignore')
  expect(first).toBe('*')
  const allowed = new Set(rest.filter((line) => line.startsWith('!')).map((line) => line.slice(1)))
  const needed = copied(linesOf('Dockerfile'))
  expect(needed).toContain('package.json')
  expect(needed.filter((name) => !existsSync(join(ROOT, name)))).toEqual([])
  expect(needed.filter((name) => !allowed.has(name))).toEqual([])
})
