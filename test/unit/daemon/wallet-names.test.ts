import { describe, expect, it } from 'vitest'
import type { OpenedWallet } from '../../../src/daemon/configured-wallets.ts'
import { nameWallets } from '../../../src/daemon/wallet-names.ts'
import type { InvoiceRow } from '../../../src/ledger/invoices.ts'
import { msat } from '../../../src/money/msat.ts'
import type { InvoiceState, Wallet } from '../../../src/wallets/wallet.ts'
import { openMemoryBooks } from '../../support/memory-books.ts'

/** One node of a test: `id` is null while it does not answer. It knows the invoices of `made`. */
interface Node {
  readonly at: string
  readonly id: string | null
  readonly made?: readonly string[]
}

const unknown: InvoiceState = { is: 'unknown' }

function opened({ at, id, made = [] }: Node, kind = 'lnd'): OpenedWallet {
  const lookup = async (hash: string): Promise<InvoiceState> => {
    if (id === null) throw new Error('down')
    return made.includes(hash) ? { is: 'open' } : unknown
  }
  const wallet = { kind, lookup, ...(id !== null && { identity: id }) } as unknown as Wallet
  return { name: `${kind} at ${at}`, kind, at, makes: true, wallet, open: async () => wallet }
}

/** A folder, opened again and again with other nodes. */
function folder() {
  const { invoices } = openMemoryBooks('test')
  const world = { now: () => 10 }
  return {
    invoices,
    async open(...nodes: readonly Node[]) {
      const named = await nameWallets(
        nodes.map((node) => opened(node)),
        { invoices, world },
      )
      return named.map(({ name, also }) => [name, ...also].join(' '))
    },
  }
}

const row = (hash: string, wallet = 'lnd'): InvoiceRow => ({
  ...{ hash, wallet, account: 'a', amount: msat(1_000n), bonus: msat(0n), bolt11: 'lnbc…' },
  ...{ createdAt: 1, expiresAt: 100, settledAt: null },
})

const A: Node = { at: 'https://a', id: 'key of a' }
const B: Node = { at: 'https://b', id: 'key of b' }

describe('the name of a wallet (J24)', () => {
  it('is its kind for the first one, and has a hash behind it for each other one', async () => {
    const names = await folder().open(A, B)
    expect(names).toEqual(['lnd', expect.stringMatching(/^lnd-[0-9a-f]{6}$/)])
  })

  it('stays with the node: in another order, alone, at another address, or while it is down', async () => {
    const { open } = folder()
    const [a, b] = await open(A, B)
    expect(await open(B, A)).toEqual([b, a])
    expect(await open(B)).toEqual([b])
    expect(await open({ ...A, at: 'https://b' }, { ...B, at: 'https://a' })).toEqual([a, b])
    expect(await open({ at: 'https://b', id: null })).toEqual([a])
  })

  it('is another one for another node at the same address', async () => {
    const { open } = folder()
    await open(A)
    const [other] = await open({ ...B, at: A.at })
    expect(other).toMatch(/^lnd-/)
    expect(await open(A)).toEqual(['lnd'])
  })

  it('that was given while the node was down stays its own when the node tells who it is', async () => {
    const { open } = folder()
    const [unseen = ''] = await open({ ...A, id: null })
    expect(unseen).toBe('lnd')
    expect(await open(A)).toEqual(['lnd'])
    const [silent = ''] = await open({ ...B, id: null })
    expect(silent).toMatch(/^lnd-/)
    // It is the node of the first name, which was reached at another address.
    expect(await open({ ...A, at: B.at })).toEqual([`lnd ${silent}`])
    expect(await open({ at: B.at, id: null })).toEqual([`lnd ${silent}`])
  })

  it('of an earlier version belongs to the node that knows the invoices of that version', async () => {
    const { invoices, open } = folder()
    await invoices.put(row('old'))
    expect(await open(A, { ...B, made: ['old'] })).toEqual([expect.stringMatching(/^lnd-/), 'lnd'])
  })

  it('of an earlier version is given to nobody if the node is another one now', async () => {
    const { invoices, open } = folder()
    await invoices.put(row('old'))
    await invoices.markSettled('old', 5)
    const [name = ''] = await open(B)
    expect(name).toMatch(/^lnd-/)
    expect(await open({ ...A, made: ['old'] }, B)).toEqual(['lnd', name])
  })

  it('of an earlier version is given to the one that does not answer, if no other knows them', async () => {
    const { invoices, open } = folder()
    await invoices.put(row('old'))
    expect(await open(B, { ...A, id: null })).toEqual([expect.stringMatching(/^lnd-/), 'lnd'])
  })
})
