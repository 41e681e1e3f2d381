import { explain, type Failure, failureOf, type Why } from '../outbound/failure.ts'

/** Why a backend cannot be reached. Events use these words. */
export type Unreachable =
  | 'refused'
  | 'unknown_host'
  | 'certificate'
  | 'tls'
  /** The connection opens, but no answer comes. The backend may only be busy. */
  | 'silent'
  | 'no_answer'

const KINDS: Partial<Readonly<Record<Why, Unreachable>>> = {
  refused: 'refused',
  unknown_host: 'unknown_host',
  no_lookup: 'unknown_host',
  untrusted: 'certificate',
  expired: 'certificate',
  not_yet_valid: 'certificate',
  another_name: 'certificate',
  no_tls: 'tls',
  silent: 'silent',
}

/**
 * Finds the kind of a failed connection from the code and message of its error, as `getJson`
 * returns them.
 */
export const whyUnreachable = (detail: string): Unreachable =>
  KINDS[failureIn(detail).why] ?? 'no_answer'

function failureIn(detail: string): Failure {
  if (/^no answer within/.test(detail)) return { why: 'silent', code: '' }
  if (/no connection within/.test(detail)) return { why: 'no_connection', code: '' }
  return failureOf(/\b[A-Z][A-Z_]{4,}\b/.exec(detail)?.[0] ?? '')
}

/** A text for the operator: what is wrong at `url`, and what helps. */
export function helpWith(detail: string, url: URL): string {
  const failure = failureIn(detail)
  const said = explain(failure, url)
  switch (failure.why) {
    case 'refused':
      return `${said}: ${startHelp(url)}`
    case 'unknown_host':
    case 'no_lookup':
      return `${explain({ why: 'unknown_host', code: '' }, url)}: is it spelled right, and does this machine have DNS?`
    case 'silent':
      return `${url.href} takes the connection and does not answer in time: it may be busy, or loading a model`
    case 'hung_up':
      return `${url.host} closes the connection without an answer: does it speak HTTP at that port?`
    case 'failed':
      return `nobody answers at ${url.host}`
    default:
      return said
  }
}

/** What usually listens at a port, and how to start it. */
const USUAL: Readonly<Record<string, string>> = {
  11434: 'is Ollama running? Start it with: ollama serve',
  8000: 'is vLLM running?',
  1234: 'is the server of LM Studio running? Start it with: lms server start',
  8080: 'is llama-server running?',
}

const startHelp = ({ port }: URL): string =>
  USUAL[port] ?? 'is the model server running, and is that its port?'
