import { assert } from '../../floor/assert.ts'
import type { WalletKind } from '../kind.ts'

export const nwc: WalletKind = {
  kind: 'nwc',
  named: { message: 'nwc', docs: 'nwc', help: 'nwc (Nostr Wallet Connect)' },
  takes: ['key'],
  needs: {
    key: 'needs the connection string of your wallet: wallet.key: { file: nwc.key }, which contains nostr+walletconnect://…',
  },
  key: 'text',
  payoutRefused: 'has no effect with wallet nwc, because that wallet has the money: remove it',
  isPlay: false,
  async open({ key }, opening) {
    assert(key !== undefined, 'the settings have what this wallet needs')
    // Imported late, because most commands read the settings and open no wallet.
    const { openNwcWallet } = await import('./nwc.ts')
    return openNwcWallet({ connection: key.reveal(), ...opening })
  },
}
