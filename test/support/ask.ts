import { Agent, type IncomingMessage, request } from 'node:http'

/** An answer as it arrived, with its separate header lines and its trailers. */
export interface Answered {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly trailers: Readonly<Record<string, string | undefined>>
  readonly text: string
  /** The body as JSON. Undefined if it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
  readonly json: any
}

/** A request of a test. `body` is sent as JSON unless it is bytes or text already. */
export interface Question {
  readonly method?: string
  readonly path: string
  readonly body?: unknown
  /** A name with a list of values is sent once for each value. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

/** An answer that is still arriving. */
export interface Streaming {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** What has arrived so far. */
  readonly text: () => string
  /** Waits until the text contains `what`, or the answer ends. */
  until(what: string): Promise<string>
  /** The whole answer. `cut` is true if the connection broke before its end. */
  readonly over: Promise<{ readonly text: string; readonly cut: boolean }>
  readonly response: IncomingMessage
  /** The buyer hangs up. */
  leave(): void
}

/** The connections of a buyer. They are kept alive until `close` is called. */
export class Client {
  readonly #port: number
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 })

  constructor(port: number) {
    this.#port = port
  }

  close(): void {
    this.#agent.destroy()
  }

  /** Sends a request and waits for the whole answer. Rejects if the connection breaks. */
  async ask(question: Question): Promise<Answered> {
    const response = await this.#send(question).answer
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    const { statusCode: status = 0, headers, rawHeaders, trailers } = response
    return { status, headers, rawHeaders, trailers, text, json: parsed(text) }
  }

  /** Sends a request and resolves as soon as the head of the answer is there. */
  async open(question: Question): Promise<Streaming> {
    const sent = this.#send(question)
    const response = await sent.answer
    let text = ''
    const woken = new Set<() => void>()
    const wake = () => {
      for (const one of woken) one()
    }
    let ended = false
    response.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      wake()
    })
    const over = new Promise<{ text: string; cut: boolean }>((resolve) => {
      response.on('error', () => {})
      response.on('close', () => {
        ended = true
        wake()
        resolve({ text, cut: !response.complete })
      })
    })
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      response,
      text: () => text,
      over,
      leave: sent.leave,
      async until(what) {
        while (!text.includes(what) && !ended) {
          await new Promise<void>((then) => woken.add(then))
        }
        return text
      },
    }
  }

  /** Sends a request and does not wait. `answer` resolves with the head. */
  start(question: Question): { readonly answer: Promise<IncomingMessage>; leave(): void } {
    const sent = this.#send(question)
    sent.answer.catch(() => {})
    return sent
  }

  #send({ method, path, body, headers = {} }: Question) {
    const bytes =
      body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
        ? body
        : JSON.stringify(body)
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const sent = request(
      {
        host: '127.0.0.1',
        port: this.#port,
        path,
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        agent: this.#agent,
        headers: {
          ...(bytes === undefined ? {} : { 'content-length': Buffer.byteLength(bytes) }),
          ...(bytes === undefined ? {} : { 'content-type': 'application/json' }),
          ...(headers as Record<string, string | string[]>),
        },
      },
      resolve,
    )
    sent.on('error', reject)
    sent.end(bytes)
    return { answer: promise, leave: () => void sent.destroy() }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The values of a header, one for each line. */
export function lines({ rawHeaders }: Pick<Answered, 'rawHeaders'>, name: string): string[] {
  return rawHeaders.flatMap((_, at) =>
    at % 2 === 0 && rawHeaders[at]?.toLowerCase() === name.toLowerCase()
      ? [rawHeaders[at + 1] ?? '']
      : [],
  )
}
