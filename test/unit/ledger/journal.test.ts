import { beforeEach, describe, expect, it } from 'vitest'
import { emptyGroup } from '../../../src/ledger/sqlite/group.ts'
import { groupRows } from '../../../src/ledger/sqlite/group-text.ts'
import type { GroupWriter } from '../../../src/ledger/sqlite/group-writer.ts'
import { Journal } from '../../../src/ledger/sqlite/journal.ts'
import { VirtualWorld } from '../../support/virtual-world.ts'
import { isDone } from './use.ts'

/** When a group is sealed, sent and sent again, and who waits for it. Time is virtual. */

/** A writer that answers when the test says so. */
class SlowWriter implements GroupWriter {
  readonly given: { readonly n: number; readonly keys: readonly unknown[] }[] = []
  #answer = Promise.withResolvers<void>()

  write(group: string, n: number): Promise<void> {
    this.given.push({ n, keys: groupRows(group).facts.filter((_, i) => i % 2 === 0) })
    this.#answer = Promise.withResolvers()
    return this.#answer.promise
  }

  async written(): Promise<void> {
    this.#answer.resolve()
    await turn()
  }

  async fails(): Promise<void> {
    this.#answer.reject(new Error('disk full'))
    await turn()
  }

  run(): never {
    throw new Error('no job is given here')
  }

  async close(): Promise<void> {}
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

let world = new VirtualWorld(1)
let writer = new SlowWriter()
let journal = journalOf()
let troubles: string[] = []

function journalOf(): Journal {
  const onTrouble = ({ solved }: { solved: boolean }) => {
    troubles.push(solved ? 'solved' : 'trouble')
  }
  return new Journal({ world, writer, onTrouble })
}

beforeEach(() => {
  world = new VirtualWorld(1)
  writer = new SlowWriter()
  journal = journalOf()
  troubles = []
})

const add = (...keys: string[]) => {
  for (const key of keys) {
    journal.group.facts.set(key, '')
    journal.touch()
  }
}
const has = (key: string) => journal.find(({ facts }) => facts.get(key)) !== undefined
const numbers = () => writer.given.map(({ n }) => n)
const keys = () => writer.given.map((one) => one.keys.join(''))

describe('a journal seals a group', () => {
  it('after 25 ms if nobody waits, and after the work of this turn if somebody does', async () => {
    add('a')
    await world.pass(24)
    expect(keys()).toEqual([])
    add('b')
    await world.pass(1)
    expect([keys(), journal.group]).toEqual([['ab'], emptyGroup()])
    await writer.written()
    add('c')
    const durable = journal.durable()
    add('d')
    await world.pass(0)
    expect(keys()).toEqual(['ab', 'cd'])
    await writer.written()
    await durable
  })

  it('and the next one takes rows until its answer has come', async () => {
    add('a')
    const first = journal.durable()
    await world.pass(0)
    add('b')
    const second = journal.durable()
    await world.pass(1_000)
    expect([keys(), await isDone(first)]).toEqual([['a'], false])
    add('c')
    await writer.written()
    await first
    await world.pass(0)
    expect([keys(), numbers(), await isDone(second)]).toEqual([['a', 'bc'], [1, 2], false])
    await writer.written()
    await second
    await journal.durable()
  })

  it('and finds the newest row of both until the answer has come', async () => {
    journal.group.facts.set('a', 'old')
    add('b')
    journal.group.facts.set('a', 'old')
    await world.pass(25)
    journal.group.facts.set('a', 'new')
    journal.touch()
    expect(journal.find(({ facts }) => facts.get('a'))).toBe('new')
    expect([has('b'), has('c')]).toEqual([true, false])
    await writer.written()
    expect([has('a'), has('b')]).toEqual([true, false])
  })
})

describe('I12 a journal whose writer fails', () => {
  it('sends the same group again, in order, and reports the trouble once', async () => {
    add('a')
    const first = journal.durable()
    await world.pass(0)
    await writer.fails()
    add('b')
    const second = journal.durable()
    expect([journal.healthy(), troubles]).toEqual([false, ['trouble']])
    await world.pass(250)
    await writer.fails()
    await world.pass(250)
    expect([keys(), numbers(), troubles]).toEqual([['a', 'a', 'a'], [1, 1, 1], ['trouble']])
    expect(await isDone(Promise.race([first, second]))).toBe(false)
    await writer.written()
    await first
    expect([journal.healthy(), troubles]).toEqual([true, ['trouble', 'solved']])
    expect(await isDone(second)).toBe(false)
    await world.pass(0)
    expect(keys()).toEqual(['a', 'a', 'a', 'b'])
    await writer.written()
    await second
  })

  it('tells those at once who do not want to wait for the disk', async () => {
    add('a')
    await world.pass(25)
    add('b')
    const flushed = journal.flush()
    const durable = journal.durable()
    await writer.fails()
    expect([await flushed, await journal.flush(), await isDone(durable)]).toEqual([
      ...[false, false, false],
    ])
    await world.pass(250)
    await writer.written()
    await world.pass(0)
    await writer.written()
    await durable
    expect(await journal.flush()).toBe(true)
  })

  it('is not healthy while a row waits for more than two seconds, in either group', async () => {
    add('a')
    await world.pass(1_000)
    add('b')
    await world.pass(1_000)
    expect(journal.healthy()).toBe(true)
    await world.pass(1)
    expect(journal.healthy()).toBe(false)
    await writer.written()
    expect(journal.healthy()).toBe(true)
    await world.pass(1_000)
    expect(journal.healthy()).toBe(false)
  })

  it('is not healthy while nobody is there who could write, and says so once', async () => {
    add('a')
    await world.pass(25)
    journal.writerGone(new Error('the thread has ended'))
    await writer.fails()
    expect([journal.healthy(), troubles]).toEqual([false, ['trouble']])
    journal.writerGone(null)
    expect([journal.healthy(), troubles]).toEqual([false, ['trouble']])
    await world.pass(250)
    await writer.written()
    expect([journal.healthy(), troubles]).toEqual([true, ['trouble', 'solved']])
  })
})

describe('a journal stands still', () => {
  it('for a read: nothing is in flight, and nothing is sent until the read is done', async () => {
    add('a')
    await world.pass(25)
    add('b')
    const reading = Promise.withResolvers<string>()
    let began = false
    const read = journal.still(() => {
      began = true
      return reading.promise
    })
    await turn()
    expect(began).toBe(false)
    await writer.written()
    expect([began, has('a'), has('b')]).toEqual([true, false, true])
    const durable = journal.durable()
    await world.pass(1_000)
    expect(keys()).toEqual(['a'])
    reading.resolve('read')
    expect(await read).toBe('read')
    await world.pass(0)
    expect(keys()).toEqual(['a', 'b'])
    await writer.written()
    await durable
  })

  it('not while the disk fails: the read is refused', async () => {
    add('a')
    await world.pass(25)
    const read = journal.still(() => 'read')
    const refused = expect(read).rejects.toThrow('cannot be written')
    await writer.fails()
    await refused
  })
})

describe('a journal that is closed', () => {
  it('writes the rest', async () => {
    add('a')
    await world.pass(25)
    add('b')
    const closed = journal.close()
    await writer.written()
    expect(keys()).toEqual(['a', 'b'])
    await writer.written()
    await closed
  })

  it('throws after ten seconds if rows are lost, and tells those who wait', async () => {
    add('a')
    await world.pass(25)
    add('b')
    const lost = expect(journal.durable()).rejects.toThrow('could not be written')
    const closed = expect(journal.close()).rejects.toThrow('could not be written')
    await world.pass(10_000)
    await Promise.all([lost, closed])
    add('c')
    await expect(journal.durable()).rejects.toThrow('closed')
  })

  it('throws after three failures', async () => {
    add('a')
    const closed = expect(journal.close()).rejects.toThrow('could not be written')
    for (let failures = 0; failures < 3; failures++) {
      await world.pass(250)
      await writer.fails()
    }
    await closed
    expect(keys()).toEqual(['a', 'a', 'a'])
  })
})
