import type { MicroMsat } from './price.ts'

/** One entry of a table of prices: what an image of this size and quality costs. */
export interface ImagePrice {
  /** `1024x1024`: width and height in pixels. */
  readonly size: string
  /** Null: every quality of this size that has no entry of its own. */
  readonly quality: string | null
  /** In msat per million images, as in a `Rate`. */
  readonly each: MicroMsat
}

/** What a request says of its images. Null where it leaves the choice to the backend. */
export interface ImageKind {
  readonly size: string | null
  readonly quality: string | null
}

/** A size in pixels, as OpenAI writes it. */
export const IMAGE_SIZE = /^[1-9]\d{1,4}x[1-9]\d{1,4}$/
export const IMAGE_QUALITY = /^[a-z][a-z0-9_-]{0,31}$/

/**
 * The entry of a table that a request costs: the dearest one that the request can mean (threats L19). A
 * size or quality that it does not name is the one of that entry. Null if no entry fits.
 */
export function imagePriceOf(table: readonly ImagePrice[], asked: ImageKind): ImagePrice | null {
  const ofSize = table.filter(({ size }) => asked.size === null || size === asked.size)
  const exact = ({ size }: ImagePrice): boolean =>
    ofSize.some((one) => one.size === size && one.quality === asked.quality)
  const fits = (one: ImagePrice): boolean => {
    if (asked.quality === null || one.quality === asked.quality) return true
    return one.quality === null && !exact(one)
  }
  const found = ofSize.filter(fits)
  const [first] = found
  if (first === undefined) return null
  const dearest = found.reduce((most, one) => (one.each > most.each ? one : most), first)
  return { ...dearest, quality: dearest.quality ?? asked.quality }
}

/** What one image of a table can cost at most. The table is not empty. */
export const dearestImage = (table: readonly ImagePrice[]): MicroMsat =>
  table.reduce((most, { each }) => (each > most ? each : most), 0n)

/** As the operator writes an entry: `1024x1024/hd`. */
export const imageKey = ({ size, quality }: Pick<ImagePrice, 'size' | 'quality'>): string =>
  quality === null ? size : `${size}/${quality}`

/**
 * The largest image that one price for all sizes sells: 2048 × 2048 pixels, and 4096 on one side. Larger
 * ones need an entry in a table, because their work grows with their pixels.
 */
const MOST_PIXELS = 2_048 * 2_048
const MOST_SIDE = 4_096

/** Whether a size is larger than what a price without a table sells. */
export function isLarge(size: string): boolean {
  const [width = 0, height = 0] = size.split('x').map(Number)
  return width > MOST_SIDE || height > MOST_SIDE || width * height > MOST_PIXELS
}
