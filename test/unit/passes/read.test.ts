import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { writeIdentifier } from '../../../src/passes/identifier.ts'
import { macaroonKey } from '../../../src/passes/keys.ts'
import { type Macaroon, mint, verify } from '../../../src/passes/macaroon.ts'
import type { Operation, Pass } from '../../../src/passes/pass.ts'
import { allows, allowsBearer, readPass } from '../../../src/passes/read.ts'
import { filled, hex, IDENTIFIER, KEY, macaroon, SECRET } from './fixtures.ts'

const ROOT_KEY = macaroonKey(KEY.master, IDENTIFIER)
const CHAT: Operation = {
  path: '/v1/chat/completions',
  method: 'POST',
  model: 'llama3',
  secret: SECRET,
  now: Date.parse('2026-06-01T00:00:00Z'),
}

const signatures = (made: Macaroon): readonly Uint8Array[] => verify(ROOT_KEY, made) ?? []

const read = (caveats: readonly string[]) => {
  const made = macaroon(caveats)
  return readPass(made, signatures(made))
}

function pass(...caveats: string[]): Pass {
  const made = read(caveats)
  if (!made.ok) throw new Error(made.error)
  return made.value
}

const verdict = (caveats: readonly string[], operation: Partial<Operation> = {}) => {
  const judged = allows(pass(...caveats), { ...CHAT, ...operation })
  return judged.ok ? 'good' : judged.error
}

describe('a pass', () => {
  it('without caveats is a root pass', () => {
    const names = [expect.stringMatching(/^[0-9a-f]{64}$/)]
    expect(pass()).toEqual({ ...IDENTIFIER, names, scope: { is: 'root' }, rules: [], limits: [] })
  })

  it('A-lnget the preimage caveat that lnget adds leaves a root pass a root pass', () => {
    const lnget = pass(`preimage=${SECRET}`)
    expect(lnget).toMatchObject({ scope: { is: 'root' }, limits: [] })
    expect(allows(lnget, CHAT)).toEqual({ ok: true, value: true })
    expect(allows(lnget, { ...CHAT, secret: hex(filled(0x23)) })).toEqual({
      ok: false,
      error: 'preimage',
    })
  })

  it('A-lnget a narrowed pass keeps its name when lnget adds its caveat', () => {
    const { scope } = pass('method = POST', `preimage=${SECRET}`)
    expect(scope).toEqual(pass('method = POST').scope)
  })

  it.each(['id = a', 'label = a', 'path = /v1/*', 'calls <= 1', 'expires = 2026-12-31T00:00:00Z'])(
    'with %s is narrowed',
    (caveat) => {
      const { scope } = pass(caveat)
      expect(scope).toEqual({ is: 'narrowed', pass: expect.stringMatching(/^[0-9a-f]{64}$/) })
    },
  )

  it.each([
    [['only = spend']],
    [['id = a', 'only = spend']],
    [['id = a', 'label = open webui', 'only = spend', 'id = b', 'only = spend']],
    [['only = spend', `preimage=${SECRET}`]],
  ])('L14 with %j alone is a spending key, and restricts no request', (caveats) => {
    const key = pass(...caveats)
    expect(key).toMatchObject({ scope: { is: 'spending', pass: expect.any(String) }, limits: [] })
    expect(verdict(caveats)).toBe('good')
  })

  it.each([
    ['calls <= 1'],
    ['spend <= 10 / day'],
    ['path = /v1/*'],
    ['expires = 2126-12-31T00:00:00Z'],
  ])('L14 with only = spend and %s it is narrowed, and no spending key', (caveat) => {
    expect(pass('only = spend', caveat).scope.is).toBe('narrowed')
    expect(pass(caveat, 'only = spend').scope.is).toBe('narrowed')
  })

  it('meters each limit at the signature at its caveat', () => {
    const made = macaroon(['calls <= 1 / day', 'method = POST', 'spend <= 2'])
    const names = signatures(made).map((one) => createHash('sha256').update(one).digest('hex'))
    expect(pass('calls <= 1 / day', 'method = POST', 'spend <= 2')).toMatchObject({
      scope: { is: 'narrowed', pass: names[3] },
      limits: [
        { meter: names[1], unit: 'calls', window: 'day', max: 1n },
        { meter: names[3], unit: 'spend', window: 'total', max: 2000n },
      ],
    })
  })

  it('H9 a child spends on every meter of its parent, and cannot reset one', () => {
    const parent = pass('spend <= 10 / day')
    const child = pass('spend <= 10 / day', 'spend <= 100 / day', 'spend <= 10 / day')
    expect(child.limits[0]).toEqual(parent.limits[0])
    expect(new Set(child.limits.map(({ meter }) => meter)).size).toBe(3)
    expect(child.scope).not.toEqual(parent.scope)
    expect(child.names.slice(0, parent.names.length)).toEqual(parent.names)
  })
})

describe('C4 one unknown or malformed caveat makes the whole pass invalid', () => {
  it.each([
    [['services=gate:0'], 'unknown_caveat'],
    [['spend <= 1', 'foo = 1'], 'unknown_caveat'],
    [['only = withdraw'], 'malformed_caveat'],
    [['only = spend,withdraw'], 'malformed_caveat'],
    [['only = SPEND'], 'malformed_caveat'],
    [['seconds <= 60'], 'reserved_caveat'],
    [['spend <= -1'], 'malformed_caveat'],
    [['method = POST', 'expires = never'], 'malformed_caveat'],
    [['label = a\r\nX-Injected: 1'], 'malformed_caveat'],
    [[''], 'unknown_caveat'],
  ])('%j: %s', (caveats, why) => {
    expect(read(caveats)).toEqual({ ok: false, error: why })
  })

  it('bytes that are not UTF-8', () => {
    const plain = mint(ROOT_KEY, writeIdentifier(IDENTIFIER), { location: '', caveats: [] })
    for (const bytes of [[0xff], [...Buffer.from('label = a'), 0xc3]]) {
      const made = { ...plain, caveats: [Uint8Array.from(bytes)] }
      expect(readPass(made, [filled(0), filled(1)])).toEqual({
        ok: false,
        error: 'malformed_caveat',
      })
    }
  })
})

describe('C3 a credential for one thing is refused on another', () => {
  it.each<[string, Partial<Operation>, string]>([
    ['path = /v1/chat/*', {}, 'good'],
    ['path = /v1/chat/*', { path: '/v1/embeddings' }, 'path'],
    ['path = /v1/chat/*', { path: '/v1/chat' }, 'path'],
    ['path = /v1/chat/*', { path: '/V1/chat/completions' }, 'path'],
    ['path = /v1/chat/*,/v1/embeddings', { path: '/v1/embeddings' }, 'good'],
    ['path = /v1/embeddings', { path: '/v1/embeddings/' }, 'path'],
    ['path = /v1/chat/*', { path: '/v1/chat/../embeddings' }, 'path'],
    ['path = /v1/chat/*', { path: '/v1/chat/..' }, 'path'],
    ['path = /v1/chat/*', { path: '/v1/chat/./x' }, 'path'],
    ['path = /v1/chat/*', { path: '/v1/chat//x' }, 'path'],
    ['path = /v1/chat/*', { path: '/v1/chat/%2e%2e/embeddings' }, 'path'],
    ['path = /v1/chat/*', { path: '/v1/chat/..\\embeddings' }, 'path'],
    ['path = /v1/chat/*', { path: '/v1/chat/x?y' }, 'path'],
    ['path = /v1/chat/*', { path: '/v1/chat/x#y' }, 'path'],
    ['path = /v1/chat/*', { path: 'http://h/v1/chat/x' }, 'path'],
    ['path = /v1/c.at/x', { path: '/v1/chat/x' }, 'path'],
    ['method = POST', {}, 'good'],
    ['method = POST', { method: 'GET' }, 'method'],
    ['method = GET,POST', {}, 'good'],
    ['model = llama*', {}, 'good'],
    ['model = llama*', { model: 'my-llama3' }, 'model'],
    ['model = llama3', { model: 'llama3:70b' }, 'model'],
    ['model = qwen3:8b,llama3', {}, 'good'],
    ['model = llama*', { model: null }, 'model'],
    ['expires = 2026-06-01T00:00:00.001Z', {}, 'good'],
    ['expires = 2026-06-01T00:00:00Z', {}, 'expired'],
    ['label = anything', {}, 'good'],
  ])('%s with %j: %s', (caveat, operation, answer) => {
    expect(verdict([caveat], operation)).toBe(answer)
  })
})

describe('judging', () => {
  it.each([
    [['model = llama*', 'model = *3'], 'good'],
    [['model = llama*', 'model = qwen*'], 'model'],
    [['model = qwen*', 'model = llama*'], 'model'],
    [['expires = 2020-01-01T00:00:00Z', 'expires = 2030-01-01T00:00:00Z'], 'expired'],
    [['expires = 2030-01-01T00:00:00Z', 'expires = 2020-01-01T00:00:00Z'], 'expired'],
    [[`preimage = ${SECRET}`, `preimage = ${hex(filled(1))}`], 'preimage'],
  ])('C4 a second caveat of a kind cannot widen the first: %j is %s', (caveats, answer) => {
    expect(verdict(caveats)).toBe(answer)
  })

  it('returns the first refusal in the documented order', () => {
    const caveats = [
      'model = other',
      'method = GET',
      'path = /other',
      `preimage = ${hex(filled(1))}`,
      'expires = 2020-01-01T00:00:00Z',
    ]
    const answers = ['expired', 'preimage', 'path', 'method', 'model', 'good']
    for (const [index, answer] of answers.entries()) {
      expect(verdict(caveats.slice(0, 5 - index))).toBe(answer)
    }
  })

  it('for the gate itself only checks whether the pass is valid at all', () => {
    const bearer = { secret: SECRET, now: CHAT.now }
    const good = pass('path = /v1/chat/*', 'method = POST', 'model = llama*')
    expect(allowsBearer(good, bearer).ok).toBe(true)
    const expired = pass('expires = 2020-01-01T00:00:00Z')
    expect(allowsBearer(expired, bearer)).toEqual({ ok: false, error: 'expired' })
    const other = pass(`preimage = ${hex(filled(1))}`)
    expect(allowsBearer(other, bearer)).toEqual({ ok: false, error: 'preimage' })
  })
})
