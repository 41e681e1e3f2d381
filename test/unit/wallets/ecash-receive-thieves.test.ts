import { blindMessage, OutputData } from '@cashu/cashu-ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Proof } from '../../../src/wallets/ecash/mint/mint.ts'
import { type FakeMint, startFakeMint } from '../../support/fake-mint.ts'
import { asCashuA, ENOUGH, outcomeOf, Payer, TokenBed } from '../../support/token-bed.ts'

/** Tokens of somebody who means no good, and what they may not do to others. */

/** The machine may be busy. */
const PATIENT = { timeout: 30_000 }

let bed: TokenBed
let mint: FakeMint
let payer: Payer
type Process = Awaited<ReturnType<TokenBed['receiver']>>

beforeEach(async () => {
  bed = new TokenBed()
  mint = await startFakeMint()
  payer = new Payer(mint)
})
afterEach(async () => {
  await payer.close()
  await bed.close()
  await mint.stop()
})

const open = (options = {}): Promise<Process> => bed.receiver({ mints: [mint], ...options })
const take = async ({ receiver }: Process, token: string, ask = ENOUGH) =>
  outcomeOf(await receiver.receive(token, ask))

/** The same coins in another text. */
function rewritten(coins: readonly Proof[], memo: string): string {
  const body = JSON.parse(Buffer.from(asCashuA(mint.url, coins).slice(6), 'base64url').toString())
  return `cashuA${Buffer.from(JSON.stringify({ ...body, memo })).toString('base64url')}`
}

async function ask<T>(path: string, body?: object): Promise<T> {
  const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const answer = await fetch(`${mint.url}/v1/${path}`, post)
  return (await answer.json()) as T
}

/** A coin of one sat with this secret, signed by the mint. */
async function coinOf(secret: string): Promise<Proof> {
  const { keysets } = await ask<{ keysets: { id: string }[] }>('keysets')
  const id = keysets[0]?.id ?? ''
  const { keysets: keys } = await ask<{ keysets: never[] }>(`keys/${id}`)
  const bought = { amount: 1, unit: 'sat' }
  const { quote, request } = await ask<Record<string, string>>('mint/quote/bolt11', bought)
  mint.pay(request ?? '')
  const bytes = new TextEncoder().encode(secret)
  const { B_, r } = blindMessage(bytes)
  const output = { amount: 1 as never, id, B_: B_.toHex(true) }
  const minted = { quote, outputs: [output] }
  const { signatures } = await ask<{ signatures: never[] }>('mint/bolt11', minted)
  const [signature] = signatures
  const [keysOf] = keys
  if (signature === undefined || keysOf === undefined) throw new Error('no coin')
  const { C: c, dleq } = new OutputData(output, r, bytes).toProof(signature, keysOf)
  const proof = JSON.stringify({ e: dleq?.e, s: dleq?.s, r: dleq?.r })
  return { secret, keyset: id, amount: 1, c, dleq: proof }
}

describe('one proof in two tokens that are sent at once', () => {
  it('E2 is taken once, and the other token is told so', async () => {
    const now = await open()
    const [a, b, c] = await payer.coins(3, [1, 1, 1])
    if (a === undefined || b === undefined || c === undefined) throw new Error('no coins')
    const tokens = [await payer.write([a, b]), await payer.write([b, c])]
    const taken = await Promise.all(tokens.map((one) => take(now, one)))
    expect([...taken].sort()).toEqual([2, 'partly_spent'])
    expect([bed.sats(), mint.counts.swap]).toEqual([2, 1])
    const rest = taken[0] === 2 ? c : a
    expect(await take(now, await payer.write([rest]))).toBe(1)
  })

  it('L4 a copy whose request is priced late finds what became of the first', async () => {
    const now = await open()
    const token = await payer.token(7)
    const { promise, resolve } = Promise.withResolvers<null>()
    const late = take(now, token, { account: null, short: (() => promise) as never })
    expect(await take(now, token)).toBe(7)
    resolve(null)
    expect(await late).toBe(7)
    expect(mint.counts.swap).toBe(1)
  })
})

describe('a secret in odd spelling', () => {
  it('E2 two texts with the same bytes are damaged: the mint would know one coin', async () => {
    const now = await open()
    const [one, two] = [await coinOf('\ud800x'), await coinOf('\ud801y')]
    const token = rewritten([one, { ...two, secret: '\udc00x' }], '')
    expect(await take(now, token)).toBe('damaged')
  })

  it('that is no lock is taken, if the mint takes it', async () => {
    const now = await open()
    const nan = '["P2PK",{"nonce":"0","data":"02","tags":[["a",NaN]]}]'
    for (const secret of ['a\u0000b', '{"P2PK":1}', '"P2PK"', nan]) {
      expect(await take(now, await payer.write([await coinOf(secret)]))).toBe(1)
    }
  })
})

describe('D5 J5 tokens that cost their giver nothing', () => {
  it('one spent coin in many texts costs one question', async () => {
    const now = await open()
    const coins = await payer.coins(1)
    await payer.spend(coins)
    const { swap, restore } = { ...mint.counts }
    for (let at = 0; at < 5; at += 1) {
      expect(await take(now, rewritten(coins, `memo ${at}`))).toBe('spent')
    }
    expect([mint.counts.swap - swap, mint.counts.restore - restore]).toEqual([1, 1])
  })

  it('many spent coins leave the calls of those who paid, and cause no 429', async () => {
    const now = await open({ limited: true })
    const coins = []
    for (let at = 0; at < 10; at += 1) coins.push(await payer.coins(1))
    for (const one of coins) await payer.spend(one)
    const before = mint.heard.length
    for (const one of coins) await take(now, await payer.write(one))
    expect(mint.heard.length - before).toBeLessThanOrEqual(17)
    const [known] = now.mints.all
    for (let at = 0; at < 4; at += 1) expect(known?.rateLimit.take('paid')).toBe(0)
  })

  it('unknown keysets leave the calls of buyers, and are not called unknown unasked', async () => {
    const now = await open({ limited: true })
    await take(now, await payer.token(1))
    const [coin] = await payer.coins(1)
    if (coin === undefined) throw new Error('no coin')
    const [known] = now.mints.all
    while (known?.rateLimit.take('offer') === 0);
    const token = await payer.write([{ ...coin, keyset: `00${'7'.repeat(14)}` }])
    expect(await take(now, token)).toBe('busy')
    expect(known?.rateLimit.take('top_up')).toBe(0)
  })
})

describe('J13 a token over which its mint, or what stands in front of it, stumbles', () => {
  it.each(['status500', 'code0', 'html404'] as const)(
    '%s: takes nobody else the mint away, and is no problem of the mint',
    async (is) => {
      const now = await open()
      mint.faults.swap = { is, times: 1 }
      expect(await take(now, await payer.token(1))).toBe('pending')
      expect(await take(now, await payer.token(2))).toBe(2)
      expect(bed.problems()).toEqual([])
    },
  )

  it('a mint that is really gone is found out', async () => {
    const now = await open()
    const token = await payer.token(1)
    await now.accepted.look()
    mint.faults.swap = { is: 'dropBefore', times: 1 }
    mint.faults.info = { is: 'dropBefore', times: 9 }
    expect(await take(now, token)).toBe('pending')
    await expect.poll(() => bed.problems(), PATIENT).toContain('problem mint_unreachable')
  })

  it('twenty of them without an end keep nobody waiting', async () => {
    const now = await open()
    for (let at = 0; at < 20; at += 1) {
      mint.faults.swap = { is: 'code0', times: 1 }
      expect(await take(now, await payer.token(1))).toBe('pending')
    }
    mint.faults.swap = { is: 'dropAfter', times: 1 }
    expect(await take(now, await payer.token(32))).toBe('pending')
    mint.faults.swap = { is: 'code0', times: 1_000 }
    const started = now.receiver.start(async () => {})
    await expect.poll(() => bed.sats(), PATIENT).toBe(32)
    await started.stop()
  })
})

describe('L9 what one mint may hold', () => {
  it('is not exceeded by tokens at once', async () => {
    const now = await open({ maxPerMint: 100 })
    const tokens = []
    for (let at = 0; at < 5; at += 1) tokens.push(await payer.token(64))
    const taken = await Promise.all(tokens.map((one) => take(now, one)))
    expect([...taken].sort()).toEqual([64, ...Array(4).fill('mint_full')])
    expect(bed.sats()).toBe(64)
  })
})
