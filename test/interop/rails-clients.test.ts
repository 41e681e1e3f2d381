import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answered, lines } from '../support/ask.ts'
import { child } from '../support/buyer.ts'
import type { GateProcess } from '../support/gate-process.ts'
import { RawClient } from '../support/serve.ts'
import { payV2, requiredV2 } from '../support/x402-buyer.ts'
import { bearer, until } from './buyer.ts'
import { EcashBuyer } from './ecash-buyer.ts'
import { read402Mcp, readAperture, readLnget, readLngetPayment } from './header-readers.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'
import { CHAT, MODEL, Peers, type Rails, watch } from './paying.ts'

type RailName = 'l402' | 'x402' | 'cashu' | 'payment'
/** The rail by which each client pays. */
type Pays = Readonly<Record<string, RailName>>
/** What a client says that does not pay: its error, or the status that it hands on. */
type Leaves = Readonly<Record<string, RegExp | number>>

interface Row {
  readonly row: string
  readonly rails: Rails
  readonly pays: Pays
  readonly leaves: Leaves
}

const LIGHTNING = {
  'alby-fetch402': 'l402',
  'alby-fetch-l402': 'l402',
  'l402-npm': 'l402',
} as const
const DOLLARS = { 'x402-fetch': 'x402', 'x402-fetch-v1': 'x402' } as const

const ROWS: readonly Row[] = [
  {
    row: 'full',
    rails: { l402: true, cashu: true, x402: true, payment: true },
    pays: { ...LIGHTNING, ...DOLLARS, mppx: 'x402', 'cashu-ts': 'cashu' },
    leaves: {},
  },
  {
    row: 'L402 + x402, no Payment',
    rails: { l402: true, cashu: false, x402: true, payment: false },
    pays: { ...LIGHTNING, ...DOLLARS },
    // It wants a Payment challenge wherever there is any challenge, though it would pay by x402.
    leaves: { mppx: /No Payment schemes found/, 'cashu-ts': 402 },
  },
  {
    row: 'x402 alone, without any wallet',
    rails: { l402: false, cashu: false, x402: true, payment: false },
    pays: { ...DOLLARS, mppx: 'x402' },
    leaves: { 'alby-fetch402': 402 },
  },
  {
    row: 'Payment alone',
    rails: { l402: false, cashu: false, x402: false, payment: true },
    pays: { 'alby-fetch402': 'payment' },
    leaves: { 'x402-fetch': /./, mppx: /./ },
  },
]

const hello = (more: object = {}) => ({
  ...{ model: MODEL, messages: [{ role: 'user', content: 'Say hello.' }] },
  ...more,
})
/** Its prompt alone costs more than any of these payments leaves, so its 402 asks for more. */
const DEAR = hello({ messages: [{ role: 'user', content: 'word '.repeat(15_000) }] })

describeWithLab('clients that pay, each with its own wallet', () => {
  let lab: Lab
  let peers: Peers
  beforeAll(async () => {
    lab = await openLab()
    peers = await Peers.open(lab)
  })
  afterAll(async () => {
    await peers?.close()
    await lab?.stop()
  })

  describe.each(ROWS)('$row', ({ rails, pays, leaves }) => {
    let gate: GateProcess
    const ask = (headers = {}, body: object = hello(), path = CHAT): Promise<Answered> =>
      gate.client.ask({ path, body, headers })
    const all = async (): Promise<boolean> => {
      const { json, headers } = await ask()
      const cashu = !rails.cashu || json.cashu !== undefined
      return cashu && (!rails.x402 || headers['payment-required'] !== undefined)
    }
    beforeAll(async () => {
      gate = await peers.gate(rails)
      // A rail is offered as soon as its peer has answered once.
      await until(all, 30_000)
    })
    afterAll(() => peers.closeGate(gate))

    describe.each(Object.entries(pays))('%s', (client, rail) => {
      it.each([['buffered'], ['stream']])('pays once, and gets its answer: %s', async (mode) => {
        const stream = mode === 'stream'
        const before = gate.events('paid').length
        const tap = await watch(gate)
        try {
          // The second part of a stream is not sent before the first is at the client.
          const arrived = () => until(() => tap.last().answer.includes('first'), 20_000)
          if (stream) peers.upstream.script = streamed('first', arrived)
          const ran = await peers.buys(client, tap, { stream })
          expect(ran).toMatchObject({ ok: true, status: 200 })
          expect(ran.text).toMatch(stream ? /^first second$/ : /./)
          expect(ran.attempts.map(({ status }) => status)).toEqual([402, 200])
          const paid = gate.events('paid').slice(before)
          expect(paid).toHaveLength(1)
          // An invoice that two rails sell is reported by the one that hears of it first (threats L4).
          const invoice = rail === 'payment' ? 'l402' : rail
          expect([rail, invoice]).toContain(paid[0]?.rail)
          expect(presentedIn(ran.attempts.at(-1)?.request ?? {})).toEqual([rail])
          // L3: whoever pays by any rail gets a pass with the first paid answer.
          expect(ran.attempts.at(-1)?.response['x-satgate-pass']).toMatch(/:[0-9a-f]{64}$/)
        } finally {
          peers.upstream.script = {}
          await tap.close()
        }
      })
    })

    if (Object.keys(leaves).length > 0) {
      it.each(Object.entries(leaves))('%s pays nothing here, and says so', async (client, says) => {
        const before = gate.events('paid').length
        const ran = await peers.buys(client, gate)
        expect([ran.ok, ran.paid ?? []]).toEqual([false, []])
        if (typeof says === 'number') expect(ran.status).toBe(says)
        else expect(ran.error.message).toMatch(says)
        expect(gate.events('paid')).toHaveLength(before)
      })
    }

    describe('the 402, byte by byte', () => {
      /** The head as it is on the wire, its lines in their order. */
      const head = async () => {
        const raw = new RawClient(Number(new URL(gate.url).port))
        const body = JSON.stringify(hello())
        raw.send(
          `POST ${CHAT} HTTP/1.1\r\nHost: ${new URL(gate.url).host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
        )
        const [top = ''] = (await raw.untilClosed()).split('\r\n\r\n')
        const [status, ...rest] = top.split('\r\n')
        return { status, bytes: Buffer.byteLength(top), rest }
      }
      const starting = (rest: readonly string[], name: string) =>
        rest.filter((line) => line.toLowerCase().startsWith(`${name}: `))

      it('C11 each offer has a line of its own, L402 first, and all fit into a page', async () => {
        const { status, bytes, rest } = await head()
        expect(status).toBe('HTTP/1.1 402 Payment Required')
        expect(bytes).toBeLessThan(4_000)
        const challenges = starting(rest, 'www-authenticate').map((line) => line.split(' ')[1])
        expect(challenges).toEqual([
          ...(rails.l402 ? ['L402'] : []),
          ...(rails.payment ? ['Payment'] : []),
        ])
        expect(starting(rest, 'x-cashu')).toHaveLength(rails.cashu ? 1 : 0)
        expect(starting(rest, 'payment-required')).toHaveLength(rails.x402 ? 1 : 0)
        expect(starting(rest, 'cache-control').join()).toContain('no-store')
      })

      it('is read by clients that are not installed here, by their documented contracts', async () => {
        const answer = await ask()
        const challenges = lines(answer, 'www-authenticate')
        const { macaroon, invoice } = answer.json.l402 ?? {}
        const l402 = rails.l402 ? { macaroon, invoice } : null
        expect(readAperture(challenges)).toEqual(l402)
        expect(readLnget(challenges)).toEqual(l402)
        const mcp = read402Mcp(answer)
        expect(mcp.l402).toEqual(l402)
        const charge = readLngetPayment(challenges)
        if (!rails.payment) expect([charge, mcp.payment]).toEqual([null, null])
        else {
          // Both rails of Lightning sell one invoice (threats L4).
          if (rails.l402) expect(charge?.invoice).toBe(invoice)
          expect({ ...mcp.payment, credential: null }).toEqual({ ...charge, credential: null })
        }
        // Its own x402 is another protocol, and its own X-Cashu is not NUT-18: it must see neither.
        expect([mcp.x402, mcp.cashu]).toEqual([false, null])
      })

      it.runIf(rails.x402)('x402 v1: every entry of `accepts` is one of version 1', async () => {
        const { accepts, x402Version } = (await ask()).json
        expect(x402Version).toBe(1)
        expect(accepts).toHaveLength(1)
        expect(accepts[0]).toMatchObject({
          ...{ scheme: 'exact', network: 'base-sepolia', resource: gate.url + CHAT },
          maxAmountRequired: expect.stringMatching(/^[1-9]\d*$/),
        })
      })
    })
  })

  describe('L3 L16 whoever paid by one rail goes on with its pass, and pays by another', () => {
    let gate: GateProcess
    const ask = (headers = {}, body: object = hello(), path = CHAT): Promise<Answered> =>
      gate.client.ask({ path, body, headers })
    const balance = async (pass: string) =>
      (await gate.client.ask({ path: '/v1/balance', headers: bearer(pass) })).json
    /** The credit of an account, whatever it was bought with: sats and dollars. */
    const credit = async (pass: string) => {
      const { account, balance_msat, usd_micros } = await balance(pass)
      return { account, sats: balance_msat, dollars: usd_micros ?? 0 }
    }
    const coins = async (sats: number) => {
      const wallet = await EcashBuyer.at(peers.mint)
      return wallet.write(await wallet.coins(sats, (bolt11) => peers.pay(bolt11)))
    }
    const preimageOf = async (answer: Answered) => {
      const { payment } = read402Mcp(answer)
      if (payment === null) throw new Error('no Payment challenge')
      return { payment, preimage: await peers.pay(payment.invoice) }
    }

    beforeAll(async () => {
      gate = await peers.gate({ l402: true, cashu: true, x402: true, payment: true })
      const ready = async () => {
        const { json, headers } = await ask()
        return json.cashu !== undefined && headers['payment-required'] !== undefined
      }
      await until(ready, 30_000)
    })
    afterAll(() => peers.closeGate(gate))

    /** Buys the first answer by a rail. Returns its pass. */
    const first: Readonly<Record<string, () => Promise<string>>> = {
      'L402 (Alby)': () => passBy('alby-fetch402'),
      'x402 v2 (@x402/fetch)': () => passBy('x402-fetch'),
      'x402 v1 (x402-fetch)': () => passBy('x402-fetch-v1'),
      'x402 (mppx)': () => passBy('mppx'),
      'Cashu (cashu-ts)': () => passBy('cashu-ts'),
      'Payment (as 402-mcp does)': async () => {
        const { payment, preimage } = await preimageOf(await ask())
        const answer = await ask({ authorization: payment.credential(preimage) })
        expect(answer.status).toBe(200)
        expect(answer.headers['payment-receipt']).toBeDefined()
        return String(answer.headers['x-satgate-pass'])
      },
    }
    const passBy = async (client: string): Promise<string> => {
      const ran = await peers.buys(client, gate)
      expect(ran).toMatchObject({ ok: true, status: 200 })
      return ran.attempts.at(-1)?.response['x-satgate-pass'] ?? ''
    }

    /** Pays more into the account of a pass. */
    const topUp = {
      l402: async (pass: string) => {
        const body = { amountSats: 20 }
        const made = await gate.client.ask({
          ...{ path: '/create-invoice', body, headers: bearer(pass) },
        })
        await peers.pay(made.json.bolt11)
      },
      cashu: async (pass: string) => {
        const answer = await ask({ ...bearer(pass), 'x-cashu': await coins(20) })
        expect(answer.status).toBe(200)
      },
      x402: async (pass: string) => {
        const refused = await ask(bearer(pass), DEAR)
        expect([refused.status, requiredV2(refused) !== null]).toEqual([402, true])
        const paid = payV2(refused, peers.payer)
        const answer = await ask({ ...bearer(pass), ...paid.headers }, DEAR)
        expect(answer.status).toBe(200)
      },
      payment: async (pass: string) => {
        const { payment, preimage } = await preimageOf(await ask(bearer(pass), DEAR))
        const paying = { 'x-api-key': pass, authorization: payment.credential(preimage) }
        expect((await ask(paying, DEAR)).status).toBe(200)
      },
    }

    it.each([
      ['L402 (Alby)', 'x402'],
      ['x402 v2 (@x402/fetch)', 'cashu'],
      ['x402 v1 (x402-fetch)', 'l402'],
      ['x402 (mppx)', 'payment'],
      ['Cashu (cashu-ts)', 'l402'],
      ['Payment (as 402-mcp does)', 'x402'],
    ] as const)(
      '%s: the API key of an SDK, a balance, more by %s, narrowed',
      async (rail, more) => {
        const pass = (await first[rail]?.()) ?? ''
        expect(pass).toMatch(/:[0-9a-f]{64}$/)
        const sdk = await peers.buys('openai-node', gate, { key: pass })
        expect(sdk).toMatchObject({ ok: true, status: 200 })
        const before = await credit(pass)
        expect(before.sats + before.dollars).toBeGreaterThan(0)
        await topUp[more](pass)
        await until(async () => {
          const { account, sats, dollars } = await credit(pass)
          expect(account).toBe(before.account)
          return more === 'x402' ? dollars > before.dollars : sats > before.sats
        }, 10_000)
        const narrowed = child(pass, 'model = fake', 'path = /v1/chat/*')
        expect((await ask(bearer(narrowed))).status).toBe(200)
        expect((await ask(bearer(child(pass, 'model = other')))).status).toBe(403)
      },
    )
  })
})

/** The rails whose payments stand in these headers of a request, by their names in lower case. */
const presentedIn = (headers: Readonly<Record<string, string>>): RailName[] => [
  ...(/^(?:L402|LSAT) /.test(headers.authorization ?? '') ? (['l402'] as const) : []),
  ...(/^Payment /.test(headers.authorization ?? '') ? (['payment'] as const) : []),
  ...('payment-signature' in headers || 'x-payment' in headers ? (['x402'] as const) : []),
  ...('x-cashu' in headers ? (['cashu'] as const) : []),
]

const chunk = (content: string, finish: string | null = null): string => {
  const choices = [{ index: 0, delta: { content }, finish_reason: finish }]
  const head = { id: 'a', object: 'chat.completion.chunk', created: 1, model: MODEL }
  return `data: ${JSON.stringify({ ...head, choices })}\n\n`
}

/** A stream whose second part is not sent before `then` is over. */
const streamed = (first: string, then: () => Promise<unknown>) => ({
  pieces: [chunk(first), then, chunk(' second', 'stop'), 'data: [DONE]\n\n'],
})
