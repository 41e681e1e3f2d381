import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { bearer, tick, until } from '../support/buyer.ts'
import { drillsOf, openDrill } from '../support/drill.ts'
import { startFakeMint } from '../support/fake-mint.ts'
import { freePort } from '../support/free-port.ts'
import { GateProcess } from '../support/gate-process.ts'
import { startFakeUpstream } from '../support/upstream.ts'

/** Runs the commands of `docs/backup.md` unchanged against a gate that sells. */

const DRILLS = drillsOf(readFileSync(join(import.meta.dirname, '../../docs/backup.md'), 'utf8'))
const HELLO = { model: 'fake', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }

const clean: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of clean.splice(0).reverse()) await one()
})

/** The commands of one block of the document. */
function block(name: string): string {
  const commands = DRILLS.get(name)
  if (commands === undefined) throw new Error(`docs/backup.md has no block drill=${name}`)
  return commands
}

/** A gate with an ecash wallet, and the shell of its operator. */
async function shop() {
  const [fake, mint, port] = await Promise.all([startFakeUpstream({}), startFakeMint(), freePort()])
  const wallet = { kind: 'ecash', mints: [mint.url] }
  const gate = new GateProcess({ upstream: fake.base.origin, port, wallet })
  const drill = await openDrill(gate, {
    data: gate.data,
    backups: join(gate.folder, 'backups'),
    gate: `http://127.0.0.1:${port}`,
  })
  clean.push(
    () => fake.close(),
    () => mint.stop(),
    () => gate.remove(),
    () => drill.close(),
  )
  await gate.start()
  const chat = async (pass: string) =>
    (await gate.client.ask({ path: '/v1/chat/completions', body: HELLO, headers: bearer(pass) }))
      .status
  return {
    gate,
    mint,
    chat,
    run: (name: string) => drill.run(block(name)),
    /** A stranger pays 100 sat at the mint and spends a little. */
    async sell(): Promise<string> {
      const { json } = await gate.client.ask({ path: '/create-invoice', body: { amountSats: 100 } })
      const pass = `${json.macaroon}:${mint.pay(json.bolt11)}`
      await until(async () => (await chat(pass)) === 200)
      return pass
    },
    /** Everything that a backup must save: every balance, from the books and from the wallet. */
    async standing() {
      const accounts = await gate.command('ledger', 'accounts')
      const held = await gate.command('wallet', 'balance')
      return { accounts, sats: held.balance_sat, owed: held.owed_sat }
    },
    /** The machine is lost, and the next one has an empty folder. */
    async lose() {
      await gate.kill9()
      rmSync(gate.data, { recursive: true })
      mkdirSync(gate.data)
    },
  }
}

/** ms. The program is started a dozen times, on a machine that may be busy. */
const PATIENCE = 120_000

describe('the restore drill of docs/backup.md', { timeout: PATIENCE }, () => {
  it('I11 sell, back up, check the copy, lose the folder, restore: every pass and sat is there', async () => {
    const { chat, gate, run, sell, standing } = await shop()
    const bought = await sell()
    expect(await run('pass')).toMatch(/^\{[^}]*"balance_sats?":10[,}]/)
    const before = await standing()
    expect(before).toMatchObject({ sats: 100 })
    await run('backup')
    expect(await run('check')).toContain('balance')
    await run('tidy')
    await run('restore')
    expect(gate.stderr).toMatch(/is a copy/)
    expect(gate.events('problem')).toEqual([])
    expect(await standing()).toEqual(before)
    expect(await run('verify')).toContain('balance')
    expect(await run('ecash')).toContain('100')
    expect(await chat(bought)).toBe(200)
    const after = await sell()
    expect(await chat(after)).toBe(200)
  })

  it('I11 a copy that was made while it sold is complete, and earns on', async () => {
    const { chat, gate, lose, run, sell, standing } = await shop()
    const bought = await sell()
    let selling = true
    const busy = (async () => {
      while (selling) {
        await chat(bought)
        await tick()
      }
    })()
    await run('live')
    selling = false
    await busy
    await run('check')
    const before = await standing()
    await lose()
    await run('restore')
    // An answer that ran when the copy was made left its hold open. Nothing else may be wrong.
    const wrong = gate.events('problem').map(({ what }) => what)
    expect(wrong.filter((what) => what !== 'holds_recovered')).toEqual([])
    expect(await standing()).toMatchObject({ sats: before.sats })
    expect(await gate.command('ledger', 'verify')).toMatchObject({ balanced: true })
    expect(await chat(bought)).toBe(200)
    await sell()
  })

  it('I11 with an older copy: old passes work, newer ones do not, and stock is taken before it sells', async () => {
    const { chat, gate, lose, mint, run, sell, standing } = await shop()
    const older = await sell()
    await run('live')
    const newer = await sell()
    await lose()
    await run('restore')
    await gate.event(({ what }) => what === 'seed_elsewhere')
    expect([await chat(older), await chat(newer)]).toEqual([200, 503])
    await run('restock')
    await until(async () => (await gate.client.ask({ path: '/health' })).status === 200)
    expect([await chat(older), await chat(newer)]).toEqual([200, 402])
    expect([(await standing()).sats, mint.issuedSat()]).toEqual([200, 200])
    await sell()
  })
})
