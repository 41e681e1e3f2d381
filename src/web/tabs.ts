/**
 * Tabs as the ARIA practices describe them: one tab is in the tab order; the arrow keys, Home and End
 * choose another. `chosen` gets the id of the chosen tab, at the start that of the first.
 */
export function wireTabs(tabs: readonly HTMLElement[], chosen: (id: string) => void): void {
  const choose = (at: number, focus: boolean) => {
    const tab = tabs[(at + tabs.length) % tabs.length]
    for (const one of tabs) {
      one.setAttribute('aria-selected', String(one === tab))
      one.tabIndex = one === tab ? 0 : -1
    }
    if (tab === undefined) return
    if (focus) tab.focus()
    chosen(tab.id)
  }
  tabs.forEach((tab, at) => {
    tab.addEventListener('click', () => choose(at, false))
    tab.addEventListener('keydown', (event) => {
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key]
      if (to === undefined) return
      event.preventDefault()
      choose(to, true)
    })
  })
  choose(0, false)
}
