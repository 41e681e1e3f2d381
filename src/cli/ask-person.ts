import type { Answer } from '../daemon/host.ts'
import type { World } from '../floor/world.ts'

/** ms. After a reboot nobody may sit at the terminal, and the gate must start all the same. */
const ANSWER_WITHIN = 120_000

/** Reads one line of an answer. `interrupted` is Ctrl+C. */
export async function askPerson(
  world: World,
  question: string,
  {
    input,
    output,
  }: { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream },
  withinMs = ANSWER_WITHIN,
): Promise<Answer> {
  const { createInterface } = await import('node:readline')
  const lines = createInterface({ input, output })
  return new Promise((resolve) => {
    const unanswered = (answer: Answer) => {
      output.write('\n')
      ended(answer)
    }
    const late = world.after(withinMs, () => unanswered('closed'))
    const ended = (answer: Answer) => {
      late.cancel()
      resolve(answer)
      lines.close()
    }
    // While readline reads a line, Ctrl+C comes as its event and not as a signal.
    lines.once('SIGINT', () => unanswered('interrupted'))
    lines.on('error', () => ended('closed'))
    lines.once('close', () => ended('closed'))
    lines.question(question, (typed) => ended({ typed }))
  })
}
