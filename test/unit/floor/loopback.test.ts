import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLoopback } from '../../../src/floor/loopback.ts'

describe('this very machine', () => {
  it.each([
    'localhost',
    'LocalHost',
    'localhost.',
    '127.0.0.1',
    '127.0.0.1.',
    '127.255.255.254',
    '127.1',
    '0x7f.1',
    '0x7f000001',
    '2130706433',
    '017700000001',
    '::1',
    '[::1]',
    '0:0:0:0:0:0:0:1',
    '[0:0:0:0:0:0:0:1]',
    '::ffff:127.0.0.1',
    '[::ffff:127.9.8.7]',
    '::FFFF:7F00:1',
  ])('%s is', (host) => {
    expect(isLoopback(host)).toBe(true)
  })

  it.each([
    '',
    '.',
    '127.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1.nip.io',
    '127.0.0.evil',
    '127-0-0-1.example',
    '127.0.0.256',
    '127.0.0.1.1',
    '128.0.0.1',
    '126.255.255.255',
    '1270.0.0.1',
    '0.0.0.0',
    '0',
    '::',
    '::2',
    '::127.0.0.1',
    '::ffff:128.0.0.1',
    '::ffff:0:127.0.0.1',
    '64:ff9b::7f00:1',
    'fe80::1',
    '::1%eth0',
    '[::1',
    '::1]',
    '[127.0.0.1]',
    '[localhost]',
    'localhost..',
    'localhost.evil.example',
    'evil.localhost',
    'localhost:80',
    '127.0.0.1:80',
    'evil@127.0.0.1',
    '127.0.0.1/x',
    '127.0.0.1#.evil.example',
    '127.0.0.1\\.evil.example',
    '127.0.0.1 ',
    '１２７.0.0.1',
    'ｌocalhost',
    '%6cocalhost',
    'lо\u200dcalhost',
  ])('%j is not', (host) => {
    expect(isLoopback(host)).toBe(false)
  })

  it('is never a name below somebody’s domain, however it begins', () => {
    const label = fc.stringMatching(/^[a-z0-9-]{1,12}$/)
    fc.assert(
      fc.property(
        fc.constantFrom('127', '127.0.0.1', 'localhost', '0x7f'),
        label,
        (start, below) => {
          expect(isLoopback(`${start}.${below}.example`)).toBe(false)
          expect(isLoopback(`${below}.${start}.example`)).toBe(false)
        },
      ),
    )
  })
})
