import type { Drawer } from '../../src/ledger/entry.ts'
import type { Statement } from '../../src/ledger/open-ledger.ts'

/**
 * The balances of all drawers that are not at zero, also of those of the buyers. The books must
 * balance.
 */
export async function drawersOf(statement: Statement): Promise<Map<Drawer, bigint>> {
  // Asked first, because it posts the holds that only memory knows.
  const accounts = await statement.accounts(1_000)
  const proof = await statement.verify()
  if (!proof.ok) throw new Error(proof.error.join('\n'))
  const drawers = new Map(proof.value.drawers.map(({ balance, drawer }) => [drawer, balance]))
  for (const { account, bonus, held, leaving, owed, paid, usd } of accounts) {
    drawers.set(`paid:${account}`, paid).set(`bonus:${account}`, bonus)
    drawers.set(`leaving:${account}`, leaving).set(`usd:${account}`, usd)
    drawers.set(`held:${account}`, held).set(`owed:${account}`, -owed)
  }
  return new Map([...drawers].filter(([, balance]) => balance !== 0n))
}
