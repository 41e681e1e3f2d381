import { isPrivate } from '../../floor/address.ts'
import type { Asked } from '../dialect.ts'
import { isObject, type Json, type JsonObject } from '../kit/json.ts'
import { asBuffer } from '../kit/sse.ts'
import { readJson } from '../kit/tolerant-json.ts'
import { countIn } from '../kit/usage-report.ts'
import type { WholeAnswer } from '../kit/whole-meter.ts'

/**
 * The most tokens that a backend reports for one image: the largest of the documented ones is 6,240
 * (OpenAI's guide to image generation, high quality at 1024x1536).
 */
export const IMAGE_TOKENS = 8_192

/**
 * Reads an answer: charged are the images in it. Null if it has none, or an error (threats K8), or an
 * image at an address of the backend's own network, which would tell it and which no buyer reaches
 * (threats J21). More images than were asked for are left out (threats J8).
 */
export function readImages(body: Uint8Array, { most }: Pick<Asked, 'most'>): WholeAnswer | null {
  const answer = readJson(asBuffer(body).toString('utf8'))
  if (!isObject(answer) || isFailure(answer) || !Array.isArray(answer.data)) return null
  const { data } = answer
  const wanted = most.image ?? 1
  if (data.length === 0 || !data.every(isImage)) return null
  const image = Math.min(data.length, wanted)
  const shown =
    data.length === image
      ? body
      : Buffer.from(JSON.stringify({ ...answer, data: data.slice(0, image) }))
  const { input_tokens, output_tokens } = isObject(answer.usage) ? answer.usage : {}
  const input = Math.min(countIn(input_tokens) ?? 0, most.input)
  const output = Math.min(countIn(output_tokens) ?? 0, most.output ?? 0)
  return { shown, used: { input, output, image }, reported: true }
}

const isFailure = ({ error }: JsonObject): boolean => error !== undefined && error !== null

const isImage = (one: Json): boolean => {
  if (!isObject(one)) return false
  const { b64_json: data, url } = one
  if (url !== undefined && url !== null && !(typeof url === 'string' && isPublic(url))) return false
  return (typeof data === 'string' && data !== '') || typeof url === 'string'
}

/** A URL that anybody can read, or the image itself. */
function isPublic(url: string): boolean {
  if (url.startsWith('data:image/')) return true
  if (!URL.canParse(url)) return false
  const { hostname, password, protocol, username } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') return false
  const known = hostname.includes('.') && !INNER.test(hostname) && !isPrivate(hostname)
  return username === '' && password === '' && known
}

/** Names that only the network of the backend knows. */
const INNER = /\.(?:local|internal|lan|home|intranet|corp|cluster)\.?$/
