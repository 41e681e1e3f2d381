import { describe, expect, it } from 'vitest'
import { tick, until } from '../support/buyer.ts'
import { ENDINGS, endingSettings, letGo } from '../support/endings.ts'
import { startGate } from '../support/gate.ts'
import { READERS } from '../support/readers.ts'

describe.each([
  ['events ended by LF', '\n\n', Object.keys(READERS)],
  ['events ended by CRLF', '\r\n\r\n', Object.keys(READERS)],
  // K7: only clients that read line by line can read the events of this backend.
  ['events parted by one LF', '\n', ['byLine']],
])('K2 every ending of a stream, %s', (_, eventEnd, families) => {
  const lineEnd = eventEnd.startsWith('\r') ? '\r\n' : '\n'

  it.each(ENDINGS)('K2 is read by a reader of each family: $name', async (ending) => {
    const gate = await startGate({ settings: endingSettings(ending) })
    const pass = await gate.buy(1_000)
    gate.fake.script = ending.script(eventEnd)
    let seen = ''
    const usage = ending.usage === true ? { stream_options: { include_usage: true } } : {}
    const sent = gate.client.start(gate.chatQuestion(pass, { stream: true, ...usage }))
    const over = sent.answer.then(async (response) => {
      expect(response.statusCode).toBe(200)
      for await (const piece of response.setEncoding('utf8')) seen += piece
      return response.trailers
    })
    await until(() => gate.fake.running > 0 || seen !== '')
    await ending.meanwhile?.(gate, () => seen)
    expect(await over).toEqual({ 'x-cost-msat': `${ending.msat}` })
    for (const family of families) {
      expect.soft(READERS[family]?.(seen), family).toMatchObject({ ...ending.reads })
    }
    const comment = `: satgate cost_msat=${ending.msat}`
    const own = /"model":"m"/.test(seen) && !seen.includes(': waiting') ? lineEnd : '\r?\n'
    const tail = ending.ends ? `${own}data: \\[DONE\\]${own}${own}` : own
    expect(seen).toMatch(new RegExp(`\\n\\r?\\n${comment}${tail}$`))
    expect(seen.split(comment)).toHaveLength(2)
    await until(async () => (await gate.balance(pass)).held_msat === 0)
    expect((await gate.balance(pass)).balance_msat).toBe(1_000_000 - ending.msat)
    letGo()
    await tick()
    await gate.proof()
  })
})
