import { assert } from '../../floor/assert.ts'
import type { WalletKind } from '../kind.ts'

export const phoenixd: WalletKind = {
  kind: 'phoenixd',
  named: { message: 'phoenixd', docs: 'phoenixd', help: 'phoenixd (your node)' },
  takes: ['url', 'key', 'tlsCert'],
  needs: {
    url: 'needs the address of your phoenixd: wallet.url: http://localhost:9740',
    key: 'needs a password of your phoenixd: wallet.key: { file: phoenixd-password }, which holds http-password-limited-access from its phoenix.conf',
  },
  key: 'text',
  payoutRefused: 'has no effect with wallet phoenixd, because your node has the money: remove it',
  isPlay: false,
  async open({ url, key, tlsCert }, opening) {
    assert(url !== undefined && key !== undefined, 'the settings have what this wallet needs')
    // Imported late, because most commands read the settings and open no wallet.
    const { openPhoenixdWallet } = await import('./phoenixd.ts')
    const tlsCertPem = tlsCert ?? null
    return openPhoenixdWallet({ url, password: key.reveal(), tlsCertPem, ...opening })
  },
}
