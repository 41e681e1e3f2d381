import { describe, expect, it } from 'vitest'
import { splitSats } from '../../../src/wallets/ecash/mint/sats.ts'
import { normalMintUrl } from '../../../src/wallets/ecash/mint/url.ts'

describe('E1 the address of a mint', () => {
  it.each([
    ['https://mint.example', 'https://mint.example'],
    ['https://Mint.EXAMPLE/', 'https://mint.example'],
    ['HTTPS://mint.example:443//', 'https://mint.example'],
    ['https://mint.example:8443/', 'https://mint.example:8443'],
    ['https://mint.minibits.cash/Bitcoin/', 'https://mint.minibits.cash/Bitcoin'],
    ['https://mint.example/a/../b', 'https://mint.example/b'],
    ['https://münt.example', 'https://xn--mnt-hoa.example'],
    ['http://127.0.0.1:3338', 'http://127.0.0.1:3338'],
    ['http://localhost:3338/', 'http://localhost:3338'],
    ['http://[::1]:3338', 'http://[::1]:3338'],
    [`http://${'a'.repeat(56)}.onion/`, `http://${'a'.repeat(56)}.onion`],
  ])('%s is %s', (text, normal) => {
    expect(normalMintUrl(text)).toBe(normal)
    expect(normalMintUrl(normal)).toBe(normal)
  })

  it.each([
    '',
    'mint.example',
    'http://mint.example',
    'http://127.0.0.1.example',
    'http://localhost.example',
    'http://onion',
    'http://short.onion',
    'ftp://mint.example',
    'file:///etc/passwd',
    'https://me@mint.example',
    'https://me:secret@mint.example',
    'https://mint.example?',
    'https://mint.example/?a=b',
    'https://mint.example/#',
    'https://mint.example./',
    'https://mint.example//Bitcoin',
    'https://mint.example\\Bitcoin',
    ' https://mint.example',
    'https://mint.exa\nmple',
    `https://mint.example/${'a'.repeat(500)}`,
  ])('%j is no address', (text) => {
    expect(normalMintUrl(text)).toBe(null)
  })
})

describe('sats as the amounts of a keyset', () => {
  it.each([
    [0, []],
    [1, [1]],
    [21, [1, 4, 16]],
    [31, [1, 2, 4, 8, 16]],
    [32, [16, 16]],
    [70, [2, 4, 16, 16, 16, 16]],
  ])('%d are %j', (sat, split) => {
    expect(splitSats(sat, [1, 2, 4, 8, 16])).toEqual(split)
  })

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('%d cannot be split', (sat) => {
    expect(() => splitSats(sat, [1, 2, 4])).toThrow('cannot be split')
  })
})
