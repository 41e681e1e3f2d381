import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client, lines } from '../support/ask.ts'
import { selfSigned } from '../support/certificate.ts'
import { GateProcess } from '../support/gate-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'

const CHAT = '/v1/chat/completions'
const hello = (more: object = {}) => ({
  model: 'fake',
  messages: [{ role: 'user', content: 'hi' }],
  ...more,
})
const PACE = 120
const WORDS = Array.from({ length: 12 }, (_, i) => ` w${i}`)

interface Answer {
  readonly status: number
  readonly rawHeaders: readonly string[]
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
  readonly json: any
  /** ms after the request at which pieces of the body arrived. */
  readonly came: readonly number[]
}

/** Sends a request over TLS, as a stranger would. */
async function askTls(
  port: number,
  question: { path: string; body?: object; headers?: Record<string, string> },
): Promise<Answer> {
  const { path, body, headers } = question
  const bytes = body === undefined ? undefined : JSON.stringify(body)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const at = performance.now()
  request(
    {
      ...{ host: '127.0.0.1', servername: 'localhost', port, path, agent: false },
      ...{ rejectUnauthorized: false, method: bytes === undefined ? 'GET' : 'POST' },
      headers: { host: `localhost:${port}`, 'content-type': 'application/json', ...headers },
    },
    resolve,
  )
    .on('error', reject)
    .end(bytes)
  const response = await promise
  const came: number[] = []
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    came.push(performance.now() - at)
  }
  const json = text.startsWith('{') ? JSON.parse(text) : undefined
  return { status: response.statusCode ?? 0, rawHeaders: response.rawHeaders, text, json, came }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((then) => server.once('listening', then))
  const { port } = server.address() as AddressInfo
  await new Promise((then) => server.close(then))
  return port
}

/** A file of `examples/`, with these places changed. Each of them must be in it. */
function example(name: string, changes: readonly (readonly [RegExp, string])[]): string {
  const text = readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8')
  return changes.reduce((kept, [what, by]) => {
    expect(kept).toMatch(what)
    return kept.replace(what, by)
  }, text)
}

interface Proxy {
  readonly port: number
  stop(): Promise<void>
}

async function startProxy(
  command: readonly string[],
  { port, folder }: { port: number; folder: string },
): Promise<Proxy> {
  const [program = '', ...args] = command
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const child: ChildProcess = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const answers = () =>
    askTls(port, { path: '/health' }).then(
      ({ status }) => status === 200,
      () => false,
    )
  for (let tries = 0; !(await answers()); tries += 1) {
    if (child.exitCode !== null || tries > 100) throw new Error(`${program}: ${said}`)
    await new Promise((then) => setTimeout(then, 100))
  }
  return {
    port,
    async stop() {
      const gone = new Promise((then) => child.once('exit', then))
      child.kill('SIGKILL')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The server of the example, with the least configuration that nginx needs around it. */
async function startNginx(gatePort: number): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-nginx-'))
  const port = await freePort()
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(cert, selfSigned.cert)
  writeFileSync(key, selfSigned.key)
  const site = example('nginx.conf', [
    [/127\.0\.0\.1:3000/, `127.0.0.1:${gatePort}`],
    [/listen 443 ssl;/, `listen 127.0.0.1:${port} ssl;`],
    [/ {2}listen \[::\]:443 ssl;\n/, ''],
    [/ssl_certificate \S+;/, `ssl_certificate ${cert};`],
    [/ssl_certificate_key \S+;/, `ssl_certificate_key ${key};`],
  ])
  writeFileSync(join(folder, 'site.conf'), site)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  const around = `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
    events {} http { ${temporary} include ${folder}/site.conf; }`
  writeFileSync(join(folder, 'nginx.conf'), around)
  const words = ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')]
  return startProxy(['/usr/sbin/nginx', ...words], { port, folder })
}

/** The site of the example, with a certificate that Caddy makes itself. */
async function startCaddy(gatePort: number): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-caddy-'))
  const port = await freePort()
  const site = example('Caddyfile', [
    [/127\.0\.0\.1:3000/, `127.0.0.1:${gatePort}`],
    [/^llm\.example\.com \{/m, `https://localhost:${port} {`],
    [/^\{$/m, '{\nadmin off\nlocal_certs\nskip_install_trust\nauto_https disable_redirects'],
  ])
  const config = join(folder, 'Caddyfile')
  writeFileSync(config, site)
  mkdirSync(join(folder, 'data'))
  const home = process.env.LAB_HOME ?? join(homedir(), '.cache', 'satgate-lab')
  const caddy = join(home, 'caddy', 'venv', 'bin', 'caddy')
  expect(existsSync(caddy)).toBe(true)
  const words = ['run', '--adapter', 'caddyfile', '--config', config]
  return startProxy([caddy, ...words], { port, folder })
}

/** A 402 with an invoice for this client has a page to pay. A shared invoice has none. */
const payPage = ({ status, json }: Pick<Answer, 'status' | 'json'>): string | null => {
  expect(status).toBe(402)
  return /Pay at (\S+)/.exec(json.error.message)?.[1] ?? null
}

describeWithLab('satgate behind a real reverse proxy', () => {
  let lab: Lab
  let fake: FakeUpstream
  const stop: (() => Promise<void>)[] = []

  beforeAll(async () => {
    lab = await openLab()
    fake = await startFakeUpstream({ deltas: WORDS, paceMs: PACE })
  })
  afterAll(async () => {
    for (const one of stop.reverse()) await one()
    await fake?.close()
    await lab?.stop()
  })
  const gateOf = async (settings: object = {}): Promise<GateProcess> => {
    const gate = new GateProcess({
      upstream: fake.base.origin,
      wallet: 'play',
      pricing: { default: '0/1000', maxOutputTokens: 100 },
      limits: { invoicesPerClient: 1 },
      ...settings,
    })
    stop.push(() => gate.remove())
    return gate.start()
  }
  const portOf = ({ url }: GateProcess) => Number(new URL(url).port)

  describe.each([
    ['nginx', 'examples/nginx.conf', startNginx],
    ['caddy', 'examples/Caddyfile', startCaddy],
  ] as const)('%s, with %s', (part, _, start) => {
    /** A gate that knows its proxy, and one that does not. */
    let gate: GateProcess
    let unaware: GateProcess
    let proxy: Proxy
    let blind: Proxy
    beforeAll(async () => {
      gate = await gateOf({ trustedProxies: ['127.0.0.1', '::1'] })
      unaware = await gateOf()
      // The lab installs it. The test itself uses only the example.
      await lab.startPart(part, { UPSTREAM: gate.url })
      proxy = await start(portOf(gate))
      blind = await start(portOf(unaware))
    })
    afterAll(async () => {
      await proxy?.stop()
      await blind?.stop()
    })

    let nobody = 0
    /** A pass that was paid for on the gate's own machine. */
    const buy = async (): Promise<string> => {
      nobody += 1
      const headers = { 'x-forwarded-for': `198.51.100.${nobody}` }
      const made = await gate.client.ask({ path: '/create-invoice', body: {}, headers })
      const paid = { path: '/play/pay', body: { invoice: made.json.bolt11 } }
      return `${made.json.macaroon}:${(await gate.client.ask(paid)).json.preimage}`
    }

    it('a 402 comes whole, and names the address that the buyer used', async () => {
      const refused = await askTls(proxy.port, { path: CHAT, body: hello() })
      expect(payPage(refused)).toMatch(new RegExp(`^https://localhost:${proxy.port}/`))
      const { macaroon, invoice } = refused.json.l402
      const challenges = lines(refused, 'www-authenticate')
      expect(challenges).toHaveLength(1)
      expect(challenges[0]).toContain(`L402 macaroon="${macaroon}", invoice="${invoice}"`)
    })

    it('a paid stream arrives event by event, whole, with its cost', async () => {
      const headers = { authorization: `Bearer ${await buy()}` }
      const body = hello({ stream: true })
      const { status, text, came } = await askTls(proxy.port, { path: CHAT, body, headers })
      expect(status).toBe(200)
      expect(text).toContain(': satgate cost_msat=')
      expect(text).toMatch(/data: \[DONE\]\n\n$/)
      const early = came.filter((ms) => ms < (came.at(-1) ?? 0) - 3 * PACE)
      expect(early.length).toBeGreaterThan(5)
    })

    it('a long pass, long headers and a prompt of a megabyte go through', async () => {
      const many = Array.from({ length: 14 }, (_, i) => `label = ${'x'.repeat(60)}${i}`)
      const narrowed = await gate.command('pass', 'narrow', await buy(), ...many)
      const headers = { authorization: `Bearer ${narrowed.pass}`, 'x-long': 'x'.repeat(30_000) }
      const messages = [{ role: 'user', content: 'word '.repeat(200_000) }]
      const answered = await askTls(proxy.port, { path: CHAT, body: hello({ messages }), headers })
      expect(answered.status).toBe(200)
      expect(answered.json.choices[0].message.content).toBe(WORDS.join(''))
    })

    it('a body over the limit is refused by the gate, in words that clients understand', async () => {
      const messages = [{ role: 'user', content: 'x'.repeat(10.2 * 1024 * 1024) }]
      const refused = await askTls(proxy.port, { path: CHAT, body: hello({ messages }) })
      expect(refused.status).toBe(413)
      expect(refused.json.error.message).toEqual(expect.any(String))
    })

    it('D3 what a client claims of itself is not believed, and clients are told apart', async () => {
      const own = await gate.client.ask({ path: CHAT, body: hello(), headers: from('192.0.2.1') })
      expect(payPage(own)).not.toBe(null)
      const forged = [
        { 'x-forwarded-for': '9.9.9.9' },
        { 'cf-connecting-ip': '9.9.9.8', 'x-real-ip': '9.9.9.7', forwarded: 'for=9.9.9.6' },
      ]
      await askTls(proxy.port, { path: CHAT, body: hello() })
      for (const headers of forged) {
        const asked = { path: CHAT, body: hello(), headers }
        expect(payPage(await askTls(proxy.port, asked))).toBe(null)
      }
      const host = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }
      const made = { path: '/.well-known/l402', headers: host }
      expect((await askTls(proxy.port, made)).text).not.toContain('evil.example')
      expect(gate.events('problem')).toEqual([])
    })

    it('D3 where the gate does not know of it all are one client, which is said once', async () => {
      await askTls(blind.port, { path: CHAT, body: hello() })
      for (const who of ['9.9.9.9', '9.9.9.8']) {
        const asked = { path: CHAT, body: hello(), headers: { 'x-forwarded-for': who } }
        expect(payPage(await askTls(blind.port, asked))).toBe(null)
      }
      expect(unaware.events('problem')).toMatchObject([{ what: 'clients_look_alike' }])
    })

    it('I3 proxied_loopback_is_public: no play money, no control, no metrics', async () => {
      const made = await gate.client.ask({
        ...{ path: '/create-invoice', body: {}, headers: from('192.0.2.77') },
      })
      for (const { port } of [proxy, blind]) {
        for (const host of ['localhost', '127.0.0.1', `localhost:${port}`]) {
          const body = { payment_hash: made.json.payment_hash }
          const asked = { path: '/play/pay', body, headers: { host } }
          // Caddy answers an empty 200 for a host that it does not serve. Nothing reached the gate.
          const { text } = await askTls(port, asked)
          expect(text).not.toContain('preimage')
        }
        for (const path of ['/metrics', '/control', '/control.sock']) {
          expect((await askTls(port, { path })).status).toBe(404)
        }
      }
    })
  })

  const from = (who: string) => ({ 'x-forwarded-for': who })

  it('I3 nginx with no more than proxy_pass: play money is not paid', async () => {
    const unaware = await gateOf()
    const folder = mkdtempSync(join(tmpdir(), 'satgate-nginx-'))
    const port = await freePort()
    const site = `server { listen 127.0.0.1:${port}; location / { proxy_pass ${unaware.url}; } }`
    const config = join(folder, 'nginx.conf')
    const around = `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
      events {} http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
      fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; ${site} }`
    writeFileSync(config, around)
    const words = ['-e', 'stderr', '-p', folder, '-c', config]
    const child = spawn('/usr/sbin/nginx', words, { stdio: 'ignore' })
    const client = new Client(port)
    try {
      const health = () => client.ask({ path: '/health' }).then(({ status }) => status === 200)
      while (!(await health().catch(() => false))) await new Promise((then) => setTimeout(then, 50))
      const made = await client.ask({ path: '/create-invoice', body: {} })
      const asked = { path: '/play/pay', body: { invoice: made.json.bolt11 ?? 'lnbcrt1' } }
      expect((await client.ask(asked)).status).toBe(404)
    } finally {
      client.close()
      child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
