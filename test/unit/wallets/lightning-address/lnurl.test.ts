import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readBolt11 } from '../../../../src/wallets/bolt11.ts'
import {
  type LnurlClient,
  makeLnurl,
  parseLightningAddress,
} from '../../../../src/wallets/lightning-address/lnurl.ts'
import { type LnurlServer, type Page, startLnurlServer } from '../../../support/lnurl-server.ts'
import { worldAt } from '../../../support/world.ts'

/** ms. Long, so that a busy machine causes no failure. Tests of lateness use a shorter one. */
const DEADLINE = 20_000
const SHORT = 300

describe('a Lightning address', () => {
  it.each([
    ['you@example.com', 'you@example.com', 'https://example.com/.well-known/lnurlp/you'],
    [' You@Example.COM\n', 'you@example.com', 'https://example.com/.well-known/lnurlp/you'],
    ['lightning:you@example.com', 'you@example.com', 'https://example.com/.well-known/lnurlp/you'],
    ['a.b-c_d+e@x.io', 'a.b-c_d+e@x.io', 'https://x.io/.well-known/lnurlp/a.b-c_d+e'],
    ['you@x.io:8443', 'you@x.io:8443', 'https://x.io:8443/.well-known/lnurlp/you'],
    ['you@x.io:443', 'you@x.io', 'https://x.io/.well-known/lnurlp/you'],
    ['you@abc.onion', 'you@abc.onion', 'http://abc.onion/.well-known/lnurlp/you'],
    ['you@127.0.0.1:80', 'you@127.0.0.1', 'http://127.0.0.1/.well-known/lnurlp/you'],
    ['you@localhost:3000', 'you@localhost:3000', 'http://localhost:3000/.well-known/lnurlp/you'],
    ['you@[::1]:3000', 'you@[::1]:3000', 'http://[::1]:3000/.well-known/lnurlp/you'],
    ['you@192.168.1.5', 'you@192.168.1.5', 'https://192.168.1.5/.well-known/lnurlp/you'],
    ['you@bücher.de', 'you@xn--bcher-kva.de', 'https://xn--bcher-kva.de/.well-known/lnurlp/you'],
  ])('%j is %s, asked at %s', (typed, text, url) => {
    expect(parseLightningAddress(typed)).toMatchObject({ ok: true, value: { text, url } })
  })

  it.each([
    ['', /looks like you@domain/],
    ['you', /looks like you@domain/],
    ['you@me@x.io', /looks like you@domain/],
    ['@x.io', /the name before the @/],
    ['y ou@x.io', /the name before the @/],
    ['..@x.io', /the name before the @/],
    [`${'y'.repeat(65)}@x.io`, /the name before the @/],
    ['you/../me@x.io', /the name before the @/],
    ['you@', /no domain/],
    ['you@io', /no domain/],
    ['you@x.io/evil', /no domain/],
    ['you@x.io?a=b', /no domain/],
    ['you@x.io#a', /no domain/],
    ['you@x.io:99999', /no domain/],
    ['you@x..io:x', /no domain/],
    ['lnurl1dp68gurn8ghj7', /an LNURL is not taken/],
    ['https://x.io/.well-known/lnurlp/you', /looks like you@domain/],
  ])('%j is no address: %s', (typed, error) => {
    expect(parseLightningAddress(typed)).toMatchObject({
      ok: false,
      error: expect.stringMatching(error),
    })
  })
})

let server: LnurlServer
let clock: { now: number }
let lnurl: LnurlClient
beforeEach(async () => {
  clock = { now: Date.now() }
  const now = () => clock.now
  server = await startLnurlServer(now)
  lnurl = makeLnurl({ world: worldAt(now), deadlineMs: DEADLINE })
})
afterEach(() => server.stop())

const request = () => lnurl.payRequest(server.address)
const invoice = async (sat = 21, comment = '') => lnurl.invoice(await request(), sat, comment)
/** The error as one line. Null if there is none. */
const trouble = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: Error) => `${error.name}: ${'reason' in error ? error.reason : error.message}`,
  )
const answer = (start: string, page: Page) => {
  server.traps.page = (path) => (path.startsWith(start) ? page : null)
}
const NOT_LNURL =
  'WalletUnreachable: what answers there does not answer as a Lightning address does'

describe('what an address accepts', () => {
  it.each([
    [{ minSendable: 1000, maxSendable: 5000 }, 1, 5],
    [{ minSendable: 1001, maxSendable: 5999 }, 2, 5],
    [{ minSendable: 1, maxSendable: 1000 }, 1, 1],
    [{ minSendable: 0, maxSendable: 2100000000000000000 }, 1, 2100000000000000],
    [{ minSendable: 1000, maxSendable: 9e300 }, 1, 2100000000000000],
  ])('%j msat are from %d to %d sat', async (said, minSat, maxSat) => {
    server.traps.request = said
    expect(await request()).toMatchObject({ minSat, maxSat })
  })

  it.each([
    [{ tag: 'withdrawRequest' }, 'WalletRefused: it is no address to pay to'],
    [{ minSendable: 1500, maxSendable: 1999 }, 'WalletRefused: it takes no whole number of sats'],
    [{ minSendable: 2000, maxSendable: 1000 }, 'WalletRefused: it takes no whole number of sats'],
    [{ minSendable: '1000' }, NOT_LNURL],
    [{ maxSendable: null }, NOT_LNURL],
    [{ metadata: [] }, NOT_LNURL],
    [{ callback: 7 }, NOT_LNURL],
  ])('%j is refused', async (said, error) => {
    server.traps.request = said
    expect(await trouble(request())).toBe(error)
  })

  it('is asked for once in five minutes, or if it must be fresh', async () => {
    await invoice()
    await invoice()
    clock.now += 299_999
    await invoice()
    const asked = () => server.requests.filter((path) => path.startsWith('/.well')).length
    expect(asked()).toBe(1)
    clock.now += 1
    await invoice()
    expect(asked()).toBe(2)
    await lnurl.payRequest(server.address, { fresh: true })
    expect(asked()).toBe(3)
  })

  it('is asked for again after it gave no invoice, because its URL may have changed', async () => {
    server.traps.request = { callback: `${server.url}/moved` }
    expect(await trouble(invoice())).toMatch(/no such name/)
    server.traps.request = {}
    expect(await trouble(invoice())).toBe(null)
  })
})

describe('an invoice', () => {
  it('is for the requested sats, with its own hash, expiry, money and verify URL', async () => {
    const made = await invoice(123_456)
    expect(readBolt11(made.bolt11)).toMatchObject({
      amountMsat: 123_456_000n,
      paymentHash: made.paymentHash,
      expiresAt: made.expiresAt,
    })
    expect(made).toMatchObject({
      money: 'test',
      verify: `${server.url}/verify/${made.paymentHash}`,
    })
    expect(server.requests.at(-1)).toBe('/callback?amount=123456000')
  })

  it.each([
    [
      'a query of the callback stays',
      '/callback?id=%2F1',
      'hi',
      '/callback?id=%2F1&amount=21000&comment=hi',
    ],
    ['a fragment goes', '/callback#x', '', '/callback?amount=21000'],
    [
      'a comment is cut by characters, none in two',
      '/callback',
      '🍕🍕🍕🍕',
      `/callback?amount=21000&comment=${encodeURIComponent('🍕🍕🍕')}`,
    ],
    [
      'half a character is no error',
      '/callback',
      '\ud800',
      '/callback?amount=21000&comment=%EF%BF%BD',
    ],
  ])('%s', async (_, path, comment, asked) => {
    server.traps.request = { callback: `${server.url}${path}`, commentAllowed: 3 }
    await invoice(21, comment)
    expect(server.requests.at(-1)).toBe(asked)
  })

  it.each([[0], [-3], ['3'], [undefined]])(
    'no comment where it allows %j',
    async (commentAllowed) => {
      server.traps.request = { commentAllowed }
      await invoice(21, 'hi')
      expect(server.requests.at(-1)).toBe('/callback?amount=21000')
    },
  )

  it.each([1, 11])('of %d sat, out of bounds, is not asked for', async (sat) => {
    server.traps.request = { minSendable: 2000, maxSendable: 10_000 }
    expect(await trouble(invoice(sat))).toBe(`WalletRefused: it takes from 2 to 10 sat, not ${sat}`)
    expect(server.requests).toHaveLength(1)
  })

  it.each([1, -1])('C8 of %d sat more is refused', async (extraSat) => {
    server.traps.extraSat = extraSat
    expect(await trouble(invoice())).toMatch(/^WalletRefused: its invoice is for another amount/)
  })

  it('C8 that has expired is refused', async () => {
    server.traps.expirySeconds = 0
    expect(await trouble(invoice())).toBe('WalletRefused: its invoice has expired already')
  })

  it.each([['nothing'], [''], ['lnbc1'], [`lnbcrt210n1${'q'.repeat(200)}`]])(
    'C8 %j is no invoice',
    async (pr) => {
      server.traps.invoice = { pr }
      expect(await trouble(invoice())).toBe('WalletRefused: what it answered is no invoice')
    },
  )

  it('of the main network is real money', async () => {
    // From BOLT 11, "Please send $3 for a cup of coffee".
    const pr =
      'lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh'
    server.traps.invoice = { pr: pr.toUpperCase() }
    clock.now = 1_496_314_658_000
    expect(await invoice(250_000)).toMatchObject({ money: 'real', bolt11: pr })
    clock.now += 60_000
    expect(await trouble(invoice(250_000))).toMatch(/expired already/)
  })

  it.each([[undefined], [null], [''], [7]])('with verify %j has none', async (verify) => {
    server.traps.invoice = { verify }
    expect(await invoice()).toMatchObject({ verify: null })
  })
})

describe('whether it was paid', () => {
  const verified = async () => {
    const made = await invoice()
    return { made, ask: () => lnurl.verify(made.verify ?? '', made.paymentHash) }
  }

  it('no, then yes with its preimage', async () => {
    const { made, ask } = await verified()
    expect(await ask()).toEqual({ settled: false, preimage: null })
    const preimage = server.pay(made.bolt11)
    expect(await ask()).toEqual({ settled: true, preimage })
  })

  it.each([[null], [undefined], ['']])('yes without a preimage: %j', async (preimage) => {
    const { made, ask } = await verified()
    server.pay(made.bolt11)
    server.traps.verified = { preimage }
    expect(await ask()).toEqual({ settled: true, preimage: null })
  })

  it('C9 a preimage that is shown too early is not returned', async () => {
    const { made, ask } = await verified()
    const preimage = server.pay(made.bolt11)
    server.traps.verified = { settled: false, preimage }
    expect(await ask()).toEqual({ settled: false, preimage: null })
  })

  it.each([['ab'.repeat(32)], ['ab'], ['zz'.repeat(32)]])(
    'C8 a settlement with the preimage %s is a lie',
    async (preimage) => {
      const { ask } = await verified()
      server.traps.verified = { settled: true, preimage }
      expect(await trouble(ask())).toMatch(/^WalletRefused: it tells of another payment/)
    },
  )

  it('C8 a settlement of another invoice is a lie', async () => {
    const other = await invoice()
    const { ask } = await verified()
    server.traps.verified = { settled: true, pr: other.bolt11 }
    expect(await trouble(ask())).toMatch(/^WalletRefused: it tells of another payment/)
  })

  it.each([['true'], [1], [null], [undefined]])('settled %j is nonsense', async (settled) => {
    const { ask } = await verified()
    server.traps.verified = { settled }
    expect(await trouble(ask())).toBe(NOT_LNURL)
  })

  it.each([
    ['"Not found"', { body: { status: 'ERROR', reason: 'Not found' } }],
    ['404 with it', { status: 404, body: { status: 'ERROR', reason: 'Not found' } }],
    ['404 and a page', { status: 404, body: '<h1>404</h1>' }],
  ])('C10 %s is not paid', async (_, page) => {
    const { ask } = await verified()
    answer('/verify', page)
    expect(await ask()).toEqual({ settled: false, preimage: null })
  })
})

describe('an address that fails', () => {
  const html = '<!doctype html><title>It works</title>'
  it.each<[string, Page, string]>([
    ['a web page', { body: html }, NOT_LNURL],
    ['a list', { body: [1] }, NOT_LNURL],
    ['nothing', { body: '' }, NOT_LNURL],
    ['half an answer', { body: '{"tag":"payReq' }, NOT_LNURL],
    ['204', { status: 204 }, NOT_LNURL],
    ['a redirect to nowhere', { status: 302 }, NOT_LNURL],
    ['404', { status: 404, body: html }, 'WalletRefused: it answered with HTTP 404'],
    ['403', { status: 403 }, 'WalletRefused: it answered with HTTP 403'],
    ['500', { status: 500, body: html }, 'WalletUnreachable: it answered with HTTP 500'],
    [
      '503 with a reason',
      { status: 503, body: { status: 'ERROR', reason: 'later' } },
      'WalletUnreachable: it answered with HTTP 503: later',
    ],
    [
      'no',
      { body: { status: 'ERROR', reason: 'closed today' } },
      'WalletRefused: it says no: closed today',
    ],
    [
      'no with 400',
      { status: 400, body: { status: 'error', reason: 'closed' } },
      'WalletRefused: it says no: closed',
    ],
    [
      'no without a reason',
      { body: { status: 'ERROR' } },
      'WalletRefused: it says no: no reason given',
    ],
  ])('with %s', async (_, page, error) => {
    answer('/', page)
    expect(await trouble(request())).toBe(error)
  })

  it('H3 its words are one short line without a secret', async () => {
    const { bolt11, paymentHash } = await invoice()
    const reason = `no\u001b[31m\n${bolt11} ${paymentHash} https://x.io/a?k=s ${'word '.repeat(99)}`
    answer('/', { body: { status: 'ERROR', reason } })
    const said = (await trouble(lnurl.payRequest(server.address, { fresh: true }))) ?? ''
    expect(said).toMatch(/^WalletRefused: it says no: no \[31m … … … word/)
    expect(said).toMatch(/^[\x20-\x7e…]{1,160}$/)
  })

  it('with more than 64 KB, even if it is valid', async () => {
    server.traps.request = { metadata: 'x'.repeat(65_536) }
    expect(await trouble(request())).toBe(NOT_LNURL)
    server.traps.request = { metadata: 'x'.repeat(65_000) }
    expect(await trouble(request())).toBe(null)
  })

  it.each([
    ['never answers', () => Object.assign(server.traps, { silent: true })],
    ['trickles', () => answer('/', { body: { tag: 'payRequest' }, byteEveryMs: 50 })],
  ])('one that %s is given up in time', async (_, trap) => {
    trap()
    lnurl = makeLnurl({ world: worldAt(() => clock.now), deadlineMs: SHORT })
    expect(await trouble(request())).toBe(`WalletUnreachable: no answer in ${SHORT} ms`)
  })

  it('one that hangs up, and one that is not there', async () => {
    server.traps.hangsUp = true
    expect(await trouble(request())).toBe('WalletUnreachable: it hung up')
    await server.stop()
    expect(await trouble(request())).toBe('WalletUnreachable: nothing listens there')
  })

  it.each([
    ['7', 7_000],
    ['0', 1_000],
    ['99999', 600_000],
    ['soon', 30_000],
    [undefined, 30_000],
  ])('429 with Retry-After %s is busy for %d ms', async (retryAfter, ms) => {
    const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
    answer('/', { status: 429, headers })
    await expect(request()).rejects.toMatchObject({ name: 'WalletBusy', retryAfterMs: ms })
  })

  it('429 with a date is busy until then', async () => {
    clock.now = Date.UTC(2026, 0, 1)
    answer('/', {
      status: 429,
      headers: { 'retry-after': new Date(clock.now + 9_000).toUTCString() },
    })
    await expect(request()).rejects.toMatchObject({ retryAfterMs: 9_000 })
  })
})

/** Asks a service on the internet that does not exist. All of its answers are made here. */
function far(pages: Readonly<Record<string, Page>>) {
  const asked: string[] = []
  const client = makeLnurl({
    world: worldAt(() => clock.now),
    async transport(asking) {
      const url = asking.href
      asked.push(url)
      const { status = 200, body = '', headers = {} } = pages[url] ?? { status: 404 }
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      return new Response(text, { status, headers })
    },
  })
  const address = parseLightningAddress('you@far.example')
  if (!address.ok) throw new Error(address.error)
  return { asked, client, address: address.value }
}

const PAY = 'https://far.example/.well-known/lnurlp/you'
const PAY_REQUEST = { tag: 'payRequest', minSendable: 1000, maxSendable: 1e9, metadata: '[]' }
const to = (location: string): Page => ({ status: 302, headers: { location } })

describe('where an address may send us', () => {
  it.each([
    ['http://far.example/cb', /without TLS/],
    ['http://127.0.0.1/cb', /private network/],
    ['https://127.0.0.1/cb', /private network/],
    ['https://2130706433/cb', /private network/],
    ['https://localhost/cb', /private network/],
    ['https://a.localhost/cb', /private network/],
    ['https://[::1]/cb', /private network/],
    ['https://[::ffff:10.0.0.1]/cb', /private network/],
    ['https://10.1.2.3/cb', /private network/],
    ['https://172.31.0.1/cb', /private network/],
    ['https://192.168.0.1/cb', /private network/],
    ['https://169.254.169.254/latest', /private network/],
    ['https://100.64.0.1/cb', /private network/],
    ['https://0.0.0.0/cb', /private network/],
    ['https://[fd00::1]/cb', /private network/],
    ['https://[fe80::1]/cb', /private network/],
    ['https://me:pw@far.example/cb', /password/],
    ['ftp://far.example/cb', /is none/],
    ['file:///etc/passwd', /is none/],
    ['/cb', /is none/],
    [`https://far.example/${'x'.repeat(2048)}`, /is none/],
  ])('C8 %s is not asked: as callback, as verify, by redirect', async (url, reason) => {
    const callback = far({ [PAY]: { body: { ...PAY_REQUEST, callback: url } } })
    const request = await callback.client.payRequest(callback.address)
    expect(await trouble(callback.client.invoice(request, 21))).toMatch(reason)
    expect(callback.asked).toEqual([PAY])

    const { bolt11: pr } = await invoice()
    const cb = 'https://far.example/cb'
    const verify = far({
      [PAY]: { body: { ...PAY_REQUEST, callback: cb } },
      [`${cb}?amount=21000`]: { body: { pr, verify: url } },
    })
    const made = verify.client.invoice(await verify.client.payRequest(verify.address), 21)
    expect(await trouble(made)).toMatch(reason)

    if (url.startsWith('/')) return
    const redirect = far({ [PAY]: to(url), [cb]: to(url) })
    expect(await trouble(redirect.client.payRequest(redirect.address))).toMatch(reason)
    expect(await trouble(redirect.client.verify(cb, 'ab'.repeat(32)))).toMatch(reason)
    expect(redirect.asked).toEqual([PAY, cb])
  })

  it.each(['https://other.example/cb', 'https://93.184.216.34/cb', 'http://abc.onion/cb'])(
    '%s is asked',
    async (callback) => {
      const { bolt11: pr } = await invoice()
      const { client, address } = far({
        [PAY]: { body: { ...PAY_REQUEST, callback } },
        [`${callback}?amount=21000`]: { body: { pr } },
      })
      expect(await client.invoice(await client.payRequest(address), 21)).toMatchObject({
        bolt11: pr,
      })
    },
  )

  it('two redirects are followed, relative ones too, a third is not', async () => {
    const body = { ...PAY_REQUEST, callback: 'https://x.example/cb' }
    const pages = { [PAY]: to('/1'), 'https://far.example/1': to('https://www.far.example/2') }
    const two = far({ ...pages, 'https://www.far.example/2': { body } })
    expect(await two.client.payRequest(two.address)).toMatchObject({ minSat: 1 })
    const three = far({ ...pages, 'https://www.far.example/2': to('/3') })
    expect(await trouble(three.client.payRequest(three.address))).toMatch(/redirects too often/)
  })

  it.each([
    ['the same host on another port', 'http://127.0.0.1:1/x', /nothing listens|connection failed/],
    ['another host of this machine', 'http://localhost:1/x', /without TLS/],
    ['the wide world', 'https://far.example/x', /without TLS/],
  ])('from this machine a redirect to %s', async (_, location, said) => {
    answer('/', to(location))
    expect(await trouble(request())).toMatch(said)
  })

  it('a redirect from https to the plain http of a Tor service is not followed', async () => {
    const { client, address } = far({ [PAY]: to('http://abc.onion/x') })
    expect(await trouble(client.payRequest(address))).toMatch(/without TLS/)
  })
})

it('H3 no error names an invoice, a hash or a path', async () => {
  const { bolt11, paymentHash, verify } = await invoice()
  for (const page of [
    { status: 500 },
    { status: 404 },
    { body: 'x' },
    to('http://1.2.3.4/secret'),
  ]) {
    answer('/', page)
    const said = `${await trouble(invoice())} ${await trouble(lnurl.verify(verify ?? '', paymentHash))}`
    for (const secret of [bolt11, paymentHash, 'verify', 'callback', 'secret']) {
      expect(said).not.toContain(secret)
    }
  }
})
