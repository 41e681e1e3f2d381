/**
 * The words that may pass from a backend's own text (threats J21). A sentence passes if each of its
 * words is one of these, a number, or a field of a request. Paths, hosts, addresses, accounts and
 * keys cannot be written with them, so none of those has to be recognised.
 */
const WORDS: ReadonlySet<string> = new Set(
  `a about above accept accepted accepts after again all allowed allows alternate alternating already
  also alternative an and any are argument arguments array arrays as assistant at available bad be
  because been before below between body boolean both but by call calls can cannot cap characters
  check choice choices code combination completion completions contain contained contains content
  context conversation could count current currently decimal decrease default defined depth
  did do does doesn't don't duplicate either element elements embedding embeddings empty enabled end
  ended entries entry enum equal error exact exactly exceed exceeded exceeding exceeds expected extra
  failed feature field fields finite first float following for forbidden format found from function
  functions generate generated generation given got grammar greater had has have higher however if
  image images implemented in increase incorrect input inputs instead integer into invalid is isn't it
  item items its json just key-value large larger last least left length less limit limited limits
  list logprobs long longer lower malformed many match matching max maximum may message messages min
  minimum missing mode model model's models more most must name names neither nested new no non none
  nor not null number numbers object objects of on one only option options or order other out output
  over parallel parameter parameters parse parsed part parts pattern penalty per please positive
  possible prompt prompts properties property provide provided range rather reached read reasoning
  received recognized reduce refused repeated request requested requests require required requires
  response result resulted results retry role roles same sampling schema schemas see send sent
  sequence sequences set setting should shorten shorter size small smaller some specified specify
  stop stream streaming string strings structured such supplied support supported supports syntax
  system temperature text than that the their them then there these they this those time times to
  together token tokens too tool tools top total try type types under unexpected unknown unrecognized
  unsupported up use used user using valid value values vision was we were when where which while
  will with within without words wrong you your zero`.split(/\s+/),
)

/** The names of fields of a request. Errors name the field that is wrong. */
const FIELDS: ReadonlySet<string> = new Set(
  `best_of content content_type description echo encoding_format dimensions frequency_penalty
  function function_call functions guided_choice guided_grammar guided_json guided_regex
  include_usage input json_object json_schema logit_bias logprobs max_completion_tokens max_tokens
  messages metadata min_p model modalities n name parallel_tool_calls parameters prediction
  presence_penalty prompt properties reasoning reasoning_content reasoning_effort
  repetition_penalty required response_format role schema seed stop stream stream_options strict
  structured_outputs suffix temperature text tool_call_id tool_calls tool_choice tools top_k
  top_logprobs top_p type user verbosity`.split(/\s+/),
)

const NUMBER = /^[-+]?\d{1,8}(?:\.\d{1,4})?%?$/
const SIGN = /^(?:[<>]=?|==?|[-+/|]|\.{3}|…)$/
/** Punctuation around a word. */
const AROUND = /^["'`([{]+|["'`)\]}.,;:!?]+$/g

/** The name of a field, or of a part of one: `messages[0].content`, `tools.3.function`. */
export function isField(text: string): boolean {
  if (text.length > 100) return false
  const names = text.replace(/\[\d{1,6}\]/g, '').split('.')
  return (
    FIELDS.has(names[0] ?? '') && names.every((name) => FIELDS.has(name) || /^\d{1,6}$/.test(name))
  )
}

/** A name such as `unsupported_value` whose parts are all plain words. */
export const isPlainName = (text: string): boolean =>
  text.length <= 64 && text.split(/[_.-]/).every((part) => WORDS.has(part))

/** The plain sentences of a text, at most four. Empty if there is none. */
export function plainSentences(text: string): string {
  const sentences = text.slice(0, 2_000).split(/(?<=[.!?])\s+|[\r\n]+/)
  return sentences.filter(isPlain).slice(0, 4).join(' ')
}

function isPlain(sentence: string): boolean {
  const words = sentence.split(/[ \t]+/).filter((word) => word !== '')
  return words.some((word) => /[a-z]/i.test(word)) && words.every(mayPass)
}

function mayPass(word: string): boolean {
  const bare = word.replace(AROUND, '')
  if (bare === '' || NUMBER.test(bare) || SIGN.test(bare) || SIGN.test(word)) return true
  if (isField(bare)) return true
  return bare.split('/').every((part) => part === '' || WORDS.has(part.toLowerCase()))
}
