import { expect } from 'vitest'
import type { Answered } from './ask.ts'
import type { Pass } from './buyer.ts'
import { startGate, type TestGate } from './gate.ts'
import type { Script } from './upstream.ts'

/**
 * A gate where an input token costs one msat and an output token two, so that a charge shows what
 * was counted.
 */
export interface Till {
  readonly gate: TestGate
  readonly pass: Pass
  /** What the backend will answer from now on. */
  says(script: Script): void
  /**
   * Sends one request and returns its cost from its event. Checks that the ledger took the same.
   */
  charged(body?: object, path?: string): Promise<Charged>
}

interface Charged {
  readonly answer: Answered
  readonly event: Awaited<ReturnType<TestGate['last']>>
  readonly cost: number | undefined
  readonly usage: string | undefined
}

const MODELS = ['fake', 'other', 'cheap', 'free-1', 'fee'].map((id) => ({ id, object: 'model' }))

/** The test file closes it. */
export async function openTill(): Promise<Till> {
  const gate = await startGate({
    shared: true,
    settings: {
      pricing: {
        default: '1/2',
        maxOutputTokens: 100,
        models: {
          'free-*': 'free',
          fee: { input: 0, output: 0, request: 5 },
          cheap: { input: 1, output: 2, cached: 0.5 },
        },
      },
      limits: { outputTokens: 500 },
    },
  })
  const pass = await gate.buy(10_000)
  return {
    gate,
    pass,
    says: (script) => {
      gate.fake.script = { models: MODELS, ...script }
    },
    async charged(body = {}, path = '/v1/chat/completions') {
      const before = (await gate.balance(pass)).balance_msat
      const question = gate.chatQuestion(pass, body)
      const embeddings = { ...question, path, body: { model: 'fake', ...body } }
      const answer = await gate.ask(
        path.endsWith('embeddings') ? embeddings : { ...question, path },
      )
      const event = await gate.last()
      expect(before - (await gate.balance(pass)).balance_msat).toBe(event.charged_msat)
      return { answer, event, cost: event.charged_msat, usage: event.usage }
    },
  }
}
