import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakePayer } from '../support/fake-chain.ts'
import { type FakeMint, startFakeMint } from '../support/fake-mint.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'
import type { Paying } from '../support/x402-buyer.ts'
import { bearer, until } from './buyer.ts'
import { DollarShop, GETS_NOTHING, openRelay } from './dollar-shop.ts'
import { type EvmChain, evmChain, OWN_KEY } from './evm-chain.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'

/** The first account of anvil, which pays the gas of the lab’s facilitator. */
const LAB_FACILITATOR = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const COPIES = 50
const VERSIONS = [2, 1] as const

describeWithLab('a gate that is paid in dollars on a chain', () => {
  const folder = mkdtempSync(join(tmpdir(), 'satgate-key-'))
  let lab: Lab
  let chain: EvmChain
  let upstream: FakeUpstream
  let mint: FakeMint
  let relay: Awaited<ReturnType<typeof openRelay>>
  /** One without any wallet; one that takes invoices and ecash too; one that settles itself. */
  let alone: DollarShop
  let full: DollarShop
  let own: DollarShop
  const shops = () => [alone, full, own]

  beforeAll(async () => {
    lab = await openLab()
    const env = await lab.startPart('x402')
    chain = evmChain(env)
    ;[upstream, mint, relay] = await Promise.all([
      ...[startFakeUpstream({}), startFakeMint(), openRelay(String(env.X402_FACILITATOR))],
    ] as const)
    const gasKey = join(folder, 'gas.key')
    writeFileSync(gasKey, OWN_KEY, { mode: 0o600 })
    const open = (payee: number, more: object) =>
      new DollarShop(chain, upstream.base.origin, {
        ...{ facilitator: relay.url, payTo: fakePayer(payee).address, ...more },
      })
    alone = open(21, {})
    full = open(22, { rails: {}, wallet: { kind: 'ecash', mints: [mint.url] } })
    own = open(23, {
      // So that ten times the gas is more than the smallest offer.
      facilitator: { rpc: chain.rpc, key: { file: gasKey }, usdPerEth: 100 },
    })
    await Promise.all([alone.gate.start(), full.gate.start(), own.gate.start()])
  }, 300_000)

  afterAll(async () => {
    for (const shop of shops()) await shop?.gate.remove()
    await Promise.all([upstream?.close(), mint?.stop(), relay?.close()])
    await lab?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Answers that the backend was asked for. */
  const asked = () => upstream.seen.filter(({ method }) => method === 'POST').length
  const pending = async () =>
    (await chain.client.getBlock({ blockTag: 'pending' })).transactions.length > 0

  /** What is offered while there is none. */
  const othersOffered = async () => {
    const { headers, json, status } = await full.chat()
    const l402 = String(headers['www-authenticate']).startsWith('L402 ')
    const dollars = headers['payment-required'] !== undefined || json.accepts.length > 0
    return [status, l402, headers['x-cashu'] !== undefined, dollars]
  }
  const onlyOthers = [402, true, true, false]
  const notAskedAgain = async (paying: Paying) => {
    const answer = await full.chat(paying.headers)
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, expect.any(String)])
    expect(answer).toSatisfy(GETS_NOTHING)
    return answer.json.error
  }
  /** Payments of the first two tests, whose end comes later in the file. */
  let unknown: Paying
  let later: Paying

  describe('a facilitator that fails', () => {
    it('F3 F10 without money for gas: nothing is taken, and the others stay', async () => {
      later = await full.signed(2)
      await chain.rpcCall('anvil_setBalance', LAB_FACILITATOR, '0x0')
      const { code, message } = await notAskedAgain(later)
      await chain.rpcCall('anvil_setBalance', LAB_FACILITATOR, '0xde0b6b3a7640000')
      expect([code, await chain.used(later as never)]).toEqual(['facilitator_unreachable', false])
      expect(message).toContain('Nothing was taken. Send the same request with the same payment')
      expect(await othersOffered()).toEqual(onlyOthers)
    })

    it('F3 L15 whose answer is lost: pending, and nobody pays again', async () => {
      unknown = await alone.signed(1)
      relay.loses = 'settle'
      const answer = await alone.chat(unknown.headers).finally(() => {
        relay.loses = ''
      })
      expect([answer.status, answer.json.error.code]).toEqual([503, 'x402_pending'])
      expect(answer.json.error.message).toContain('Do not pay again')
      expect(answer).toSatisfy(GETS_NOTHING)
      // It cannot say that it was the one who did this.
      expect(await chain.used(unknown as never)).toBe(true)
      expect(alone.stateOf(unknown)).toBe('settling')
    }, 60_000)

    it('F3 that stands still after it was asked: its answer is not waited for without end', async () => {
      const [had, paying] = [await alone.got(), await alone.signed(2)]
      const pid = await lab.pidOf('x402', 'facilitator')
      relay.before = (step) => step === 'settle' && process.kill(pid, 'SIGSTOP')
      const answer = await alone.chat(paying.headers).finally(() => {
        relay.before = () => null
        process.kill(pid, 'SIGCONT')
      })
      expect([answer.status, answer.json.error.code]).toEqual([503, 'x402_pending'])
      expect(answer).toSatisfy(GETS_NOTHING)
      await until(() => chain.used(paying as never), 10_000)
      expect(await alone.got()).toBe(had + paying.authorization.value)
    }, 60_000)
  })

  describe('a buyer', () => {
    it('L3 F6 streams, goes on with the pass, sees its dollars and tops it up beside it', async () => {
      const { promise: told, resolve: tell } = Promise.withResolvers<void>()
      const delta = (content: string) =>
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`
      const end = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
      const had = await alone.got()
      const paying = await alone.signed(2, { stream: true })
      upstream.script = {
        pieces: [delta('one'), () => told, delta('two'), end, 'data: [DONE]\n\n'],
      }
      const stream = await alone.open(paying.headers, { stream: true })
      upstream.script = {}
      expect(stream.status).toBe(200)
      const hash = alone.transactionOf(stream)
      expect((await chain.client.getTransactionReceipt({ hash })).status).toBe('success')
      // The backend has not sent the second word yet.
      expect(await stream.until('one')).not.toContain('two')
      tell()
      expect(await stream.over).toMatchObject({
        cut: false,
        text: expect.stringMatching(/two[\s\S]*DONE/),
      })
      const pass = String(stream.headers['x-satgate-pass'])

      const left = async () => (await alone.balance(pass)).usd_micros
      const before = await left()
      expect(before).toBeLessThan(Number(paying.authorization.value))
      const next = await alone.chat(bearer(pass))
      expect(next.status).toBe(200)
      expect(await left()).toBe(before - Number(next.headers['x-cost-msat']))
      const more = await alone.signed(1)
      const topped = await alone.chat({ ...more.headers, ...bearer(pass) })
      expect([topped.status, topped.headers['x-satgate-pass']]).toEqual([200, undefined])
      const costs = Number(next.headers['x-cost-msat']) + Number(topped.headers['x-cost-msat'])
      const { paid_msat, usd_micros, withdrawable_msat } = await alone.balance(pass)
      const all = paying.authorization.value + more.authorization.value
      expect(usd_micros).toBe(before + Number(more.authorization.value) - costs)
      expect([paid_msat, withdrawable_msat ?? 0]).toEqual([0, 0])
      expect(BigInt(await lab.exec('x402', 'balance', alone.payTo))).toBe(had + all)
      expect(await alone.gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
    })

    it.each(VERSIONS)('F1 sends fifty copies of one payment of version %d', async (version) => {
      const paying = await alone.signed(version)
      const [had, credited, seen] = [await alone.got(), alone.credited(), asked()]
      const all = await Promise.all(
        Array.from({ length: COPIES }, () => alone.chat(paying.headers)),
      )
      const served = all.filter(({ status }) => status === 200)
      expect(await alone.got()).toBe(had + paying.authorization.value)
      expect(alone.credited() - credited).toBe(1)
      expect(asked() - seen).toBe(served.length)
      const passes = new Set(served.map(({ headers }) => String(headers['x-satgate-pass'])))
      const [pass = ''] = passes
      const costs = served.reduce((sum, { headers }) => sum + Number(headers['x-cost-msat']), 0)
      const { usd_micros = 0 } = await alone.balance(pass)
      expect([passes.size, usd_micros]).toEqual([1, Number(paying.authorization.value) - costs])
      if (version === 2) return
      expect(served).toHaveLength(1)
      for (const one of all.filter(({ status }) => status !== 200))
        expect(one).toSatisfy(GETS_NOTHING)
    })
  })

  describe('whoever watches the chain', () => {
    it.each(VERSIONS)('L1 L15 gets nothing for a payment of version %d', async (version) => {
      const paying = await alone.signed(version)
      const first = await alone.chat(paying.headers)
      expect(first.status, first.text).toBe(200)
      const pass = String(first.headers['x-satgate-pass'])
      const signed = await alone.fromChain(alone.transactionOf(first))
      expect(signed).toEqual({
        ...{ authorization: paying.authorization, signature: paying.signature },
      })
      const [had, credited, seen] = [await alone.got(), alone.credited(), asked()]
      const { usd_micros } = await alone.balance(pass)
      const rebuilt = {
        'version 2 without the id': await alone.presenting(2, signed, { offer: null }),
        'version 2 with an invented id': await alone.presenting(2, signed, {
          offer: 'A'.repeat(72),
        }),
        'version 2 with an id of its own': await alone.presenting(2, signed),
        'version 1': await alone.presenting(1, signed),
      }
      const tries = async (when: string) => {
        for (const [what, headers] of Object.entries(rebuilt)) {
          const { client } = alone.gate
          const path = '/v1/chat/completions'
          const answers = [
            await alone.chat(headers),
            await alone.chat(headers, { max_tokens: 6 }),
            await client.ask({ method: 'POST', path, headers }),
            await client.ask({ path: '/v1/balance', headers }),
          ]
          for (const answer of answers) expect(answer, `${what}, ${when}`).toSatisfy(GETS_NOTHING)
        }
      }
      await tries('before the pass was used')
      const { usd_micros: since } = await alone.balance(pass)
      expect(since).toBe(usd_micros)
      expect((await alone.chat(bearer(pass))).status).toBe(200)
      await tries('after it was used')
      expect(asked() - seen).toBe(1)
      expect([await alone.got(), alone.credited()]).toEqual([had, credited])
    })

    it.each(VERSIONS)(
      'L15 nor for one of version %d that this gate never settled',
      async (version) => {
        const paying = await alone.signed(version)
        const { authorization, signature } = paying
        const credited = alone.credited()
        await chain.sendAsStranger({ authorization, signature } as never)
        const answer = await alone.chat(paying.headers)
        expect([answer.status, answer.json.reason ?? answer.json.error.code]).toEqual([
          402,
          'x402_used',
        ])
        expect(answer.headers['x-satgate-pass']).toBeUndefined()
        expect(alone.credited()).toBe(credited)
        expect(alone.stateOf(paying)).not.toBe('given')
      },
    )
  })

  describe('the gate settles by itself', () => {
    it.each(VERSIONS)('a payment of version %d, which pays for its gas', async (version) => {
      const had = await own.got()
      const paying = await own.signed(version)
      // The other gate asks for less.
      expect(paying.authorization.value).toBeGreaterThan(
        (await alone.signed(2)).authorization.value,
      )
      const answer = await own.chat(paying.headers)
      expect(answer.status, answer.text).toBe(200)
      expect(await own.got()).toBe(had + paying.authorization.value)
      const hash = own.transactionOf(answer)
      const { effectiveGasPrice, gasUsed } = await chain.client.getTransactionReceipt({ hash })
      const gas = Number(gasUsed * effectiveGasPrice) / 1e18
      expect(Number(paying.authorization.value) / 1e6).toBeGreaterThanOrEqual(10 * gas * 100)
    })

    it('L15 B6 and is killed in the middle: it is credited once, unasked', async () => {
      const [had, paying] = [await own.got(), await own.signed(2)]
      await chain.rpcCall('evm_setAutomine', false)
      const cut = own.chat(paying.headers).catch(() => null)
      await until(pending, 10_000)
      await own.gate.kill9()
      expect([await cut, own.stateOf(paying)]).toEqual([null, 'settling'])
      await chain.rpcCall('evm_setAutomine', true)
      await chain.rpcCall('evm_mine')
      await own.gate.start()
      await own.gate.event(({ event }) => event === 'paid', 20_000)
      const answer = await own.chat(paying.headers)
      expect([answer.status, answer.headers['x-satgate-pass']]).toEqual([200, expect.any(String)])
      expect([await own.got(), own.credited()]).toEqual([had + paying.authorization.value, 1])
    })
  })

  describe('a facilitator that comes back', () => {
    it('F10 with gas again: the payment of before is taken once', async () => {
      await full.unpaid({}, 70_000)
      const [had, credited] = [await full.got(), full.credited()]
      const [answer, again] = [await full.chat(later.headers), await full.chat(later.headers)]
      expect([answer.status, again.status]).toEqual([200, 200])
      const now = [await full.got(), full.credited()]
      expect(now).toEqual([had + later.authorization.value, credited + 1])
    }, 120_000)

    it('F1 B6 a gate that is killed between settlement and credit credits it once', async () => {
      const [had, paying] = [await full.got(), await full.signed(2)]
      const other = new DatabaseSync(join(full.gate.data, 'ledger.db'))
      other.exec('BEGIN IMMEDIATE')
      const cut = full.chat(paying.headers).catch(() => null)
      await until(() => full.stateOf(paying) === 'settled', 10_000)
      await full.gate.kill9()
      other.exec('ROLLBACK')
      other.close()
      expect([await cut, full.stateOf(paying)]).toEqual([null, 'settled'])
      await full.gate.start()
      await full.gate.event(({ event }) => event === 'paid', 20_000)
      const answer = await full.chat(paying.headers)
      expect([answer.status, answer.headers['x-satgate-pass']]).toEqual([200, expect.any(String)])
      const { usd_micros } = await full.balance(String(answer.headers['x-satgate-pass']))
      const cost = Number(answer.headers['x-cost-msat'])
      expect(usd_micros).toBe(Number(paying.authorization.value) - cost)
      expect([await full.got(), full.credited()]).toEqual([had + paying.authorization.value, 1])
    })

    it('F3 F10 that is killed in the middle, with its chain: the same payment is taken once', async () => {
      const credited = full.credited()
      const rich = String(
        (await full.chat((await full.signed(2)).headers)).headers['x-satgate-pass'],
      )
      const paying = await full.signed(2)
      const since = await full.got()
      // The lab's chain is on disk once a second.
      const at = Date.now()
      await until(() => Date.now() - at > 2_500, 5_000)
      await chain.rpcCall('evm_setAutomine', false)
      const first = full.chat(paying.headers)
      await until(pending, 10_000)
      await lab.kill('x402')
      const answer = await first
      expect([answer.status, answer.json.error.code]).toEqual([503, 'x402_pending'])
      expect(answer).toSatisfy(GETS_NOTHING)
      await until(async () => (await othersOffered())[3] === false, 5_000)
      expect(await othersOffered()).toEqual(onlyOthers)
      expect((await full.chat(bearer(rich))).status).toBe(200)
      await lab.startPart('x402', { KEEP: '1' })
      await until(async () => (await full.chat(paying.headers)).status === 200, 60_000)
      const now = await full.got()
      expect([now - since, full.credited() - credited]).toEqual([paying.authorization.value, 2])
    }, 120_000)

    it('F3 whose payment stays unknown: the operator is told, and it is never credited on a guess', async () => {
      const told = ({ event, what }: { event: string; what?: string }) =>
        event === 'problem' && what === 'payments_unknown'
      const problem = await alone.gate.event(told, 150_000)
      expect(problem.payments).toBeGreaterThanOrEqual(1)
      expect(alone.stateOf(unknown)).toBe('settling')
      expect(await alone.chat(unknown.headers)).toSatisfy(GETS_NOTHING)
    }, 180_000)
  })

  it('all books balance, and no line has a payment in it', async () => {
    for (const { gate } of shops()) {
      expect(await gate.command('ledger', 'verify')).toMatchObject({
        balanced: true,
        open_holds: 0,
      })
      const said = JSON.stringify(gate.events()) + gate.stderr
      for (const secret of [chain.payer.address, OWN_KEY.slice(2)])
        expect(said).not.toContain(secret)
    }
  })
})
