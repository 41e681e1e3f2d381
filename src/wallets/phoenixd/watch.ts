import type { ListedWallet } from '../watch-list.ts'
import type { PhoenixdApi } from './api.ts'
import { receivedSince } from './received.ts'

/**
 * The settlements of a phoenixd. Its websocket (`GET /websocket`, 0.8) says
 * `{"type":"payment_received",…}` after a payment is written down, and repeats nothing that was said
 * while nobody listened. Its pings are seen by no program here.
 */
export const listedPhoenixd = (api: PhoenixdApi): ListedWallet => ({
  closed: api.rest.closed,
  list: (from) => receivedSince(api, from),
  socket: (told) => api.rest.socket('/websocket', told),
  pace: {
    look: { every: 5_000, longest: 30_000 },
    connect: { every: 1_000, longest: 15_000 },
    renewMs: 60_000,
    overlapMs: 10_000,
  },
})
