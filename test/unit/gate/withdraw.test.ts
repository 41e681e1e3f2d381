import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Withdrawing } from '../../../src/gate/withdraw.ts'
import { readIdempotencyKey, readWithdrawAsk } from '../../../src/gate/withdraw-ask.ts'
import { withdrawRefusal } from '../../../src/gate/withdraw-refusals.ts'
import { msat, ZERO } from '../../../src/money/msat.ts'
import type { Scope } from '../../../src/passes/scope.ts'
import type { WithdrawRefused } from '../../../src/withdrawals/refused.ts'
import { ALICE, invoiceOf, MINT, withdrawalBed } from '../../support/withdrawal-bed.ts'

describe('the body of POST /v1/withdraw', () => {
  it.each([
    [{ invoice: 'lnbc…' }, { by: 'invoice', invoice: 'lnbc…' }],
    [{ ecash: true }, { by: 'ecash', sat: null, mint: null }],
    [
      { ecash: true, amount_sats: 1_000 },
      { by: 'ecash', sat: 1_000, mint: null },
    ],
    [
      { ecash: true, mint: MINT },
      { by: 'ecash', sat: null, mint: MINT },
    ],
    [
      { invoice: 'lnbc…', ecash: false },
      { by: 'invoice', invoice: 'lnbc…' },
    ],
  ])('%j', (body, asked) => {
    expect(readWithdrawAsk(body)).toEqual({ ok: true, value: asked })
  })

  it.each([
    [null, 'Say how the sats are to leave'],
    [[], 'Say how the sats are to leave'],
    [{}, 'Say how the sats are to leave'],
    [{ ecash: false }, 'Say how the sats are to leave'],
    [{ ecash: true, invoice: 'lnbc…' }, 'Say how the sats are to leave'],
    [{ ecash: 'true' }, 'ecash must be true'],
    [{ invoice: 1 }, 'invoice must be a text'],
    [{ invoice: 'lnbc…', amount_sats: 1 }, 'amount_sats belongs to a withdrawal as ecash'],
    [{ invoice: 'lnbc…', mint: MINT }, 'mint belongs to a withdrawal as ecash'],
    [{ ecash: true, amount_sats: 0 }, 'amount_sats must be a whole number'],
    [{ ecash: true, amount_sats: 1.5 }, 'amount_sats must be a whole number'],
    [{ ecash: true, amount_sats: '1000' }, 'amount_sats must be a whole number'],
    [{ ecash: true, mint: 1 }, 'mint must be the URL of a mint'],
    [{ ecash: true, amount: 1 }, 'There is no field "amount" in this request.'],
    [{ bolt11: 'lnbc…' }, 'There is no field "bolt11" in this request.'],
  ])('%j is refused', (body, says) => {
    const read = readWithdrawAsk(body)
    expect(!read.ok && read.error).toMatchObject({ status: 400 })
    expect(!read.ok && read.error.message).toContain(says)
  })

  it('an Idempotency-Key has up to 255 printable characters', () => {
    expect(readIdempotencyKey(undefined)).toEqual({ ok: true, value: null })
    expect(readIdempotencyKey('')).toEqual({ ok: true, value: null })
    expect(readIdempotencyKey('a'.repeat(255)).ok).toBe(true)
    expect(readIdempotencyKey('a'.repeat(256)).ok).toBe(false)
    expect(readIdempotencyKey('ä').ok).toBe(false)
  })
})

/** Each refusal with its status and code. */
const REFUSALS: readonly (readonly [WithdrawRefused, number, string])[] = [
  [{ why: 'stopping' }, 503, 'stopping'],
  [{ why: 'ledger_unavailable' }, 503, 'ledger_unavailable'],
  [{ why: 'bad_invoice' }, 400, 'bad_invoice'],
  [{ why: 'other_network', network: 'tb' }, 400, 'other_network'],
  [{ why: 'amount_missing' }, 400, 'amount_missing'],
  [{ why: 'key_reused' }, 409, 'idempotency_key_reused'],
  [{ why: 'invoice_used' }, 409, 'invoice_used'],
  [{ why: 'own_invoice' }, 400, 'own_invoice'],
  [{ why: 'invoice_expires' }, 400, 'invoice_expires'],
  [{ why: 'expires_too_late' }, 400, 'expires_too_late'],
  [{ why: 'final_cltv', blocks: 201 }, 400, 'final_cltv'],
  [{ why: 'in_flight' }, 429, 'withdrawal_in_flight'],
  [{ why: 'too_many' }, 429, 'too_many_withdrawals'],
  [{ why: 'nothing' }, 400, 'nothing_to_withdraw'],
  [{ why: 'too_often', waitMs: 1 }, 429, 'too_many_withdrawals'],
  [{ why: 'unknown_mint' }, 400, 'unknown_mint'],
  [{ why: 'cannot_send' }, 400, 'cannot_send'],
  [{ why: 'paused', source: 'lnd' }, 503, 'withdrawals_paused'],
  [{ why: 'unreachable', source: 'lnd' }, 503, 'wallet_unreachable'],
  [{ why: 'too_much', asked: msat(1n), fee: ZERO }, 400, 'too_much'],
  [{ why: 'too_small', asked: msat(1n) }, 400, 'too_small'],
  [{ why: 'held' }, 429, 'rate_limit_exceeded'],
]

describe('what a buyer is told', () => {
  it.each(REFUSALS)('$0.why', (refused, status, code) => {
    const said = withdrawRefusal(refused, [])
    expect(said).toMatchObject({ status, code, offer: null })
    expect(said.retryAfterSeconds !== null).toBe(
      status === 429 ||
        code === 'wallet_unreachable' ||
        code === 'stopping' ||
        code === 'ledger_unavailable',
    )
  })

  it('is in docs/money.md, in the order of precedence', () => {
    const doc = readFileSync(join(import.meta.dirname, '../../../docs/money.md'), 'utf8')
    const [, section = ''] = doc.split('### Taking money out: `WithdrawRefused`')
    const told = [
      ...section.split('\n### ')[0]!.matchAll(/^\| `(\w+)` \|.*\| (\d+)(?: `(\w+)`)? \|$/gm),
    ]
    expect(told.map(([, why, status]) => [why, Number(status)])).toEqual(
      REFUSALS.map(([{ why }, status]) => [why, status]),
    )
    const codes = REFUSALS.filter(([{ why }, , code]) => why !== code && why !== 'held')
    expect(told.flatMap(([, , , code]) => code ?? [])).toEqual(codes.map(([, , code]) => code))
  })

  it('has the numbers: what may leave, from where, and by which way', () => {
    const shown = [
      { source: 'lnd', sats: 5_000, invoice_sats: 4_950 },
      { source: `ecash ${MINT}`, sats: 300 },
    ]
    const refused = { why: 'too_much', asked: msat(5_000_000n), fee: msat(50_000n) } as const
    expect(withdrawRefusal(refused, shown).message).toBe(
      '5,000 sat and 50 for the fee are more than may leave. What may leave, with its fee: 5,000 sat from lnd, by invoice 4,950; 300 sat from ecash https://mint.example. Each withdrawal comes out of one of them.',
    )
  })
})

describe('who may withdraw', () => {
  const root: Scope = { is: 'root' }
  const presented = { is: 'credential' } as never

  function withdrawing(scope: Scope, { pays = true, why = '' } = {}) {
    const bed = withdrawalBed()
    bed.book.put(ALICE, 'lnd', 5_000)
    const balance = { available: msat(5_000_000n), held: ZERO, owed: ZERO }
    const door = new Withdrawing({
      withdrawals: bed.withdrawals,
      ledger: { balance: () => balance as never },
      authenticator: {
        authenticate: () =>
          why === ''
            ? { ok: true, value: { account: ALICE, scope } }
            : { ok: false, error: { why } },
        wasPaid: async () => true,
      } as never,
      pays,
    })
    const ask = (how = presented, body: object = { invoice: invoiceOf(bed.world, 1_000) }) =>
      bed.world.until(door.withdraw(body, how, undefined))
    return { bed, ask }
  }

  const codeOf = (done: { ok: boolean; error?: { status: number; code: string } }) =>
    done.ok ? 'done' : `${done.error?.status} ${done.error?.code}`

  it.each([
    ['the root pass', root, 'done'],
    ['L14 a spending key', { is: 'spending', pass: 'p' }, '403 root_pass_needed'],
    ['I4 a narrowed pass', { is: 'narrowed', pass: 'p' }, '403 root_pass_needed'],
    ['L2 an account by its payment', { is: 'request' }, '403 root_pass_needed'],
  ] as const)('%s', async (_, scope, expected) => {
    const { ask, bed } = withdrawing(scope)
    expect(codeOf(await ask())).toBe(expected)
    expect(bed.payer.orders).toHaveLength(expected === 'done' ? 1 : 0)
  })

  it.each([
    ['nothing', { is: 'absent' }, '402 insufficient_quota'],
    ['L2 a token as a key', { is: 'payment' }, '403 root_pass_needed'],
    ['a damaged key that was paid for', { is: 'damaged' }, '400 damaged_key'],
    ['two credentials', { is: 'conflict' }, '402 insufficient_quota'],
  ])('%s is presented', async (_, how, expected) => {
    expect(codeOf(await withdrawing(root).ask(how as never))).toBe(expected)
  })

  it('a payment that its wallet does not see yet is asked for again', async () => {
    const { ask } = withdrawing(root, { why: 'pending' })
    expect(codeOf(await ask())).toBe('503 payment_pending')
    expect(codeOf(await withdrawing(root, { why: 'bad_secret' }).ask())).toBe(
      '402 insufficient_quota',
    )
  })

  it('nobody in mode observe', async () => {
    expect(codeOf(await withdrawing(root, { pays: false }).ask())).toBe('404 no_withdrawals')
  })

  it('a body that is not right is said before who asks', async () => {
    const done = await withdrawing(root).ask({ is: 'absent' } as never, { ecash: 1 })
    expect(codeOf(done)).toBe('400 invalid_request_error')
  })
})

describe('the answer', () => {
  const presented = { is: 'credential' } as never

  function door() {
    const bed = withdrawalBed()
    bed.book.put(ALICE, 'lnd', 5_000)
    bed.book.put(ALICE, `ecash ${MINT}`, 205)
    const balance = { available: msat(9_000n), held: msat(2_000n), owed: msat(1_000n) }
    const withdrawing = new Withdrawing({
      withdrawals: bed.withdrawals,
      ledger: { balance: () => balance as never },
      authenticator: {
        authenticate: () => ({ ok: true, value: { account: ALICE, scope: { is: 'root' } } }),
      } as never,
      pays: true,
    })
    const ask = (body: object) => bed.world.until(withdrawing.withdraw(body, presented, undefined))
    return { bed, ask }
  }

  it('to an invoice', async () => {
    const { ask, bed } = door()
    const done = await ask({ invoice: invoiceOf(bed.world, 1_000) })
    expect(done).toEqual({
      ok: true,
      value: {
        pending: false,
        body: {
          id: expect.stringMatching(/^ln:[0-9a-f]{64}$/),
          ...{ state: 'paid', kind: 'lightning', source: 'lnd' },
          ...{ amount_sats: 1_000, amount_msat: 1_000_000, fee_msat: 2_000, balance_msat: 10_000 },
          withdrawable: [
            { source: 'lnd', sats: 3_998, invoice_sats: 3_958 },
            { source: `ecash ${MINT}`, sats: 205 },
          ],
        },
      },
    })
  })

  it('to a token, and while an end is not known', async () => {
    const { ask, bed } = door()
    const token = await ask({ ecash: true })
    expect(token.ok && token.value.body).toMatchObject({
      ...{ state: 'paid', kind: 'ecash', token: 'cashuB-202-0', mint: MINT, amount_sats: 202 },
    })
    bed.payer.answer = async () => ({ is: 'pending' })
    const pending = await ask({ invoice: invoiceOf(bed.world, 1_000) })
    expect(pending.ok && pending.value).toMatchObject({
      pending: true,
      body: { state: 'pending', fee_msat: 10_000 },
    })
  })

  it('if it came back', async () => {
    const { ask, bed } = door()
    bed.payer.answer = async () => ({ is: 'failed', reason: 'no route\u001b[2J' })
    const back = await ask({ invoice: invoiceOf(bed.world, 1_000) })
    expect(!back.ok && back.error).toMatchObject({ status: 409, code: 'not_sent' })
    expect(!back.ok && back.error.message).toContain('your credit is back: no route')
    expect(!back.ok && back.error.message).not.toContain('\u001b')
  })
})
