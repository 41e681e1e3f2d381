import type { WalletKind } from '../kind.ts'

export const play: WalletKind = {
  kind: 'play',
  named: {
    message: 'play (play money)',
    docs: 'play (play money)',
    help: 'play (play money, worth nothing)',
  },
  takes: [],
  needs: {},
  key: null,
  payoutRefused: 'has no effect with play money, which cannot be sent anywhere: remove it',
  isPlay: true,
  open: null,
}
