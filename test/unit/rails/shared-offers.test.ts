import { describe, expect, it } from 'vitest'
import { AmountRefused, WalletBusy } from '../../../src/wallets/wallet.ts'
import { offered, rail, want } from './rail.ts'

const identifierOf = (macaroon: unknown): string => {
  const bytes = Buffer.from(String(macaroon), 'base64')
  const at = bytes.indexOf(Buffer.from([0x02, 66]))
  return bytes.subarray(at + 2, at + 68).toString('hex')
}

describe('J6 shared_offers_are_counted', () => {
  it.each([
    [1, 10],
    [10, 10],
    [11, 30],
    [99, 100],
    [101, 300],
    [301, 1000],
    [1000, 1000],
  ])('a request that needs %i sat gets an invoice of %i', async (least, sat) => {
    const { l402 } = rail({ perClient: 0 })
    expect((await offered(l402, 'a', least)).body.amount_sats).toBe(sat)
  })

  it('if 1,000 sat do not admit the request it is too many, with a time to come back', async () => {
    const { l402, lightning } = rail({ perClient: 0 })
    const error = { why: 'too_many_open', retryAfterSeconds: 60 }
    expect(await l402.offer(want('a', 1_001))).toEqual({ ok: false, error })
    expect(lightning.open).toBeLessThanOrEqual(1)
  })

  it('however many ask for however many amounts, they are five, and they count', async () => {
    const { l402, lightning, asks } = rail({ perClient: 1, total: 50 })
    for (let round = 0; round < 3; round += 1) {
      for (let sat = 1; sat <= 1_000; sat += 7) await l402.offer(want('a', sat))
    }
    expect(asks.filter(({ asker }) => asker === 'shared')).toHaveLength(5)
    expect([asks.length, lightning.open]).toEqual([6, 6])
  })

  it('all open ones together stay within the bound', async () => {
    const { l402, lightning } = rail({ perClient: 20, total: 5 })
    for (let at = 0; at < 100; at += 1) await l402.offer(want(`${at}`, 1 + at * 9))
    expect(lightning.open).toBeLessThanOrEqual(5)
  })

  it('one is kept until it expires or is paid, and shown while there is time to pay it', async () => {
    const { l402, play, advance, authenticate } = rail({ perClient: 0 })
    const hash = async () => (await offered(l402)).body.payment_hash
    const first = await hash()
    advance(470_000)
    expect(await hash()).toBe(first)
    advance(20_000)
    const { body } = await offered(l402)
    const second = body.payment_hash
    expect(second).not.toBe(first)
    const paid = await play.pay(String(second))
    if (!paid.ok) throw new Error('not paid')
    await authenticate((body.l402 as { macaroon: string }).macaroon, paid.value)
    expect(await hash()).not.toBe(second)
  })

  it('each that is shown has a token id of its own', async () => {
    const { l402, passes } = rail({ perClient: 0 })
    const all = [await offered(l402), await offered(l402), await offered(l402, 'b')]
    const ids = all.map(({ body }) => identifierOf((body.l402 as { macaroon: string }).macaroon))
    expect(new Set(ids).size).toBe(3)
    expect(new Set(all.map(({ body }) => body.payment_hash)).size).toBe(1)
    expect(await passes.get(String(all[0]?.body.payment_hash))).toMatchObject({ tokenId: null })
  })

  it('there are none on a wallet whose preimages anybody can read by the hash', async () => {
    const { l402, asks } = rail({ perClient: 1, wallet: { preimageIsPublic: true } })
    expect((await offered(l402)).body.payment_url).toBeDefined()
    expect(await l402.offer(want())).toMatchObject({ error: { why: 'too_many_open' } })
    expect(asks.map(({ asker }) => asker)).toEqual(['stranger'])
  })

  it('the first stranger of the minute has one made, which is there when the wallet has no more', async () => {
    let free = 2
    const { l402 } = rail({
      mind: () => {
        free -= 1
        return free >= 0 ? null : new WalletBusy(900_000)
      },
    })
    const own = await offered(l402)
    for (let at = 0; at < 20; at += 1) {
      const shared = await offered(l402, `client ${at}`)
      expect(shared.body.payment_hash).not.toBe(own.body.payment_hash)
    }
    expect(free).toBeLessThan(0)
  })

  it('at most one a minute is made in advance', async () => {
    const { l402, asks, advance } = rail()
    const prepared = () => asks.filter(({ asker }) => asker === 'shared').map(({ sat }) => sat)
    for (const sat of [5, 20, 200]) await offered(l402, 'a', sat)
    expect(prepared()).toEqual([10])
    advance(61_000)
    for (const sat of [5, 20, 200]) await offered(l402, 'a', sat)
    expect(prepared()).toEqual([10, 30])
  })

  it('minute by minute all of them are made, and are there while a wallet must not be asked', async () => {
    let silent = false
    const { l402, advance } = rail({ mind: () => (silent ? new WalletBusy(900_000) : null) })
    for (let minute = 0; minute < 5; minute += 1) {
      await offered(l402)
      advance(60_001)
    }
    silent = true
    for (const [least, sat] of [
      [1, 10],
      [11, 30],
      [31, 100],
      [101, 300],
      [301, 1000],
    ] as const) {
      expect((await offered(l402, 'b', least)).body.amount_sats).toBe(sat)
    }
  })

  it('is of the next amount if the wallet makes none so small', async () => {
    const mind = ({ sat }: { sat: number }) =>
      sat < 50 || sat > 500 ? new AmountRefused(50, 500) : null
    const { l402 } = rail({ perClient: 0, mind })
    expect((await offered(l402, 'a', 10)).body.amount_sats).toBe(100)
    expect(await l402.offer(want('a', 400))).toMatchObject({ error: { why: 'too_many_open' } })
  })

  it('one client does not use up what the wallet makes for strangers in a minute', async () => {
    const { l402, lightning, advance } = rail({ wallet: { strangersAMinute: () => 6 } })
    const own = async (client: string) =>
      (await offered(l402, client)).body.payment_url !== undefined
    const four = async (client: string) =>
      [await own(client), await own(client), await own(client), await own(client)].filter(Boolean)
    expect([(await four('a')).length, (await four('b')).length]).toEqual([3, 3])
    const refused = await lightning.create(want('a'))
    expect(refused).toMatchObject({ error: { why: 'too_many_open', retryAfterSeconds: 20 } })
    advance(20_000)
    expect((await lightning.create(want('a'))).ok).toBe(true)
  })

  it('a clock that is set back by an hour keeps nobody waiting for an hour', async () => {
    const { lightning, advance, setBack } = rail({ wallet: { strangersAMinute: () => 6 } })
    for (let one = 0; one < 3; one += 1) expect((await lightning.create(want('a'))).ok).toBe(true)
    setBack(3_600_000)
    advance(20_000)
    expect((await lightning.create(want('a'))).ok).toBe(true)
  })

  it('nor does one account use up what it makes for buyers', async () => {
    const { lightning, advance } = rail({ wallet: { strangersAMinute: () => 3 } })
    const ask = (account: string) => lightning.create(want({ is: 'owner', account }))
    const four = async (account: string) => {
      const all = [await ask(account), await ask(account), await ask(account), await ask(account)]
      return all.filter(({ ok }) => ok).length
    }
    expect([await four('a'), await four('b')]).toEqual([3, 3])
    advance(20_000)
    expect((await ask('a')).ok).toBe(true)
  })

  it('a bucket is for a site, whichever network of it asks', async () => {
    const { l402 } = rail({ wallet: { strangersAMinute: () => 6 } })
    let own = 0
    for (let at = 0; at < 10; at += 1) {
      const quota = { is: 'stranger', client: `${at}`, site: 'site' } as const
      if ((await offered(l402, quota)).body.payment_url !== undefined) own += 1
    }
    expect(own).toBe(3)
  })
})

describe('J17 a_payer_always_finds_a_place', () => {
  const owner = { is: 'owner', account: 'ab'.repeat(16) } as const
  const holder = { ...owner, is: 'holder' } as const

  it('402s make three invoices for a root pass, then the newest that is enough is shown again', async () => {
    const { l402, asks } = rail()
    const three = [
      await offered(l402, owner, 50),
      await offered(l402, owner, 20),
      await offered(l402, owner, 10),
    ]
    const [fifty, twenty, ten] = three
    expect(new Set(three.map(({ body }) => body.payment_hash)).size).toBe(3)
    expect(await offered(l402, owner, 10)).toEqual(ten)
    expect(await offered(l402, owner, 15)).toEqual(twenty)
    expect(await offered(l402, owner, 21)).toEqual(fifty)
    expect(await l402.offer(want(owner, 51))).toMatchObject({ error: { why: 'too_many_open' } })
    expect(asks).toHaveLength(3)
  })

  it('one that expires within two minutes is not shown again', async () => {
    const { l402, advance } = rail()
    for (let made = 0; made < 3; made += 1) await offered(l402, owner)
    advance(481_000)
    expect(await l402.offer(want(owner))).toMatchObject({ error: { why: 'too_many_open' } })
    advance(120_000)
    expect((await l402.offer(want(owner))).ok).toBe(true)
  })

  it('many at once get three, and the rest one of those', async () => {
    const { l402, asks } = rail()
    const all = await Promise.all(Array.from({ length: 30 }, () => offered(l402, owner)))
    expect(asks).toHaveLength(3)
    expect(new Set(all.map(({ body }) => body.payment_hash)).size).toBe(3)
  })

  it('and they take no place from what the owner asks for itself', async () => {
    const { l402, lightning } = rail({ perClient: 2 })
    for (let made = 0; made < 9; made += 1) await offered(l402, owner)
    expect((await lightning.create(want(owner))).ok).toBe(true)
    expect((await lightning.create(want(owner))).ok).toBe(true)
    expect(await lightning.create(want(owner))).toMatchObject({ error: { why: 'too_many_open' } })
  })

  it('two holders of one child never share a status token: beyond the bound it is a shared invoice', async () => {
    const { l402 } = rail()
    const all = await Promise.all(Array.from({ length: 9 }, () => offered(l402, holder)))
    const tokens = all.map(({ body }) => body.payment_url).filter((url) => url !== undefined)
    expect(tokens).toHaveLength(3)
    expect(new Set(tokens).size).toBe(3)
    expect((await offered(l402, owner)).body.payment_url).toBeDefined()
  })

  it('L14 a spending key tops up without a macaroon, and is shown its own invoices again, never the owner’s', async () => {
    const { l402 } = rail()
    const spender = { ...owner, is: 'spender' } as const
    const owners = await Promise.all([0, 1, 2].map(() => offered(l402, owner)))
    const all = await Promise.all(Array.from({ length: 9 }, () => offered(l402, spender)))
    const hashes = new Set(all.map(({ body }) => body.payment_hash))
    expect(hashes.size).toBe(3)
    for (const { body } of owners) expect(hashes).not.toContain(body.payment_hash)
    for (const { body, challenges, howToPay, say } of all) {
      expect(challenges).toEqual([])
      expect(body.l402).toMatchObject({ macaroon: null, invoice: expect.stringMatching(/^lnbc/) })
      expect([say, howToPay].join(' ')).toContain('with the same key')
      expect(JSON.stringify([body, say, howToPay])).not.toContain('<macaroon>')
    }
  })

  it('strangers leave room for buyers', async () => {
    const { l402, lightning } = rail({ total: 20 })
    for (let at = 0; at < 100; at += 1) await l402.offer(want(`${at}`))
    expect(lightning.open).toBeLessThanOrEqual(16)
    expect((await lightning.create(want(owner))).ok).toBe(true)
    expect((await offered(l402, owner)).body.payment_url).toBeDefined()
  })
})
