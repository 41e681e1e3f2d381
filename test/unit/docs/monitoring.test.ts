import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENTS } from '../../../src/cli/events.ts'
import { PROBLEMS } from '../../../src/cli/problems.ts'
import { GateProcess } from '../../support/gate-process.ts'
import { MONITORING, names, rowsOf } from '../../support/monitoring.ts'
import { startFakeUpstream } from '../../support/upstream.ts'

/** `docs/monitoring.md` has every event and problem of a gate, and no others. */

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const byName = <T>(rows: readonly (readonly [string, T])[]) => new Map(rows.toSorted())

const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }

const clean: (() => Promise<unknown>)[] = []
let gate: GateProcess

beforeAll(async () => {
  const fake = await startFakeUpstream({})
  gate = new GateProcess({ upstream: fake.base.origin, wallet: 'play' })
  clean.push(
    () => fake.close(),
    () => gate.remove(),
  )
  await gate.start()
  const { json } = await gate.client.ask({ path: '/create-invoice', body: { amountSats: 100 } })
  const paid = await gate.client.ask({ path: '/play/pay', body: { invoice: json.payment_hash } })
  const pass = `${json.macaroon}:${paid.json.preimage}`
  for (const headers of [{ authorization: `Bearer ${pass}` }, {}]) {
    await gate.client.ask({ path: '/v1/chat/completions', body: HELLO, headers })
  }
}, 60_000)

afterAll(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

describe('docs/monitoring.md', () => {
  it('has each event with its level and fields, and no other', () => {
    const told = rowsOf('## Events').map(([name = '', level = '', fields = '']) => {
      return [names(name)[0] ?? '', { level, fields: names(fields).join() }] as const
    })
    const real = Object.entries(EVENTS).map(([name, { level, fields }]) => {
      const shown = name === 'problem' ? 'warn or error' : level
      return [name, { level: shown, fields: fields.join() }] as const
    })
    expect(byName(told)).toEqual(byName(real))
  })

  it('has each kind of problem with its level, its fields and whether it ends, and no other', () => {
    const told = rowsOf('## Problems').map(
      ([what = '', level = '', fields = '', solved = '', action = '']) => {
        expect(action.length, `${what} says what to do`).toBeGreaterThan(40)
        return [names(what)[0] ?? '', { level, fields: names(fields).join(), solved }] as const
      },
    )
    const real = Object.entries(PROBLEMS).map(([what, { level, fields, ends }]) => {
      const solved = ends === undefined ? 'never' : 'yes'
      return [what, { level, fields: fields.join(), solved }] as const
    })
    expect(byName(told)).toEqual(byName(real))
  })

  it('explains each field that a request has', () => {
    const explained = MONITORING.split('\n')
      .filter((line) => /^\| `(?:\w|`, `)+` \| /.test(line))
      .flatMap((line) => names(line.split('|')[1] ?? ''))
    for (const field of EVENTS.request?.fields ?? []) expect(explained).toContain(field)
  })

  it('knows every event and field that a gate really writes, from its start to its stop', async () => {
    await gate.stop()
    const said = gate.events()
    const kinds = new Set(said.map(({ event }) => event))
    expect(kinds).toEqual(new Set(['ready', 'paid', 'request', 'stopping', 'stopped']))
    const common = ['time', 'level', 'event']
    for (const event of said) {
      const kind = event.event === 'problem' ? PROBLEMS[event.what]?.fields : []
      const known = [...common, ...(EVENTS[event.event]?.fields ?? []), ...(kind ?? [])]
      expect(known).toEqual(expect.arrayContaining(Object.keys(event)))
    }
  })
})

describe('the kinds of problems', () => {
  it('are all in the table: no source says one that is not', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.startsWith('web'))
      .map((path) => read(join('src', path)))
    const said = sources.flatMap((text) => [
      ...[...text.matchAll(/event: '(?:problem|solved)', what: '(\w+)'/g)].map(([, what]) => what),
      ...[...text.matchAll(/#begin\([\w.]+, '(\w+)'/g)].map(([, what]) => what),
    ])
    expect(said.length).toBeGreaterThan(15)
    expect(Object.keys(PROBLEMS)).toEqual(expect.arrayContaining(said))
  })
})
