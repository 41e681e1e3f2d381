import type { Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { microUsd } from '../../src/money/usd.ts'
import type { Facilitator } from '../../src/rails/x402/facilitator.ts'
import type { FacilitatorOutage } from '../../src/rails/x402/health.ts'
import { loadLibraries } from '../../src/rails/x402/own/libraries.ts'
import { OwnFacilitator } from '../../src/rails/x402/own/own-facilitator.ts'
import { Transactions } from '../../src/rails/x402/own/transactions.ts'
import { viemChain } from '../../src/rails/x402/own/viem-chain.ts'
import { x402PaymentId } from '../../src/rails/x402/payment.ts'
import { RemoteFacilitator } from '../../src/rails/x402/remote-facilitator.ts'
import { SqliteX402Payments } from '../../src/rails/x402/sqlite-payments.ts'
import { facilitatorContract } from '../contract/facilitator.ts'
import { unheard } from '../support/background.ts'
import { real } from '../support/world.ts'
import { aPayment, type HowSigned } from '../support/x402-payment.ts'
import { type EvmChain, evmChain, OWN_KEY, POOR_KEY } from './evm-chain.ts'
import { describeWithLab, type Lab, openLab, type PartEnv } from './lab.ts'

const until = async (so: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await so())) await new Promise((resolve) => setTimeout(resolve, 50))
}

/** Tells what an operator would be told. */
function hearing() {
  const told: string[] = []
  const outage: FacilitatorOutage = {
    gone: (_, reason) => told.push(reason),
    back: () => told.push('back'),
  }
  return { told, outage }
}

/** The first account of anvil, which pays the gas of the lab’s facilitator. */
const LAB_FACILITATOR = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'

const parts = { world: real, background: unheard }

const remote = (url: string, { outage } = hearing()) =>
  new RemoteFacilitator({ ...parts, url, headers: {}, network: 'eip155:84532', outage })

interface OwnOptions {
  readonly key?: string
  readonly usdPerEth?: number
  readonly payments?: SqliteX402Payments
}

async function own(chain: EvmChain, options: OwnOptions = {}, { outage } = hearing()) {
  const { key = OWN_KEY, usdPerEth = 1, payments = new SqliteX402Payments(':memory:') } = options
  const libraries = await loadLibraries()
  if (libraries === null) throw new Error('viem and @x402/evm are development dependencies')
  const { asset, network } = chain.requirement
  const node = viemChain({ ...{ libraries, rpc: chain.rpc, key, network, asset } })
  const transactions = new Transactions(payments.db)
  const facilitator = new OwnFacilitator({
    ...{ ...parts, chain: node, transactions, usdPerEth, outage },
    maxPayment: microUsd(1_000_000n),
  })
  return { facilitator, payments, transactions, node }
}

/** Starts to ask it, and waits until it is up. */
async function started(facilitator: Facilitator): Promise<{ stop(): Promise<void> }> {
  const running = facilitator.start()
  await until(() => facilitator.up)
  return running
}

describeWithLab('x402 on a chain', () => {
  let lab: Lab
  let env: PartEnv
  let chain: EvmChain
  const sign = (how: HowSigned = {}) => {
    const { requirement, payer } = chain
    return aPayment({ requirement, from: payer.address, key: payer.key, ...how })
  }
  const arrived = () => chain.balance(chain.requirement.payTo)

  beforeAll(async () => {
    lab = await openLab()
    env = await lab.startPart('x402')
    chain = evmChain(env)
  }, 240_000)
  afterAll(() => lab?.stop())

  const onChain = async (facilitator: Facilitator) => {
    const running = await started(facilitator)
    const { requirement, payer, balance, give, cancel } = chain
    return {
      ...{ facilitator, requirement, payer, balance, give, cancel },
      sendAsStranger: async (payment: Parameters<EvmChain['sendAsStranger']>[0]) =>
        void (await chain.sendAsStranger(payment)),
      cleanup: () => running.stop(),
    }
  }
  facilitatorContract('the reference, by its library of version 2,', () =>
    onChain(remote(String(env.X402_FACILITATOR))),
  )
  facilitatorContract('the reference, by its library of version 1,', async () => ({
    ...(await onChain(remote(String(env.X402_FACILITATOR_V1)))),
    seesUsed: 'late' as const,
  }))
  facilitatorContract('an own facilitator', async () => onChain((await own(chain)).facilitator))

  describe('an own facilitator', () => {
    it('L15 finds its own transaction after a crash between writing it down and sending it', async () => {
      const payments = new SqliteX402Payments(':memory:')
      const before = await own(chain, { payments })
      const [payment, { requirement }] = [sign(), chain]
      const id = x402PaymentId(requirement, payment.authorization)
      const signed = await before.node.sign(payment, requirement)
      expect(signed).not.toBeNull()
      if (signed === null) return
      before.transactions.add(id, signed, requirement.amount, Date.now())

      const had = await arrived()
      const after = await own(chain, { payments })
      const end = await after.facilitator.settle(payment, requirement)
      expect(end).toEqual({ is: 'settled', transaction: signed.hash })
      expect(await arrived()).toBe(had + requirement.amount)
      // And after a crash between sending it and learning of it.
      expect(await after.facilitator.settle(payment, requirement)).toEqual(end)
      expect(await arrived()).toBe(had + requirement.amount)
    })

    it('L15 a transaction whose number another one took is made anew, and settles once', async () => {
      const payments = new SqliteX402Payments(':memory:')
      const { node, transactions, facilitator } = await own(chain, { payments })
      const [lostOne, { requirement }] = [sign(), chain]
      const signed = await node.sign(lostOne, requirement)
      if (signed === null) throw new Error('the node makes no transaction')
      const id = x402PaymentId(requirement, lostOne.authorization)
      transactions.add(id, signed, requirement.amount, Date.now())
      expect((await facilitator.settle(sign(), requirement)).is).toBe('settled')

      const had = await arrived()
      const end = await facilitator.settle(lostOne, requirement)
      expect(end).toMatchObject({ is: 'settled' })
      expect(end).not.toMatchObject({ transaction: signed.hash })
      expect(transactions.of(id).map(({ state }) => state)).toEqual(['void', 'settled'])
      expect(await arrived()).toBe(had + requirement.amount)
    })

    it('L15 settles nothing that is less than ten times its gas', async () => {
      const { facilitator, transactions } = await own(chain, { usdPerEth: 1_000_000 })
      const [payment, { requirement }] = [sign(), chain]
      expect(await facilitator.verify(payment, requirement)).toEqual({ is: 'valid' })
      const end = await facilitator.settle(payment, requirement)
      expect(end).toEqual({ is: 'refused', reason: 'less_than_ten_times_the_gas' })
      expect(transactions.of(x402PaymentId(requirement, payment.authorization))).toEqual([])
      expect(await chain.used(payment)).toBe(false)
    })

    it('without money for gas it is down by name, and a payment stays good', async () => {
      const heard = hearing()
      const { facilitator } = await own(chain, { key: POOR_KEY }, heard)
      const running = facilitator.start()
      await until(() => heard.told.length > 0)
      expect(facilitator.up).toBe(false)
      expect(heard.told[0]).toMatch(/has no money for gas/)
      const payment = sign()
      const end = await facilitator.settle(payment, chain.requirement)
      expect(end).toMatchObject({ is: 'unreachable', reason: expect.stringMatching(/gas/) })
      expect(await chain.used(payment)).toBe(false)
      await running.stop()
    })

    it('F3 a node that does not answer refuses nothing, and no word has its address or the key', async () => {
      const heard = hearing()
      const away = { ...chain, rpc: 'http://127.0.0.1:1/secret-of-the-node' }
      const { facilitator } = await own(away, {}, heard)
      const running = facilitator.start()
      await until(() => heard.told.length > 0)
      const payment = sign()
      const ends = [
        await facilitator.verify(payment, chain.requirement),
        await facilitator.settle(payment, chain.requirement),
      ]
      expect(ends.map(({ is }) => is)).toEqual(['unreachable', 'unreachable'])
      const words = JSON.stringify([heard.told, ends])
      expect(words).not.toContain('secret-of-the-node')
      expect(words).not.toContain(OWN_KEY.slice(2))
      await running.stop()
    })
  })

  it('L15 a payment that is read from the chain is settled by nobody', async () => {
    const { requirement, client } = chain
    const payment = sign()
    const facilitator = remote(String(env.X402_FACILITATOR))
    const settled = await facilitator.settle(payment, requirement)
    if (settled.is !== 'settled') throw new Error(`it is ${settled.is}`)
    // Whoever watches the chain has the whole payment.
    const hash = settled.transaction as Hex
    const { input } = await client.getTransaction({ hash })
    expect(input).toContain(payment.authorization.nonce.slice(2))
    expect(input).toContain(payment.signature.slice(2, 66))
    const had = await arrived()
    for (const version of [1, 2] as const) {
      const rebuilt = { ...payment, x402Version: version, accepted: null }
      for (const each of [facilitator, (await own(chain)).facilitator]) {
        expect((await each.verify(rebuilt, requirement)).is).toBe('refused')
        expect((await each.settle(rebuilt, requirement)).is).toBe('refused')
      }
    }
    expect(await arrived()).toBe(had)
  })

  it('a reference without money for gas settles nothing, is down by name, and settles it later', async () => {
    const { requirement } = chain
    const heard = hearing()
    const facilitator = remote(String(env.X402_FACILITATOR), heard)
    const running = await started(facilitator)
    await chain.rpcCall('anvil_setBalance', LAB_FACILITATOR, '0x0')
    for (const version of [1, 2] as const) {
      const payment = sign({ version })
      expect(await facilitator.verify(payment, requirement)).toEqual({ is: 'valid' })
      const end = await facilitator.settle(payment, requirement)
      expect(end).toMatchObject({ is: 'unreachable', reason: expect.stringMatching(/gas/) })
      expect(facilitator.up).toBe(false)
      expect(await chain.used(payment)).toBe(false)
      await chain.rpcCall('anvil_setBalance', LAB_FACILITATOR, '0xde0b6b3a7640000')
      expect((await facilitator.settle(payment, requirement)).is).toBe('settled')
      await chain.rpcCall('anvil_setBalance', LAB_FACILITATOR, '0x0')
    }
    await chain.rpcCall('anvil_setBalance', LAB_FACILITATOR, '0xde0b6b3a7640000')
    expect(heard.told).toEqual(['its account has no money for gas'])
    await running.stop()
  })

  it('F3 a facilitator that is paused is unknown, and settles it once when it goes on', async () => {
    const { requirement } = chain
    const facilitator = remote(String(env.X402_FACILITATOR))
    const [payment, had] = [sign(), await arrived()]
    // Only the facilitator: the chain goes on.
    const pid = await lab.pidOf('x402', 'facilitator')
    process.kill(pid, 'SIGSTOP')
    const end = await facilitator
      .settle(payment, requirement)
      .finally(() => process.kill(pid, 'SIGCONT'))
    expect(end.is).toBe('unknown')
    const again = await facilitator.settle(payment, requirement, 'again')
    expect(['settled', 'unknown']).toContain(again.is)
    await until(async () => (await arrived()) > had)
    expect(await arrived()).toBe(had + requirement.amount)
  })

  it('F3 a facilitator that stands still is unknown, and asked again it tells of its transaction', async () => {
    const { requirement } = chain
    const heard = hearing()
    const facilitator = remote(String(env.X402_FACILITATOR), heard)
    const payment = sign()
    const had = await arrived()
    await chain.rpcCall('evm_setAutomine', false)
    const first = facilitator.settle(payment, requirement)
    await until(
      async () => (await chain.client.getBlock({ blockTag: 'pending' })).transactions.length > 0,
    )
    const end = await first
    expect(end.is).toBe('unknown')
    await chain.rpcCall('evm_setAutomine', true)
    await chain.rpcCall('evm_mine')
    await until(async () => (await arrived()) > had)
    const again = await facilitator.settle(payment, requirement, 'again')
    expect(['settled', 'unknown']).toContain(again.is)
    expect(await arrived()).toBe(had + requirement.amount)
  })
})

describeWithLab('a facilitator that is killed', () => {
  it('F3 in the middle of a settlement: nothing is refused, and nothing is paid twice', async () => {
    const lab = await openLab()
    try {
      const env = await lab.startPart('x402', { BLOCK_TIME: '2' })
      const chain = evmChain(env)
      const { requirement, payer } = chain
      const facilitator = remote(String(env.X402_FACILITATOR))
      const payment = aPayment({ requirement, from: payer.address, key: payer.key })
      const had = await chain.balance(requirement.payTo)
      const first = facilitator.settle(payment, requirement)
      await until(
        async () => (await chain.client.getBlock({ blockTag: 'pending' })).transactions.length > 0,
      )
      await lab.kill('x402')
      expect((await first).is).toBe('unknown')
      await lab.startPart('x402', { BLOCK_TIME: '2', KEEP: '1' })
      const again = await facilitator.settle(payment, requirement, 'again')
      const now = await chain.balance(requirement.payTo)
      expect(now - had).toBe((await chain.used(payment)) ? requirement.amount : 0n)
      expect(['settled', 'unknown']).toContain(again.is)
      if (again.is === 'settled') expect(now - had).toBe(requirement.amount)
    } finally {
      await lab.stop()
    }
  }, 120_000)
})
