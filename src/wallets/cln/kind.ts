import { assert } from '../../floor/assert.ts'
import type { WalletKind } from '../kind.ts'

export const cln: WalletKind = {
  kind: 'cln',
  named: { message: 'cln', docs: 'cln (Core Lightning)', help: 'cln (your node)' },
  takes: ['url', 'key', 'tlsCert'],
  needs: {
    url: 'needs the address of clnrest: wallet.url: https://localhost:3010',
    key: 'needs a rune of your node on one line: wallet.key: { file: satgate.rune }',
  },
  key: 'text',
  payoutRefused: 'has no effect with wallet cln, because your node has the money: remove it',
  isPlay: false,
  async open({ url, key, tlsCert }, opening) {
    assert(url !== undefined && key !== undefined, 'the settings have what this wallet needs')
    // Imported late, because most commands read the settings and open no wallet.
    const { openClnWallet } = await import('./cln.ts')
    const tlsCertPem = tlsCert ?? null
    return openClnWallet({ url, rune: key.reveal(), tlsCertPem, ...opening })
  },
}
