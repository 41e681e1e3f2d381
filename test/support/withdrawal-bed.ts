import { createHash } from 'node:crypto'
import { bech32 } from '@scure/base'
import { Background } from '../../src/floor/background.ts'
import { err, ok, type Result } from '../../src/floor/result.ts'
import type { World } from '../../src/floor/world.ts'
import type { AccountId } from '../../src/ledger/ledger.ts'
import type {
  LostWithdrawal,
  Withdrawable,
  Withdrawal,
  WithdrawalClose,
  WithdrawalRefused,
  WithdrawalRequest,
} from '../../src/ledger/withdrawals.ts'
import { fromSat, msat } from '../../src/money/msat.ts'
import { writeBolt11 } from '../../src/wallets/bolt11.ts'
import type {
  ListedPayment,
  Outgoing,
  PaymentName,
  PaymentOrder,
  PaymentState,
} from '../../src/wallets/outgoing.ts'
import { ChangeMaker } from '../../src/withdrawals/change.ts'
import { RestoreCheck } from '../../src/withdrawals/restore-check.ts'
import type { OpenBook } from '../../src/withdrawals/sending.ts'
import type { EcashOut, WithdrawalSource } from '../../src/withdrawals/source.ts'
import { Withdrawals } from '../../src/withdrawals/withdrawals.ts'
import { VirtualWorld } from './virtual-world.ts'

/** Withdrawals with doubles for the book, the wallets and the mints, in virtual time. */

export const ALICE = 'a11ce'.padEnd(32, '0')
export const BOB = 'b0b'.padEnd(32, '0')
export const MINT = 'https://mint.example'
const GATE = '0123456789abcdef'

/** A book that is as simple as the contract allows. What it holds outlives a service. */
class FakeBook implements OpenBook {
  readonly credit = new Map<AccountId, Map<string, bigint>>()
  readonly rows = new Map<string, Withdrawal>()
  readonly lost: LostWithdrawal[] = []
  /** Accounts whose running requests hold their money. */
  readonly held = new Set<AccountId>()

  put(account: AccountId, source: string, sat: number): void {
    const all = this.credit.get(account) ?? new Map<string, bigint>()
    all.set(source, (all.get(source) ?? 0n) + fromSat(sat))
    this.credit.set(account, all)
  }

  left(account: AccountId, source: string): number {
    return Number(this.credit.get(account)?.get(source) ?? 0n) / 1000
  }

  withdrawable(account: AccountId): readonly Withdrawable[] | null {
    const all = this.credit.get(account)
    if (all === undefined) return null
    return [...all].map(([source, amount]) => ({ source, amount: msat(amount) }))
  }

  async withdraw(request: WithdrawalRequest): Promise<Result<Withdrawal, WithdrawalRefused>> {
    const { account, amount, fee, id, source } = request
    if (this.rows.has(id)) return err({ why: 'exists' })
    const all = this.credit.get(account)
    if (all === undefined) return err({ why: 'account_not_found' })
    const open = [...this.rows.values()].some((one) => one.account === account && isOpen(one))
    if (open) return err({ why: 'in_flight' })
    if (this.held.has(account)) return err({ why: 'held' })
    const rest = all.get(source) ?? 0n
    if (amount + fee > rest) return err({ why: 'insufficient_funds', withdrawable: msat(rest) })
    all.set(source, rest - amount - fee)
    const row: Withdrawal = {
      ...{ ...request, state: 'open', paidFee: null, reason: null, closedAt: null },
    }
    this.rows.set(id, row)
    return ok(row)
  }

  async closeWithdrawal(id: string, close: WithdrawalClose) {
    const row = this.rows.get(id)
    if (row === undefined) return err('withdrawal_not_found' as const)
    if (!isOpen(row)) return err('already_closed' as const)
    const back = close.is === 'sent' ? row.fee - close.fee : row.amount + row.fee
    const all = this.credit.get(row.account)
    all?.set(row.source, (all.get(row.source) ?? 0n) + (back > 0n ? back : 0n))
    const closed: Withdrawal = {
      ...row,
      state: close.is,
      paidFee: close.is === 'sent' ? close.fee : null,
      reason: close.is === 'failed' ? close.reason : null,
      closedAt: close.at,
    }
    this.rows.set(id, closed)
    return ok(closed)
  }

  async withdrawal(id: string): Promise<Withdrawal | null> {
    return this.rows.get(id) ?? null
  }

  async openWithdrawals(): Promise<readonly Withdrawal[]> {
    return [...this.rows.values()].filter(isOpen)
  }

  async recordLost(lost: LostWithdrawal): Promise<Withdrawal> {
    this.lost.push(lost)
    const all = this.credit.get(lost.account)
    const rest = all?.get(lost.source) ?? 0n
    const taken = lost.amount + lost.fee
    all?.set(lost.source, rest > taken ? rest - taken : 0n)
    const row: Withdrawal = {
      ...{ ...lost, kind: 'lightning', state: 'sent', paidFee: lost.fee, reason: null },
      closedAt: lost.at,
    }
    this.rows.set(lost.id, row)
    return row
  }
}

const isOpen = ({ state }: Withdrawal): boolean => state === 'open'

/** A wallet that pays as a test says. It never pays one hash twice. */
export class FakePayer implements Outgoing {
  readonly states = new Map<string, PaymentState>()
  readonly orders: PaymentOrder[] = []
  /** How often the sats of a payment left. */
  readonly left = new Map<string, number>()
  /** Called with each order. The usual answer: paid, for 2 sat. */
  answer: (order: PaymentOrder) => Promise<PaymentState> = async () => PAID
  away = false
  finds = 0
  list: Outgoing['list'] = async () => this.listed
  listed: readonly ListedPayment[] = []

  async pay(order: PaymentOrder): Promise<PaymentState> {
    const known = this.states.get(order.paymentHash)
    if (known !== undefined) return known
    this.orders.push(order)
    const state = await this.answer(order)
    this.now(order.paymentHash, state)
    return state
  }

  async find({ paymentHash }: PaymentName): Promise<PaymentState> {
    this.finds += 1
    return this.states.get(paymentHash) ?? { is: 'unknown' }
  }

  /** Decides what became of a payment. */
  now(hash: string, state: PaymentState): void {
    this.states.set(hash, state)
    if (state.is === 'paid') this.left.set(hash, (this.left.get(hash) ?? 0) + 1)
  }
}

export const PAID: PaymentState = { is: 'paid', feeMsat: 2_000n }

/** A mint whose tokens cost a sat for each hundred. What it made outlives a service. */
export class FakeMint implements EcashOut {
  readonly mint = MINT
  readonly made = new Map<string, { readonly token: string; readonly feeSat: number }>()
  /** Called in place of making a token, if set. */
  fault: ((make: () => void) => Promise<void>) | null = null
  away = false

  async feeFor(sat: number): Promise<number> {
    if (this.away) throw new Error('the mint is away')
    return Math.ceil(sat / 100)
  }

  async make(id: string, sat: number) {
    const make = () => {
      if (!this.made.has(id)) {
        this.made.set(id, {
          token: `cashuB-${sat}-${this.made.size}`,
          feeSat: Math.ceil(sat / 100),
        })
      }
    }
    if (this.fault === null) make()
    else await this.fault(make)
    const found = this.made.get(id)
    if (found === undefined) throw new Error('the mint refuses')
    return found
  }

  async find(id: string) {
    if (this.away) throw new Error('the mint is away')
    return this.made.get(id) ?? null
  }
}

interface BedOptions {
  readonly world?: VirtualWorld
  readonly book?: FakeBook
  readonly facts?: Map<string, string>
  readonly sources?: readonly WithdrawalSource[]
  readonly copied?: boolean
  /** The coins of the mint were restored. */
  readonly coins?: { since: number }
  /** The gate is not started. */
  readonly still?: boolean
  /** Of the process: a test can kill it. */
  readonly process?: World
  /** Names this gate. It changes with the root key. */
  readonly gate?: string
}

export function withdrawalBed(options: BedOptions = {}) {
  const world = options.world ?? new VirtualWorld(7)
  const process = options.process ?? world
  const book = options.book ?? new FakeBook()
  const facts = options.facts ?? new Map<string, string>()
  const payer = new FakePayer()
  const mint = new FakeMint()
  const sources = options.sources ?? [
    { source: 'lnd', lightning: payer, ecash: null, held: async () => null },
    { source: `ecash ${MINT}`, lightning: null, ecash: mint, held: async () => null },
  ]
  const troubles: string[] = []
  const background = new Background(process, ({ reason, solved }) => {
    if (!solved) troubles.push(reason)
  })
  const said: string[] = []
  const kept = {
    remember: async (key: string, value: string) => void facts.set(key, value),
    recall: async (key: string) => facts.get(key) ?? null,
  }
  const coins: { restored: { since: number } | null } = { restored: options.coins ?? null }
  const ours = new Set<string>()
  const at = { healthy: true }
  const gate = options.gate ?? GATE
  const names = { gate, gates: [gate] }
  const shared = { book, sources, facts: kept, ...names, world: process, background }
  const restored = new RestoreCheck({
    ...shared,
    copied: options.copied ?? false,
    ecash: {
      restored: () => coins.restored,
      confirm() {
        coins.restored = null
      },
    },
    told: {
      lost: (account, amount, source) => said.push(`lost ${account} ${amount} ${source}`),
      paused: (source) => said.push(`paused ${source}`),
      allowed: (source) => said.push(`allowed ${source}`),
    },
  })
  const withdrawals = new Withdrawals({
    ...{ ...shared, restored, money: 'play', healthy: () => at.healthy },
    isOurs: async (hash) => ours.has(hash),
    told: {
      closed: ({ kind, state }) => said.push(`${kind} ${state}`),
      late: ({ id }) => said.push(`late ${id}`),
    },
  })
  const change = new ChangeMaker({
    ...{ ...shared, restored, sending: withdrawals.sending, open: () => at.healthy },
  })
  if (options.still !== true) {
    restored.start()
    withdrawals.start()
  }
  return {
    ...{ world, book, facts, payer, mint, sources, troubles, said, ours, at, restored },
    ...{ withdrawals, change, gate },
  }
}

interface InvoiceOptions {
  readonly name?: string
  /** Of its life, from the beginning of the virtual time. */
  readonly seconds?: number
  readonly finalCltv?: number
  /** In place of `bcrt` and the amount: `bc10u`, `bcrt`. */
  readonly prefix?: string
}

/** An invoice of somebody else. */
export function invoiceOf(world: World, sat: number, options: InvoiceOptions = {}): string {
  const { name = 'somebody', seconds = 3_600, finalCltv, prefix } = options
  const bolt11 = writeBolt11({
    ...{ network: 'bcrt', sat, description: name, createdAt: world.now(), expirySeconds: seconds },
    paymentHash: createHash('sha256').update(name).digest(),
    paymentSecret: new Uint8Array(32).fill(2),
    secretKey: new Uint8Array(32).fill(3),
  })
  if (finalCltv === undefined && prefix === undefined) return bolt11
  const read = bech32.decode(bolt11 as `${string}1${string}`, false)
  const field = finalCltv === undefined ? [] : [24, 0, 2, finalCltv >> 5, finalCltv & 31]
  const words = [...read.words.slice(0, -104), ...field, ...read.words.slice(-104)]
  return bech32.encode(prefix === undefined ? read.prefix : `ln${prefix}`, words, false)
}

export const hashOf = (name = 'somebody'): string => createHash('sha256').update(name).digest('hex')
