import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { freePort } from '../../support/free-port.ts'
import { GateProcess } from '../../support/gate-process.ts'
import { names, rowsOf, section } from '../../support/monitoring.ts'
import { startFakeUpstream } from '../../support/upstream.ts'

/** `docs/monitoring.md` and the alerts name all metrics of a gate, and no others. */

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const byName = <T>(rows: readonly (readonly [string, T])[]) => new Map(rows.toSorted())

const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }

const clean: (() => Promise<unknown>)[] = []
let gate: GateProcess
/** The metrics after an answer and a refusal. */
let exposed = ''
/** The metrics while the backend is away. */
let afterwards = ''
let answered: number[] = []

beforeAll(async () => {
  const [fake, port] = await Promise.all([startFakeUpstream({}), freePort()])
  const upstream = fake.base.origin
  gate = new GateProcess({
    ...{ upstream, wallet: 'play', metrics: `127.0.0.1:${port}` },
  })
  clean.push(() => gate.remove())
  await gate.start()
  const { json } = await gate.client.ask({ path: '/create-invoice', body: { amountSats: 100 } })
  const paid = await gate.client.ask({ path: '/play/pay', body: { invoice: json.payment_hash } })
  const headers = { authorization: `Bearer ${json.macaroon}:${paid.json.preimage}` }
  const chat = async (headers = {}) =>
    (await gate.client.ask({ path: '/v1/chat/completions', body: HELLO, headers })).status
  const page = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  answered = [await chat(headers), await chat()]
  exposed = await page()
  await fake.close()
  answered.push(await chat(headers))
  afterwards = await page()
  exposed += await dollars(upstream)
}, 60_000)

/** The metrics of a gate that takes dollars alone, whose facilitator is away. */
async function dollars(upstream: string): Promise<string> {
  const port = await freePort()
  const facilitator = `http://127.0.0.1:${await freePort()}`
  const x402 = { payTo: `0x${'12'.repeat(20)}`, network: 'base-sepolia', facilitator }
  const alone = new GateProcess({
    ...{ upstream, metrics: `127.0.0.1:${port}`, pricing: { rate: { usdPerBtc: 100_000 } } },
    rails: { l402: false, cashu: false, x402 },
  })
  clean.push(() => alone.remove())
  await alone.start()
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  // No wallet, and so no alarm that it is down.
  expect(text).not.toContain('satgate_wallet_up')
  return text
    .split('\n')
    .filter((line) => /x402|dollars/.test(line))
    .join('\n')
}

afterAll(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

/** The kind of each metric that the gate exposes, and the labels of satgate's own metrics. */
const typesOf = (page: string) =>
  [...page.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(
    ([, name = '', type = '']) => [name, type] as const,
  )
const isOfProcess = (name: string) => /^satgate_(?:process|nodejs)_/.test(name)

function labelsOf(page: string, name: string): string[] {
  const [, labels = ''] = new RegExp(`^${name}(?:\\{(.*)\\})? `, 'm').exec(page) ?? []
  return [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label).sort()
}

describe('the metrics of docs/monitoring.md', () => {
  it('tells what is up: the backend goes, and its metric with it', () => {
    expect(answered).toEqual([200, 402, 502])
    expect(exposed).toMatch(/^satgate_upstream_up 1$/m)
    expect(afterwards).toMatch(/^satgate_upstream_up 0$/m)
    expect(afterwards).toMatch(/^satgate_wallet_up 1$/m)
  })

  it('tells of dollars: the facilitator is away, and nothing was settled', () => {
    expect(exposed).toMatch(/^satgate_x402_up 0$/m)
    expect(exposed).toMatch(/^satgate_x402_settlements_total\{outcome="unknown"\} 0$/m)
    expect(exposed).toMatch(/^satgate_dollars_outstanding 0$/m)
  })

  it('has each metric of the gate with its type and labels, and no other', () => {
    const own = typesOf(exposed).filter(([name]) => !isOfProcess(name))
    const told = rowsOf('## Metrics').map(([name = '', type = '', labels = '']) => {
      return [names(name)[0] ?? '', { type, labels: names(labels).sort() }] as const
    })
    const real = own.map(([name, type]) => {
      return [name, { type, labels: labelsOf(exposed, name) }] as const
    })
    expect(own.length).toBeGreaterThan(5)
    expect(byName(told)).toEqual(byName(real))
  })

  it('names each metric of the process, and no other', () => {
    const real = typesOf(exposed).flatMap(([name]) => (isOfProcess(name) ? [name] : []))
    expect(names(section('### The process')).sort()).toEqual(real.toSorted())
  })
})

describe('examples/prometheus/alerts.yaml', () => {
  it('asks for metrics that there are, and says what to do', () => {
    const { groups } = parse(read('examples/prometheus/alerts.yaml'))
    const rules: { alert: string; expr: string; annotations: Record<string, string> }[] =
      groups.flatMap(({ rules }: { rules: unknown[] }) => rules)
    const known = typesOf(exposed).map(([name]) => name)
    for (const { alert, expr, annotations } of rules) {
      const asked = expr.match(/\b(?:satgate_\w+|up)\b/g) ?? []
      expect(asked.length, alert).toBeGreaterThan(0)
      expect([...known, 'up']).toEqual(expect.arrayContaining(asked))
      expect(Object.keys(annotations).sort()).toEqual(['action', 'summary'])
    }
    expect(rules.length).toBeGreaterThan(5)
  })
})
