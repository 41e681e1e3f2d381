/**
 * Habits of backends: different ways to write the same stream. Each dialect that streams is tested
 * with all of them.
 */
export interface Habit {
  readonly name: string
  /** The stream as a backend with this habit sends it. */
  bend(stream: string): string
}

type Chunk = Record<string, unknown>
type Choice = Record<string, unknown>

const DONE = 'data: [DONE]\n\n'

const events = (stream: string): string[] => stream.split('\n\n').filter((event) => event !== '')
const isDone = (event: string): boolean => event === DONE.trimEnd()

/** Changes the text of every event but `[DONE]`. */
const each = (stream: string, change: (event: string) => string): string =>
  events(stream)
    .map((event) => `${isDone(event) ? event : change(event)}\n\n`)
    .join('')

/** Changes every chunk as JSON into none, one or several. */
const chunks = (stream: string, change: (chunk: Chunk) => readonly Chunk[]): string =>
  events(stream)
    .flatMap((event) =>
      isDone(event)
        ? [event]
        : change(JSON.parse(event.slice(6))).map((chunk) => `data: ${JSON.stringify(chunk)}`),
    )
    .map((event) => `${event}\n\n`)
    .join('')

const choices = (chunk: Chunk, change: (choice: Choice) => Choice): Chunk => ({
  ...chunk,
  choices: (chunk.choices as Choice[]).map(change),
})

/** The text of a choice, and a function that makes the same choice with another text. */
const textOf = (choice: Choice): string =>
  String(choice.text ?? (choice.delta as Choice).content ?? '')
const say = (choice: Choice, text: string): Choice =>
  choice.text === undefined
    ? { ...choice, delta: { ...(choice.delta as Choice), content: text } }
    : { ...choice, text }

const reason = (value: unknown) => (chunk: Chunk) => [
  choices(chunk, (choice) => ({ ...choice, finish_reason: choice.finish_reason ?? value })),
]

export const HABITS: readonly Habit[] = [
  { name: 'K1 finish_reason ""', bend: (stream) => chunks(stream, reason('')) },
  { name: 'K1 finish_reason "null"', bend: (stream) => chunks(stream, reason('null')) },
  { name: 'K1 stop behind every chunk', bend: (stream) => chunks(stream, reason('stop')) },
  {
    name: 'K3 one character per delta',
    bend: (stream) =>
      chunks(stream, (chunk) => {
        const [choice] = chunk.choices as Choice[]
        const text = choice === undefined ? '' : textOf(choice)
        if (text === '') return [chunk]
        return [...text].map((c) => choices(chunk, (only) => say(only, c)))
      }),
  },
  {
    name: 'K3 loading notes first',
    bend: (stream) => {
      const [first = ''] = events(stream)
      const chunk = JSON.parse(first.slice(6))
      const note = choices(chunk, (choice) => say(choice, ''))
      return `data: ${JSON.stringify(note)}\n\n`.repeat(30) + stream
    },
  },
  {
    name: 'K4 a message beside the delta',
    bend: (stream) =>
      chunks(stream, (chunk) => [
        choices(chunk, (choice) =>
          choice.text === undefined ? { ...choice, message: { content: textOf(choice) } } : choice,
        ),
      ]),
  },
  {
    name: 'K4 the whole message so far beside the delta',
    bend: (stream) => {
      let sofar = ''
      return chunks(stream, (chunk) => [
        choices(chunk, (choice) => {
          sofar += textOf(choice)
          return choice.text === undefined ? { ...choice, message: { content: sofar } } : choice
        }),
      ])
    },
  },
  {
    name: 'K4 each delta holds the text so far',
    bend: (stream) => {
      let sofar = ''
      return chunks(stream, (chunk) => [
        choices(chunk, (choice) => {
          const text = textOf(choice)
          sofar += text
          return text === '' ? choice : say(choice, sofar)
        }),
      ])
    },
  },
  {
    name: 'K7 events parted by one line feed',
    bend: (stream) => `${events(stream).join('\n')}\n\n`,
  },
  {
    name: 'K7 events parted by one CR LF',
    bend: (stream) => `${events(stream).join('\r\n')}\r\n\r\n`,
  },
  {
    name: 'K7 and no blank line at the end either',
    bend: (stream) => events(stream).join('\n'),
  },
  {
    name: 'J9 NaN and Infinity in every event',
    bend: (stream) =>
      each(stream, (event) =>
        event.replace('"choices":', '"a":NaN,"b":[-Infinity,{"c":Infinity}],"choices":'),
      ),
  },
  {
    name: 'J9 a byte order mark in front of every event',
    bend: (stream) => each(stream, (event) => `\uFEFF${event}`),
  },
  {
    name: 'J9 a byte order mark in front of the data',
    bend: (stream) => each(stream, (event) => event.replace('data: ', 'data: \uFEFF')),
  },
  {
    name: 'J9 names, ids and comments',
    bend: (stream) => each(stream, (event) => `: hello\nevent: message\nid: 7\nretry: 3\n${event}`),
  },
  {
    name: 'J9 comments and empty events between',
    bend: (stream) =>
      each(stream, (event) => `: ping\n\ndata:\n\ndata: null\n\nevent: ping\n\n${event}`),
  },
  {
    name: 'J9 choices twice, of which the last counts',
    bend: (stream) =>
      each(stream, (event) =>
        event.replace('"choices":', '"choices":[{"index":7,"delta":{"content":"no"}}],"choices":'),
      ),
  },
  {
    name: 'J9 choices as an object',
    bend: (stream) =>
      each(stream, (event) => event.replace(/"choices":\[(\{.*\})\]/, '"choices":{"0":$1}')),
  },
  {
    name: 'white space around everything',
    bend: (stream) => each(stream, (event) => event.replace('data: ', 'data:  \t ').concat(' ')),
  },
]
