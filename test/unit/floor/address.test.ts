import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLoopback, isPrivate, readNetwork } from '../../../src/floor/address.ts'

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

describe('what no service of the public has', () => {
  it.each([
    'localhost',
    'a.localhost',
    '127.0.0.1',
    '0.0.0.0',
    '0.1.2.3',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '3232235521',
    '[::]',
    '[::1]',
    '[::ffff:10.0.0.1]',
    '[fc00::1]',
    '[fd00::1]',
    '[fe80::1]',
    '[64:ff9b::a00:1]',
  ])('%s is private', (host) => {
    expect(isPrivate(host)).toBe(true)
  })

  it.each([
    'example.com',
    '127.0.0.1.nip.io',
    '93.184.216.34',
    '172.32.0.1',
    '192.169.0.1',
    '100.128.0.1',
    '[2001:db8::1]',
    '[2606:2800:220:1::1]',
    'abc.onion',
    '',
  ])('%s is not', (host) => {
    expect(isPrivate(host)).toBe(false)
  })
})

describe('a network', () => {
  it.each(['10.0.0.0/8', '10.0.0.7', 'fd00::/8', '::1', '::ffff:10.0.0.0/104', '0.0.0.0/0'])(
    '%s is one',
    (text) => {
      expect(readNetwork(text)).not.toBeNull()
    },
  )

  it.each([
    '',
    '10.1/8',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '::/129',
    'fe80::1%eth0',
    'a',
  ])('%j is not valid', (text) => {
    expect(readNetwork(text)).toBeNull()
  })
})
