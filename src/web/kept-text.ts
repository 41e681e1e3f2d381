/**
 * One text that the browser keeps over a reload, because it is money on its way. '' if there is none.
 * If the browser keeps nothing, it is kept for as long as the page is open.
 */
export class KeptText {
  readonly #name: string
  #text = ''

  constructor(name: string) {
    this.#name = name
    try {
      this.#text = localStorage.getItem(name) ?? ''
    } catch {}
  }

  get text(): string {
    return this.#text
  }

  set text(text: string) {
    this.#text = text
    try {
      if (text === '') localStorage.removeItem(this.#name)
      else localStorage.setItem(this.#name, text)
    } catch {}
  }
}
