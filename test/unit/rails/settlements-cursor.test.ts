import { expect, it } from 'vitest'
import { Background } from '../../../src/floor/background.ts'
import { Settlements } from '../../../src/rails/lightning/settlements.ts'
import type { Settlement } from '../../../src/wallets/wallet.ts'
import { alone } from '../../../src/wallets/wallet-list.ts'
import { tick, until } from '../../support/buyer.ts'
import { real, worldAt } from '../../support/world.ts'

/** What the wallet reports, and which cursor is kept for the next process. */
async function following(learn: (hash: string) => Promise<string | null>, lost = 0) {
  const kept: string[] = []
  const troubles: string[] = []
  const learnt: string[] = []
  let tell: (settled: Settlement) => void = () => {}
  let losing = lost
  const wallet = {
    kind: 'ecash',
    asksItself: true,
    watch: (_: string | null, onSettled: typeof tell) => {
      tell = onSettled
      return { stop() {} }
    },
  }
  const invoices = {
    recall: async () => {
      losing -= 1
      if (losing >= 0) throw Object.assign(new Error('no'), { code: 'EIO' })
      return null
    },
    remember: async (_: string, cursor: string) => {
      kept.push(cursor)
    },
  }
  const learning = (hash: string) => {
    learnt.push(hash)
    return learn(hash)
  }
  const background = new Background(real, ({ work, solved }) => {
    troubles.push(`${solved ? 'solved' : 'problem'} ${work}`)
  })
  const member = { ...alone(wallet as never), breaker: { up: true } }
  const parts = { invoices, background, world: worldAt(() => 1) }
  const settlements = new Settlements(member as never, parts as never, learning as never)
  settlements.start()
  await tick(10)
  const payments = async (...hashes: string[]) => {
    for (const [at, hash] of hashes.entries()) tell({ paymentHash: hash, cursor: String(at + 1) })
    await tick(10)
  }
  return { kept, troubles, learnt, payments, settlements }
}

it('J12 a payment that cannot be credited now ends neither the gate nor the learning of later ones', async () => {
  const { kept, troubles, learnt, payments, settlements } = await following(async (hash) => {
    if (hash === 'b') throw new Error('disk full')
    return null
  })
  await payments('a', 'b', 'c')
  expect(learnt).toEqual(['a', 'b', 'c'])
  // The next process is told of b again.
  expect(kept).toEqual(['1'])
  expect(troubles).toEqual(['problem credit', 'solved credit'])
  await settlements.stop()
})

it.each([
  ['unreachable', ['1']],
  ['pending', ['1', '3']],
  ['unknown', ['1', '2', '3']],
])('J12 if the wallet says %s of a payment, the cursor moves to %j', async (says, cursors) => {
  const { kept, payments, settlements } = await following(async (hash) =>
    hash === 'b' ? says : null,
  )
  await payments('a', 'b', 'c')
  expect(kept).toEqual(cursors)
  await settlements.stop()
})

it('J12 if the cursor cannot be read, it is tried again', async () => {
  const { learnt, troubles, payments, settlements } = await following(async () => null, 1)
  expect(troubles).toEqual(['problem payments'])
  await until(() => troubles.length === 2)
  await payments('a')
  expect(learnt).toEqual(['a'])
  expect(troubles).toEqual(['problem payments', 'solved payments'])
  await settlements.stop()
})

it.each([
  [null, null],
  ['7', '7'],
  // Earlier versions joined the cursors of a Lightning address and of the ecash wallet before it.
  ['{"current":"7","older":"3"}', '7'],
  ['{"current":null,"older":"3"}', null],
])('J24 each wallet goes on from a cursor of its own name: %s is %s', async (kept, from) => {
  const asked: (string | null)[] = []
  const names: string[] = []
  const wallet = {
    ...{ kind: 'lnd', asksItself: true },
    watch: (cursor: string | null) => {
      asked.push(cursor)
      return { stop() {} }
    },
  }
  const invoices = {
    recall: async (name: string) => {
      names.push(name)
      return kept
    },
  }
  const member = { ...alone(wallet as never), name: 'lnd-1f9a3c', breaker: { up: true } }
  const background = new Background(real, () => {})
  const parts = { invoices, background, world: worldAt(() => 1) }
  const settlements = new Settlements(member as never, parts as never, async () => null)
  settlements.start()
  await tick(10)
  expect([names, asked]).toEqual([['lnd-1f9a3c:cursor'], [from]])
  await settlements.stop()
})
