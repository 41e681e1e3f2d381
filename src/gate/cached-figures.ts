/**
 * The members in which backends say how much of a prompt they had in their cache, each with those that
 * have the rest of the prompt: OpenAI, DeepSeek, llama.cpp, Anthropic.
 */
const RESTS: Readonly<Record<string, readonly string[]>> = {
  cached_tokens: [],
  prompt_cache_hit_tokens: ['prompt_cache_miss_tokens'],
  cache_n: ['prompt_n'],
  cache_read_input_tokens: ['cache_creation_input_tokens', 'ephemeral_5m_input_tokens'],
}
/** Anthropic's API as llama.cpp speaks it: nothing is written on demand, and a miss is plain input. */
const UNWRITTEN = ['input_tokens']
const NAMES = Object.keys(RESTS)

const figure = (names: readonly string[]): RegExp =>
  new RegExp(`(?<=[{,\\s])"(${names.join('|')})"(\\s*:\\s*)(\\d+)`, 'g')
const CACHED = figure(NAMES)
const REST = figure([...Object.values(RESTS).flat(), ...UNWRITTEN])
/** Rates of llama.cpp, out of which the rest of the prompt can be computed. */
const RATES = /(?<=[{,\s])"(prompt_per_token_ms|prompt_per_second)"(\s*:\s*)[\d.eE+-]+/g

/**
 * The bytes of an answer with no figure of a cache above `most`, as if the rest of the prompt had been
 * new to the backend (threats L21). A key inside of a text of the model has a backslash before its
 * quote, so it is left alone. Takes whole events or lines, or a whole answer.
 * @param most is asked for only if there is a figure above 0
 */
export function hideCached(bytes: Uint8Array, most: () => number): Uint8Array {
  if (bytes.length === 0) return bytes
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // All of the names have this in them, and few answers have it.
  if (!buffer.includes('cache') || !NAMES.some((name) => buffer.includes(`"${name}"`))) return bytes
  const text = buffer.toString('latin1')
  const shown = piecesOf(text)
    .map((piece) => hidden(piece, most))
    .join('')
  return shown === text ? bytes : Buffer.from(shown, 'latin1')
}

/** An answer in one piece may have several lines. Of a stream, each line is data by itself. */
const piecesOf = (text: string): readonly string[] =>
  /^\s*[{[]/.test(text) && !/^.*\}\r?\n\{/.test(text) ? [text] : text.split(/(?<=\n)/)

function hidden(piece: string, most: () => number): string {
  const more = new Map<string, number>()
  const unwritten = !piece.includes('"cache_creation_input_tokens"')
  const less = piece.replace(CACHED, (whole, name: string, colon: string, digits: string) => {
    const tokens = Number(digits)
    const own = tokens === 0 ? 0 : Math.min(tokens, most())
    const rests = unwritten && name === 'cache_read_input_tokens' ? UNWRITTEN : (RESTS[name] ?? [])
    for (const rest of rests) more.set(rest, tokens - own)
    return own === tokens ? whole : `"${name}"${colon}${own}`
  })
  if (more.size === 0) return less
  const grown = less.replace(REST, (whole, name: string, colon: string, digits: string) => {
    const tokens = more.get(name) ?? 0
    return tokens === 0 ? whole : `"${name}"${colon}${Number(digits) + tokens}`
  })
  return more.has('prompt_n') ? grown.replace(RATES, '"$1"$20') : grown
}
