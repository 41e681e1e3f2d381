import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
/** What is made, or installed, in a clone. */
const MADE = /(?:^|\/)(?:node_modules|dist|\.git|\.venv|__pycache__)(?:\/|$)/

/**
 * The project's own files, by paths from its root: those that git keeps or would keep. Where there is
 * no git, or no repository, those that nothing made.
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
