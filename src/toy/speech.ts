import { createHash } from 'node:crypto'

const TOKEN = /\s*(?:[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}])|\s+/gu

/**
 * The toy model's tokens: a word or a punctuation mark, each with the white space before it. Joined
 * they are the text again, so what is streamed token by token is what is counted.
 */
export const tokenize = (text: string): string[] => text.match(TOKEN) ?? []

type Dice = <T>(options: readonly [T, ...T[]]) => T

/** Picks by the SHA-256 of a text, so the same question always gets the same answer. */
function dice(seed: string): Dice {
  const bytes = createHash('sha256').update(seed).digest()
  let throws = 0
  return (options) => {
    const byte = bytes[throws++ % bytes.length] ?? 0
    return options[byte % options.length] ?? options[0]
  }
}

/**
 * An answer of three to six sentences about the question, always the same one. It knows a little
 * about the gate it stands behind, and says so if it knows nothing. If the question asks for steps, a
 * table or code, the answer has them in Markdown, which the page for buyers shows.
 */
export function speak(question: string): string {
  // The sessions in docs/transcripts quote answers that this seed picks.
  const pick = dice(`\ntoy\n0\n${question}`)
  const topic = topicOf(question)
  const facts = KNOWN.filter(([pattern]) => pattern.test(question)).map(([, lines]) => pick(lines))
  const known = facts.slice(0, 3)
  const middle = known.length > 0 ? known : [fill(pick(SHRUGS), topic), fill(pick(ADVICE), topic)]
  const extra = known.length === 1 ? [fill(pick(ASIDES), topic)] : []
  const said = [fill(pick(OPENINGS), topic), ...middle, ...extra].join(' ')
  const shown = SHOWN.filter(([pattern]) => pattern.test(question)).map(([, block]) => block)
  const closing = fill(pick(CLOSINGS), topic)
  return shown.length === 0 ? `${said} ${closing}` : [said, ...shown, closing].join('\n\n')
}

type Lines = readonly [string, ...string[]]

const OPENINGS: Lines = [
  'You asked about {topic}, and you paid for an answer, so here it is.',
  'Ah, {topic}.',
  'Let us talk about {topic}, one token at a time.',
  'A fine question about {topic}, and its words were counted with care: prompts are charged too.',
  'On {topic} I can be brief.',
]

const SHRUGS: Lines = [
  'I am a toy of a few dozen sentences, and {topic} is in none of the others.',
  'My training set is one file, and it does not mention {topic}.',
  'If I knew more about {topic} I would need a graphics card.',
]

const ADVICE: Lines = [
  'Put a real model behind this gate with --upstream and ask it the same thing.',
  'Ask me about prices, invoices, Lightning, tokens or macaroons instead, and I will be useful.',
  'In my experience {topic} gets clearer with a smaller question and a larger model.',
]

const ASIDES: Lines = [
  'That is the whole of it, which is more than most say in a page.',
  'Everything else about {topic} is detail, and detail is charged by the token.',
  'You may repeat that at dinner.',
]

const CLOSINGS: Lines = [
  'The full stop at the end of this sentence is a token as well.',
  'What was held for this answer and not used is yours again.',
  'No account was made in the course of this conversation.',
  'If you had left halfway, you would have paid for half.',
]

/** What it knows: said where the pattern is in the question. Every line has to be true. */
const KNOWN: readonly (readonly [RegExp, Lines])[] = [
  [
    /\b(hi|hello|hey|hallo|bonjour|ping)\b/i,
    [
      'Hello to you: that is one word and one comma, counted fairly.',
      'Good day, I am the toy model of satgate, and I was told to be polite.',
    ],
  ],
  [
    /satgate|\bgate\b|paywall/i,
    [
      'satgate stands in front of a model and lets a request through once it is paid for.',
      'satgate sets aside the most that an answer may cost, then charges the tokens that flowed.',
    ],
  ],
  [
    /lightning|channel|bolt ?11/i,
    [
      'A Lightning payment is settled by a preimage: whoever can show it has paid.',
      'Lightning moves amounts too small for a card, usually before you have found the card.',
    ],
  ],
  [
    /pric|cost|cheap|expensive|\bpay|how much/i,
    [
      'At 1 sat per 1,000 tokens each token is one millisatoshi, and there is no smallest bill.',
      'The price is a pure function of what was asked and what flowed, and haggling is not one of its arguments.',
    ],
  ],
  [
    /\btokens?\b|tokeni[sz]/i,
    [
      'I count a word as one token and a punctuation mark as another, so shouting costs extra!',
      'Every token that I stream is one that I report, which is rarer than it should be.',
    ],
  ],
  [
    /\b402\b|invoice|payment/i,
    [
      'Status 402 has been in HTTP since 1997, reserved for future use; this is the future.',
      'An invoice is a request for one payment, and its hash is the lock that the preimage opens.',
    ],
  ],
  [
    /macaroon|\bl402\b|\blsat\b|caveat/i,
    ['A macaroon is a credential that anybody can narrow and nobody can widen.'],
  ],
  [
    /bitcoin|\bbtc\b|\bsats?\b|satoshi|msat/i,
    ['A bitcoin is 100,000,000 satoshis, and Lightning cuts each of those into a thousand.'],
  ],
]

/** What it shows in Markdown. Every line has to be true. */
const SHOWN: readonly (readonly [RegExp, string])[] = [
  [
    /\bsteps?\b|\blist\b|\bhow (?:do|can|to)\b/i,
    `1. Ask for an **invoice**: \`POST /create-invoice\`
2. Pay it with any Lightning wallet
3. Use the key that you get in your client`,
  ],
  [
    /\btable\b|\bcompare\b/i,
    `| Unit | In bitcoin | At 1 sat per 1,000 tokens |
|:--|--:|--:|
| 1 millisatoshi | 0.00000000001 | 1 token |
| 1 satoshi | 0.00000001 | 1,000 tokens |
| 1,000 satoshis | 0.00001 | 1,000,000 tokens |`,
  ],
  [
    /\bcode\b|\bpython\b|\bexample\b/i,
    `\`\`\`python
from openai import OpenAI

# It reads OPENAI_BASE_URL and OPENAI_API_KEY.
client = OpenAI()
\`\`\``,
  ],
]

/** The longest word of the question, for it is usually the one that matters. */
function topicOf(question: string): string {
  const words = question.slice(0, 2_000).match(/[\p{L}\p{M}\p{N}]{4,24}/gu) ?? []
  const telling = words.filter((word) => !SMALL_TALK.has(word.toLowerCase()))
  const longest = telling.reduce((best, word) => (word.length > best.length ? word : best), '')
  return longest === '' ? 'that' : longest
}

const SMALL_TALK = new Set(
  'about again because could does explain from have hello please should tell that their them then there these they this what when where which will with would write your'.split(
    ' ',
  ),
)

const fill = (line: string, topic: string): string => line.replaceAll('{topic}', () => topic)
