import { createHash } from 'node:crypto'
import { cpSync, renameSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Answered } from '../support/ask.ts'
import { GateProcess, type Said } from '../support/gate-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/upstream.ts'
import { bearer, until } from './buyer.ts'
import { describeInFullSuite, type Lab, openLab, type PartEnv } from './lab.ts'
import { openPayer, type Payer } from './payer.ts'

/** Buyers take out what they paid in, with a real node and a real mint on the other side. */

const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }
/** Base64 of a description's hash, which the node of the lab asks for. */
const ANY = createHash('sha256').update('any').digest('base64')

describeInFullSuite('withdrawals', () => {
  let lab: Lab
  let node: PartEnv
  let payer: Payer
  let upstream: FakeUpstream

  beforeAll(async () => {
    lab = await openLab()
    node = await lab.startPart('lnd')
    payer = openPayer(node)
    upstream = await startFakeUpstream()
  })
  afterAll(async () => {
    payer?.close()
    await upstream?.close()
    await lab?.stop()
  })

  const gateWith = (settings: Readonly<Record<string, unknown>>) =>
    new GateProcess({ upstream: upstream.base.origin, tunnel: false, ...settings })

  /** A buyer who has paid that many sats. */
  async function buy(gate: GateProcess, amountSats: number): Promise<string> {
    const made = (await gate.client.ask({ path: '/create-invoice', body: { amountSats } })).json
    await payer.pay(made.bolt11)
    let secret = ''
    await until(async () => {
      const { json } = await gate.client.ask({ path: made.payment_url })
      secret = json.token_suffix ?? ''
      return secret !== ''
    }, 60_000)
    return `${made.macaroon}:${secret}`
  }

  const balance = async (gate: GateProcess, pass: string) =>
    (await gate.client.ask({ path: '/v1/balance', headers: bearer(pass) })).json

  /** Asks until it is known how it ended. */
  async function withdraw(
    gate: GateProcess,
    pass: string,
    body: object,
    key?: string,
  ): Promise<Answered> {
    const headers = { ...bearer(pass), ...(key === undefined ? {} : { 'idempotency-key': key }) }
    for (;;) {
      const answer = await gate.client.ask({ path: '/v1/withdraw', body, headers })
      if (answer.status !== 202) return answer
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }

  const chat = (gate: GateProcess, pass: string) =>
    gate.client.ask({ path: '/v1/chat/completions', body: HELLO, headers: bearer(pass) })

  const verified = async (gate: GateProcess) =>
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })

  it('L9 what came into a mint leaves from it, by invoice and as tokens', async () => {
    const { MINT_URL: mint } = await lab.startPart('nutshell-lnd', { FEE_PPK: '100' })
    const gate = gateWith({ wallet: { kind: 'ecash', mints: [mint] } })
    try {
      await gate.start()
      const pass = await buy(gate, 5_000)
      expect((await chat(gate, pass)).status).toBe(200)
      const before = await balance(gate, pass)
      expect(before.withdrawable).toMatchObject([{ source: `ecash ${mint}`, sats: 4_999 }])

      const invoice = await payer.invoice(2_000_000, ANY)
      const paid = await withdraw(gate, pass, { invoice })
      expect(paid.json).toMatchObject({ state: 'paid', kind: 'lightning', amount_sats: 2_000 })
      expect(await payer.received()).toContain(2_000)
      const again = await withdraw(gate, pass, { invoice })
      expect(again.json).toMatchObject({ id: paid.json.id, fee_msat: paid.json.fee_msat })

      const token = await withdraw(gate, pass, { ecash: true, amount_sats: 1_000 }, 'k')
      expect(token.json).toMatchObject({ state: 'paid', kind: 'ecash', mint, amount_sats: 1_000 })
      const same = await withdraw(gate, pass, { ecash: true, amount_sats: 1_000 }, 'k')
      expect(same.json.token).toBe(token.json.token)
      await lab.exec('nutshell-lnd', 'receive', token.json.token)

      const rest = await withdraw(gate, pass, { ecash: true })
      expect(rest.status).toBe(200)
      await lab.exec('nutshell-lnd', 'receive', rest.json.token)
      const after = await balance(gate, pass)
      expect(after.balance_msat).toBeLessThan(10_000)
      const fees = [paid, token, rest].reduce((sum, { json }) => sum + json.fee_msat, 0)
      const left = 3_000_000 + rest.json.amount_msat + fees + after.balance_msat
      expect(left).toBe(before.balance_msat)
      await verified(gate)
    } finally {
      await gate.remove()
    }
  }, 240_000)

  it('L9 L13 what came into a node leaves from it, and an older backup pays no invoice twice', async () => {
    const gate = gateWith({
      wallet: {
        kind: 'lnd',
        url: node.LND_REST,
        key: { file: node.LND_ADMIN_MACAROON },
        tlsCert: node.LND_TLS_CERT,
      },
    })
    try {
      await gate.start()
      const pass = await buy(gate, 5_000)
      await gate.stop()
      // A backup from before the withdrawal.
      const backup = `${gate.data}.backup`
      cpSync(gate.data, backup, { recursive: true })
      await gate.start()
      const invoice = await payer.invoice(3_000_000, ANY)
      const paid = await withdraw(gate, pass, { invoice })
      expect(paid.json).toMatchObject({ state: 'paid', source: 'lnd', amount_sats: 3_000 })
      expect(await payer.received()).toContain(3_000)
      const { balance_msat: left } = await balance(gate, pass)
      expect(left).toBe(2_000_000 - paid.json.fee_msat)
      const own = (await gate.client.ask({ path: '/create-invoice', body: {} })).json
      const circle = await withdraw(gate, pass, { invoice: own.bolt11 })
      expect(circle.json.error.code).toBe('own_invoice')
      await verified(gate)

      await gate.stop()
      rmSync(gate.data, { recursive: true })
      renameSync(backup, gate.data)
      await gate.start()
      // lnd keeps no name of ours with its payments, so the operator is asked.
      await until(async () => gate.events('problem').some(isPaused), 20_000)
      const off = await withdraw(gate, pass, { invoice: await payer.invoice(1_000_000, ANY) })
      expect([off.status, off.json.error.code]).toEqual([503, 'withdrawals_paused'])
      const allowed = await gate.command('wallet', 'confirm', '--withdrawals', '--yes')
      expect(allowed).toEqual({ sources: ['lnd'], allowed: true })
      // The node knows that it paid this invoice, so it is booked and not paid again.
      const again = await withdraw(gate, pass, { invoice })
      expect(again.json).toMatchObject({ id: paid.json.id, state: 'paid' })
      expect((await payer.received()).filter((sats) => sats === 3_000)).toHaveLength(1)
      await verified(gate)
    } finally {
      await gate.remove()
    }
  }, 240_000)

  it('L12 a receiver who lets the payment hang: held, over a restart, until the node says so', async () => {
    const gate = gateWith({
      wallet: {
        kind: 'lnd',
        url: node.LND_REST,
        key: { file: node.LND_ADMIN_MACAROON },
        tlsCert: node.LND_TLS_CERT,
      },
    })
    try {
      await gate.start()
      const pass = await buy(gate, 5_000)
      const { bolt11, payment_hash: hash } = JSON.parse(
        await lab.exec('lnd', 'payer', 'hold', '2000'),
      )
      const headers = bearer(pass)
      const ask = () =>
        gate.client.ask({ path: '/v1/withdraw', body: { invoice: bolt11 }, headers })
      const pending = await ask()
      expect([pending.status, pending.json.state]).toEqual([202, 'pending'])
      await gate.kill9()
      await gate.start()
      expect((await ask()).status).toBe(202)
      await lab.exec('lnd', 'payer', 'cancel', hash)
      await until(async () => (await ask()).status === 409, 60_000)
      expect((await balance(gate, pass)).balance_msat).toBe(5_000_000)
      await verified(gate)
    } finally {
      await gate.remove()
    }
  }, 240_000)
})

const isPaused = ({ what }: Said) => what === 'withdrawals_paused'
