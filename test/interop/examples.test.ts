import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startGate } from '../support/gate.ts'
import { GateProcess } from '../support/gate-process.ts'
import { startFakeUpstream } from '../support/upstream.ts'
import { bearer, until } from './buyer.ts'
import { runExample } from './example.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'

/** The programs of `examples/` that pay, one for each rail, as they are printed. */
describeWithLab('the examples that pay', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.stop())

  /** A gate in front of a model server that answers at once, when it offers what `header` names. */
  async function opened(settings: object, header: string): Promise<GateProcess> {
    const upstream = await startFakeUpstream()
    const gate = new GateProcess({ upstream: upstream.base.origin, ...settings })
    onTestFinished(async () => {
      const proved = await gate.command('ledger', 'verify')
      await gate.remove()
      await upstream.close()
      expect(proved).toMatchObject({ balanced: true, open_holds: 0 })
    })
    await gate.start()
    await until(async () => {
      const asked = await gate.client.ask({ path: '/v1/chat/completions' })
      return asked.headers[header] !== undefined
    }, 30_000)
    return gate
  }

  it('curl-l402: an invoice, by L402', async () => {
    const gate = await startGate()
    const script = fileURLToPath(new URL('../../examples/curl-l402/buy.sh', import.meta.url))
    const { stdout } = await promisify(execFile)('bash', [script, gate.url, 'fake'])
    const [answer = '', balance = ''] = stdout.trim().split('\n')
    expect(JSON.parse(answer).choices).toHaveLength(1)
    expect(JSON.parse(balance).available_msat).toBeGreaterThan(0)
    await gate.proof()
  })

  it('payment-node: the same invoice, by the Payment scheme', async () => {
    const gate = await startGate({ settings: { rails: { payment: true } } })
    const { code, err, out } = await runExample('payment-node', [gate.url, 'fake'])
    const lines = /^receipt ey.*\npass [^:]+:[0-9a-f]{64}\nleft \d+ msat\n$/
    expect([code, err]).toEqual([0, expect.stringMatching(lines)])
    expect(out.trim()).not.toBe('')
    const pass = /^pass (\S+)$/m.exec(err)?.[1] ?? ''
    const { json } = await gate.ask({ path: '/v1/balance', headers: bearer(pass) })
    expect(err).toContain(`left ${json.available_msat} msat`)
    await gate.proof()
  })

  it('cashu-node: a token of a test mint', async () => {
    const { MINT_URL } = await lab.startPart('nutshell')
    const gate = await opened({ wallet: { kind: 'ecash', mints: [MINT_URL] } }, 'x-cashu')
    const { code, err, out } = await runExample('cashu-node', [gate.url, 'fake'])
    expect([code, err]).toEqual([0, expect.stringMatching(/^pass [^:]+:[0-9a-f]{64}\nback /m)])
    expect(out.trim()).not.toBe('')
  })

  it('x402-node: dollars on a chain', async () => {
    const { X402_FACILITATOR, X402_PAY_TO, X402_PAYER_KEY = '' } = await lab.startPart('x402')
    const x402 = { payTo: X402_PAY_TO, network: 'base-sepolia', facilitator: X402_FACILITATOR }
    const gate = await opened(
      {
        rails: { l402: false, cashu: false, x402 },
        pricing: { rate: { usdPerBtc: 90_000 } },
      },
      'payment-required',
    )
    const paid = { PRIVATE_KEY: X402_PAYER_KEY }
    const { code, err, out } = await runExample('x402-node', [gate.url, 'fake'], paid)
    const lines = /^paid 0x[0-9a-f]{64}\npass [^:]+:[0-9a-f]{64}\nagain 200, cost \d+ msat\n$/
    expect([code, err]).toEqual([0, expect.stringMatching(lines)])
    expect(out.trim()).not.toBe('')
  })
})
