import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Background } from '../../src/floor/background.ts'
import type { World } from '../../src/floor/world.ts'
import { askJson, objectIn } from '../../src/outbound/ask-json.ts'
import { explain } from '../../src/outbound/failure.ts'
import { plainTransport } from '../../src/outbound/transport.ts'
import { fitDescription, readBolt11 } from '../../src/wallets/bolt11.ts'
import type { WalletKind } from '../../src/wallets/kind.ts'
import { type Wallet, WalletRefused, WalletUnreachable } from '../../src/wallets/wallet.ts'
import { walletContract } from '../contract/wallet.ts'
import { unheard } from '../support/background.ts'
import { passOf, until } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'
import { real } from '../support/world.ts'
import { startNode } from './node.ts'

/** A wallet that satgate does not know: its row, and the adapter that the row opens. */
const acorn: WalletKind = {
  kind: 'acorn',
  named: { message: 'acorn', docs: 'acorn (a node of a test)', help: 'acorn (a test)' },
  takes: ['url', 'key'],
  needs: { url: 'needs the address of your node', key: 'needs its key' },
  key: 'text',
  payoutRefused: 'has no effect with wallet acorn',
  isPlay: false,
  async open({ url, key }, { world, background }) {
    if (url === undefined || key === undefined) throw new WalletRefused('it needs url and key')
    return openAcorn({ url, key: key.reveal(), world, background })
  },
}

interface Acorn {
  readonly url: string
  readonly key: string
  readonly world: World
  readonly background: Background
}

function openAcorn({ url, key, world, background }: Acorn): Wallet {
  const closed = new AbortController()
  async function ask(path: string, body?: object) {
    const answer = await askJson(
      { transport: plainTransport, world },
      {
        url: new URL(url + path),
        body,
        headers: { 'x-api-key': key },
        ...{ deadlineMs: 2_000, most: 64 * 1024, over: closed.signal },
      },
    )
    if (!answer.ok) throw new WalletUnreachable(explain(answer.error))
    if (answer.value.status === 401) throw new WalletRefused('it does not take this key')
    return { status: answer.value.status, body: objectIn(answer.value.json) ?? {} }
  }
  return {
    ...{ kind: 'acorn', money: 'play', label: `acorn at ${new URL(url).host}` },
    async createInvoice({ sat, memo, expirySeconds }) {
      const { body } = await ask('/invoices', {
        sat,
        memo: fitDescription(memo),
        seconds: expirySeconds,
      })
      const bolt11 = String(body.bolt11)
      const read = readBolt11(bolt11)
      if (read === null || read.amountMsat !== BigInt(sat) * 1000n) {
        throw new WalletRefused('it answered with another invoice than it was asked for')
      }
      return { bolt11, paymentHash: read.paymentHash, expiresAt: read.expiresAt }
    },
    async lookup(paymentHash) {
      const { status, body } = await ask(`/invoices/${paymentHash}`)
      if (status === 404) return { is: 'unknown' }
      if (body.paid !== true) return { is: body.expired === true ? 'dead' : 'open' }
      const receivedMsat = BigInt(Number(body.sat)) * 1000n
      return { is: 'settled', preimage: String(body.preimage), receivedMsat }
    },
    watch(cursor, onSettled) {
      let after = Number(cursor ?? 0)
      let stopped = false
      const look = async () => {
        const { body } = await ask(`/settled?after=${after}`)
        for (const paymentHash of body.settled as string[]) {
          if (stopped || closed.signal.aborted) return
          after += 1
          onSettled({ paymentHash, cursor: String(after) })
        }
      }
      const looking = background.repeat('payments', { every: 50, longest: 500 }, look)
      closed.signal.addEventListener('abort', looking.end)
      return {
        stop() {
          stopped = true
          looking.end()
        },
      }
    },
    async probe() {
      await ask('/')
    },
    async close() {
      closed.abort()
    },
  }
}

let node: Awaited<ReturnType<typeof startNode>>
const opening = { moneyHint: null, world: real, background: unheard }

async function open(key = 'a-key'): Promise<Wallet> {
  const values = { url: node.url, key: { reveal: () => key } }
  return acorn.open?.(values, opening) ?? expect.unreachable('this kind opens by itself')
}

beforeAll(async () => {
  node = await startNode()
})
afterAll(() => node.close())

walletContract('acorn (a wallet of a test)', async () => ({
  open: () => open(),
  pay: async (bolt11) => node.pay(bolt11),
  outage: {
    begin: async () => node.setDown(true),
    end: async () => node.setDown(false),
  },
  refuses: 'it makes an invoice of any amount',
  async cleanup() {},
}))

describe('a gate with a wallet of somebody else', () => {
  it('sells a pass for a payment to it, serves the pass, and balances', async () => {
    const wallet = await open()
    const gate = await startGate({ wallet: () => wallet })
    const { json } = await gate.ask({ path: '/create-invoice', body: { amountSats: 1000 } })
    const pass = passOf(json.macaroon, node.pay(json.bolt11), json.payment_hash)
    const answer = await gate.chat(pass)
    expect(answer.status).toBe(200)
    expect((await gate.balance(pass)).balance_sats).toBeLessThan(1000)
    await gate.proof()
  })

  it('learns of a payment that nobody presents', async () => {
    const wallet = await open()
    const gate = await startGate({ wallet: () => wallet })
    const { json } = await gate.ask({ path: '/create-invoice', body: { amountSats: 1000 } })
    node.pay(json.bolt11)
    await until(() => gate.events.some(({ event }) => event === 'paid'))
  })

  it('is refused with a wrong key', async () => {
    await expect((await open('another')).probe()).rejects.toBeInstanceOf(WalletRefused)
  })
})
