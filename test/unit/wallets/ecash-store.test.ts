import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Proof } from '../../../src/wallets/ecash/mint/mint.ts'
import { EcashDamaged, openEcashFile } from '../../../src/wallets/ecash/store/database.ts'
import { EcashStore } from '../../../src/wallets/ecash/store/store.ts'

const MINT = 'https://mint.example'
const KEYSET = '00aa'

let folder: string
let path: string
const stores: EcashStore[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satgate-ecash-'))
  path = join(folder, 'ecash.db')
})
afterEach(() => {
  for (const store of stores.splice(0)) store.close()
  rmSync(folder, { recursive: true })
})

function open(seedMark = 'seed'): EcashStore {
  const store = new EcashStore(openEcashFile({ path, seedMark, now: 1 }))
  stores.push(store)
  return store
}

const proof = (secret: string, amount: number): Proof => ({
  secret,
  keyset: KEYSET,
  amount,
  c: '02',
  dleq: null,
})

const quote = (hash: string) => ({
  ...{ hash, mint: MINT, quote: `q-${hash}`, privateKey: null, sat: 21, bolt11: 'lnbcrt' },
  ...{ createdAt: 1, expiresAt: 2 },
})

const batch = (hash: string, inputs: readonly Proof[] = []) => ({
  ...{ kind: 'mint' as const, mint: MINT, keyset: KEYSET, amounts: [16, 4, 1], quote: hash },
  ...{ inputs, at: 1 },
})

describe('the coins on disk', () => {
  it('E5 counters go on where the last process stopped, whatever happened to their batch', () => {
    const store = open()
    store.addQuote(quote('a'))
    expect(store.beginBatch(batch('a'))).toMatchObject({ n: 1, counter: 0 })
    store.voidBatch(1)
    store.close()
    stores.pop()
    const again = open()
    expect(again.counter(KEYSET)).toBe(3)
    expect(again.beginBatch(batch('a'))).toMatchObject({ n: 2, counter: 3 })
    again.skipTo(KEYSET, 2)
    expect(again.counter(KEYSET)).toBe(6)
  })

  it('I11 a batch that was sent is there after a crash, with all that restores it', () => {
    const store = open()
    store.addQuote(quote('a'))
    store.beginBatch(batch('a'))
    const other = open()
    expect(other.sentBatches(MINT)).toEqual([
      {
        n: 1,
        kind: 'mint',
        mint: MINT,
        keyset: KEYSET,
        counter: 0,
        amounts: [16, 4, 1],
        quote: 'a',
        at: 1,
      },
    ])
    expect(other.sentFor('a')).toMatchObject({ n: 1 })
    expect(other.quote('a')?.state).toBe('open')
  })

  it('a batch that came back settles its invoice, once', () => {
    const store = open()
    for (const hash of ['a', 'b']) store.addQuote(quote(hash))
    const [first, second] = [store.beginBatch(batch('b')), store.beginBatch(batch('a'))]
    expect(store.finishBatch(first, [proof('x', 21)])).toBe(true)
    expect(store.finishBatch(first, [proof('x', 21)])).toBe(false)
    store.finishBatch(second, [proof('y', 21)])
    expect(store.settledAfter(0, 9).map(({ hash }) => hash)).toEqual(['b', 'a'])
    expect(store.settledAfter(1, 9).map(({ hash }) => hash)).toEqual(['a'])
    expect(store.holdings()).toEqual([{ mint: MINT, free: 42, held: 0, proofs: 2 }])
    expect(store.sentBatches(MINT)).toEqual([])
  })

  it('inputs are held while a batch is under way, free when it is void, spent when it is done', () => {
    const store = open()
    store.addProofs(MINT, [proof('x', 16), proof('y', 5)])
    const inputs = store.freeProofs(MINT)
    const swap = { ...batch('', inputs), kind: 'swap' as const, quote: null }
    store.voidBatch(store.beginBatch(swap).n)
    expect(store.freeProofs(MINT)).toEqual(inputs)
    const { n, ...sent } = store.beginBatch(swap)
    expect(store.holdings()).toEqual([{ mint: MINT, free: 0, held: 21, proofs: 2 }])
    expect(store.inputsOf(n)).toEqual(inputs)
    expect(() => store.beginBatch(swap)).toThrow('a coin is spent once')
    expect(store.counter(KEYSET)).toBe(6)
    store.finishBatch({ ...sent, n }, [proof('z', 20)])
    expect(store.holdings()).toEqual([{ mint: MINT, free: 20, held: 0, proofs: 1 }])
    store.voidBatch(n)
    expect(store.holdings()).toEqual([{ mint: MINT, free: 20, held: 0, proofs: 1 }])
  })

  it('E2 a coin is counted once, and an invoice seen before is refused', () => {
    const store = open()
    expect(store.addProofs(MINT, [proof('x', 1), proof('y', 2)])).toBe(2)
    expect(store.addProofs(MINT, [proof('y', 2), proof('z', 4)])).toBe(1)
    expect(store.addQuote(quote('a'))).toBe(true)
    expect(store.addQuote(quote('a'))).toBe(false)
    expect(store.addQuote({ ...quote('b'), quote: 'q-a' })).toBe(false)
  })

  it('facts are kept and forgotten', () => {
    const store = open()
    store.setFact('aside', 'no')
    store.setFact('aside', 'yes')
    expect(store.fact('aside')).toBe('yes')
    store.setFact('aside', null)
    expect(store.fact('aside')).toBeNull()
  })

  it('is its owner’s alone, and refuses another seed than its own', () => {
    open()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(() => open('other')).toThrow(EcashDamaged)
  })
})
