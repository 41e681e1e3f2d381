import type {
  Asked,
  Backend,
  Dialect,
  Granted,
  Meter,
  RequestHead,
} from '../../src/dialects/dialect.ts'

export const BACKENDS: readonly Backend[] = ['ollama', 'vllm', 'llamacpp', 'lmstudio', 'other']

export const bytes = (value: unknown): Buffer =>
  Buffer.from(
    typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value),
  )

/** The headers of a request with a JSON body. */
export const HEAD: RequestHead = { contentType: 'application/json', headers: {} }

/** A request that must be readable. */
export function mustRead(dialect: Dialect, request: unknown): Asked {
  const read = dialect.read(bytes(request), HEAD)
  if (!read.ok) throw new Error(`${read.error.code}: ${read.error.message}`)
  return read.value
}

export const grant = (output = 1_000, choices = 1): Granted => ({
  output: output * choices,
  limit: output,
  count: (text) => Math.ceil(text.length / 4),
})

/** Bytes cut at these places, each taken modulo what is left. */
export function pieces(whole: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, i) => whole.subarray(from, places[i] ?? whole.length))
}

/** Everything that can be seen of a meter that was fed these. */
export function feed(meter: Meter, chunks: readonly Uint8Array[]) {
  const out = chunks.map((chunk) => Buffer.from(meter.stream(chunk)))
  out.push(Buffer.from(meter.rest()), Buffer.from(meter.finish()))
  return { out: Buffer.concat(out).toString(), seen: { ...meter.seen }, usage: meter.usage(7) }
}
