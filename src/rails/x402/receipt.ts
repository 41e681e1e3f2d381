import { formatUsdPerBtc } from '../../money/parse.ts'
import { encodeBase64 } from '../../passes/base64.ts'
import type { Receipt } from '../rail.ts'
import type { X402Network } from './networks.ts'
import type { X402Payment } from './payment.ts'
import type { X402Row } from './payments.ts'

/** The header that says what became of a payment, by the version of x402. */
const ANSWERS = { 1: 'x-payment-response', 2: 'payment-response' } as const

export const ANSWER_HEADERS: readonly string[] = Object.values(ANSWERS)

type Answered =
  | ({ readonly transaction: string } & Pick<X402Row, 'rate' | 'requirement'>)
  | { readonly errorReason: string }

/**
 * PAYMENT-RESPONSE (x402 v2, 5.3), or X-PAYMENT-RESPONSE of version 1: the transaction that settled the
 * payment, with its amount in micro-dollars and the rate of its offer (threats L5), or a word for why none
 * did.
 */
export function answerHeaders(
  { authorization, x402Version }: Pick<X402Payment, 'authorization' | 'x402Version'>,
  { network, v1 }: X402Network,
  answered: Answered,
): Readonly<Record<string, string>> {
  const said = {
    ...('transaction' in answered
      ? settledBy(answered)
      : { success: false, transaction: '', ...answered }),
    network: x402Version === 1 && v1 !== null ? v1 : network,
    payer: authorization.from,
  }
  return { [ANSWERS[x402Version]]: encodeBase64(Buffer.from(JSON.stringify(said))) }
}

const settledBy = ({
  rate,
  requirement,
  transaction,
}: Extract<Answered, { readonly transaction: string }>) => ({
  ...{ success: true, transaction },
  ...{ amount: `${requirement.amount}`, usd_per_btc: formatUsdPerBtc(rate) },
})

/** The receipt of a payment that is on the chain, as its row has it. */
export function receiptOf(
  { account, id, rate, requirement }: X402Row,
  about: Pick<Receipt, 'headers' | 'credited'> &
    Partial<Pick<Receipt, 'unpresented' | 'known' | 'repeat' | 'keepsAnswer'>>,
): Receipt {
  return {
    payment: id,
    ...{ account: account ?? { opens: [] }, decided: true },
    ...{ credit: 'usd', amount: requirement.amount, rate, rail: 'x402' },
    native: { amount: `${requirement.amount}`, unit: 'usdc', rate: formatUsdPerBtc(rate) },
    record: null,
    ...about,
  }
}
