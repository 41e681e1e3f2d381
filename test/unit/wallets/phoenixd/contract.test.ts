import {
  openPhoenixdWallet,
  type PhoenixdOptions,
} from '../../../../src/wallets/phoenixd/phoenixd.ts'
import { outgoingContract } from '../../../contract/outgoing.ts'
import { walletContract } from '../../../contract/wallet.ts'
import { unheard } from '../../../support/background.ts'
import { type PhoenixdDouble, startPhoenixdDouble } from '../../../support/phoenixd.ts'
import { TestWorld, worldAt } from '../../../support/world.ts'

const optionsFor = (double: PhoenixdDouble): PhoenixdOptions => ({
  ...{ url: double.url, password: double.full, tlsCertPem: null, moneyHint: null },
  ...{ world: LATER, background: unheard, deadlineMs: 5_000 },
})
/** Nearly as late as an expired invoice is still waited for. */
const LATER = worldAt(() => Date.now() + 29_500)
const REFUSES_NOTHING = 'phoenixd refuses no amount by itself'

walletContract('phoenixd (a double), with nobody listening for a while', async () => {
  const double = await startPhoenixdDouble()
  return {
    open: () => openPhoenixdWallet({ ...optionsFor(double), password: double.limited }),
    pay: async (bolt11) => double.pay(bolt11),
    outage: { begin: () => double.down(), end: () => double.up() },
    refuses: REFUSES_NOTHING,
    cleanup: () => double.stop(),
  }
})

walletContract('phoenixd (a double), answering nothing for a while', async () => {
  const double = await startPhoenixdDouble()
  const world = new TestWorld()
  world.advance(29_500)
  const stop = world.rush(() => double.faults.silent)
  return {
    open: () => openPhoenixdWallet({ ...optionsFor(double), world }),
    pay: async (bolt11) => double.pay(bolt11),
    outage: {
      async begin() {
        double.faults.silent = true
        double.hangUp()
      },
      end: async () => void Object.assign(double.faults, { silent: false }),
    },
    refuses: REFUSES_NOTHING,
    async cleanup() {
      stop()
      await double.stop()
    },
  }
})

walletContract('phoenixd (a double) whose websocket never works', async () => {
  const double = await startPhoenixdDouble()
  double.faults.noSocket = true
  return {
    open: () => openPhoenixdWallet(optionsFor(double)),
    pay: async (bolt11) => double.pay(bolt11),
    outage: {
      begin: async () => void Object.assign(double.faults, { page: { status: 500, body: 'no' } }),
      end: async () => void Object.assign(double.faults, { page: null }),
    },
    refuses: REFUSES_NOTHING,
    cleanup: () => double.stop(),
  }
})

outgoingContract('phoenixd (a double)', async () => {
  const double = await startPhoenixdDouble()
  const { node, faults } = double
  const world = new TestWorld()
  // A payment that hangs, or whose answer is lost, is waited for until the deadline.
  const slow = { now: false }
  const stop = world.rush(() => slow.now || faults.losesAnswers)
  return {
    open: () => openPhoenixdWallet({ ...optionsFor(double), world }),
    invoice: async (sat) => node.invoice(sat, 'paid', 4_100n),
    unpayable: async (sat) => node.invoice(sat, 'unpayable'),
    held: {
      async invoice(sat) {
        slow.now = true
        return node.invoice(sat, 'held', 4_100n)
      },
      end(bolt11, how) {
        slow.now = false
        node.end(bolt11, how)
      },
    },
    costly: async (sat) => ({ bolt11: node.invoice(sat, 'paid', 4_100n), feeMsat: 4_100n }),
    arrived: async (bolt11) => node.arrived(bolt11),
    outage: { begin: () => double.down(), end: () => double.up() },
    lostAnswers: {
      begin: async () => void Object.assign(faults, { losesAnswers: true }),
      end: async () => double.answers(),
    },
    payByAnother: (bolt11) => node.pay(bolt11, {}),
    async cleanup() {
      stop()
      await double.stop()
    },
  }
})
