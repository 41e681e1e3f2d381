import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { until } from '../support/buyer.ts'
import { startGate } from '../support/gate.ts'
import { type Block, blocksOf, parseLlmsTxt } from '../support/llms-txt.ts'
import { lacks } from '../support/terminal.ts'
import { FakePayer, invoiceOf } from '../support/withdrawal-bed.ts'

const run = promisify(execFile)

/** Runs a block exactly as it is printed, with the words in capitals filled in. */
async function execute({ code }: Block, words: Readonly<Record<string, string>>): Promise<string> {
  const filled = Object.entries(words).reduce((text, [word, value]) => {
    return text.replaceAll(new RegExp(`\\b${word}\\b`, 'g'), value)
  }, code)
  return (await run('bash', ['-c', filled])).stdout
}

/** The names of all members, also of nested ones. */
const namesIn = (value: object, under = ''): readonly string[] =>
  Object.entries(value).flatMap(([name, one]) => [
    `${under}${name}`,
    ...(typeof one === 'object' && one !== null ? namesIn(one, `${under}${name}.`) : []),
  ])

describe.skipIf(lacks('bash', 'curl', 'python3'))('llms.txt, run as it is written', () => {
  it('leads from the price list to a paid answer, a top-up and a narrower pass', async () => {
    const gate = await startGate({ wallet: (play) => ({ ...play, outgoing: new FakePayer() }) })
    const { text } = parseLlmsTxt((await gate.ask({ path: '/llms.txt' })).text)
    const blocks = blocksOf(text)
    const shapes = blocks.filter(({ language }) => language === 'json')
    const [list, ask, playPay, status, again, balance, topUp, narrow, leave, ...more] =
      blocks.filter(({ language }) => language === 'sh') as [
        Block,
        Block,
        Block,
        Block,
        Block,
        Block,
        Block,
        Block,
        Block,
      ]
    expect([more, shapes.length, blocks.length]).toEqual([[], 1, 10])

    const models = JSON.parse(await execute(list, {}))
    expect(models.data.map(({ id }: { id: string }) => id)).toContain('fake')

    const [head = '', body = ''] = (await execute(ask, {})).split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.1 402 /)
    const refused = JSON.parse(body)
    expect(head).toContain(`L402 macaroon="${refused.l402.macaroon}"`)
    expect(namesIn(refused)).toEqual(
      expect.arrayContaining([...namesIn(JSON.parse(shapes[0]?.code ?? ''))]),
    )

    const { invoice, macaroon, payment_hash, status_token } = refused.l402
    const { preimage } = JSON.parse(await execute(playPay, { INVOICE: invoice }))
    const mine = { MACAROON: macaroon, PREIMAGE: preimage }
    const asked = { PAYMENT_HASH: payment_hash, STATUS_TOKEN: status_token }
    await until(async () => JSON.parse(await execute(status, asked)).paid)
    const told = JSON.parse(await execute(status, asked))
    expect(told.preimage).toBe(preimage)

    // A wallet that shows no preimage. The settlement secret from the status replaces it.
    const other = { MACAROON: macaroon, PREIMAGE: told.token_suffix }
    for (const words of [mine, other]) {
      const answer = JSON.parse(await execute(again, words))
      expect(answer.choices).toHaveLength(1)
      expect(JSON.parse(await execute(balance, words)).available_msat).toBeLessThan(10_000)
    }

    const bought = JSON.parse(await execute(topUp, mine))
    await execute(playPay, { INVOICE: bought.invoice })
    const left = async (words: Record<string, string>) =>
      JSON.parse(await execute(balance, words)).available_msat
    await until(async () => (await left(mine)) > 1_000_000)

    const made = await Promise.all([execute(narrow, mine), execute(narrow, mine)])
    expect(made[0]).not.toBe(made[1])
    for (const line of made) {
      const [MACAROON = '', PREIMAGE = ''] = line.trim().split(':')
      const narrowed = { MACAROON, PREIMAGE }
      expect(JSON.parse(await execute(balance, narrowed))).toMatchObject({
        ...{ available_msat: 5_000, narrowed: true },
      })
      expect(JSON.parse(await execute(again, narrowed)).choices).toHaveLength(1)
      expect(await left(narrowed)).toBeLessThan(5_000)
    }

    const { withdrawable } = JSON.parse(await execute(balance, mine))
    const out = { ...mine, YOUR_INVOICE: invoiceOf(gate.world, withdrawable[0].invoice_sats) }
    expect(JSON.parse(await execute(leave, out))).toMatchObject({ state: 'paid', source: 'play' })
    await gate.proof()
  })
})

describe('a 404', () => {
  it.each([
    ['GET', '/v1/chat', ''],
    ['POST', '/chat/completions', ' Did you mean /v1/chat/completions?'],
    ['POST', '/v1/v1/embeddings', ' Did you mean /v1/embeddings?'],
    ['POST', '/v1/chat/completion', ' Did you mean /v1/chat/completions?'],
    ['POST', '/api/pull', 'There is nothing at this path.'],
    ['GET', '/llm.txt', ' Did you mean /llms.txt?'],
    ['GET', '/create-invoice', 'GET is not served here: send POST /create-invoice.'],
    ['POST', '/v1/balance', 'POST is not served here: send GET /v1/balance.'],
    ['DELETE', '/v1/models', 'DELETE is not served here: send GET /v1/models.'],
  ])('of %s %s names what is served: %s', async (method, path, words) => {
    const gate = await startGate()
    const { status, json } = await gate.ask({ method, path })
    // Ollama's clients read a string.
    const ollama = path.startsWith('/api/')
    expect([status, json.error.code]).toEqual([404, ollama ? undefined : 'not_found'])
    const said: string = ollama ? json.error : json.error.message
    expect(said).toContain(words)
    const named = ollama
      ? ['POST /api/chat', 'GET /api/tags', 'models are not pulled']
      : ['POST /v1/chat/completions', 'GET /v1/models', 'POST /create-invoice', '/openapi.json']
    for (const served of named) expect(said).toContain(served)
  })
})
