import { describe, expect, it } from 'vitest'
import { Roster } from '../../../src/floor/roster.ts'

const seated = (name: string) => ({ name, seat: -1 })
const names = (roster: Roster<ReturnType<typeof seated>>): string[] => {
  const all: string[] = []
  roster.each(({ name }) => all.push(name))
  return all.sort()
}

describe('Roster', () => {
  it('keeps who stands on it, whoever leaves', () => {
    const roster = new Roster<ReturnType<typeof seated>>()
    const [a, b, c] = ['a', 'b', 'c'].map(seated) as [
      ReturnType<typeof seated>,
      ReturnType<typeof seated>,
      ReturnType<typeof seated>,
    ]
    for (const one of [a, b, c]) roster.add(one)
    roster.delete(a)
    expect(names(roster)).toEqual(['b', 'c'])
    roster.delete(a)
    roster.delete(c)
    expect(names(roster)).toEqual(['b'])
    roster.delete(b)
    expect(roster.size).toBe(0)
    roster.add(a)
    expect(names(roster)).toEqual(['a'])
  })

  it('refuses one that stands on it already', () => {
    const roster = new Roster<ReturnType<typeof seated>>()
    const a = seated('a')
    roster.add(a)
    expect(() => roster.add(a)).toThrow('it stands on no roster')
  })

  it('visits each one once while they leave', () => {
    const roster = new Roster<ReturnType<typeof seated>>()
    for (let i = 0; i < 9; i += 1) roster.add(seated(`${i}`))
    const seen: string[] = []
    roster.each((one) => {
      seen.push(one.name)
      if (Number(one.name) % 2 === 0) roster.delete(one)
    })
    expect(seen.sort()).toEqual([...Array(9).keys()].map(String))
    expect(names(roster)).toEqual(['1', '3', '5', '7'])
  })
})
