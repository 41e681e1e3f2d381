import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openMint, writeToken } from '../../src/wallets/ecash/mint/cashu.ts'
import type { Batch, Mint, Proof } from '../../src/wallets/ecash/mint/mint.ts'
import { splitSats } from '../../src/wallets/ecash/mint/sats.ts'
import { real as machine } from '../support/world.ts'
import { describeWithLab, type Lab, openLab } from './lab.ts'

type End = 'paid' | 'failed' | 'pending'

/** A real mint whose invoices and payments end as a test wants. */
interface RealMint {
  readonly url: string
  pay(bolt11: string): Promise<unknown>
  /**
   * An invoice that the mint can pay. Its payment ends in that way, and `later` is what is said
   * about it afterwards.
   */
  invoice(sat: number, end: End, later?: End): Promise<string>
  /** The mint's own wallet receives a token. */
  receive(token: string): Promise<string>
}

interface Kind {
  readonly name: string
  /** Why it cannot be tested here. Null if it can. */
  readonly missing: string | null
  start(lab: Lab): Promise<RealMint>
  readonly digits: number
}

const NUTSHELL: Kind = {
  name: 'Nutshell',
  missing: null,
  digits: 66,
  async start(lab) {
    const env = await lab.startPart('nutshell', { FEE_PPK: '100', SETTLE: 'hold' })
    const words = { paid: 'SETTLED', failed: 'FAILED', pending: 'PENDING' }
    return {
      url: env.MINT_URL ?? '',
      pay: (bolt11) => lab.exec('nutshell', 'pay', bolt11),
      receive: (token) => lab.exec('nutshell', 'receive', token),
      async invoice(sat, end, later = end) {
        await lab.exec('nutshell', 'melts', words[end], words[later])
        return lab.exec('nutshell', 'invoice', String(sat))
      },
    }
  },
}

const LAB_HOME = process.env.LAB_HOME ?? join(homedir(), '.cache', 'satgate-lab')

function cdk(ids: 'v1' | 'v2', digits: number): Kind {
  const there = existsSync(join(LAB_HOME, 'cdk-mintd', 'bin', 'cdk-mintd'))
  return {
    name: `cdk-mintd, keyset ids ${ids}`,
    missing: there ? null : 'the lab has not installed cdk-mintd: lab install cdk-mintd',
    digits,
    async start(lab) {
      const env = await lab.startPart('cdk-mintd', { FEE_PPK: '100', KEYSET: ids })
      const words = { paid: 'PAID', failed: 'FAILED', pending: 'PENDING' }
      return {
        url: env.MINT_URL ?? '',
        // It pays each of its invoices by itself.
        pay: async () => {},
        receive: (token) => lab.exec('cdk-mintd', 'receive', token),
        invoice: (sat, end, later = end) =>
          lab.exec('cdk-mintd', 'invoice', String(sat), words[end], words[later]),
      }
    },
  }
}

const sum = (proofs: readonly Proof[]) => proofs.reduce((all, { amount }) => all + amount, 0)
const wait = (ms: number) => new Promise((then) => setTimeout(then, ms))
async function until(there: () => boolean): Promise<void> {
  for (let tries = 0; !there(); tries += 1) {
    if (tries > 150) expect.unreachable('it did not happen in 15 s')
    await wait(100)
  }
}

/** A proxy between the client and a mint that can lose the answers of the mint. */
async function losingProxy(url: string) {
  const port = Number(new URL(url).port)
  const proxy = { url: '', losing: false, close: () => {} }
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    near.pipe(far)
    far.on('data', (data) => (proxy.losing ? near.destroy() : near.write(data)))
    for (const socket of [near, far]) {
      socket
        .on('error', () => {})
        .on('close', () => {
          near.destroy()
          far.destroy()
        })
    }
  })
  await new Promise<void>((then) => server.listen(0, '127.0.0.1', then))
  proxy.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  proxy.close = () => server.close()
  return proxy
}

function speaksTo(kind: Kind): void {
  let lab: Lab
  let real: RealMint
  let proxy: Awaited<ReturnType<typeof losingProxy>>
  let mint: Mint
  let counter = 0

  beforeAll(async () => {
    lab = await openLab()
    real = await kind.start(lab)
    proxy = await losingProxy(real.url)
    mint = await openMint({
      url: proxy.url,
      seed: randomBytes(64),
      world: machine,
      deadlineMs: 3_000,
    })
  })
  afterAll(async () => {
    mint?.close()
    proxy?.close()
    await lab?.stop()
  })

  const newKey = () => ({ privateKey: randomBytes(32).toString('hex') })
  const batchOf = async (amounts: readonly number[]): Promise<Batch> => {
    counter += 100
    return { keyset: (await mint.about()).keyset, counter, amounts }
  }
  const batch = async (sat: number) => batchOf(splitSats(sat, (await mint.about()).amounts))
  const blanks = () => batchOf(Array(12).fill(0))
  const paidQuote = async (sat: number, key = newKey()) => {
    const { quote, bolt11 } = await mint.createQuote({ sat, memo: 'lab', key })
    await real.pay(bolt11)
    // It asks its own backend rarely: it listens to a stream, or asks again after 10 s.
    for (let tries = 0; (await mint.quoteState(quote)) === 'unpaid'; tries += 1) {
      if (tries > 60) expect.unreachable('paid, and not seen')
      await wait(250)
    }
    return { quote, key }
  }
  const coins = async (sat: number) => {
    const { quote, key } = await paidQuote(sat)
    return mint.mint(quote, key, await batch(sat))
  }
  const isLost = async (call: () => Promise<unknown>) => {
    proxy.losing = true
    await expect(call()).rejects.toMatchObject({ name: 'MintUnreachable' })
    proxy.losing = false
  }

  it('offers what is needed', async () => {
    const about = await mint.about()
    expect(about).toMatchObject({ tells: true, locks: true })
    expect(about.keyset).toHaveLength(kind.digits)
    expect(about.amounts.slice(0, 3)).toEqual([1, 2, 4])
  })

  it('makes a locked invoice, tells when it is paid, gives coins once and the same again', async () => {
    const key = newKey()
    const made = await mint.createQuote({ sat: 1000, memo: 'lab', key })
    const { quote, bolt11, expiresAt } = made
    expect(expiresAt).toBeGreaterThan(Date.now())
    const told: string[] = []
    const watch = mint.watchQuotes([quote], { onState: (_, state) => told.push(state), onEnd() {} })
    await real.pay(bolt11)
    await until(() => told.includes('paid'))
    expect(await mint.quoteState(quote)).toBe('paid')
    const outputs = await batch(1000)
    expect(await mint.restore(outputs)).toEqual([])
    for (const wrong of [newKey(), null]) {
      await expect(mint.mint(quote, wrong, outputs)).rejects.toMatchObject({ code: 20008 })
    }
    const few = await batch(999)
    await expect(mint.mint(quote, key, few)).rejects.toMatchObject({ means: 'amount' })
    const minted = await mint.mint(quote, key, outputs)
    expect(sum(minted)).toBe(1000)
    await until(() => told.includes('issued'))
    watch?.stop()
    const again = mint.mint(quote, key, await batch(1000))
    await expect(again).rejects.toMatchObject({ means: 'issued' })
    expect(await mint.restore(outputs)).toEqual(minted)
    expect(new Set(await mint.states(minted))).toEqual(new Set(['unspent']))
  })

  it('says that an invoice is not paid, and gives nothing', async () => {
    if (kind.name !== NUTSHELL.name) return
    const key = newKey()
    const { quote } = await mint.createQuote({ sat: 8, memo: 'lab', key })
    const minted = mint.mint(quote, key, await batch(8))
    await expect(minted).rejects.toMatchObject({ means: 'unpaid' })
  })

  it('swaps for its fee, once, and outputs are signed once', async () => {
    const old = await coins(300)
    expect(await mint.feeFor(old)).toBe(1)
    const outputs = await batch(299)
    const unbalanced = mint.swap(old, await batch(300))
    await expect(unbalanced).rejects.toMatchObject({ means: 'amount' })
    const swapped = await mint.swap(old, outputs)
    const twice = mint.swap(old, await batch(299))
    await expect(twice).rejects.toMatchObject({ means: 'spent' })
    const reused = mint.swap(swapped, { ...outputs, amounts: [...outputs.amounts].slice(0, -1) })
    await expect(reused).rejects.toMatchObject({ name: 'MintRefused' })
    expect(await mint.states([...old.slice(0, 1), ...swapped.slice(0, 1)])).toEqual([
      'spent',
      'unspent',
    ])
  })

  it('E4 what it answered and nobody heard is restored: minting, swapping', async () => {
    const { quote, key } = await paidQuote(100)
    const first = await batch(100)
    await isLost(() => mint.mint(quote, key, first))
    await wait(300)
    const minted = await mint.restore(first)
    expect(sum(minted)).toBe(100)
    const second = await batch(99)
    await isLost(() => mint.swap(minted, second))
    await wait(300)
    expect(new Set(await mint.states(minted))).toEqual(new Set(['spent']))
    expect(sum(await mint.restore(second))).toBe(99)
    // Outputs that were signed for another quote.
    const other = await paidQuote(100)
    const reused = mint.mint(other.quote, other.key, first)
    await expect(reused).rejects.toMatchObject({ means: 'signed' })
  })

  it('pays an invoice and gives back what is left', async () => {
    const inputs = await coins(200)
    const { quote, sat, feeReserve } = await mint.meltQuote(await real.invoice(100, 'paid'))
    expect(sat).toBe(100)
    const change = await blanks()
    expect(await mint.meltState(quote, change)).toEqual({ is: 'unpaid' })
    const melted = await mint.melt(quote, inputs, change)
    const back = melted.is === 'paid' ? sum(melted.change) : -1
    expect(back).toBeLessThanOrEqual(99)
    expect(back).toBeGreaterThanOrEqual(99 - feeReserve)
    expect(await mint.meltState(quote, change)).toEqual(melted)
    expect(sum(await mint.restore(change))).toBe(back)
    const again = mint.melt(quote, await coins(200), await blanks())
    await expect(again).rejects.toMatchObject({ name: 'MintUnreachable' })
  })

  it('E4 a payment whose answer is lost is found paid, with its change', async () => {
    const inputs = await coins(200)
    const { quote } = await mint.meltQuote(await real.invoice(100, 'paid'))
    const change = await blanks()
    await isLost(() => mint.melt(quote, inputs, change))
    await wait(300)
    const state = await mint.meltState(quote, change)
    expect(state.is === 'paid' && sum(state.change)).toBeGreaterThan(90)
  })

  it('a payment that fails leaves the coins', async () => {
    const inputs = await coins(200)
    const { quote } = await mint.meltQuote(await real.invoice(100, 'failed'))
    expect(await mint.melt(quote, inputs, await blanks())).toEqual({ is: 'unpaid' })
    expect(new Set(await mint.states(inputs))).toEqual(new Set(['unspent']))
  })

  it('a payment that takes long holds the coins until it is over', async () => {
    const inputs = await coins(200)
    const { quote } = await mint.meltQuote(await real.invoice(100, 'pending'))
    const change = await blanks()
    // One mint answers at once. The other answers only when it is over, so there is no answer in
    // time.
    const melted = await mint.melt(quote, inputs, change).catch((error: Error) => error.name)
    expect([{ is: 'pending' }, 'MintUnreachable']).toContainEqual(melted)
    expect(await mint.meltState(quote, change)).toEqual({ is: 'pending' })
    expect(new Set(await mint.states(inputs))).toEqual(new Set(['pending']))
    const swapped = mint.swap(inputs, await batch(199))
    await expect(swapped).rejects.toMatchObject({ means: 'pending' })
    if (kind.name === NUTSHELL.name) {
      await real.invoice(1, 'pending', 'paid')
      const state = await mint.meltState(quote, change)
      expect(state.is === 'paid' && sum(state.change)).toBeGreaterThan(90)
    }
  })

  it('tokens of its coins are taken by another wallet', async () => {
    const token = await writeToken(real.url, await coins(64))
    expect(await real.receive(token)).toMatch(/63 sat/)
  })
}

for (const kind of [NUTSHELL, cdk('v2', 66), cdk('v1', 16)]) {
  if (kind.missing === null) describeWithLab(kind.name, () => speaksTo(kind))
  else describe.skip(`${kind.name} (skipped: ${kind.missing})`, () => it('is not there', () => {}))
}
