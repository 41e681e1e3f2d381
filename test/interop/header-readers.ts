import { type Answered, lines } from '../support/ask.ts'

/**
 * How clients read a 402 that cannot be installed here: 402-mcp is in no registry of this lab, lnget is
 * in no module proxy, and the client of aperture is a part of lnd. Each reader does what that client is
 * known to do with the header lines, and no more.
 */

export interface L402Read {
  readonly macaroon: string
  readonly invoice: string
}

/** A charge over Lightning, of a Payment challenge. */
export interface ChargeRead {
  readonly id: string
  readonly invoice: string
  readonly paymentHash: string
  readonly amount: string
  /** The value of Authorization that presents the preimage. */
  credential(preimage: string): string
}

/** aperture's client (l402/client_interceptor.go): both values, one behind the other, in quotes. */
export function readAperture(challenges: readonly string[]): L402Read | null {
  for (const line of challenges) {
    const found = /(?:LSAT|L402) macaroon="(.*?)", invoice="(.*?)"/.exec(line)
    if (found) return { macaroon: found[1] ?? '', invoice: found[2] ?? '' }
  }
  return null
}

/** lnget (l402/header.go): the first line alone, which must begin with the scheme. */
export function readLnget(challenges: readonly string[]): L402Read | null {
  const [line = ''] = challenges
  return /^(?:l402|lsat)/i.test(line) ? readAperture([line]) : null
}

/** lnget's Payment: the first line of that scheme, and nothing but a charge over Lightning. */
export function readLngetPayment(challenges: readonly string[]): ChargeRead | null {
  const line = challenges.find((one) => /^Payment /i.test(one))
  return line === undefined ? null : chargeIn(line.slice('Payment '.length))
}

/** 402-mcp: all lines joined. Its other protocols are found in headers of their own. */
export function read402Mcp(answer: Answered): {
  readonly l402: L402Read | null
  readonly payment: ChargeRead | null
  readonly x402: boolean
  readonly cashu: unknown
} {
  const joined = lines(answer, 'www-authenticate').join(', ')
  const own = /^(?:L402|LSAT)\s+(.+)$/i.exec(joined)?.[1]
  const l402 =
    own === undefined
      ? null
      : {
          macaroon: /macaroon="?([A-Za-z0-9+/_=-]+)"?/.exec(own)?.[1] ?? '',
          invoice: /invoice="?(ln(?:bc|bcrt|tb)[A-Za-z0-9]+)"?/.exec(own)?.[1] ?? '',
        }
  const payment = /(?:^|,\s*)Payment\s+(.+)/i.exec(joined)?.[1]
  const cashu = answer.headers['x-cashu']
  return {
    l402,
    payment: payment === undefined ? null : chargeIn(payment),
    x402: String(answer.headers['x-payment-required']).toLowerCase() === 'x402',
    cashu: typeof cashu === 'string' && cashu.startsWith('creqA') ? jsonIn(cashu.slice(5)) : null,
  }
}

function chargeIn(params: string): ChargeRead | null {
  const of = (name: string) => new RegExp(`(?:^|[\\s,])${name}="([^"]*)"`).exec(params)?.[1] ?? ''
  const [id, realm, method, intent, request] = [
    ...['id', 'realm', 'method', 'intent', 'request'].map(of),
  ]
  if (method !== 'lightning' || intent !== 'charge' || id === undefined) return null
  // biome-ignore lint/suspicious/noExplicitAny: whatever came
  const { amount, methodDetails } = jsonIn(request ?? '') as any
  const expires = of('expires')
  const challenge = { id, realm, method, intent, request, ...(expires === '' ? {} : { expires }) }
  return {
    ...{ id, amount, invoice: methodDetails.invoice, paymentHash: methodDetails.paymentHash },
    credential: (preimage) => {
      const whole = JSON.stringify({ challenge, payload: { preimage } })
      return `Payment ${Buffer.from(whole).toString('base64url')}`
    },
  }
}

/** JSON behind base64url. Null if it is none. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    return null
  }
}
