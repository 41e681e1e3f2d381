import { ClientBucket } from '../../floor/client-bucket.ts'
import { err, ok, type Result } from '../../floor/result.ts'
import type { World } from '../../floor/world.ts'
import { fromSat } from '../../money/msat.ts'
import type { ReceivedToken, TokenReceiver, TokenRequest } from '../../wallets/receiver.ts'
import type {
  Credited,
  Offer,
  OfferRefused,
  PaidRequest,
  Rail,
  Read,
  Receipt,
  RedeemRefused,
  Want,
} from '../rail.ts'
import { isInOwn, TOKEN_HEADERS, tokensIn } from './read.ts'
import { refusalOf, tooManyRefused } from './words.ts'

/** How many tokens of one client may be refused for good in a minute (threats D5). */
const REFUSED_A_MINUTE = 30

/** A token, as a request presents it. */
export interface CashuPayment {
  readonly token: string
  /** It came in `X-Cashu` alone, so its sender expects the rest there (NUT-24). */
  readonly wantsChange: boolean
}

/** The name of a payment by ecash. It is the same however its token is written (threats L4). */
const cashuPayment = (payment: string): string => `cashu:${payment}`

/**
 * Takes ecash: a Cashu token in `X-Cashu` (NUT-24), or as the API key. A token is swapped before
 * anything is served. Afterwards its text still buys from the account that it opened, and may no more
 * than that, because its giver and its mint knew it too (threats L2).
 */
export class Cashu implements Rail<CashuPayment> {
  readonly name = 'cashu'
  readonly reads = TOKEN_HEADERS
  readonly writes = ['x-cashu']
  readonly #receiver: TokenReceiver
  readonly #refused: ClientBucket
  #last: { readonly of: TokenRequest; readonly offer: Result<Offer, OfferRefused> } | null = null

  constructor(receiver: TokenReceiver, world: Pick<World, 'elapsed'>) {
    this.#receiver = receiver
    this.#refused = new ClientBucket(world)
  }

  /** Whether a token of some mint could be taken now. */
  get up(): boolean {
    return this.#receiver.request(1) !== null
  }

  get mints(): readonly string[] {
    return this.#receiver.mints
  }

  read(rawHeaders: readonly string[]): Read<CashuPayment> {
    const [token, ...more] = tokensIn(rawHeaders)
    if (more.length > 0) return { is: 'conflict' }
    return token === undefined
      ? { is: 'absent' }
      : { is: 'payment', payment: { token, wantsChange: isInOwn(rawHeaders) } }
  }

  /** A token that came as the API key is an account: its rest stays there. */
  change({ wantsChange }: CashuPayment): string | null {
    return wantsChange ? 'x-cashu' : null
  }

  offer({ sat }: Want): Result<Offer, OfferRefused> {
    const request = this.#receiver.request(sat)
    if (request === null) return err({ why: 'wallet_unreachable' })
    if (this.#last?.of !== request) this.#last = { of: request, offer: ok(offerOf(request)) }
    return this.#last.offer
  }

  async redeem(
    { token }: CashuPayment,
    call: PaidRequest | null,
  ): Promise<Result<Receipt, RedeemRefused>> {
    const known = this.#receiver.known(token)
    if (known !== null) return ok(this.#receipt(known))
    if (call === null) return err('unknown')
    const wait = this.#refused.wait(call.client, REFUSED_A_MINUTE)
    if (wait > 0) return err(tooManyRefused(wait))
    const received = await this.#receiver.receive(token, call)
    if (received.ok) return ok(this.#receipt(received.value))
    const refused = refusalOf(received.error, this.mints)
    if (refused.status < 429) this.#refused.take(call.client, REFUSED_A_MINUTE)
    return err(refused)
  }

  start(learned: (receipt: Receipt) => Promise<Credited>): { stop(): Promise<void> } {
    return this.#receiver.start(async (received) => {
      await learned(this.#receipt(received, 'unpresented'))
    })
  }

  #receipt(received: ReceivedToken, how: 'presented' | 'unpresented' = 'presented'): Receipt {
    const { payment, source, sat, feeSat, account, given } = received
    const presented = how === 'presented'
    return {
      payment: cashuPayment(payment),
      ...{ account: account ?? { opens: [] }, decided: true },
      amount: fromSat(sat - feeSat),
      credit: 'paid',
      rail: this.name,
      native: { amount: String(sat), unit: 'sat', rate: '1000' },
      source,
      headers: null,
      record: null,
      ...(presented ? {} : { unpresented: true }),
      ...(given ? { known: true } : {}),
      credited: (owner) => this.#receiver.credited(payment, { account: owner, given: presented }),
    }
  }
}

function offerOf({ creqA, creqB, mints, sat }: TokenRequest): Offer {
  const hosts = mints.map((url) => new URL(url).host).join(' or ')
  return {
    challenges: [],
    headers: { 'x-cashu': creqA },
    body: { cashu: { request: creqA, request_bech32: creqB, mints, unit: 'sat', amount: sat } },
    accepts: [],
    say: `Or send the same request with a Cashu token of ${sat} sat of ${hosts} in the header X-Cashu.`,
    howToPay: HOW_TO_PAY,
  }
}

const HOW_TO_PAY =
  'With ecash: make a Cashu token of cashu.amount sat of one of cashu.mints, and send this request again with the header "X-Cashu: cashuB…". The header X-Satgate-Pass of that answer is the pass for the rest. It comes only once, so keep it.'
