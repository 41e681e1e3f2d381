/**
 * The fewest bytes of a second of sound: 6 kbit/s, the lowest rate of Opus (RFC 6716 2). What a file says
 * about its own length is not believed (threats L19).
 */
const BYTES_A_SECOND = 750

/** The most seconds that a recording of so many bytes can be. */
export const longestSeconds = (bytes: number): number => Math.ceil(bytes / BYTES_A_SECOND)

const at = (bytes: Buffer, text: string, from = 0): boolean =>
  bytes.toString('latin1', from, from + text.length) === text

/**
 * Whether bytes begin like a recording: FLAC, MP3, MP4, MPEG, OGG, WAV or WebM. A decoder goes by these
 * bytes, and takes a playlist for a list of addresses to read (threats G11).
 */
export function isRecording(bytes: Buffer): boolean {
  if (at(bytes, 'fLaC') || at(bytes, 'OggS') || at(bytes, 'ID3') || at(bytes, 'ftyp', 4))
    return true
  if (at(bytes, 'RIFF') && at(bytes, 'WAVE', 8)) return true
  if (at(bytes, '\x1a\x45\xdf\xa3') || at(bytes, '\x00\x00\x01\xba')) return true
  // Eleven bits of a frame of MPEG audio, or of AAC.
  return bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0
}
