import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ecashIn, openEcashFolder, takeSeed } from '../../../src/daemon/ecash-folder.ts'
import { Failed } from '../../../src/daemon/failed.ts'
import { Freeze } from '../../../src/wallets/ecash/freeze.ts'
import { real, worldAt } from '../../support/world.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satgate-ecash-folder-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const WORLD = worldAt(() => 1)
const seedFile = () => ecashIn(folder).seed

function opened() {
  const wallet = openEcashFolder(folder, WORLD)
  const raised = new Freeze(wallet.store).reason
  wallet.close()
  return { ...wallet, raised }
}

describe('the seed of a data folder', () => {
  it('is twelve words, only for its owner, and the same for ever', () => {
    const first = opened()
    expect(first.words.split(' ')).toHaveLength(12)
    expect(statSync(seedFile()).mode & 0o777).toBe(0o600)
    expect(statSync(ecashIn(folder).coins).mode & 0o777).toBe(0o600)
    const again = opened()
    expect(again).toMatchObject({ words: first.words, mark: first.mark, fresh: false })
    expect(again.raised).toBeNull()
    expect(existsSync(`${seedFile()}.new`)).toBe(false)
  })

  it('is the one of BIP-39', () => {
    writeFileSync(seedFile(), `  ${'Abandon '.repeat(11)}\n about\n`)
    const taken = takeSeed(folder, { hasCoins: false, random: real.random })
    expect(taken.ok && Buffer.from(taken.value.seed).toString('hex')).toBe(
      '5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1' +
        '9a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4',
    )
  })

  it('E7 is never made anew if there are coins', () => {
    opened()
    rmSync(seedFile())
    expect(() => openEcashFolder(folder, WORLD)).toThrow(Failed)
    expect(() => openEcashFolder(folder, WORLD)).toThrow('ecash.seed is missing. Put it back')
    expect(existsSync(seedFile())).toBe(false)
  })

  it('E7 is not replaced if there are coins', () => {
    opened()
    writeFileSync(seedFile(), `${'abandon '.repeat(11)}about`)
    expect(() => openEcashFolder(folder, WORLD)).toThrow('coins of another seed')
  })

  it.each([
    ['', 'it has 0 words'],
    ['abandon about', 'it has 2 words'],
    [`${'abandon '.repeat(11)}abouts`, 'its word 12 is not in the English list'],
    ['abandon '.repeat(12), 'its checksum does not fit'],
  ])('that is not valid is refused: %j', (text, what) => {
    writeFileSync(seedFile(), text)
    expect(() => openEcashFolder(folder, WORLD)).toThrow(what)
    expect(readFileSync(seedFile(), 'utf8')).toBe(text)
    expect(existsSync(ecashIn(folder).coins)).toBe(false)
  })

  it('H3 is in no refusal', () => {
    writeFileSync(
      seedFile(),
      'zebra zebra zebra zebra zebra zebra zebra zebra zebra zebra zebra zoom',
    )
    expect(() => openEcashFolder(folder, WORLD)).toThrow(/^(?!.*(?:zebra|zoom)).*$/s)
  })

  it('I11 without its coins requires that stock is taken before anything is sold', () => {
    opened()
    rmSync(ecashIn(folder).coins)
    expect(opened().raised).toContain('satgate wallet restore')
  })
})
