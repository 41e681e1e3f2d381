import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import * as curve from '../../../../src/wallets/nwc/curve.ts'
import { idOf, type NostrEvent, signed } from '../../../../src/wallets/nwc/event.ts'
import { openNwcWallet } from '../../../../src/wallets/nwc/nwc.ts'
import type { Wallet } from '../../../../src/wallets/wallet.ts'
import { heard, until } from '../../../contract/wallet.ts'
import { unheard } from '../../../support/background.ts'
import { real } from '../../../support/world.ts'
import { type NwcDouble, startNwcDouble } from './nwc-double.ts'

vi.mock('../../../../src/wallets/nwc/curve.ts', { spy: true })

const ASK = { sat: 21, memo: 'nwc', expirySeconds: 600 }
const MANY = 300

let double: NwcDouble
let wallet: Wallet
beforeEach(async () => {
  double = await startNwcDouble()
  const { connection } = double
  wallet = await openNwcWallet({
    ...{ connection, moneyHint: null, world: real, background: unheard, deadlineMs: 5_000 },
  })
})
afterEach(async () => {
  await wallet.close()
  await double.stop()
})

/** Checks of a signature of the wallet, while something happens, and all that came with it is read. */
async function checks(happens: () => void): Promise<number> {
  vi.mocked(curve.isSigned).mockClear()
  happens()
  await wallet.createInvoice(ASK)
  const key = double.said[0]?.pubkey
  return vi.mocked(curve.isSigned).mock.calls.filter(([, , of]) => of === key).length
}

const replay = (event: NostrEvent | undefined): void => {
  if (event === undefined) throw new Error('no such event')
  for (let time = 0; time < MANY; time += 1) double.say(event)
}

const ofKind = (kind: number) => double.said.findLast((one) => one.kind === kind)

describe('J5 a relay sends what it likes, and that takes no time from others', () => {
  it('one notification of the wallet again and again', async () => {
    const told = heard()
    wallet.watch(null, told.listen)
    const { paymentHash } = await wallet.createInvoice(ASK)
    double.pay(paymentHash)
    await until(async () => told.hashes().includes(paymentHash))
    expect(await checks(() => replay(ofKind(23197)))).toBeLessThan(70)
    const second = await wallet.createInvoice(ASK)
    double.pay(second.paymentHash)
    expect(await wallet.lookup(second.paymentHash)).toMatchObject({ is: 'settled' })
  })

  it('old replies, and what is for somebody else', async () => {
    await wallet.createInvoice(ASK)
    expect(await checks(() => replay(ofKind(23195)))).toBe(1)
    const strange = { kind: 23195, created_at: 1, tags: [], content: '' }
    const other = signed(strange, randomBytes(32), real)
    expect(await checks(() => replay(other))).toBe(1)
  })

  it('descriptions of the wallet', async () => {
    expect(await checks(() => replay(ofKind(13194)))).toBeLessThan(70)
  })
})

describe('C8 a reply that the wallet has not signed', () => {
  it('is not believed; a relay that goes on with it is left, and connected again', async () => {
    double.traps.drops = ['make_invoice']
    const made = wallet.createInvoice(ASK).catch((error: unknown) => error)
    await until(async () => double.events.some(({ id }) => id !== double.events[0]?.id))
    const [old] = double.said.filter(({ kind }) => kind === 23195)
    if (old === undefined) throw new Error('no reply')
    const id = double.events.at(-1)?.id ?? ''
    const tags = old.tags.map(([name = '', value = '']) => [name, name === 'e' ? id : value])
    vi.mocked(curve.isSigned).mockClear()
    replay(signed({ ...old, tags }, randomBytes(32), real))
    replay({ ...old, tags, id: idOf({ ...old, tags }) })
    expect(String(await made)).toContain('does not reply')
    double.traps.drops = []
    expect(await wallet.createInvoice(ASK)).toMatchObject({ bolt11: expect.any(String) })
    const { calls } = vi.mocked(curve.isSigned).mock
    expect(calls.filter(([, , of]) => of === old.pubkey).length).toBeLessThan(15)
  })
})
