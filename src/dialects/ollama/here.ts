import type { Json, JsonObject } from '../kit/json.ts'

/**
 * Answers to requests without a prompt, which only load a model into memory or take it out. Nothing
 * is asked of the backend: what is loaded is the operator's choice (threats L20).
 */

/** The answer of `/api/chat` or `/api/generate`. `empty` is what stands where the text would be. */
export const loaded =
  (request: JsonObject, empty: JsonObject) =>
  (now: number): Uint8Array =>
    Buffer.from(
      JSON.stringify({
        model: request.model,
        created_at: new Date(now).toISOString(),
        ...empty,
        done: true,
        done_reason: isNoTime(request.keep_alive) ? 'unload' : 'load',
      }),
    )

/** 0, or a duration of nothing in Go's spelling, such as `0s` or `0m0s`. */
const isNoTime = (time: Json | undefined): boolean =>
  time === 0 || (typeof time === 'string' && /^[+-]?0[0a-zµ.]{0,16}$/.test(time))
