import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { FakeMint } from '../../support/fake-mint.ts'
import {
  keepsWaiting,
  type LieFault,
  type Route,
  type WireFault,
} from '../../support/fake-mint-faults.ts'
import { KEY, setUp, sum, world } from './ecash-mint-setup.ts'

type Stage = Awaited<ReturnType<typeof setUp>>
type Call = () => Promise<unknown>

/** Each call up to the point where the mint fails, and the texts that an error must not contain. */
const CALLS: Readonly<Record<Exclude<Route, 'ws'>, (stage: Stage) => Promise<[Call, string[]]>>> = {
  info: async ({ mint }) => [() => mint.about(), []],
  keysets: async ({ mint }) => [() => mint.about(), []],
  keys: async ({ mint }) => [() => mint.about(), []],
  async quote({ mint }) {
    await mint.about()
    return [() => mint.createQuote({ sat: 64, memo: 'secret memo', key: KEY }), ['secret memo']]
  },
  async quoteState({ mint, paidQuote }) {
    const quote = await paidQuote(64)
    return [() => mint.quoteState(quote), [quote]]
  },
  async mint({ mint, paidQuote, batch }) {
    const quote = await paidQuote(64)
    const outputs = await batch(64)
    return [() => mint.mint(quote, KEY, outputs), [quote]]
  },
  async swap({ mint, coins, batch }) {
    const inputs = await coins(64)
    const outputs = await batch(64, 50)
    return [() => mint.swap(inputs, outputs), inputs.flatMap(({ secret, c }) => [secret, c])]
  },
  async restore({ mint, coins, batch }) {
    const made = await coins(64)
    const outputs = await batch(64)
    return [() => mint.restore(outputs), made.map(({ secret }) => secret)]
  },
  async checkstate({ mint, coins }) {
    const made = await coins(64)
    return [() => mint.states(made), made.map(({ secret }) => secret)]
  },
  async meltQuote({ fake, mint }) {
    const bolt11 = fake.invoice(50)
    return [() => mint.meltQuote(bolt11), [bolt11]]
  },
  async melt(stage) {
    const { mint, inputs, quote, blanks } = await paying(stage)
    return [() => mint.melt(quote, inputs, blanks), [quote, ...inputs.map(({ secret }) => secret)]]
  },
  async meltState(stage) {
    const { mint, inputs, quote, blanks } = await paying(stage)
    await mint.melt(quote, inputs, blanks)
    return [() => mint.meltState(quote, blanks), [quote]]
  },
}

const ROUTES = Object.keys(CALLS) as (keyof typeof CALLS)[]

async function paying({ fake, mint, coins, batch }: Stage) {
  const inputs = await coins(64)
  const { quote } = await mint.meltQuote(fake.invoice(50))
  const blanks = { ...(await batch(0, 50)), amounts: [0, 0, 0, 0] }
  return { fake, mint, inputs, quote, blanks }
}

async function whatIsSaid(route: keyof typeof CALLS, is: WireFault | LieFault): Promise<Error> {
  const stage = await setUp()
  const [call, secrets] = await CALLS[route](stage)
  stage.fake.faults[route] = { is, times: 1 }
  const error = await world.hurry(call(), keepsWaiting).then(
    (value) => expect.unreachable(`answered ${JSON.stringify(value)}`),
    (thrown: Error) => thrown,
  )
  const text = inspect(error, { depth: 9, showHidden: true })
  for (const secret of [KEY.privateKey, 'lnbcrt', ...secrets]) expect(text).not.toContain(secret)
  return error
}

const UNREACHABLE = { name: 'MintUnreachable' }
const LIES = { name: 'MintLies' }

const ON_THE_WIRE: readonly (readonly [WireFault, object])[] = [
  ['dropBefore', UNREACHABLE],
  ['dropAfter', UNREACHABLE],
  ['status500', UNREACHABLE],
  ['html404', UNREACHABLE],
  ['code0', UNREACHABLE],
  ['code50000', UNREACHABLE],
  ['code20005', UNREACHABLE],
  ['status429', { name: 'MintBusy', retryAfterMs: 7000 }],
  ['redirect', LIES],
  ['html', LIES],
  ['garbage', LIES],
  ['endless', { name: 'MintLies', what: 'an answer without an end' }],
]

describe.each(ON_THE_WIRE)('an answer that is %s', (fault, expected) => {
  it.each(ROUTES)('to %s, without a secret in what is said of it', async (route) => {
    expect(await whatIsSaid(route, fault)).toMatchObject(expected)
  })
})

describe.each(['hang', 'trickle'] as const)(
  'an answer that does not come to its end, by %s',
  (is) => {
    it.each(['info', 'quote', 'mint', 'melt'] as const)('to %s', async (route) => {
      expect(await whatIsSaid(route, is)).toMatchObject({
        reason: expect.stringMatching(/^no answer/),
      })
    })
  },
)

/** By route: answers that must not be believed. */
const LIED: readonly (readonly [keyof typeof CALLS, readonly (LieFault | WireFault)[]])[] = [
  ['keysets', ['noList', 'moreFee', 'negativeFee', 'oldIds', 'noKeys', 'list']],
  ['keys', ['noList', 'otherKeys', 'noKeys', 'list']],
  [
    'quote',
    [
      'wrongAmount',
      'negativeAmount',
      'wrongUnit',
      'wrongInvoice',
      'dearInvoice',
      'walkingQuote',
      'noLock',
      'list',
    ],
  ],
  ['quoteState', ['wrongUnit', 'wrongQuote', 'wrongState', 'list']],
  ['mint', SIGNATURES()],
  ['swap', SIGNATURES()],
  [
    'restore',
    [
      'wrongAmount',
      'badDleq',
      'noDleq',
      'unsigned',
      'noPoint',
      'otherKeyset',
      'fewer',
      'more',
      'strangers',
      'noList',
    ],
  ],
  ['checkstate', ['noList', 'strangers', 'list']],
  ['meltQuote', ['wrongAmount', 'negativeAmount', 'wrongUnit', 'walkingQuote', 'list']],
  ['melt', ['wrongQuote', 'wrongState', ...CHANGE()]],
  ['meltState', ['wrongQuote', 'wrongState', 'wrongUnit', ...CHANGE()]],
]

function SIGNATURES(): readonly LieFault[] {
  return ['fewer', 'more', 'wrongAmount', ...CHANGE()]
}

function CHANGE(): readonly LieFault[] {
  return ['badDleq', 'noDleq', 'unsigned', 'noPoint', 'otherKeyset', 'more', 'noList']
}

describe.each(LIED)('E3 of %s nothing is believed that is', (route, faults) => {
  it.each([...new Set(faults)])('%s', async (fault) => {
    expect(await whatIsSaid(route, fault)).toMatchObject(LIES)
  })
})

describe('a mint that lacks what money needs', () => {
  it.each([
    ['NUT-04', (fake: FakeMint) => delete fake.nuts[4]],
    [
      'NUT-04',
      (fake: FakeMint) => (fake.nuts[4] = { methods: [{ method: 'bolt11', unit: 'usd' }] }),
    ],
    ['NUT-05', (fake: FakeMint) => delete fake.nuts[5]],
    ['NUT-07', (fake: FakeMint) => (fake.nuts[7] = { supported: false })],
    ['NUT-09', (fake: FakeMint) => delete fake.nuts[9]],
    ['NUT-12', (fake: FakeMint) => delete fake.nuts[12]],
  ])('%s is set aside', async (what, take) => {
    const { fake, mint } = await setUp()
    take(fake)
    await expect(mint.about()).rejects.toMatchObject({ what: expect.stringContaining(what) })
  })
})

describe('what a refused payment means', () => {
  it.each([['code20004', { is: 'unpaid' }]] as const)('%s: it did not happen', async (is, end) => {
    const stage = await setUp()
    const [call] = await CALLS.melt(stage)
    stage.fake.faults.melt = { is, times: 1 }
    expect(await call()).toEqual(end)
  })

  it.each(['code20006', 'code11000', 'status422'] as const)('%s: nothing', async (fault) => {
    expect(await whatIsSaid('melt', fault)).toMatchObject(UNREACHABLE)
  })

  it('a body that it could not read: nothing was done', async () => {
    for (const route of ['mint', 'swap', 'quote'] as const) {
      expect(await whatIsSaid(route, 'status422')).toMatchObject({ name: 'MintRefused', code: 422 })
    }
  })
})

describe('E7 a lie loses nothing', () => {
  it.each(['badDleq', 'noDleq', 'fewer', 'wrongAmount'] as const)(
    'what was signed by a mint that told %s is restored when it tells the truth',
    async (is) => {
      const { fake, mint, paidQuote, batch } = await setUp()
      const quote = await paidQuote(21)
      const outputs = await batch(21)
      fake.faults.mint = { is, times: 1 }
      await expect(mint.mint(quote, KEY, outputs)).rejects.toMatchObject(LIES)
      expect(sum(await mint.restore(outputs))).toBe(21)
    },
  )
})
