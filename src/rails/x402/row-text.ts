import { microUsd } from '../../money/usd.ts'
import type { Authorization, X402Payment, X402Requirement } from './payment.ts'

/** A payment and its requirement as the text of a row, and back. JSON has no whole numbers of 256 bits. */

export const paymentText = ({ authorization, ...rest }: X402Payment): string => {
  const { from, to, nonce, value, validAfter, validBefore } = authorization
  const times = { value: `${value}`, validAfter: `${validAfter}`, validBefore: `${validBefore}` }
  return JSON.stringify({ ...rest, authorization: { from, to, nonce, ...times } })
}

export function paymentIn(text: string): X402Payment {
  const { authorization, ...rest } = JSON.parse(text)
  return { ...rest, authorization: authorizationIn(authorization) }
}

function authorizationIn(written: Readonly<Record<string, string>>): Authorization {
  const { from = '', to = '', nonce = '', value = '', validAfter = '', validBefore = '' } = written
  return {
    ...{ from, to, nonce, value: BigInt(value) },
    ...{ validAfter: BigInt(validAfter), validBefore: BigInt(validBefore) },
  }
}

export const requirementText = ({ amount, ...rest }: X402Requirement): string =>
  JSON.stringify({ ...rest, amount: `${amount}` })

export function requirementIn(text: string): X402Requirement {
  const { amount, ...rest } = JSON.parse(text)
  return { ...rest, amount: microUsd(BigInt(amount)) }
}
