import { sayError } from '../floor/say-error.ts'
import { AccountPages } from '../gate/account.ts'
import { Buying } from '../gate/buying.ts'
import { EndingPasses } from '../gate/ending-passes.ts'
import { Forwarder } from '../gate/forward.ts'
import { Gate } from '../gate/gate.ts'
import { GiveChange } from '../gate/give-change.ts'
import { goneRefusal } from '../gate/gone.ts'
import { Holds } from '../gate/hold.ts'
import { ModeRule } from '../gate/mode.ts'
import { ObservedLedger } from '../gate/observe.ts'
import { PaymentRequired } from '../gate/payment-required.ts'
import type { ReadCredentials } from '../gate/presentation.ts'
import { priceOf } from '../gate/price.ts'
import { Redeeming } from '../gate/redeeming.ts'
import { RequestLog } from '../gate/request-log.ts'
import { Respond } from '../gate/respond.ts'
import type { Routes } from '../gate/route.ts'
import { Settler } from '../gate/settle.ts'
import { Speeds } from '../gate/speeds.ts'
import { Targets } from '../gate/targets.ts'
import type { Withdrawing } from '../gate/withdraw.ts'
import { soldOf } from '../http/selling.ts'
import type { AccountId } from '../ledger/ledger.ts'
import { PromptEstimator } from '../money/lessons.ts'
import { Tiers } from '../money/tiers.ts'
import type { Gifts } from '../rails/gifts.ts'
import type { X402 } from '../rails/x402/x402.ts'
import { WalletList } from '../wallets/wallet-list.ts'
import type { RestoreCheck } from '../withdrawals/restore-check.ts'
import type { Withdrawals } from '../withdrawals/withdrawals.ts'
import { composeRails } from './compose-rails.ts'
import { composeWithdrawals } from './compose-withdrawals.ts'
import { type Entrances, openEntrances } from './entrances.ts'
import type { GateParts } from './gate-parts.ts'
import { backendOutage, walletOutages } from './outages.ts'
import { termsOf } from './terms.ts'
import { HOLD_LIFE, startUpkeep } from './upkeep.ts'
import { dollarsOf, x402Of } from './x402-parts.ts'

/** A gate behind its routes. */
interface Inside {
  readonly gate: Gate
  readonly buying: Buying
  /** Null if no tokens are taken. */
  readonly redeeming: Redeeming | null
  readonly ending: EndingPasses
  readonly pages: AccountPages
  readonly withdrawing: Withdrawing
  readonly routes: Routes
  readonly readCredentials: ReadCredentials
}

/** A gate, ready to be listened for. */
export interface Composed extends Entrances {
  /** For code that brings in requests without HTTP. */
  readonly inside: Inside
  readonly wallets: WalletList
  /** What the operator gives away. */
  readonly gifts: Gifts
  /** How buyers are paid back. */
  readonly withdrawals: Withdrawals
  readonly restored: RestoreCheck
  /** Null if no dollars are taken. */
  readonly x402: X402 | null
  readonly running: () => number
  readonly openInvoices: () => number
  /** The backend answered when it was last asked, and lists something to sell. */
  readonly upstreamUp: () => boolean
  /** Takes nothing new. */
  refuseNew(): void
  /** Ends what still streams; resolves when every hold is closed. */
  endStreams(): Promise<void>
  /** Stops timers and the wallets. */
  close(): Promise<void>
}

/** Composes a gate from its parts, and starts what runs beside its requests. */
export function compose(parts: GateParts): Composed {
  const { config, books, world, background, say, models, pricing, counter } = parts
  const { ledger } = books
  const outages = walletOutages(say)
  const wallets = new WalletList(parts.wallets, { world, outages, background })
  models.watch(background, backendOutage(parts.backend, say))
  const healthy = () => books.healthy()
  const undeliverable = () => {
    const gone = models.gone()
    return gone === null ? null : goneRefusal(gone)
  }
  const { invoicesPerClient: perClient, invoicesTotal: total } = config.limits
  const bounds = { perClient, total }
  const tiers = new Tiers(config.credit.tiers)
  const money = composeRails({
    ...{ ...parts, ...books, ...bounds, wallets, tiers },
    more: parts.rails ?? [],
    receiver: parts.receiver ?? null,
    x402: x402Of(parts),
    sellsInvoices: config.rails.l402,
    offersPayment: config.rails.payment,
  })
  const { authenticator, gifts, lightning, cashu, x402, rails, readCredentials, verify } = money
  const { firstByteMs: firstByte, idleMs: idle } = config.timeouts
  const holdLife = HOLD_LIFE + 2 * Math.max(firstByte, idle)
  const holds = {
    real: new Holds(ledger, world, holdLife),
    observed: new Holds(new ObservedLedger(ledger, world), world, holdLife),
  }
  const out = composeWithdrawals({
    ...{ ...parts, authenticator, healthy, ecash: parts.ecash ?? null },
    wallets: parts.wallets.map(({ also, name, wallet }) => ({ names: [name, ...also], wallet })),
    copied: parts.copied ?? false,
  })
  const { withdrawals, withdrawing } = out
  const settler = new Settler({ world, onUpstreamFailure: config.billing.onUpstreamFailure })
  const sells = config.mode === 'charge'
  const archivedUpTo = () => books.archivedUpTo()
  const rateNow = parts.usdPerBtc ?? (() => null)
  const withdrawable = (account: AccountId) => withdrawals.withdrawable(account)
  const pages = new AccountPages({
    ...{ ledger, archivedUpTo, authenticator, world, sells, withdrawable, rateNow },
  })
  const speeds = new Speeds(firstByte)
  const timeouts = { firstByte, idle }
  const forwarder = new Forwarder({ settler, world, background, timeouts, speeds })
  const also = new Set(config.limits.requestFields)
  const paymentRequired = new PaymentRequired(
    ...([money.selling, config.credit.invoice, tiers] as const),
    (rail, error) =>
      say({ event: 'problem', what: 'internal_error', rail, error: sayError(error) }),
  )
  const targets = new Targets({
    upstream: parts.upstream,
    backend: () => models.kind(),
    gone: undeliverable,
    slots: config.capacity.maxConcurrent,
  })
  const routes = parts.routes(targets)
  routes.hide(new Set(rails.flatMap(({ reads }) => reads)))
  const terms = () => ({ also, backend: models.kind(), media: config.media })
  const gate = new Gate({
    pricing: {
      ...{ models, pricing, speeds },
      bounds: { usual: config.pricing.maxOutputTokens, most: config.limits.outputTokens },
      estimating: { estimator: new PromptEstimator(), counter },
    },
    terms,
    rateNow,
    authenticator,
    paymentRequired,
    mode: new ModeRule({
      paymentRequired,
      holds,
      world,
      healthy,
      contact: config.operator.contact,
    }),
    forwarder,
    settler,
    change: new GiveChange(out.change),
    respond: new Respond(pages, world),
    log: new RequestLog(say, world),
    world,
    healthy,
  })
  const upkeep = startUpkeep(parts)
  const upstreamUp = () => models.answering() && models.gone() === null
  const buying = new Buying({
    ...{ invoicing: lightning, authenticator, world, healthy },
    gone: undeliverable,
  })
  const ending = new EndingPasses({ ...parts, ...books, authenticator, verify, healthy })
  const redeeming =
    cashu === null || !sells
      ? null
      : new Redeeming({
          ...{ rail: cashu, deposits: money.deposits, invoicing: lightning, passes: books.passes },
          ...{ authenticator, world, healthy, gone: undeliverable },
        })
  const counting = { counter, terms }
  const inside = {
    gate,
    counting,
    buying,
    redeeming,
    ending,
    pages,
    withdrawing,
    routes,
    readCredentials,
  }
  const entrances = openEntrances(parts, {
    ...{ ...inside, rails },
    described: {
      priceOf: (model) => priceOf(model, { pricing, models }),
      listed: () => models.list(),
      now: world.now,
      terms: termsOf(
        { ...parts, tiers },
        { routes: routes.all.map(soldOf), rails: money.selling, mints: cashu?.mints ?? null },
      ),
      upstreamOk: upstreamUp,
      gone: () => models.gone(),
      usdPerBtc: () => pricing.usdPerBtc(),
      walletOk: () => (wallets.members.length === 0 ? null : wallets.up),
      cashuOk: () => cashu?.up ?? null,
      dollars: dollarsOf(x402),
      ledgerOk: healthy,
      ledgerDamaged: () => books.damaged(),
    },
  })
  return {
    ...entrances,
    ...{ inside, wallets, gifts, upstreamUp, withdrawals, restored: out.restored, x402 },
    running: () => gate.running,
    openInvoices: () => lightning.open,
    refuseNew() {
      gate.stop()
      withdrawals.refuseNew()
    },
    endStreams: () => gate.endStreams(),
    async close() {
      models.stop()
      await Promise.all([upkeep.stop(), money.stop(), withdrawals.stop()])
      await counter.close()
      await wallets.close()
    },
  }
}
