import type { Asked, Granted, Meter } from '../dialect.ts'
import type { JsonObject } from '../kit/json.ts'

/** A longer prompt is not counted for this usage, because counting stops all other streams. */
const MOST_COUNTED = 16 * 1024

/** The usage at the end of a stream that was cut, if the client asked for usage. */
export function usageSoFar(
  meter: Pick<Meter, 'usage'>,
  about: { readonly asked: Asked; readonly granted: Granted },
): JsonObject {
  const { input = 0, output = 0 } = meter.usage(promptOf(about.asked, about.granted))
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
}

/** The tokens of the prompt by our own count, or by its bytes if it is long. */
export function promptOf(asked: Asked, { count }: Granted): number {
  if (asked.most.input > MOST_COUNTED) return Math.ceil(asked.most.input / 4)
  let prompt = asked.ids
  for (const text of asked.texts()) prompt += count(text)
  return prompt
}
