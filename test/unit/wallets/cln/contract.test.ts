import { type ClnOptions, openClnWallet } from '../../../../src/wallets/cln/cln.ts'
import { outgoingContract } from '../../../contract/outgoing.ts'
import { walletContract } from '../../../contract/wallet.ts'
import { unheard } from '../../../support/background.ts'
import { type ClnDouble, startClnDouble } from '../../../support/clnrest.ts'
import { real, TestWorld } from '../../../support/world.ts'

const SELLING = ['invoice', 'listinvoices', 'waitanyinvoice']
const REFUSES_NOTHING = 'no amount is known that the node refuses by itself'

/** The options of one node, always with the same rune. */
function optionsFor(double: ClnDouble, methods: readonly string[] = SELLING): ClnOptions {
  return {
    ...{ url: double.url, rune: double.rune(methods), tlsCertPem: null, moneyHint: null },
    ...{ world: real, background: unheard, deadlineMs: 5_000 },
  }
}

walletContract('cln (a double), with nobody listening for a while', async () => {
  const double = await startClnDouble()
  const options = optionsFor(double)
  return {
    open: () => openClnWallet(options),
    pay: async (bolt11) => double.pay(bolt11),
    outage: { begin: () => double.down(), end: () => double.up() },
    refuses: REFUSES_NOTHING,
    cleanup: () => double.stop(),
  }
})

walletContract('cln (a double), answering nothing for a while', async () => {
  const double = await startClnDouble()
  const world = new TestWorld()
  const options = { ...optionsFor(double), world }
  const stop = world.rush(() => double.faults.silent)
  return {
    open: () => openClnWallet(options),
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

walletContract('cln (a double), failing for a while', async () => {
  const double = await startClnDouble()
  const options = optionsFor(double)
  const stopped = { code: -5, message: 'lightningd is shutting down' }
  return {
    open: () => openClnWallet(options),
    pay: async (bolt11) => double.pay(bolt11),
    outage: {
      begin: async () => void Object.assign(double.faults, { error: stopped }),
      end: async () => void Object.assign(double.faults, { error: null }),
    },
    refuses: REFUSES_NOTHING,
    cleanup: () => double.stop(),
  }
})

for (const method of ['pay', 'xpay']) {
  outgoingContract(`cln (a double) with ${method}`, async () => {
    const double = await startClnDouble()
    const { node, faults } = double
    const world = new TestWorld()
    const options = { ...optionsFor(double, [...SELLING, 'listpays', method]), world }
    // A payment that hangs, or whose answer is lost, is waited for until the deadline.
    const slow = { now: false }
    const stop = world.rush(() => slow.now || faults.losesAnswers)
    return {
      open: () => openClnWallet(options),
      invoice: async (sat) => node.invoice(sat, 'paid', 1_001n),
      unpayable: async (sat) => node.invoice(sat, 'unpayable'),
      held: {
        async invoice(sat) {
          slow.now = true
          return node.invoice(sat, 'held', 1_001n)
        },
        end(bolt11, how) {
          node.end(bolt11, how)
        },
      },
      costly: async (sat) => ({ bolt11: node.invoice(sat, 'paid', 4_100n), feeMsat: 4_100n }),
      arrived: async (bolt11) => node.arrived(bolt11),
      outage: {
        begin: () => double.down(),
        async end() {
          slow.now = false
          await double.up()
        },
      },
      lostAnswers: {
        begin: async () => void Object.assign(faults, { losesAnswers: true }),
        end: async () => double.answers(),
      },
      payByAnother: (bolt11) => node.pay(bolt11, { label: 'rent' }),
      async cleanup() {
        stop()
        await double.stop()
      },
    }
  })
}
