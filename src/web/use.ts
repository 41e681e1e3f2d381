import { box, el, input } from './dom.ts'
import { SNIPPETS, type Use } from './snippets.ts'
import { wireTabs } from './tabs.ts'

/** The snippets for the key in use. */
export class UseIt {
  #tab: string = 'curl'
  #use: Use | null = null

  constructor() {
    const tabs = [...document.querySelectorAll<HTMLElement>('[role=tab]')]
    wireTabs(tabs, (id) => {
      this.#tab = id.replace('tab-', '')
      this.#render()
    })
  }

  /** Null hides them, because without a key they would not run. */
  show(use: Use | null): void {
    this.#use = use
    box('use').hidden = use === null
    this.#render()
  }

  #render(): void {
    const use = this.#use
    const webui = this.#tab === 'webui'
    box('panel').hidden = webui
    box('panel-webui').hidden = !webui
    box('panel').setAttribute('aria-labelledby', `tab-${this.#tab}`)
    input('webui-url').value = use?.baseUrl ?? ''
    input('webui-key').value = use?.key ?? ''
    const write = Object.entries(SNIPPETS).find(([name]) => name === this.#tab)?.[1]
    el('snippet', HTMLPreElement).textContent = use === null || !write ? '' : write(use)
  }
}
