import { err, ok, type Result } from '../../floor/result.ts'
import type { Malformed, MediaTerms } from '../dialect.ts'
import { base64Bytes } from './base64-bytes.ts'
import { refuse } from './checks.ts'

/**
 * The most tokens that a second of sound is in any known model: Gemini counts 32, Qwen-Audio 25,
 * Voxtral 12.5, OpenAI 10.
 */
const TOKENS_A_SECOND = 32
/** Many models fill short sound up to a window of 30 seconds. */
const WINDOW_SECONDS = 30
/** The fewest bytes of a second of MP3: 8 kbit/s (MPEG-2 Layer III, the lowest entry). */
const MP3_BYTES_A_SECOND = 1_000
/** The fewest bytes of a second of WAV here: 8,000 samples of one byte. Less is refused. */
const WAV_BYTES_A_SECOND = 8_000

/**
 * The most tokens that sound in a prompt can be: its bytes ÷ the lowest plausible bit rate × the most
 * tokens of a second (threats L19). What its header says about its length is never believed.
 * Only WAV and MP3 are taken, as in OpenAI's API: FLAC and others write an hour of silence in a few bytes.
 * @param data base64
 */
export function soundTokens(
  data: string,
  _terms: MediaTerms,
  param: string,
): Result<number, Malformed> {
  const bytes = base64Bytes(data)
  if (bytes === null) return err(refuse('invalid_value', `${param} is no base64.`, param))
  const rate = isWav(bytes) ? WAV_BYTES_A_SECOND : isMp3(bytes) ? MP3_BYTES_A_SECOND : null
  if (rate === null) return err(noSound(param))
  const seconds = Math.max(
    WINDOW_SECONDS,
    Math.ceil(bytes.length / rate / WINDOW_SECONDS) * WINDOW_SECONDS,
  )
  return ok(seconds * TOKENS_A_SECOND)
}

const noSound = (param: string): Malformed =>
  refuse(
    'unsupported_content',
    `${param} is no sound that can be sent here. Send MP3, or WAV without compression and with 8,000 samples a second or more.`,
    param,
  )

/** PCM, floating point, A-law and µ-law. All have a fixed rate. */
const UNCOMPRESSED: ReadonlySet<number> = new Set([1, 3, 6, 7])
/** The format stands in a field of its own, which may name any compression. */
const EXTENSIBLE = 0xfffe
const AT_SUBFORMAT = 24

/**
 * A WAV file whose samples cannot be fewer bytes than a second has. Each `fmt ` before the samples
 * must say so, because decoders disagree which one counts.
 */
function isWav(bytes: Buffer): boolean {
  if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE')
    return false
  let formats = 0
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = bytes.toString('latin1', at, at + 4)
    const length = bytes.readUInt32LE(at + 4)
    if (name === 'data') return formats > 0
    if (name === 'fmt ') {
      const end = Math.min(at + 8 + length, bytes.length)
      if (!isPlain(bytes.subarray(at + 8, end))) return false
      formats += 1
    }
    at += 8 + length + (length % 2)
  }
  return false
}

function isPlain(format: Buffer): boolean {
  if (format.length < 16) return false
  const channels = format.readUInt16LE(2)
  const samples = format.readUInt32LE(4)
  const bits = format.readUInt16LE(14)
  const named = format.readUInt16LE(0)
  const extended = named === EXTENSIBLE && format.length >= AT_SUBFORMAT + 16
  const known = UNCOMPRESSED.has(extended ? format.readUInt16LE(AT_SUBFORMAT) : named)
  return known && channels >= 1 && bits >= 8 && samples >= WAV_BYTES_A_SECOND
}

/** The first frame of MP3, behind a tag if there is one (MPEG-1 Layer III, ID3v2 3.1). */
function isMp3(bytes: Buffer): boolean {
  const at =
    bytes.toString('latin1', 0, 3) === 'ID3' && bytes.length > 10 ? 10 + tagLength(bytes) : 0
  if (at + 4 > bytes.length) return false
  const head = bytes.readUInt32BE(at)
  const layer3 = ((head >>> 17) & 3) === 1
  const version = ((head >>> 19) & 3) !== 1
  const rate = ((head >>> 12) & 15) % 15 !== 0
  const samples = ((head >>> 10) & 3) !== 3
  return head >>> 21 === 0x7ff && layer3 && version && rate && samples
}

/** Four groups of seven bits. */
const tagLength = (bytes: Buffer): number =>
  [6, 7, 8, 9].reduce((length, at) => length * 128 + ((bytes[at] ?? 0) & 127), 0)
