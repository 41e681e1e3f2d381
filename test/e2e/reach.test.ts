import { writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { alive } from '../support/alive.ts'
import { type Answered, Client, lines } from '../support/ask.ts'
import { until } from '../support/buyer.ts'
import { type FakeCloudflared, fakeCloudflared } from '../support/cloudflared.ts'
import { startGate } from '../support/gate.ts'
import { GateProcess } from '../support/gate-process.ts'
import { serve } from '../support/serve.ts'
import { type FakeUpstream, type Script, startFakeUpstream } from '../support/upstream.ts'
import { type LndDouble, startLndDouble } from '../unit/wallets/lnd/lnd-double.ts'

/** How strangers reach the gate, and what they cannot reach. */
const clean: (() => unknown)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
  vi.unstubAllEnvs()
})

const CHAT = '/v1/chat/completions'
const hello = { model: 'fake', messages: [{ role: 'user', content: 'hi' }] }

/** A 402 with an invoice for this client has a page to pay. A shared invoice has none. */
const payPage = ({ status, json }: Answered): string | null => {
  expect(status).toBe(402)
  return /Pay at (\S+)/.exec(json.error.message)?.[1] ?? null
}

describe('the tunnel', () => {
  let cloudflared: FakeCloudflared
  let lnd: LndDouble
  beforeEach(async () => {
    cloudflared = fakeCloudflared()
    clean.push(() => cloudflared.remove())
    vi.stubEnv('PATH', `${cloudflared.folder}:${process.env.PATH}`)
    lnd = await startLndDouble()
    // Makes the invoices look like real money by their prefix.
    lnd.traps.network = 'bc' as never
    clean.push(() => lnd.stop())
  })

  /** A gate with a fake node. */
  async function gateOf(
    settings: object = {},
    script: Script = {},
  ): Promise<{ gate: GateProcess; fake: FakeUpstream }> {
    const fake = await startFakeUpstream(script)
    clean.push(() => fake.close())
    const gate = new GateProcess({})
    clean.push(() => gate.remove())
    const key = join(gate.folder, 'invoice.macaroon')
    writeFileSync(key, Buffer.from(lnd.macaroonHex, 'hex'), { mode: 0o600 })
    gate.configure({
      upstream: fake.base.origin,
      wallet: { kind: 'lnd', url: lnd.url, key: { file: key } },
      pricing: { default: '0/1000', maxOutputTokens: 100 },
      tunnel: 'auto',
      ...settings,
    })
    return { gate, fake }
  }

  /** A client on the public side of the tunnel. */
  async function outside(count = 1): Promise<{ client: Client; url: string; pid: number }> {
    const { edge, url, pid } = await cloudflared.spoken(count)
    const client = new Client(edge)
    clean.push(() => client.close())
    return { client, url, pid }
  }

  it('opens by itself if payments are live, and sells through its public address', async () => {
    const { gate } = await gateOf({}, { deltas: ['one', ' two'] })
    await gate.start()
    const { client, url } = await outside()
    expect(gate.events('ready')).toMatchObject([{ public_url: url, wallet: 'lnd' }])
    await until(() => gate.stderr.includes('anybody can reach the public address'))
    expect(gate.stderr).not.toContain('INF')
    const refused = await client.ask({ path: CHAT, body: hello })
    expect(payPage(refused)).toMatch(new RegExp(`^${url}/`))
    const described = (await client.ask({ path: '/.well-known/l402' })).json
    expect([described.url, described.public_url]).toEqual([url, url])
    const { macaroon, invoice } = refused.json.l402
    const [challenge] = lines(refused, 'www-authenticate')
    expect(challenge).toContain(`L402 macaroon="${macaroon}", invoice="${invoice}"`)
    const authorization = `L402 ${macaroon}:${lnd.pay(invoice)}`
    const body = { ...hello, stream: true }
    const paid = await client.ask({ path: CHAT, body, headers: { authorization } })
    expect(paid.status).toBe(200)
    expect(paid.text).toContain(' two')
    expect(gate.events('problem')).toEqual([])
  })

  it('I3 proxied_loopback_is_public: nobody there is local, no control, no metrics', async () => {
    const { gate } = await gateOf({ metrics: '127.0.0.1:0' })
    await gate.start()
    const { client } = await outside()
    const host = gate.url.slice('http://'.length)
    for (const path of ['/play/pay', '/metrics', '/control', '/control.sock', '/admin']) {
      const asked = { path, body: { payment_hash: '0'.repeat(64) }, headers: { host } }
      expect((await client.ask(asked)).status).toBe(404)
    }
  })

  it('I3 if play money had a tunnel, nobody could pay with it through the tunnel', async () => {
    const own = await startGate()
    const { listener } = own.composed.tunnelEntrance(() => 'https://words.trycloudflare.com')
    const served = await serve(listener)
    clean.push(served.close)
    const client = new Client(served.port)
    clean.push(() => client.close())
    const { json } = await client.ask({ path: '/create-invoice', body: {} })
    const asked = { path: '/play/pay', body: { payment_hash: json.payment_hash } }
    expect((await client.ask(asked)).status).toBe(404)
    expect((await own.ask(asked)).status).toBe(200)
    const refused = await client.ask({ path: CHAT, body: hello })
    expect(payPage(refused)).toMatch(/^https:\/\/words\.trycloudflare\.com\//)
  })

  it('D3 only there Cloudflare names the client, and one IPv6 /64 is one client', async () => {
    const { gate } = await gateOf({ limits: { invoicesPerClient: 1 } })
    await gate.start()
    const { client } = await outside()
    const as = (who: string, forged: object = {}) =>
      client.ask({ path: CHAT, body: hello, headers: { 'x-test-client': who, ...forged } })
    expect(payPage(await as('198.51.100.1'))).not.toBe(null)
    expect(payPage(await as('198.51.100.1', { 'cf-connecting-ip': '9.9.9.9' }))).toBe(null)
    expect(payPage(await as('198.51.100.2'))).not.toBe(null)
    expect(payPage(await as('2001:db8:1:2::1'))).not.toBe(null)
    expect(payPage(await as('2001:db8:1:2:3::4'))).toBe(null)
    expect(payPage(await as('2001:db8:1:3::1'))).not.toBe(null)
    const direct = (who: string) =>
      gate.client.ask({ path: CHAT, body: hello, headers: { 'cf-connecting-ip': who } })
    expect(payPage(await direct('198.51.100.3'))).not.toBe(null)
    expect(payPage(await direct('198.51.100.4'))).toBe(null)
    expect(gate.events('problem')).toMatchObject([{ what: 'clients_look_alike' }])
  })

  it('if it dies, it comes back with another address, which is told and used', async () => {
    const { gate } = await gateOf()
    await gate.start()
    const { pid, url } = await outside()
    process.kill(pid, 'SIGKILL')
    await gate.event((said) => said.event === 'problem' && said.what === 'tunnel_down')
    const solved = await gate.event((said) => said.event === 'solved')
    const again = await outside(2)
    expect(again.url).not.toBe(url)
    expect(solved).toMatchObject({ what: 'tunnel_down', public_url: again.url })
    const refused = await again.client.ask({ path: CHAT, body: hello })
    expect(payPage(refused)).toMatch(new RegExp(`^${again.url}/`))
  })

  it('if it does not come up, that is a problem: the gate earns locally, and says when it is public', async () => {
    cloudflared.behave('dies')
    const { gate } = await gateOf({ tunnel: true })
    await gate.start()
    expect(gate.events('ready')).toMatchObject([{ public_url: null }])
    expect(gate.events('problem')).toMatchObject([{ what: 'tunnel_down' }])
    expect((await gate.client.ask({ path: CHAT, body: hello })).status).toBe(402)
    cloudflared.behave('well')
    const solved = await gate.event((said) => said.event === 'solved', 30_000)
    expect(solved.public_url).toBe((await cloudflared.spoken()).url)
  })

  it('closes first when the gate stops: what runs through it ends whole', async () => {
    const deltas = Array.from({ length: 20 }, (_, i) => ` w${i}`)
    const { gate } = await gateOf({}, { deltas, paceMs: 60 })
    await gate.start()
    const { client, pid } = await outside()
    const authorization = `Bearer ${await gate.mint(1_000)}`
    const body = { ...hello, stream: true }
    const stream = await client.open({ path: CHAT, body, headers: { authorization } })
    await stream.until(' w3')
    const stopped = gate.stop()
    await gate.event(({ event }) => event === 'stopping')
    const { edge } = await cloudflared.spoken()
    await until(async () => {
      const late = new Client(edge)
      const refused = await late.ask({ path: '/health' }).then(
        () => false,
        () => true,
      )
      late.close()
      return refused
    })
    expect(stream.text()).not.toContain(' w19')
    expect(await stream.over).toMatchObject({ cut: false })
    expect(stream.text()).toContain(' w19')
    expect(await stopped).toBe(0)
    await until(() => !alive(pid))
  })

  it('ends if the gate is killed', async () => {
    const { gate } = await gateOf()
    await gate.start()
    const { pid } = await outside()
    await gate.kill9()
    await until(() => !alive(pid))
  })

  it.each([
    ['with --no-tunnel', { tunnel: false }],
    ['with play money', { wallet: 'play' }],
    ['where buyers have an address already', { publicUrl: 'https://llm.example.com' }],
    ['where the gate is open to the network', { host: '0.0.0.0' }],
    ['where something is free', { pricing: { default: 1, models: { 'tiny-*': 'free' } } }],
    ['with a free tier', { freeTier: { creditsPerDay: 10 } }],
  ])('never opens by itself %s', async (_, settings) => {
    const { gate } = await gateOf(settings)
    await gate.start()
    const [ready] = gate.events('ready')
    expect(ready?.public_url).toBe('publicUrl' in settings ? settings.publicUrl : null)
    expect(cloudflared.starts).toBe(0)
  })

  it('never opens by itself with test money, because anybody can get test money', async () => {
    lnd.traps.network = 'bcrt'
    const { gate } = await gateOf()
    await gate.start()
    expect(gate.events('ready')).toMatchObject([{ public_url: null }])
    expect(cloudflared.starts).toBe(0)
    const asked = await gateOf({ tunnel: true })
    await asked.gate.start()
    const { url } = await cloudflared.spoken()
    expect(asked.gate.events('ready')).toMatchObject([{ public_url: url }])
  })

  it.each([
    ['play money', { wallet: 'play', tunnel: true }, /play money/],
    ['a public URL', { publicUrl: 'https://x.example', tunnel: true }, /publicUrl/],
    ['a free tier', { freeTier: { creditsPerDay: 10 }, tunnel: true }, /charge/],
  ])('asked for with %s: 2', async (_, settings, why) => {
    const { gate } = await gateOf(settings)
    const refusal = await gate.start().then(String, (error: Error) => error.message)
    expect(refusal).toMatch(/ended with 2/)
    expect(refusal).toMatch(why)
    expect(cloudflared.starts).toBe(0)
  })

  it('asked for without cloudflared: exit code 2, and what to install', async () => {
    vi.stubEnv('PATH', '/usr/bin:/bin')
    const { gate } = await gateOf({ tunnel: true })
    const refusal = await gate.start().then(String, (error: Error) => error.message)
    expect(refusal).toMatch(/ended with 2: .*npm install --global cloudflared/s)
  })
})

describe('I3 proxied_loopback_is_public, behind a proxy of one’s own', () => {
  /** A reverse proxy on this machine that adds only the headers of `says`. */
  async function proxyTo(port: number, says: (from: string) => Record<string, string>) {
    const proxy = createServer((asked, answer) => {
      const { 'x-test-client': from = '203.0.113.7', ...rest } = asked.headers
      const headers = { ...rest, host: `127.0.0.1:${port}`, ...says(String(from)) }
      const { method, url: path } = asked
      const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answered) => {
        answer.writeHead(answered.statusCode ?? 502, answered.rawHeaders)
        answered.pipe(answer)
      })
      asked.pipe(onward)
    })
    const served = await serve(
      (asked, answer) => void proxy.emit('request', asked, answer),
      createServer,
    )
    clean.push(served.close)
    const client = new Client(served.port)
    clean.push(() => client.close())
    return (who: string, headers: object = {}) =>
      client.ask({ path: CHAT, body: hello, headers: { 'x-test-client': who, ...headers } })
  }
  const forwarding = (from: string) => ({
    'x-forwarded-for': from,
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'llm.example.com',
  })

  it('a trusted one tells clients apart, and links have the public address', async () => {
    const trustedProxies = ['127.0.0.1', '::1']
    const own = await startGate({ settings: { trustedProxies, limits: { invoicesPerClient: 1 } } })
    const ask = await proxyTo(own.port, forwarding)
    expect(payPage(await ask('198.51.100.1'))).toMatch(/^https:\/\/llm\.example\.com\//)
    expect(payPage(await ask('198.51.100.1', { 'cf-connecting-ip': '9.9.9.9' }))).toBe(null)
    expect(payPage(await ask('198.51.100.2'))).not.toBe(null)
    expect(own.events.filter(({ event }) => event === 'problem')).toEqual([])
  })

  it('all clients behind an unnamed one count as one, which is reported once, and no address of ours is told', async () => {
    const own = await startGate({ settings: { limits: { invoicesPerClient: 1 } } })
    const ask = await proxyTo(own.port, forwarding)
    expect(payPage(await ask('198.51.100.1'))).toMatch(/^http:\/\/127\.0\.0\.1:/)
    expect(payPage(await ask('198.51.100.2'))).toBe(null)
    expect(own.events.filter(({ event }) => event === 'problem')).toMatchObject([
      { what: 'clients_look_alike', fix: 'trustedProxies' },
    ])
  })
})
