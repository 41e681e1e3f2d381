import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeMint, type FakeMintOptions, startFakeMint } from '../../support/fake-mint.ts'
import { asCashuA, ENOUGH, outcomeOf, Payer, TokenBed } from '../../support/token-bed.ts'

/** The machine may be busy. */
const PATIENT = { timeout: 30_000 }

let bed: TokenBed
let mint: FakeMint
let payer: Payer
type Process = Awaited<ReturnType<TokenBed['receiver']>>

async function setUp(options: FakeMintOptions = {}) {
  bed = new TokenBed()
  mint = await startFakeMint(options)
  payer = new Payer(mint)
}
beforeEach(() => setUp())
afterEach(async () => {
  await payer.close()
  await bed.close()
  await mint.stop()
})

const open = (options = {}): Promise<Process> => bed.receiver({ mints: [mint], ...options })
const take = async ({ receiver }: Process, token: string, ask = ENOUGH) =>
  outcomeOf(await receiver.receive(token, ask))

describe('a token that is taken', () => {
  it('E3 is swapped before anything is credited: its coins are ours, on disk, and it is spent', async () => {
    const now = await open()
    const coins = await payer.coins(21)
    const token = await payer.write(coins)
    const received = await now.receiver.receive(token, ENOUGH)
    expect(received).toMatchObject({ ok: true, value: { sat: 21, feeSat: 0, account: null } })
    expect(bed.sats()).toBe(21)
    await expect(payer.spend(coins)).rejects.toThrow('spent')
    expect(mint.issuedSat()).toBe(21)
  })

  it('E2 is the same token however it is written, and costs one swap', async () => {
    const now = await open()
    const coins = await payer.coins(21)
    const forms = [await payer.write(coins), asCashuA(mint.url, coins)]
    forms.push(await payer.write([...coins].reverse()), forms[0]?.replace(/=+$/, '') ?? '')
    const taken = []
    for (const form of forms) taken.push(await now.receiver.receive(form, ENOUGH))
    const payments = new Set(taken.map((one) => (one.ok ? one.value.payment : one.error.why)))
    expect([payments.size, mint.counts.swap, bed.sats()]).toEqual([1, 1, 21])
    expect([...payments][0]).toMatch(/^[0-9a-f]{64}$/)
  })

  it('B1 fifty copies at once are one swap and one payment', async () => {
    const now = await open()
    const coins = await payer.coins(21)
    const forms = [await payer.write(coins), asCashuA(mint.url, coins)]
    const copies = Array.from({ length: 50 }, (_, at) => forms[at % 2] ?? '')
    const taken = await Promise.all(copies.map((one) => now.receiver.receive(one, ENOUGH)))
    expect(new Set(taken.map((one) => (one.ok ? one.value.payment : one.error.why))).size).toBe(1)
    expect([mint.counts.swap, bed.sats()]).toEqual([1, 21])
  })

  it('is known again without the mint and without arithmetic, also by the next process', async () => {
    const now = await open()
    const token = await payer.token(21)
    expect(now.receiver.known(token)).toBeNull()
    await take(now, token)
    expect(now.receiver.known(token)).toMatchObject({ sat: 21 })
    await bed.die()
    await mint.stop()
    const next = await open()
    expect(await take(next, token)).toBe(21)
    expect(next.receiver.known(token)?.sat).toBe(21)
    await mint.restart()
  })

  it.each([
    ['100 ppk, in five coins', 100, [8, 4, 4, 4, 1], 1],
    ['a sat for each coin', 1000, [8, 8, 4, 1], 4],
  ])('E6 credits its value without the input fee: %s', async (_, feePpk, amounts, fee) => {
    await mint.stop()
    await setUp({ feePpk })
    expect(await take(await open(), await payer.token(21, amounts))).toBe(21 - fee)
    expect(bed.sats()).toBe(21 - fee)
  })

  it('E6 of a keyset that is no longer active, and with keyset ids of both versions', async () => {
    const now = await open()
    const token = await payer.token(21)
    mint.rotate()
    expect(await take(now, token)).toBe(21)
    await payer.close()
    payer = new Payer(mint)
    expect(await take(now, await payer.token(8))).toBe(8)
    await mint.stop()
    await setUp({ version: 0 })
    expect(await take(await open(), await payer.token(21))).toBe(21)
  })
})

describe('a token that is refused costs its owner nothing', () => {
  const coinsAnd = async (change: (one: Record<string, unknown>) => object) => {
    const coins = await payer.coins(21)
    return { coins, token: await payer.write(coins.map((one) => change({ ...one }) as never)) }
  }
  const stillGood = async (coins: Parameters<Payer['spend']>[0]) => {
    expect(mint.counts.swap).toBe(0)
    await payer.spend(coins)
  }

  it.each([
    ['damaged', 'cashuBnonsense'],
    ['damaged', 'cashuA'],
    ['damaged', 'nothing at all'],
    ['damaged', `cashuB${Buffer.alloc(20_000, 0x81).toString('base64url')}`],
    ['too_large', `cashuB${'a'.repeat(100_000)}`],
  ])('%s: %.20s', async (why, token) => {
    const heard = mint.heard.length
    expect(await take(await open(), token)).toBe(why)
    expect(mint.heard).toHaveLength(heard)
  })

  it('E1 another mint is never called, and spellings of ours are ours', async () => {
    const other = await startFakeMint()
    const coins = await payer.coins(21)
    const now = await open()
    expect(await take(now, await payer.write(coins, other.url))).toBe('mint')
    expect(await take(now, await payer.write(coins, 'http://169.254.169.254/'))).toBe('mint')
    expect(other.heard).toEqual([])
    await other.stop()
    const spelled = `${mint.url.replace('http', 'HTTP')}/`
    expect(await take(now, await payer.write(coins, spelled))).toBe(21)
  })

  it('another unit', async () => {
    const coins = await payer.coins(21)
    const token = asCashuA(mint.url, coins)
    const body = JSON.parse(Buffer.from(token.slice(6), 'base64url').toString())
    const dollars = { ...body, unit: 'usd' }
    const text = `cashuA${Buffer.from(JSON.stringify(dollars)).toString('base64url')}`
    expect(await take(await open(), text)).toBe('unit')
    await stillGood(coins)
  })

  it('E3 without a DLEQ, or with that of another coin', async () => {
    const bare = await coinsAnd((one) => ({ ...one, dleq: null }))
    expect(await take(await open(), bare.token)).toBe('no_dleq')
    await stillGood(bare.coins)
    const now = await open()
    const swaps = mint.counts.swap
    const { coins, token } = await coinsAnd((one) => ({ ...one, secret: `${one.secret}0` }))
    expect(await take(now, token)).toBe('forged')
    expect(mint.counts.swap).toBe(swaps)
    await payer.spend(coins)
  })

  it('E3 locked to a key or a preimage, in whatever way it is written', async () => {
    const now = await open()
    for (const secret of ['["P2PK",{"nonce":"0","data":"02"}]', ' [ "HTLC", {} ]', '["New"]']) {
      const { token } = await coinsAnd((one) => ({ ...one, secret }))
      expect(await take(now, token)).toBe('locked')
    }
  })

  it('of an unknown keyset, and however many come, the mint is asked once in a while', async () => {
    const now = await open()
    await take(now, await payer.token(1))
    const before = mint.counts.keysets
    const began = performance.now()
    for (let at = 10; at < 30; at += 1) {
      const { token } = await coinsAnd((one) => ({ ...one, keyset: `00${String(at).repeat(7)}` }))
      expect(await take(now, token)).toBe('keyset')
    }
    const whiles = 1 + Math.floor((performance.now() - began) / 10_000)
    expect(mint.counts.keysets - before).toBeLessThanOrEqual(whiles)
  })

  it('with a proof twice, and of a thousand proofs', async () => {
    const [coin] = await payer.coins(16)
    if (coin === undefined) throw new Error('no coin')
    const now = await open()
    expect(await take(now, await payer.write([coin, coin]))).toBe('duplicates')
    const many = Array.from({ length: 100 }, (_, at) => ({ ...coin, secret: `${at}`, dleq: null }))
    expect(await take(now, await payer.write(many))).toBe('too_large')
    expect(await take(now, await payer.write([...many, ...many, ...many]))).toBe('too_large')
    await stillGood([coin])
  })

  it('dust: a token whose fee takes half of it', async () => {
    await mint.stop()
    await setUp({ feePpk: 1000 })
    const now = await open()
    expect(await take(now, await payer.token(1))).toBe('dust')
    expect(await take(now, await payer.token(3, [1, 1, 1]))).toBe('dust')
    expect(await take(now, await payer.token(4))).toBe(3)
  })

  it('too small for what it pays for, before it is swapped', async () => {
    const now = await open()
    const coins = await payer.coins(5)
    const token = await payer.write(coins)
    const ask = { account: null, short: (sat: number) => (sat < 21 ? 21 : null) }
    const refused = await now.receiver.receive(token, ask)
    expect(refused).toEqual({ ok: false, error: { why: 'too_small', sat: 5, needs: 21 } })
    expect(mint.counts.swap).toBe(0)
    expect(await take(now, token)).toBe(5)
  })

  it('above what one mint may hold', async () => {
    const now = await open({ maxPerMint: 30 })
    expect(await take(now, await payer.token(21))).toBe(21)
    const coins = await payer.coins(21)
    expect(await take(now, await payer.write(coins))).toBe('mint_full')
    await payer.spend(coins)
  })

  it('of a mint that pays no invoices, which is said once', async () => {
    mint.nuts[5] = { methods: [{ method: 'bolt11', unit: 'sat' }], disabled: true }
    const now = await open()
    const coins = await payer.coins(21)
    expect(await take(now, await payer.write(coins))).toBe('mint_silent')
    await now.accepted.look()
    expect(bed.problems()).toEqual(['problem mint_pays_nothing'])
    expect(now.accepted.open()).toEqual([])
    await payer.spend(coins)
  })

  it('I9 of a mint of another kind of money', async () => {
    const now = await open({ money: 'real' })
    expect(await take(now, await payer.token(21))).toBe('mint_silent')
    expect(bed.events).toMatchObject([
      { what: 'mint_lies', reason: 'its invoices are for test money, the ledger keeps real' },
    ])
  })
})

describe('a token that was spent', () => {
  it('elsewhere is refused as spent, and remembered, so that it costs no second call (D5)', async () => {
    const now = await open()
    const coins = await payer.coins(21)
    const token = await payer.write(coins)
    await payer.spend(coins)
    const swaps = mint.counts.swap
    expect([await take(now, token), await take(now, token)]).toEqual(['spent', 'spent'])
    expect(mint.counts.swap - swaps).toBe(1)
    expect(bed.sats()).toBe(0)
  })

  it('in part elsewhere is refused as spent, and its rest stays with its owner', async () => {
    const now = await open()
    const coins = await payer.coins(21)
    await payer.spend(coins.slice(0, 1))
    expect(await take(now, await payer.write(coins))).toBe('spent')
    await payer.spend(coins.slice(1))
  })

  it('E2 here: a part of it, or more than it, is another token and says so', async () => {
    const now = await open()
    const coins = await payer.coins(21)
    await take(now, await payer.write(coins))
    const more = [...coins, ...(await payer.coins(2))]
    const part = await now.receiver.receive(await payer.write(coins.slice(1)), ENOUGH)
    expect(part).toEqual({ ok: false, error: { why: 'partly_spent', known: 2, of: 2 } })
    expect(await take(now, await payer.write(more))).toBe('partly_spent')
    expect([mint.counts.swap, bed.sats()]).toEqual([1, 21])
  })
})

describe('E4 an answer that is lost leaves the token neither spent nor taken', () => {
  const lose = (is: 'dropAfter' | 'dropBefore' | 'garbage' | 'status500', times = 1) => {
    mint.faults.swap = { is, times }
  }

  it.each(['dropAfter', 'dropBefore', 'status500'] as const)(
    '%s: the same token sent again is taken once',
    async (fault) => {
      const now = await open()
      const token = await payer.token(21)
      lose(fault)
      expect(await take(now, token)).toBe('pending')
      bed.ahead += 20_000
      expect(await take(now, token)).toBe(21)
      expect([bed.sats(), mint.issuedSat()]).toEqual([21, 21])
    },
  )

  it.each(['dropAfter', 'dropBefore'] as const)(
    'E5 %s and kill -9: the next process finds out, with other outputs for the next token',
    async (fault) => {
      const token = await payer.token(21)
      lose(fault)
      expect(await take(await open(), token)).toBe('pending')
      await bed.die()
      const next = await open()
      expect(await take(next, token)).toBe(21)
      expect(await take(next, await payer.token(8))).toBe(8)
      expect([bed.sats(), mint.issuedSat()]).toEqual([29, 29])
    },
  )

  it('in the background, and what came so is reported until somebody has credited it', async () => {
    const now = await open()
    lose('dropAfter')
    expect(await take(now, await payer.token(21))).toBe('pending')
    bed.ahead += 20_000
    const told: string[] = []
    const started = now.receiver.start(async ({ payment, sat, feeSat }) => {
      told.push(`${sat - feeSat}`)
      if (told.length > 1) now.receiver.credited(payment, { account: 'a', given: false })
    })
    await expect.poll(() => told.length, PATIENT).toBe(1)
    await bed.world.until(() => told.length > 1)
    await started.stop()
    expect(now.rows.in('here', 9)).toEqual([])
  })

  it('and was spent elsewhere meanwhile: that is said, and no coins are invented', async () => {
    const now = await open()
    const coins = await payer.coins(21)
    const token = await payer.write(coins)
    lose('dropBefore')
    expect(await take(now, token)).toBe('pending')
    await payer.spend(coins)
    bed.ahead += 20_000
    expect([await take(now, token), bed.sats()]).toEqual(['spent', 0])
  })

  it('with a wrong signature: it stays unknown, the mint is set aside, and nothing is lost', async () => {
    const now = await open()
    const token = await payer.token(21)
    mint.faults.swap = { is: 'badDleq', times: 1 }
    expect(await take(now, token)).toBe('pending')
    expect(bed.problems()).toContain('problem mint_lies')
    bed.ahead += 2 * 60 * 60_000
    expect([await take(now, token), bed.sats()]).toEqual([21, 21])
  })

  it('429: nothing was sent, and the token is good later', async () => {
    const now = await open()
    const token = await payer.token(21)
    mint.faults.swap = { is: 'status429', times: 1 }
    expect(await take(now, token)).toBe('busy')
    expect(now.rows.in('sent', 9)).toEqual([])
    bed.ahead += 120_000
    expect(await take(now, token)).toBe(21)
  })
})

describe('a request for tokens', () => {
  it('I8 asks for the fee too, of the mints that can take that much now', async () => {
    await mint.stop()
    await setUp({ feePpk: 100 })
    const now = await open({ maxPerMint: 500 })
    expect(now.receiver.request(100)).toBeNull()
    const started = now.receiver.start(async () => {})
    await expect.poll(() => now.receiver.request(100)?.sat, PATIENT).toBe(102)
    const { mints, creqA, creqB } = now.receiver.request(100) ?? {}
    expect([mints, creqA, creqB]).toEqual([
      [mint.url],
      expect.stringMatching(/^creqA[\w=-]+$/),
      expect.stringMatching(/^CREQB1[0-9A-Z]+$/),
    ])
    expect(await take(now, await payer.token(102))).toBeGreaterThanOrEqual(100)
    expect(now.receiver.request(501)).toBeNull()
    await started.stop()
  })

  it('is not made while the mint is down', async () => {
    const now = await open()
    const started = now.receiver.start(async () => {})
    await expect.poll(() => now.receiver.request(100)?.sat, PATIENT).toBe(100)
    await mint.stop()
    expect(await take(now, await payer.token(1).catch(() => 'cashuB'))).toBe('damaged')
    await now.mints.ask(now.mints.all[0] as never, 'paid', (one) => one.alive()).catch(() => null)
    bed.ahead += 2_000
    expect(now.receiver.request(100)).toBeNull()
    await started.stop()
    await mint.restart()
  })
})
