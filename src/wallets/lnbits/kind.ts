import { assert } from '../../floor/assert.ts'
import type { WalletKind } from '../kind.ts'

export const lnbits: WalletKind = {
  kind: 'lnbits',
  named: { message: 'lnbits', docs: 'lnbits', help: 'lnbits (a wallet at an LNbits server)' },
  takes: ['url', 'key', 'tlsCert'],
  needs: {
    url: 'needs the address of the LNbits server: wallet.url: https://lnbits.example',
    key: 'needs the invoice key of your LNbits wallet: wallet.key: { file: lnbits.key }',
  },
  key: 'text',
  payoutRefused:
    'has no effect with wallet lnbits, because the LNbits server has the money: remove it',
  isPlay: false,
  async open({ url, key, tlsCert }, opening) {
    assert(url !== undefined && key !== undefined, 'the settings have what this wallet needs')
    // Imported late, because most commands read the settings and open no wallet.
    const { openLnbitsWallet } = await import('./lnbits.ts')
    const tlsCertPem = tlsCert ?? null
    return openLnbitsWallet({ url, key: key.reveal(), tlsCertPem, ...opening })
  },
}
