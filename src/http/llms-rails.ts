import { formatUsd } from '../money/usd.ts'
import { fenced, sh } from './fenced.ts'
import { payingProgram } from './paying-program.ts'
import type { Selling } from './selling.ts'

/** The request of the examples. */
interface Where {
  readonly url: string
  /** Its header, as an option of curl. */
  readonly json: string
  readonly request: string
}

/** How `/llms.txt` teaches to pay by each rail besides L402. Empty if no other is on. */
export const otherRails = (selling: Selling, where: Where): readonly string[] => [
  ...withEcash(selling, where),
  ...withDollars(selling, where),
  ...withCharge(selling),
]

const FIRST_PASS =
  'The header `X-Satgate-Pass` of the answer is the pass for what is left: it comes only once.'

function withEcash({ terms }: Selling, { json, request, url }: Where): readonly string[] {
  if (terms.cashuMints === null) return []
  const instead = terms.methods.includes('l402')
    ? 'Instead of an invoice you can pay'
    : 'You can pay'
  return [
    `${instead} with ecash: a Cashu token in sat of ${terms.cashuMints.join(' or ')}. \`cashu.request\` of a 402 asks for it (NUT-18), and \`cashu.amount\` is what it has to be worth. TOKEN is the token. ${FIRST_PASS} The token itself is good as a key too, but cannot take money out.`,
    sh(`curl -s -i ${url} ${json} -H 'X-Cashu: TOKEN' -d '${request}'`),
  ]
}

function withDollars({ dollars }: Selling, { request, url }: Where): readonly string[] {
  if (dollars === null) return []
  const { domain, least, network, payTo } = dollars
  const now =
    least === null
      ? 'No dollars can be taken at the moment.'
      : `The smallest offer asks for ${formatUsd(least)} dollars now.`
  return [
    `You can pay with dollars: ${domain.name} on ${network}, to ${payTo}, by x402 (version 2 or 1, scheme \`exact\`). ${now} The header \`PAYMENT-REQUIRED\` of a 402 has what version 2 asks for, and \`accepts\` of the body what version 1 asks for. Sign it, and send the same request again with \`PAYMENT-SIGNATURE\` or \`X-PAYMENT\`. Pay exactly the amount, and send the same payment again if no answer comes: it is taken once. ${FIRST_PASS} A payment is no key, because the chain shows it to everybody. Dollars that were not spent stay on the pass and cannot be taken out. \`PRIVATE_KEY\` is in the environment here; the client does the rest.`,
    'The packages, in an empty folder:',
    fenced('text', 'npm install @x402/fetch@2.27.0 @x402/evm@2.27.0 viem@2.57.1'),
    fenced('js', payingProgram(dollars, { request, url })),
  ]
}

function withCharge({ terms }: Selling): readonly string[] {
  if (!terms.methods.includes('payment')) return []
  return [
    `A client of the Payment scheme (MPP) can pay the same Lightning invoice: the 402 has a line \`WWW-Authenticate: Payment\` with the method \`lightning\` and the intent \`charge\`. Its credential pays for one request. ${FIRST_PASS}`,
  ]
}
