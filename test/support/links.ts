import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import GithubSlugger from 'github-slugger'
import type { Nodes } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { toString as textOf } from 'mdast-util-to-string'

/** Folders that contain documents of others. */
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', '.git', 'dist', 'coverage'])

/** The Markdown documents below a folder, as paths with `/`. */
export function documentsBelow(root: string): readonly string[] {
  const found: string[] = []
  const visit = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) visit(path)
      else if (entry.isFile() && entry.name.endsWith('.md')) found.push(path)
    }
  }
  visit(root)
  return found.map((path) => relative(root, path).split(sep).join('/')).sort()
}

interface Outline {
  /** The targets of links and images, as they are written. */
  readonly targets: readonly string[]
  /** The anchors that GitHub makes of the headings, and those that HTML names. */
  readonly anchors: ReadonlySet<string>
}

/** What a document links to, and what can be linked to in it. */
export function outlineOf(markdown: string): Outline {
  const slugger = new GithubSlugger()
  const targets: string[] = []
  const anchors = new Set<string>()
  const visit = (node: Nodes) => {
    if (node.type === 'link' || node.type === 'image' || node.type === 'definition')
      targets.push(node.url)
    if (node.type === 'heading') anchors.add(slugger.slug(textOf(node)))
    if (node.type === 'html') {
      for (const [, url = ''] of node.value.matchAll(/\b(?:href|src|srcset)="([^"]*)"/g))
        targets.push(url)
      for (const [, name = ''] of node.value.matchAll(/\b(?:id|name)="([^"]*)"/g)) anchors.add(name)
    }
    if ('children' in node) for (const child of node.children) visit(child)
  }
  visit(fromMarkdown(markdown))
  return { targets, anchors }
}

/**
 * Every relative link, image and anchor in the documents below `root` that leads nowhere, each as
 * `DOCUMENT: TARGET`. A target outside `root` counts as missing. Absolute addresses are not
 * followed.
 */
export function brokenLinks(root: string, documents = documentsBelow(root)): readonly string[] {
  const outlines = new Map<string, Outline>()
  const outline = (path: string): Outline => {
    const known = outlines.get(path) ?? outlineOf(readFileSync(path, 'utf8'))
    outlines.set(path, known)
    return known
  }
  const leads = (document: string, target: string): boolean => {
    if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(target)) return true
    const [path = '', anchor] = target.split('#', 2).map(decodeURIComponent)
    const file = path === '' ? document : resolve(dirname(document), path)
    if (relative(root, file).startsWith('..') || !existsSync(file)) return false
    if (anchor === undefined) return true
    return file.endsWith('.md') && statSync(file).isFile() && outline(file).anchors.has(anchor)
  }
  return documents.flatMap((name) => {
    const document = join(root, name)
    const dead = outline(document).targets.filter((target) => !leads(document, target))
    return dead.map((target) => `${name}: ${target}`)
  })
}
