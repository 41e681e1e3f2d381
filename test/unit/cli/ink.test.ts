import { describe, expect, it } from 'vitest'
import { hang, inkOf } from '../../../src/cli/terminal.ts'
import { printable, printableInInk } from '../../../src/floor/printable.ts'

const ESC = String.fromCharCode(27)

describe('text on a terminal', () => {
  it('has no weight and no colour if none are shown', () => {
    const ink = inkOf({ colour: false })
    expect(ink.bold('satgate')).toBe('satgate')
    expect(ink.red('PROBLEM')).toBe('PROBLEM')
  })

  it('J22 keeps its own colours, and no other control sequence', () => {
    const ink = inkOf({ colour: true })
    const own = Object.values(ink).map((of) => of('a'))
    expect(own.every((text) => text.startsWith(ESC))).toBe(true)
    for (const text of own) {
      expect(printableInInk(text)).toBe(text)
      expect(printable(text)).not.toContain(ESC)
    }
    for (const sequence of [
      `${ESC}[8m`,
      `${ESC}[2J`,
      `${ESC}[7m`,
      `${ESC}]0;title`,
      `${ESC}[38;5;1m`,
    ]) {
      expect(printableInInk(`a${sequence}b`)).not.toContain(ESC)
    }
  })

  it('is wrapped under its own beginning, and long words stay whole', () => {
    expect(hang('  wallet  ', 'one two three four five six', 30)).toBe(
      '  wallet  one two three four\n          five six',
    )
    const address = `http://127.0.0.1:3000/${'a'.repeat(60)}`
    expect(hang('  ', `see ${address}`, 40)).toBe(`  see\n  ${address}`)
    expect(hang('  ', 'one two three four five six', null)).toBe('  one two three four five six')
  })
})
