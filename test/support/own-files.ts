import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
/** What a build or an installation makes in a clone. */
const MADE = /(?:^|\/)(?:node_modules|dist|\.git|\.venv|__pycache__)(?:\/|$)/

/**
 * The files of the project, as paths from its root: those that git tracks or would track. If there
 * is no git or no repository, all files that no build made.
 */
export function ownFiles(): readonly string[] {
  // A checkout may belong to another user of the machine.
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others']
  const git = spawnSync('git', [...args, '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
  const listed = git.status === 0 ? git.stdout.split('\0').filter((name) => name !== '') : inTree()
  return [...new Set(listed)].filter((name) => existsSync(join(ROOT, name)))
}

const inTree = (): readonly string[] =>
  readdirSync(ROOT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((name) => !MADE.test(name))
