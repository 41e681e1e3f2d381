import { describe, expect, it } from 'vitest'
import { BY_KEY } from '../../../src/config/settings.ts'
import { KINDS, kindOf, USUAL } from '../../../src/wallets/kinds.ts'

describe('the table of wallets', () => {
  it('names each kind once, in one word', () => {
    const names = KINDS.map(({ kind }) => kind)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(/^[a-z]+$/)
    expect(kindOf('another')).toBeUndefined()
  })

  it.each(KINDS)('$kind takes settings that there are, and needs some of those', (row) => {
    for (const name of row.takes) expect([...BY_KEY.keys()]).toContain(`wallet.${name}`)
    for (const name of Object.keys(row.needs)) expect(row.takes).toContain(name)
    expect(row.key !== null).toBe(row.takes.includes('key'))
  })

  it('has a default wallet that needs nothing and holds real money', () => {
    expect(USUAL.needs).toEqual({})
    expect(USUAL.isPlay).toBe(false)
  })

  it.each(KINDS)(
    '$kind is in the help, in the docs and in the message about a wrong kind',
    (row) => {
      const { doc, flag, read } = BY_KEY.get('wallet.kind') ?? expect.unreachable()
      expect(doc).toContain(row.named.docs)
      expect(flag?.help?.[1]).toContain(row.named.help)
      const said: string[] = []
      const at = { layer: 'flag', name: '--wallet', folder: '/' } as const
      read({ is: 'text', text: 'another', at }, {
        mistake: (_: unknown, what: string) => void said.push(what),
      } as unknown as Parameters<typeof read>[1])
      expect(said.join()).toContain(row.named.message)
    },
  )
})
