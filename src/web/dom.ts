/**
 * The element with that id. Throws if the page has no such element of that kind: page and script are
 * built together, so that is a bug.
 */
export function el<T extends Element>(id: string, kind: new () => T): T {
  const found = document.getElementById(id)
  if (found instanceof kind) return found
  throw new Error(`the page has no ${kind.name} #${id}`)
}

export const button = (id: string): HTMLButtonElement => el(id, HTMLButtonElement)
export const input = (id: string): HTMLInputElement => el(id, HTMLInputElement)
export const box = (id: string): HTMLElement => el(id, HTMLElement)

/** A new element with text in it. The text is never parsed as markup (threats H6). */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = '',
  className = '',
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  made.textContent = text
  if (className !== '') made.className = className
  return made
}

/** Shows a problem in words, or nothing with ''. */
export function complain(id: string, text: string): void {
  const place = box(id)
  place.textContent = text
  place.hidden = text === ''
}

/** Says something to screen readers alone. */
export function announce(text: string): void {
  box('live').textContent = text
}

/** Opens a part of the page and moves the focus to its heading, so that keyboards land there. */
export function goTo(heading: HTMLElement): void {
  heading.focus({ preventScroll: true })
  const gently = matchMedia('(prefers-reduced-motion: no-preference)').matches
  heading.scrollIntoView({ block: 'nearest', behavior: gently ? 'smooth' : 'auto' })
}

/** Every button with `data-copy` copies the field or text that it names. */
export function wireCopying(): void {
  for (const one of document.querySelectorAll<HTMLButtonElement>('button[data-copy]')) {
    one.addEventListener('click', () => void copyFrom(one))
  }
}

/** A code block of an answer has a button that copies it. */
export function wireCodeCopying(place: HTMLElement): void {
  place.addEventListener('click', ({ target }) => {
    if (!(target instanceof HTMLButtonElement) || !target.classList.contains('copy-code')) return
    void showCopied(target, target.closest('.code')?.querySelector('code')?.textContent ?? '')
  })
}

function copyFrom(pressed: HTMLButtonElement): Promise<void> {
  const source = box(pressed.dataset.copy ?? '')
  return showCopied(
    pressed,
    source instanceof HTMLInputElement ? source.value : (source.textContent ?? ''),
  )
}

async function showCopied(pressed: HTMLButtonElement, text: string): Promise<void> {
  const copied = await copy(text)
  pressed.textContent = copied ? 'Copied' : 'Not allowed'
  announce(copied ? 'Copied.' : 'The browser does not allow copying. Select the text instead.')
  setTimeout(() => {
    pressed.textContent = 'Copy'
  }, 1_500)
}

/** A page over plain http has no clipboard API. There the older way still works. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = make('textarea', text, 'hidden')
    document.body.append(area)
    const before = document.activeElement
    area.select()
    const copied = document.execCommand('copy')
    area.remove()
    if (before instanceof HTMLElement) before.focus()
    return copied
  }
}
