import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { networkOf, readIp } from '../../../src/floor/address.ts'
import { makeClients, makeTunnelClients } from '../../../src/http/clients.ts'
import { fakeRequest } from '../../support/serve.ts'

const salt = Buffer.from('a salt of this process')
const clients = (trustedProxies: string[] = [], onHidden = () => {}) =>
  makeClients({ trustedProxies, salt, onHidden })
const from = (peer: string, forwarded?: string) =>
  fakeRequest(peer, forwarded === undefined ? {} : { 'X-Forwarded-For': forwarded })

describe('D3 one client, one key', () => {
  it.each([
    ['1.2.3.4', '::ffff:1.2.3.4'],
    ['1.2.3.4', '::FFFF:102:304'],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['fe80::1', 'fe80::1%eth0'],
  ])('D3 %s and %s are the same', (one, other) => {
    expect(clients().of(from(one))).toEqual(clients().of(from(other)))
  })

  it.each([
    ['1.2.3.4', '1.2.3.5'],
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['::1.2.3.4', '1.2.3.4'],
  ])('D3 %s and %s are two', (one, other) => {
    expect(clients().of(from(one))).not.toEqual(clients().of(from(other)))
  })

  it('D3 the key tells nothing about the address, and another process has another key', () => {
    const key = clients().of(from('1.2.3.4')).client
    expect(key).toMatch(/^[\w-]{22}$/)
    const other = makeClients({ trustedProxies: [], salt: Buffer.from('another') })
    expect(other.of(from('1.2.3.4')).client).not.toBe(key)
  })

  it('a socket without an address is a client too', () => {
    expect(clients().of(fakeRequest(undefined)).client).toMatch(/^[\w-]{22}$/)
  })
})

describe('D3 X-Forwarded-For', () => {
  const believed = (trusted: string[], peer: string, forwarded: string) =>
    clients(trusted).of(from(peer, forwarded))
  it.each<[string, string[], string, string, string]>([
    ['without trusted proxies', [], '9.9.9.9', '1.2.3.4', '9.9.9.9'],
    ['from somebody else than the proxy', ['10.0.0.1'], '9.9.9.9', '1.2.3.4', '9.9.9.9'],
    ['from the proxy', ['10.0.0.1'], '10.0.0.1', '1.2.3.4', '1.2.3.4'],
    ['from the proxy, mapped', ['10.0.0.0/8'], '::ffff:10.3.2.1', '1.2.3.4', '1.2.3.4'],
    ['from an IPv6 proxy', ['fd00::/8'], 'fd12::1', '1.2.3.4', '1.2.3.4'],
    [
      'with what the client itself wrote before',
      ['10.0.0.1'],
      '10.0.0.1',
      '6.6.6.6, 1.2.3.4',
      '1.2.3.4',
    ],
    ['through two proxies', ['10.0.0.0/8'], '10.0.0.1', '6.6.6.6, 1.2.3.4, 10.0.0.2', '1.2.3.4'],
    ['with a port', ['10.0.0.1'], '10.0.0.1', '1.2.3.4:5678', '1.2.3.4'],
    ['with a bracketed address', ['10.0.0.1'], '10.0.0.1', '[2001:db8::1]:443', '2001:db8::1'],
    ['with rubbish', ['10.0.0.1'], '10.0.0.1', '1.2.3.4, unknown', '10.0.0.1'],
    ['with rubbish behind a proxy', ['10.0.0.0/8'], '10.0.0.1', 'x, 10.0.0.2', '10.0.0.2'],
    ['empty', ['10.0.0.1'], '10.0.0.1', '', '10.0.0.1'],
    ['of proxies alone', ['10.0.0.0/8'], '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    [
      'padded by the client',
      ['10.0.0.1'],
      '10.0.0.1',
      `${'7.7.7.7, '.repeat(500)}1.2.3.4`,
      '1.2.3.4',
    ],
  ])('%s', (_, trusted, peer, forwarded, client) => {
    expect(believed(trusted, peer, forwarded)).toEqual(clients().of(from(client)))
  })

  it('one kept connection of a proxy carries many clients', () => {
    const proxied = clients(['10.0.0.1'])
    const request = from('10.0.0.1', '1.1.1.1')
    const next = Object.assign(from('10.0.0.1', '2.2.2.2'), { socket: request.socket })
    expect(proxied.of(request)).not.toEqual(proxied.of(next))
  })
})

describe('I3 a proxy on this machine that is not in trustedProxies', () => {
  it('is reported once', () => {
    let said = 0
    const hidden = clients([], () => {
      said += 1
    })
    hidden.of(from('127.0.0.1'))
    hidden.of(from('9.9.9.9', '1.2.3.4'))
    expect(said).toBe(0)
    hidden.of(from('127.0.0.1', '1.2.3.4'))
    hidden.of(from('::1', '1.2.3.4'))
    expect(said).toBe(1)
  })

  it('a trusted one is not', () => {
    clients(['127.0.0.1'], () => expect.unreachable()).of(from('127.0.0.1', '1.2.3.4'))
  })

  it('is noticed on a connection that was seen before', () => {
    let said = 0
    const hidden = clients([], () => {
      said += 1
    })
    const plain = from('127.0.0.1')
    hidden.of(plain)
    hidden.of(Object.assign(from('127.0.0.1', '1.2.3.4'), { socket: plain.socket }))
    expect(said).toBe(1)
  })
})

describe('H4 I3 what is only for this machine', () => {
  const local = (peer: string, headers: Record<string, string>) =>
    clients().isLocal(fakeRequest(peer, headers))
  it.each([
    ['127.0.0.1', { host: '127.0.0.1:3000' }],
    ['127.0.0.1', { host: 'localhost' }],
    ['::1', { host: '[::1]:3000' }],
    ['::ffff:127.0.0.1', { host: 'LOCALHOST:3000' }],
    ['127.0.0.1', { host: 'localhost:3000', origin: 'http://localhost:3000' }],
    ['127.9.9.9', { host: '127.9.9.9:3000' }],
    ['127.0.0.1', { host: 'localhost.' }],
    ['127.0.0.1', { host: '[::ffff:127.0.0.1]:3000' }],
  ])('%s with %j is local', (peer, headers) => {
    expect(local(peer, headers as never)).toBe(true)
  })

  it.each([
    ['9.9.9.9', { host: 'localhost' }],
    ['127.0.0.1', { host: 'rebound.example' }],
    ['127.0.0.1', { host: 'localhost.evil.example' }],
    ['127.0.0.1', { host: '127.0.0.1.evil.example' }],
    ['127.0.0.1', { host: '127.evil.example' }],
    ['127.0.0.1', { host: '127.0.0.1:80:80' }],
    ['127.0.0.1', { host: 'evil.example@127.0.0.1' }],
    ['127.0.0.1', { host: '[::1].evil.example' }],
    ['127.0.0.1', { host: 'localhost', origin: 'http://127.evil.example' }],
    ['127.0.0.1', { host: 'localhost', origin: 'http://127.0.0.1.evil.example:3000' }],
    ['127.0.0.1', {}],
    ['127.0.0.1', { host: 'localhost', origin: 'https://evil.example' }],
    ['127.0.0.1', { host: 'localhost', origin: 'null' }],
    ['127.0.0.1', { host: 'localhost', 'X-Forwarded-For': '127.0.0.1' }],
    ['127.0.0.1', { host: 'localhost', 'X-Forwarded-Host': 'localhost' }],
    ['127.0.0.1', { host: 'localhost', 'X-Forwarded-Proto': 'https' }],
    ['127.0.0.1', { host: 'localhost', Forwarded: 'for=127.0.0.1' }],
    ['127.0.0.1', { host: 'localhost', 'CF-Connecting-IP': '127.0.0.1' }],
    ['127.0.0.1', { host: 'localhost', Via: '1.1 caddy' }],
  ])('%s with %j is not', (peer, headers) => {
    expect(local(peer, headers as never)).toBe(false)
  })
})

describe('J7 whose connections are counted', () => {
  const of = (peer: string | undefined, trusted: string[] = []) =>
    clients(trusted).ofConnection({ remoteAddress: peer } as never)

  it('J7 each client’s own, one IPv6 /64 is one, as for its requests', () => {
    expect(of('198.51.100.1')).toEqual(clients().of(from('198.51.100.1')))
    expect(of('2001:db8:1:2::1')).toEqual(of('2001:db8:1:2:3::1'))
    expect(of('::ffff:198.51.100.1')).toEqual(of('198.51.100.1'))
    expect(of('198.51.100.2')).not.toEqual(of('198.51.100.1'))
    expect(of(undefined)).not.toBe(null)
  })

  it('J7 and its site’s: all /64 of an IPv6 /48 are one', () => {
    expect(of('2001:db8:1:2::1')?.client).not.toBe(of('2001:db8:1:3::1')?.client)
    expect(of('2001:db8:1:2::1')?.site).toBe(of('2001:db8:1:3::1')?.site)
    expect(of('2001:db8:1:2::1')?.site).not.toBe(of('2001:db8:2:2::1')?.site)
  })

  it.each<[string, string, string[]]>([
    ['loopback', '127.0.0.1', []],
    ['loopback over IPv6', '::ffff:127.0.0.1', []],
    ['a trusted proxy', '10.0.0.7', ['10.0.0.0/8']],
  ])('J7 not those of %s, which many people share', (_, peer, trusted) => {
    expect(of(peer, trusted)).toBe(null)
  })
})

describe('an address has one spelling', () => {
  it('any IPv6 text: the same eight groups as its URL spelling', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const ip = readIp(text)
        const url = readIp(new URL(`http://[${text}]`).hostname)
        expect(ip).not.toBeNull()
        expect(ip).toEqual(url)
        if (ip?.kind() === 'ipv6') expect(networkOf(ip).split(':')).toHaveLength(6)
      }),
    )
  })

  it('any text is an address or null, and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void readIp(text)))
  })

  it.each([
    '',
    'x',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4/8',
    '[::1',
    '::1]:80',
    '1.2.3.4:x',
    'localhost',
  ])('%j is no address', (text) => {
    expect(readIp(text)).toBeNull()
  })
})

describe('I3 proxied_loopback_is_public: clients of the tunnel', () => {
  const tunnel = makeTunnelClients(salt)
  const through = (client: string | undefined, more: Record<string, string> = {}) =>
    fakeRequest('127.0.0.1', {
      Host: '127.0.0.1:3000',
      ...(client === undefined ? {} : { 'CF-Connecting-IP': client }),
      ...more,
    })

  it.each([
    ['an address', '198.51.100.1', '198.51.100.1'],
    ['two addresses of one /64', '2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6'],
    ['what is no address, and none', 'somebody', undefined],
    ['two headers, as Node joins them, and none', '1.1.1.1, 2.2.2.2', undefined],
  ])('%s is one', (_, one, other) => {
    expect(tunnel.of(through(one))).toEqual(tunnel.of(through(other)))
  })

  it('is the client that connects directly, and X-Forwarded-For is ignored', () => {
    expect(tunnel.of(through('198.51.100.1'))).toEqual(clients().of(from('198.51.100.1')))
    const forged = through('198.51.100.1', { 'X-Forwarded-For': '9.9.9.9' })
    expect(tunnel.of(forged)).toEqual(tunnel.of(through('198.51.100.1')))
    expect(tunnel.of(through('198.51.100.2'))).not.toEqual(tunnel.of(through('198.51.100.1')))
  })

  it('nobody is local, and no proxy is believed', () => {
    for (const request of [through(undefined), through('127.0.0.1'), fakeRequest('127.0.0.1')]) {
      expect([tunnel.isLocal(request), tunnel.comesFromProxy(request)]).toEqual([false, false])
    }
  })
})

it('I3 HTTP/1.0 with a local Host is nginx with only proxy_pass', () => {
  const local = fakeRequest('127.0.0.1', { Host: '127.0.0.1:3000' })
  const version = (httpVersion: string) => Object.assign({ ...local }, { httpVersion }) as never
  expect(clients().isLocal(version('1.1'))).toBe(true)
  expect(clients().isLocal(version('1.0'))).toBe(false)
})
