import type { Size } from './picture-size.ts'

/**
 * The most tokens that the known families of models make of a picture of this size, whatever
 * `detail` the request asks for: most backends do not obey it. The formulas are those of
 * `docs/pricing.md#pictures-and-sound`.
 * @param most `media.imageTokens`. Nothing is above it, and a family that counts many times as
 * much is in the bound only if the operator raised `most` for it.
 */
export function tokensOfSize(size: Size, most: number): number {
  const families = most >= GPT_4O_MINI_MOST ? [...FAMILIES, gpt4oMini] : FAMILIES
  return Math.min(most, Math.max(...families.map((tokens) => tokens(size))))
}

/**
 * Families that scale small pictures up or fill them up: 26 tiles of 169 tokens and their marks
 * (Idefics3), 13 of 256 (InternVL), 5 of 576 (LLaVA-NeXT). Families whose largest picture is less:
 * OpenAI's tiles (1,445) and patches (1,536 × 2.46), Pixtral (4,160), Gemini (16 × 258), Gemma (256
 * for each of 5).
 */
const SMALLEST = 4_608

const tiles = ({ width, height }: Size, side: number): number =>
  Math.ceil(width / side) * Math.ceil(height / side)

const FAMILIES: readonly ((size: Size) => number)[] = [
  () => SMALLEST,
  // Qwen-VL and GLM-V: a token for 28 × 28 pixels, and a row more for rounding up.
  ({ width, height }) => (Math.ceil(width / 28) + 1) * (Math.ceil(height / 28) + 1),
  // Claude: width × height ÷ 750.
  ({ width, height }) => Math.ceil((width * height) / 750),
  // Llama 3.2: at most four tiles of 560 pixels, 1,601 tokens each.
  (size) => 1_601 * Math.min(4, tiles(size, 560)),
  // LLaVA-OneVision: at most nine tiles of 384 pixels, 729 tokens each, and the whole.
  (size) => 756 * (1 + Math.min(9, tiles(size, 384))),
]

/** OpenAI's gpt-4o-mini: 2,833 tokens and 5,667 for each of at most eight tiles of 512 pixels. */
const GPT_4O_MINI_MOST = 2_833 + 8 * 5_667

/** Pictures are scaled down before they are cut, never up. */
const gpt4oMini = (size: Size): number => 2_833 + 5_667 * Math.min(8, tiles(size, 512))
