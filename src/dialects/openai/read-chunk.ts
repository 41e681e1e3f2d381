import { isObject, type JsonObject } from '../kit/json.ts'
import type { ResponseUsage } from '../kit/response-usage.ts'
import { choicesOf, indexOf, isFinished, saidBeside, saidBy, saysNothing } from './choices.ts'
import { reportOf } from './reported-usage.ts'

/**
 * Reads a chunk or a whole answer into the usage: texts, ends, a report. False if it cannot be read.
 *
 * @param hasOutput false for embeddings, which have no choices
 */
export function readChunk(usage: ResponseUsage, chunk: JsonObject, hasOutput: boolean): boolean {
  usage.next()
  const choices = choicesOf(chunk)
  if (hasOutput && !readTexts(usage, chunk, choices)) return false
  const report = reportOf(chunk, hasOutput)
  if (report === null) return true
  const [only, ...more] = choices
  const apart = more.length > 0 || only === undefined || saysNothing(only)
  usage.reports(report, apart ? null : indexOf(only, 0))
  return true
}

function readTexts(
  usage: ResponseUsage,
  chunk: JsonObject,
  choices: readonly JsonObject[],
): boolean {
  let place = 0
  for (const choice of choices) {
    const index = indexOf(choice, place)
    const said = saidBy(choice, usage.spoke(index))
    if (said === null) return false
    usage.says(index, said, isObject(choice.delta))
    if (isFinished(choice)) usage.finish(index)
    place += 1
  }
  const beside = saidBeside(chunk)
  if (beside === null) return false
  usage.others(beside)
  return true
}
