import type { Api } from './api.ts'
import { complain } from './dom.ts'
import { poll } from './poll.ts'

const USUAL = 15_000
const WHILE_GONE = 5_000

/** Says at the top of the page why nothing is sold, while the model server is gone. */
export function watchUpstream(api: Api): void {
  poll(async () => {
    const reason = await api.goneReason()
    complain('gone', reason === null ? '' : `${reason} ${MEANWHILE}`)
    return reason === null ? USUAL : WHILE_GONE
  })
}

const MEANWHILE = 'Nothing is sold until it is back. A key keeps its credit, and can be topped up.'
