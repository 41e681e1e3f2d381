import { describe, expect, it } from 'vitest'
import { Background } from '../../../src/floor/background.ts'
import { err, ok, type Result } from '../../../src/floor/result.ts'
import { makeModels } from '../../../src/http/models.ts'
import { type FailedTry, Presence } from '../../../src/http/presence.ts'
import type { NotProbed } from '../../../src/http/probe.ts'
import type { JsonAnswer } from '../../../src/http/upstream.ts'
import { real, worldAt } from '../../support/world.ts'

function watched() {
  const told: string[] = []
  const presence = new Presence({
    gone: ({ why, since }) => told.push(`gone ${why} ${since}`),
    back: (since) => told.push(`back ${since}`),
  })
  return { presence, told }
}

const unreachable = (detail: string): NotProbed => ({ why: 'unreachable', detail })
const REFUSED = unreachable('unreachable: ECONNREFUSED: connect')
const status = (code: number): NotProbed =>
  code === 401 || code === 403
    ? { why: 'refused', status: code }
    : { why: 'no_models', status: code }

const answered = (json: object, status = 200): Result<JsonAnswer, string> =>
  ok({ status, headers: {}, json })

describe('a backend is gone', () => {
  it('after 15 s of failures, at its last try, and not earlier', () => {
    const { presence, told } = watched()
    presence.saw(REFUSED, 1_000)
    presence.saw(REFUSED, 15_999)
    expect([presence.gone, presence.failing]).toEqual([null, true])
    presence.saw(REFUSED, 16_000)
    expect(presence.gone).toEqual({ why: 'refused', since: 1_000 })
    presence.saw(status(503), 21_000)
    expect(presence.gone).toEqual({ why: 'failing', since: 1_000 })
    presence.saw(null, 26_000)
    expect([presence.gone, presence.failing]).toEqual([null, false])
    expect(told).toEqual(['gone refused 1000', 'back 1000'])
  })

  it('not after one try, however long ago it was, because the machine may have slept', () => {
    const { presence } = watched()
    presence.saw(REFUSED, 0)
    expect(presence.gone).toBeNull()
  })

  it('and one success in between starts the 15 s anew', () => {
    const { presence, told } = watched()
    presence.saw(REFUSED, 0)
    presence.saw(null, 10_000)
    presence.saw(REFUSED, 14_000)
    presence.saw(REFUSED, 28_999)
    expect([presence.gone, told]).toEqual([null, []])
  })

  it('until it answers: that it accepts connections again proves nothing', () => {
    const { presence, told } = watched()
    presence.saw(REFUSED, 0)
    presence.saw(REFUSED, 15_000)
    presence.saw(unreachable('no answer within 5000 ms'), 20_000)
    expect(presence.gone).toEqual({ why: 'refused', since: 0 })
    presence.saw(null, 25_000)
    expect([presence.gone, told]).toEqual([null, ['gone refused 0', 'back 0']])
  })

  it.each<[FailedTry, boolean]>([
    [{ why: 'empty' }, true],
    [REFUSED, true],
    [unreachable('unreachable: ENOTFOUND: getaddrinfo'), true],
    [unreachable('unreachable: DEPTH_ZERO_SELF_SIGNED_CERT: self-signed'), true],
    [unreachable('unreachable: EPROTO: SSL routines'), true],
    [unreachable('unreachable: no connection within 5000 ms'), true],
    [unreachable('unreachable: UND_ERR_SOCKET: other side closed'), true],
    [unreachable('no answer within 5000 ms'), false],
    [status(500), true],
    [status(503), true],
    [status(530), true],
    [status(401), false],
    [status(403), false],
    [status(404), false],
    [status(429), false],
    [status(301), false],
    [status(200), false],
  ])('%j: %s', (not, gone) => {
    const { presence } = watched()
    presence.saw(not, 0)
    presence.saw(not, 15_000)
    expect(presence.gone !== null).toBe(gone)
  })
})

describe('J8 what is known of a backend', () => {
  const listed = (owner: string) =>
    ok<JsonAnswer>({ status: 200, headers: {}, json: [{ id: 'm', owned_by: owner }] })

  function list() {
    const asks: ((owner: string) => void)[] = []
    const models = makeModels({
      world: worldAt(() => 0),
      get: () =>
        new Promise((then) => {
          asks.push((owner) => then(listed(owner)))
        }),
    })
    const answer = async (owner: string) => {
      asks.shift()?.(owner)
      await new Promise((then) => setImmediate(then))
    }
    return { models, asks, answer }
  }

  it('is not believed if it was asked for before the doubt came', async () => {
    const { models, asks, answer } = list()
    const first = models.knows('m')
    models.doubt()
    await answer('library')
    expect(asks).toHaveLength(1)
    await answer('vllm')
    expect([await first, models.kind()]).toEqual([true, 'vllm'])
    expect([await models.knows('m'), asks.length]).toEqual([true, 0])
  })

  it('is asked again before a request is sent a second time', async () => {
    const { models, answer } = list()
    const first = models.knows('m')
    await answer('library')
    await first
    const same = models.isStill('ollama')
    await answer('library')
    expect(await same).toBe(true)
    const other = models.isStill('ollama')
    await answer('llamacpp')
    expect(await other).toBe(false)
  })
})

describe('a backend that has listed no model since the start', () => {
  const SILENT = err('no answer within 5000 ms')
  const LISTED = answered({ data: [{ id: 'm' }] })

  async function heard(first: NotProbed, ...answers: readonly Result<JsonAnswer, string>[]) {
    const told: string[] = []
    const at = { now: 0 }
    const left = [...answers]
    const models = makeModels({
      world: worldAt(() => at.now),
      get: async () => left.shift() ?? expect.unreachable(),
      first: err(first),
    })
    const background = new Background(real, () => {})
    models.watch(background, {
      gone: ({ why }) => told.push(`gone ${why}`),
      back: () => told.push('back'),
      unlisted: (how) => told.push(`unlisted ${how.why}`),
      listed: () => told.push('listed'),
    })
    for (let tries = answers.length; tries > 0; tries -= 1) {
      at.now += 60_000
      await models.list()
    }
    models.stop()
    return told
  }

  it.each<[string, NotProbed, readonly Result<JsonAnswer, string>[], readonly string[]]>([
    ['wants a key', status(401), [answered({}, 401), LISTED, LISTED], ['refused', 'listed']],
    ['has no list', status(404), [LISTED], ['no_models', 'listed']],
    [
      'is silent',
      unreachable('no answer within 5000 ms'),
      [SILENT, LISTED],
      ['unreachable', 'listed'],
    ],
    ['and then lists none', status(404), [answered({ data: [] })], ['no_models']],
  ])('is reported at once, and when it lists some: it %s', async (_, first, answers, told) => {
    const [how = '', ...over] = told
    expect(await heard(first, ...answers)).toEqual([`unlisted ${how}`, ...over])
  })

  it('but not if it fails: then it is gone', async () => {
    expect(await heard(REFUSED, LISTED)).toEqual(['gone refused', 'back'])
    expect(await heard(REFUSED, answered({}, 401), LISTED)).toEqual([
      ...['gone refused', 'back', 'unlisted refused', 'listed'],
    ])
  })

  it('nor after it has listed some', async () => {
    expect(await heard(status(404), LISTED, answered({}, 401))).toEqual([
      ...['unlisted no_models', 'listed'],
    ])
  })
})
