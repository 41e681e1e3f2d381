import type { Host } from '../daemon/host.ts'
import { onLine } from '../floor/printable.ts'
import { formatSat } from '../money/msat.ts'
import { isPlainName } from './banner.ts'
import { hang, inkOf, widthOf } from './terminal.ts'

const QUESTION = 'What is it like to be paid by the token?'

/** Buys one answer from the gate at `url`, as any client does, and explains each step. */
export async function story(host: Host, url: string): Promise<void> {
  const say = (text: string) => host.stdout.write(`${text}\n`)
  const ink = inkOf(host.stdout)
  /** Prints a wrapped paragraph, indented by so many spaces. */
  const tell = (spaces: number, text: string) =>
    say(hang(' '.repeat(spaces), text, widthOf(host.stdout)))
  const step = (text: string) => say(`${hang('  ', ink.bold(text), widthOf(host.stdout))}\n`)
  const listed: readonly { id: string }[] = (await json(await fetch(`${url}/v1/models`))).data
  const { id: model } = listed.find(({ id }) => isPlainName(id)) ?? listed[0] ?? { id: 'toy' }
  const named = isPlainName(model) ? model : 'MODEL'
  const body = JSON.stringify({
    model,
    messages: [{ role: 'user', content: QUESTION }],
    stream: true,
    max_tokens: 200,
  })
  say('  ── The story, with play money ───────────────────────────────────────────\n')
  step(`1. Somebody asks ${named}, and has paid nothing:`)
  say(`     POST /v1/chat/completions   "${QUESTION}"`)
  const refused = await post(`${url}/v1/chat/completions`, body)
  const challenge = await json(refused)
  say(`     ← ${refused.status} Payment Required`)
  tell(7, `WWW-Authenticate: ${onLine(refused.headers.get('www-authenticate') ?? '', 54)}`)
  tell(7, onLine(challenge.error.message, 200))
  say('')

  step(
    `2. Their wallet pays the invoice, ${challenge.amount_sats} play sat, and learns its preimage:`,
  )
  const paid = await json(
    await post(`${url}/play/pay`, JSON.stringify({ invoice: challenge.l402.invoice })),
  )
  say(`     preimage ${onLine(paid.preimage)}`)
  tell(5, 'The macaroon of the 402 and the preimage are a pass: an API key for any client.')
  say('')

  step('3. The same request with the pass is answered, streamed as it comes:')
  const pass = `${challenge.l402.macaroon}:${paid.preimage}`
  const answer = await post(`${url}/v1/chat/completions`, body, pass)
  const cost = await stream(host, answer)

  const balance = await json(
    await fetch(`${url}/v1/balance`, { headers: { authorization: `Bearer ${pass}` } }),
  )
  say('\n')
  step(`4. It cost ${sat(cost)} play sat: the tokens that flowed, to the millisatoshi.`)
  tell(
    5,
    `${sat(balance.available_msat)} play sat are left on the pass, good for the next answers.`,
  )
  tell(5, 'Whoever has the pass can also take them out: on the page, or by POST /v1/withdraw.')
  say('')
  say('  Try it as an OpenAI client would:\n')
  say(`     export OPENAI_BASE_URL=${url}/v1`)
  say(`     export OPENAI_API_KEY=${pass}`)
  say(
    `     curl -N $OPENAI_BASE_URL/chat/completions -H "Authorization: Bearer $OPENAI_API_KEY" \\\n          -d '{"model":"${named}","stream":true,"messages":[{"role":"user","content":"Hello"}]}'\n`,
  )
  say(`     curl ${url}/v1/balance -H "Authorization: Bearer $OPENAI_API_KEY"`)
  say(
    `\n  The page for buyers, in a browser: ${url}\n  Real money, with no node and no account: satgate --upstream http://localhost:11434\n`,
  )
}

// biome-ignore lint/suspicious/noExplicitAny: the demo reads its own gate's answers as a client would
const json = async (response: Response): Promise<any> => response.json()

const post = (url: string, body: string, pass?: string): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      ...(pass === undefined ? {} : { authorization: `L402 ${pass}` }),
    },
  })

/** Prints a stream's text as it arrives. Its cost, in msat, stands in a comment at its end. */
async function stream(host: Host, response: Response): Promise<number> {
  const width = 72
  let column = 0
  let cost = 0
  let rest = ''
  host.stdout.write('     ')
  const print = (text: string) => {
    for (const word of text.split(/(?<=\s)/)) {
      if (column + word.length > width) {
        host.stdout.write('\n     ')
        column = 0
      }
      const shown = column === 0 ? word.trimStart() : word
      host.stdout.write(shown)
      column += shown.length
    }
  }
  for await (const chunk of response.body ?? []) {
    const lines = (rest + Buffer.from(chunk).toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const said = /^: satgate cost_msat=(\d+)/.exec(line)
      if (said !== null) cost = Number(said[1])
      else if (line.startsWith('data: {')) {
        const { choices } = JSON.parse(line.slice(6))
        print(choices[0]?.delta?.content ?? '')
      }
    }
  }
  return cost
}

const sat = (msat: number): string => formatSat(BigInt(msat))
