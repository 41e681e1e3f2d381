import { expect, it, onTestFinished } from 'vitest'
import type { Books } from '../../src/ledger/open-ledger.ts'
import { tick, until } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'

/** The ledger's disk fails while all parts of a gate run. Somebody must handle every rejection. */

const FAILS = new Error('SQLITE_IOERR: lnbc-secret')

/** Books whose calls all fail while `broken` returns true. */
function failing(books: Books, broken: () => boolean, failed: Set<string>): Books {
  const over = <T extends object>(part: T, name: string): T =>
    new Proxy(part, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (!broken()) return value.apply(target, args)
          failed.add(`${name}.${String(key)}`)
          return Promise.reject(FAILS)
        }
      },
    })
  return {
    ...books,
    ledger: over(books.ledger, 'ledger'),
    passes: over(books.passes, 'passes'),
    invoices: over(books.invoices, 'invoices'),
    statement: over(books.statement, 'statement'),
    prune: (before) => (broken() ? Promise.reject(FAILS) : books.prune(before)),
  }
}

it('J12 a ledger that fails at every call leaves no rejection unhandled, and the gate goes on', async () => {
  const lost: unknown[] = []
  const hear = (error: unknown) => void lost.push(error)
  process.on('unhandledRejection', hear)
  onTestFinished(() => void process.off('unhandledRejection', hear))
  const failed = new Set<string>()
  let broken = false
  const gate = await startGate({
    settings: { pricing: { default: '0/1000' } },
    script: { deltas: Array.from({ length: 40 }, () => ' word'), paceMs: 40 },
    watch: (books) => failing(books, () => broken, failed),
  })
  const pass = await gate.buy(100)
  const { json: open } = await gate.ask({ path: '/create-invoice', body: { amountSats: 50 } })
  const streams = [
    await gate.client.open(gate.chatQuestion(pass, { stream: true, max_tokens: 40 })),
    await gate.client.open(gate.chatQuestion(pass, { stream: true, max_tokens: 40 })),
  ]
  await Promise.all(streams.map((stream) => stream.until('word')))
  broken = true
  const refused = await gate.chat(pass)
  expect(refused.status).toBeGreaterThanOrEqual(500)
  expect(refused.text).not.toContain('secret')
  streams[0]?.leave()
  await Promise.allSettled([
    gate.pay(open.bolt11),
    gate.ask({ path: open.payment_url }),
    gate.buy(10),
  ])
  // Running streams are journalled once a second. Then this one ends.
  expect((await streams[1]?.over)?.text).toContain('word')
  await until(() => gate.composed.running() === 0)
  await until(() => failed.has('ledger.extend') && failed.has('ledger.settle'))
  await tick(50)
  expect([...failed]).toEqual(expect.arrayContaining(['ledger.extend', 'ledger.settle']))
  expect(lost).toEqual([])
  broken = false
  gate.fake.script = { deltas: ['yes'] }
  expect((await gate.chat(pass, { max_tokens: 5 })).status).toBe(200)
  expect(gate.log()).not.toContain('secret')
  // Holds that could not be closed are closed at the next start, or after their deadline.
  await gate.books.ledger.recover(gate.world.now())
  await gate.proof()
})
