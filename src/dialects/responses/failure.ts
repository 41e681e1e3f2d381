import { isObject, type Json, type JsonObject } from '../kit/json.ts'

/** Events by which the backend says that it failed. */
const FAILED = new Set(['error', 'response.failed', 'response.cancelled', 'response.error'])
/** Statuses of a response that failed. */
const OVER = new Set<unknown>(['failed', 'cancelled', 'canceled', 'expired'])
/** Statuses of a response that goes on at the upstream (threats L18). */
const RUNNING = new Set<unknown>(['in_progress', 'queued'])

/**
 * The error that an event contains, for the operator; null if it contains none (threats K8).
 * @param type the type of the event
 */
export function failureOfEvent(type: string, event: JsonObject): string | null {
  const { response } = event
  if (isObject(response)) {
    const failure = failureOf(response)
    if (failure !== null) return failure
  }
  if (FAILED.has(type) || event.error) return textOf(event.error || event)
  return event.object === 'error' || event.detail ? textOf(event) : null
}

/** The error that a response contains; null if it contains none. */
export function failureOf(response: JsonObject): string | null {
  const { error, status } = response
  if (error) return textOf(error)
  return OVER.has(status) ? `status ${String(status)}` : null
}

/** Whether a response goes on at the upstream after its answer (threats L18). */
export const isRunning = ({ status }: JsonObject): boolean => RUNNING.has(status)

/**
 * Whether a response goes on at the upstream, or ended for no reason that it names, so that nobody can say
 * what it comes to (threats L18).
 */
export function isUnfinished(response: JsonObject): boolean {
  const { status, incomplete_details: details } = response
  if (isRunning(response)) return true
  return status === 'incomplete' && !(isObject(details) && typeof details.reason === 'string')
}

const MOST_TEXT = 1_000

function textOf(error: Json): string {
  if (typeof error === 'string') return error.slice(0, MOST_TEXT)
  if (!isObject(error)) return 'an error'
  for (const text of [error.message, error.msg, error.detail]) {
    if (typeof text === 'string') return text.slice(0, MOST_TEXT)
  }
  const { code } = error
  return typeof code === 'string' || typeof code === 'number' ? `code ${code}` : 'an error'
}
