import {
  dearestImage,
  IMAGE_QUALITY,
  IMAGE_SIZE,
  type ImagePrice,
  imageKey,
} from '../money/image-prices.ts'
import { parseSatsEach } from '../money/parse.ts'
import { type Node, quote } from './node.ts'
import { type Reading, scalar } from './reader.ts'

const FORM = 'image takes sats for each image, or a table: { "1024x1024": 40, "1024x1024/hd": 80 }'

/** What `image` of a price says: one price, or one for each size and quality. */
export interface ImagePrices {
  /** msat per million images: of the dearest entry, if there is a table. */
  readonly image: bigint
  readonly images?: readonly ImagePrice[]
}

/** `40`, or `{ "1024x1024": 40, "1024x1024/hd": 80 }`. */
export function imagePrices(node: Node, reading: Reading): ImagePrices | undefined {
  if (node.is !== 'record') {
    const image = scalar(parseSatsEach)(node, reading)
    return image === undefined ? undefined : { image }
  }
  const read = node.entries.map(({ at, key, value }) => {
    const [size = '', quality, ...more] = key.split('/')
    const good =
      IMAGE_SIZE.test(size) &&
      (quality === undefined || IMAGE_QUALITY.test(quality)) &&
      more.length === 0
    if (!good) return reading.mistake(at, `${quote(key)} is no size and quality; ${FORM}`)
    const each = scalar(parseSatsEach)(value, reading)
    return each === undefined ? undefined : { size, quality: quality ?? null, each }
  })
  const images = read.filter((one) => one !== undefined)
  if (images.length < read.length) return undefined
  if (images.length === 0) return reading.mistake(node.at, FORM)
  const keys = images.map(imageKey)
  const twice = keys.find((key, at) => keys.indexOf(key) !== at)
  if (twice !== undefined) return reading.mistake(node.at, `${twice} has two prices`)
  return { image: dearestImage(images), images }
}
