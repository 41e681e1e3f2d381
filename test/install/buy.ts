import { expect } from 'vitest'

const BODY = JSON.stringify({ model: 'fake', messages: [{ role: 'user', content: 'Hello' }] })

/**
 * Sends a request as a stranger, pays the invoice, and sends it again with the pass. Returns both
 * answers.
 */
export async function buy(
  url: string,
  pay: (invoice: string) => string | Promise<string>,
): Promise<{ readonly cost: number; readonly text: string }> {
  const ask = (headers: Record<string, string>) =>
    fetch(`${url}/v1/chat/completions`, { method: 'POST', body: BODY, headers })
  const unpaid = await ask({})
  expect(unpaid.status, await unpaid.clone().text()).toBe(402)
  const { l402 } = (await unpaid.json()) as { l402: { macaroon: string; invoice: string } }
  const authorization = `L402 ${l402.macaroon}:${await pay(l402.invoice)}`
  const paid = await ask({ authorization })
  expect(paid.status, await paid.clone().text()).toBe(200)
  const answer = (await paid.json()) as { choices: { message: { content: string } }[] }
  const cost = Number(paid.headers.get('x-cost-msat'))
  return { cost, text: answer.choices[0]?.message.content ?? '' }
}

/** The page for people, requested as a browser does. */
export async function pageOf(url: string): Promise<string> {
  const page = await fetch(url, { headers: { accept: 'text/html' } })
  expect(page.status).toBe(200)
  return page.text()
}

/** Pays with play money, at the gate. */
export async function payInPlay(url: string, invoice: string): Promise<string> {
  const body = JSON.stringify({ invoice })
  const paid = await fetch(`${url}/play/pay`, { method: 'POST', body })
  const { preimage } = (await paid.json()) as { preimage: string }
  return preimage
}
