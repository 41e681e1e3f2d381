import type { WalletKind } from '../kind.ts'

export const ecash: WalletKind = {
  kind: 'ecash',
  named: {
    message: 'ecash',
    docs: 'ecash (coins of a Cashu mint, kept in the data folder)',
    help: 'ecash (default)',
  },
  takes: ['mints', 'payoutAbove', 'maxPerMint'],
  needs: {},
  key: null,
  payoutRefused: null,
  isPlay: false,
  open: null,
}
