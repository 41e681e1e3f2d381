import { assert } from '../../floor/assert.ts'
import type { WalletKind } from '../kind.ts'

export const lnd: WalletKind = {
  kind: 'lnd',
  named: { message: 'lnd', docs: 'lnd', help: 'lnd (your node)' },
  takes: ['url', 'key', 'tlsCert'],
  needs: {
    url: 'needs the address of your node: wallet.url: https://localhost:8080',
    key: 'needs a macaroon of your node: wallet.key: { file: invoice.macaroon }',
  },
  key: 'macaroon',
  payoutRefused: 'has no effect with wallet lnd, because your node has the money: remove it',
  isPlay: false,
  async open({ url, key, tlsCert }, opening) {
    assert(url !== undefined && key !== undefined, 'the settings have what this wallet needs')
    // Imported late, because most commands read the settings and open no wallet.
    const { openLndWallet } = await import('./lnd.ts')
    const tlsCertPem = tlsCert ?? null
    return openLndWallet({ url, macaroonHex: key.reveal(), tlsCertPem, ...opening })
  },
}
