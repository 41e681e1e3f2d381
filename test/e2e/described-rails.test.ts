import { describe, expect, it } from 'vitest'
import { type Answered, Client } from '../support/ask.ts'
import { FakeChain } from '../support/fake-chain.ts'
import { startGate } from '../support/gate.ts'
import { MemoryFacilitator } from '../support/memory-facilitator.ts'
import { HandReconciler, MemoryX402Payments } from '../support/memory-x402.ts'
import { pathsOf } from '../support/openapi.ts'
import { TestWorld } from '../support/world.ts'
import { PAY_TO, rateOf } from '../support/x402-bed.ts'
import { read402 } from '../support/x402-buyer.ts'

/** What the documents say of the ways to pay is what a real 402 offers, and nothing else. */

const CHAT = '/v1/chat/completions'
const X402 = { payTo: PAY_TO, network: 'base-sepolia', facilitator: 'https://f.example' }

async function opened(rails: Readonly<Record<string, unknown>>) {
  const world = new TestWorld()
  const facilitator = new MemoryFacilitator(new FakeChain({ now: () => world.now() }))
  const payments = new MemoryX402Payments()
  const reconciler = new HandReconciler({ payments, facilitator })
  const gate = await startGate({
    world,
    // The settings name a wallet of test money, as dollars of a test network ask for.
    settings: { wallet: { kind: 'ecash', mints: ['https://mint.example'] }, rails },
    x402: { facilitator, payments, reconciler },
    usdPerBtc: () => rateOf('90000'),
  })
  const get = async (path: string) => (await gate.ask({ path })).json
  return {
    ...{ gate, facilitator },
    documents: async () => ({
      wellKnown: await get('/.well-known/l402'),
      x402: await gate.ask({ path: '/.well-known/x402' }),
      openapi: await get('/openapi.json'),
      health: await get('/health'),
    }),
    /** The 402 of a POST, and the one with the smallest offer. */
    refused: async () => ({ asked: await gate.chat(null), least: await gate.ask({ path: CHAT }) }),
  }
}

const ALL = { l402: true, cashu: false, x402: X402, payment: true }
const schemesOf = ({ headers }: Answered): readonly string[] =>
  [headers['www-authenticate'] ?? '']
    .flat()
    .flatMap((line) => line.match(/\b(?:L402|Payment)(?= )/g) ?? [])

describe('the documents and a real 402', () => {
  it.each([
    ['all', ALL, ['l402', 'payment', 'x402']],
    ['no Payment', { ...ALL, payment: false }, ['l402', 'x402']],
    ['Payment alone', { l402: false, cashu: false, payment: true }, ['payment']],
    ['dollars alone', { l402: false, cashu: false, x402: X402 }, ['x402']],
  ])('name the same offers: %s', async (_, rails, on) => {
    const { documents, refused } = await opened(rails)
    const { asked } = await refused()
    const { openapi, wellKnown, x402 } = await documents()
    expect(asked.status).toBe(402)
    expect(wellKnown.payment.methods).toEqual(on)
    for (const name of on) expect([name, wellKnown.payment[name].accepting]).toEqual([name, true])
    const post = pathsOf(openapi)[CHAT]?.post
    const headers = post?.responses[402]?.headers ?? {}
    for (const name of Object.keys(headers)) {
      expect(Object.keys(asked.headers)).toContain(name.toLowerCase())
    }
    expect(headers['PAYMENT-REQUIRED'] !== undefined).toBe('payment-required' in asked.headers)
    expect(new Set(schemesOf(asked))).toEqual(
      new Set([
        ...(on.includes('l402') ? ['L402'] : []),
        ...(on.includes('payment') ? ['Payment'] : []),
      ]),
    )
    expect(x402.status).toBe(on.includes('x402') ? 200 : 404)
    expect(asked.json.accepts.length).toBe(on.includes('x402') ? 1 : 0)
    const offers = post?.['x-payment-info']?.offers
    expect(offers?.length ?? 0).toBe(on.includes('payment') ? 1 : 0)
  })

  it('name one network, token, address and amount of dollars', async () => {
    const { documents, refused } = await opened(ALL)
    const { asked, least } = await refused()
    const { wellKnown, x402 } = await documents()
    const [accepted] = read402(least.headers['payment-required']).accepts
    const { offer, ...extra } = accepted.extra
    expect(offer).toMatch(/^[\w-]+$/)
    const [item] = x402.json.items
    expect(item.accepts).toEqual([{ ...accepted, extra }])
    expect(item.resource).toBe(read402(asked.headers['payment-required']).resource.url)
    expect(wellKnown.payment.x402).toMatchObject({
      ...{ network: accepted.network, asset: accepted.asset, payTo: accepted.payTo },
      ...{ scheme: accepted.scheme, name: accepted.extra.name },
    })
    const [v1] = asked.json.accepts
    expect([v1.asset, v1.payTo]).toEqual([accepted.asset, accepted.payTo])
  })

  it('say that dollars cannot be paid while the facilitator is down, and offer the others', async () => {
    const { documents, facilitator, refused } = await opened(ALL)
    facilitator.up = false
    const { asked } = await refused()
    const { health, wellKnown, x402 } = await documents()
    expect([asked.status, asked.headers['payment-required'], asked.json.accepts]).toEqual([
      402,
      undefined,
      [],
    ])
    expect(schemesOf(asked)).toEqual(['L402', 'Payment'])
    expect(wellKnown).toMatchObject({
      accepting_payments: true,
      payment: { l402: { accepting: true }, x402: { accepting: false } },
    })
    expect(x402.json.items[0].accepts).toEqual([])
    expect(health).toMatchObject({ status: 'ok', x402: 'unreachable' })
    facilitator.up = true
    expect((await documents()).wellKnown.payment.x402.accepting).toBe(true)
  })

  it('ask each way of the list for its own offer', async () => {
    const { gate, documents } = await opened(ALL)
    const { wellKnown } = await documents()
    for (const name of wellKnown.payment.methods) {
      const client = new Client(gate.port)
      const { json, status } = await client.ask({ path: `${CHAT}?rail=${name}` })
      client.close()
      expect([name, status]).toEqual([name, 402])
      expect([name, json.accepts.length]).toEqual([name, name === 'x402' ? 1 : 0])
    }
  })
})
