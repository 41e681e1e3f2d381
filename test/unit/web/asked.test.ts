import { describe, expect, it } from 'vitest'
import { AskedInvoices, adoption } from '../../../src/web/asked.ts'
import { Keys, looksLikeKey } from '../../../src/web/keys.ts'

const path = (n: number) =>
  `/invoice-status/${n.toString(16).padStart(64, '0')}?token=${'a'.repeat(64)}`

/** Works like the storage of a browser. */
function storage(): Storage {
  const kept = new Map<string, string>()
  return {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  } as Storage
}

describe('J23 the_page_adopts_only_keys_it_asked_for', () => {
  it.each([
    [{ asked: true, unpaid: true }, 0, 'keep'],
    [{ asked: true, unpaid: false }, 3, 'keep'],
    [{ asked: false, unpaid: true }, 0, 'mark'],
    [{ asked: false, unpaid: true }, 1, 'ask'],
    [{ asked: false, unpaid: false }, 0, 'ask'],
    [{ asked: false, unpaid: false }, 2, 'ask'],
  ] as const)('J23 %j with %i keys: %s', (shown, keys, what) => {
    expect(adoption(shown, keys)).toBe(what)
  })

  it('J23 an invoice that was asked for is known after a reload, and in another tab', () => {
    const store = storage()
    const one = new AskedInvoices(store)
    const other = new AskedInvoices(store)
    one.add(path(1))
    other.add(path(2))
    for (const page of [one, other, new AskedInvoices(store)]) {
      expect([page.has(path(1)), page.has(path(2)), page.has(path(3))]).toEqual([true, true, false])
    }
    expect(one.has(path(1).replace(/a{64}$/, 'b'))).toBe(true)
    expect([one.has('/'), one.has('/invoice-status/x'), one.has('')]).toEqual([false, false, false])
  })

  it('J23 a paid one leaves nothing behind', () => {
    const store = storage()
    const page = new AskedInvoices(store)
    for (const n of [1, 2]) page.add(path(n))
    page.forget(path(1))
    expect([page.has(path(1)), page.has(path(2))]).toEqual([false, true])
    page.forget(path(2))
    expect(store.getItem('satgate.asked')).toBe(null)
  })

  it('J23 a browser that keeps nothing knows them as long as the page is open', () => {
    const page = new AskedInvoices(null)
    page.add(path(1))
    expect(page.has(path(1))).toBe(true)
    expect(new AskedInvoices(null).has(path(1))).toBe(false)
  })

  it('J23 what is remembered is bounded, and nonsense in its place is ignored', () => {
    const store = storage()
    const page = new AskedInvoices(store)
    for (let n = 0; n < 300; n += 1) page.add(path(n))
    expect([page.has(path(299)), page.has(path(200)), page.has(path(199))]).toEqual([
      true,
      true,
      false,
    ])
    for (const nonsense of ['{', '{"0":1}', '[1,null]', 'null']) {
      store.setItem('satgate.asked', nonsense)
      expect(new AskedInvoices(store).has(path(1))).toBe(false)
    }
  })
})

describe('J23 a key that came by a link', () => {
  const key = (n: number) => `${'A'.repeat(60)}:${n.toString(16).padStart(64, '0')}`

  it('J23 stays marked until its owner says otherwise, also after a reload', () => {
    const store = storage()
    const keys = new Keys(store)
    keys.use(key(1))
    keys.use(key(2), 'link')
    const again = new Keys(store)
    expect([again.isFromLink(key(1)), again.isFromLink(key(2))]).toEqual([false, true])
    again.use(key(2))
    expect(again.isFromLink(key(2))).toBe(true)
    again.trust(key(2))
    expect(new Keys(store).isFromLink(key(2))).toBe(false)
  })

  it('J23 bought here again or forgotten, it leaves no mark', () => {
    const store = storage()
    const keys = new Keys(store)
    keys.use(key(1), 'link')
    keys.forget(key(1))
    expect(keys.isFromLink(key(1))).toBe(false)
    expect(store.getItem('satgate.linked')).toBe(null)
    expect(looksLikeKey(key(1))).toBe(true)
  })
})
