import { make } from './dom.ts'
import type { Part, Piece } from './markdown.ts'

/**
 * Draws pieces as nodes, each in the place of the piece that was drawn there before. A node that
 * does not change stays, so that a selection, the focus and a sideways scroll are kept.
 */
export function redraw(place: Element, before: readonly Piece[], after: readonly Piece[]): void {
  // The nodes of these pieces are the last ones: what stands before them is done.
  const first = place.childNodes.length - before.length
  after.forEach((piece, at) => {
    const old = before[at]
    const node = place.childNodes[first + at]
    if (old === undefined || node === undefined) place.append(drawn(piece))
    else if (!changed(node, old, piece)) node.replaceWith(drawn(piece))
  })
  for (let extra = before.length - after.length; extra > 0; extra -= 1) place.lastChild?.remove()
}

/** Whether a node could be made to show another piece. */
function changed(node: ChildNode, old: Piece, piece: Piece): boolean {
  if (typeof old === 'string' || typeof piece === 'string') {
    if (typeof old !== typeof piece || !(node instanceof Text)) return false
    const [was, is] = [String(old), String(piece)]
    if (is.startsWith(was)) node.appendData(is.slice(was.length))
    else node.data = is
    return true
  }
  if (!(node instanceof HTMLElement) || !alike(old, piece)) return false
  redraw(contentOf(node), old.kids, piece.kids)
  return true
}

const alike = (a: Part, b: Part): boolean =>
  a.tag === b.tag &&
  a.href === b.href &&
  a.start === b.start &&
  a.align === b.align &&
  a.language === b.language

/** A code block and a table stand in a box of their own, in which they scroll sideways. */
const contentOf = (node: HTMLElement): Element =>
  node.querySelector(':scope > pre > code, :scope > table') ?? node

function drawn(piece: Piece): Node {
  if (typeof piece === 'string') return document.createTextNode(piece)
  const node = made(piece)
  contentOf(node).append(...piece.kids.map(drawn))
  return node
}

function made(part: Part): HTMLElement {
  if (part.tag === 'pre') return codeBox(part.language ?? '')
  const node = make(part.tag)
  if (node instanceof HTMLAnchorElement && part.href !== undefined) {
    node.href = part.href
    node.target = '_blank'
    node.rel = 'noopener noreferrer'
  }
  if (node instanceof HTMLOListElement && part.start !== undefined) node.start = part.start
  if (part.align !== undefined) node.className = part.align
  if (part.tag !== 'table') return node
  const around = scrolling(make('div', '', 'wide-table'), 'Table')
  around.append(node)
  return around
}

function codeBox(language: string): HTMLElement {
  const around = make('div', '', 'code')
  const head = make('div', '', 'code-head')
  const copy = make('button', 'Copy', 'copy-code')
  copy.type = 'button'
  copy.setAttribute('aria-label', 'Copy the code')
  head.append(make('span', language), copy)
  const pre = scrolling(make('pre'), 'Code')
  pre.append(make('code'))
  around.append(head, pre)
  return around
}

/** The keyboard can scroll it too. */
function scrolling<T extends HTMLElement>(node: T, name: string): T {
  node.tabIndex = 0
  node.setAttribute('role', 'group')
  node.setAttribute('aria-label', name)
  return node
}
