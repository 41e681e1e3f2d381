import { flag, wholeNumber } from './reader.ts'
import { setting } from './setting.ts'

const MOST_TOKENS = 10_000_000

/** The settings of the APIs that are served, and of pictures and sound in a prompt. */
export const APIS = {
  'dialects.translate': setting({
    read: flag,
    standard: 'true',
    example: 'true',
    doc: 'Whether requests to the Responses and Messages APIs are translated to chat completions if the backend lacks those APIs',
  }),
  'dialects.keyPath': setting({
    read: flag,
    standard: 'false',
    example: 'false',
    doc: 'Whether a pass may stand in the path, as in `/k/<pass>/api/chat`, for clients that send no header. Proxies and browsers write paths into logs, so whoever reads those can spend the pass',
  }),
  'media.imageTokens': setting({
    read: wholeNumber(1, MOST_TOKENS),
    standard: '16384',
    example: '16384',
    doc: 'The most tokens that one picture in a prompt can be. This much is held for a picture whose size the gate cannot see; for any other one its size decides, up to this',
  }),
  'media.remoteUrls': setting({
    read: flag,
    standard: 'false',
    example: 'false',
    doc: 'Whether a prompt may name pictures by URL, which the backend then fetches. Addresses of private networks are refused all the same',
  }),
}
