/** Kinds of backends with different habits. For `other`, every precaution is taken. */
export type Backend = 'ollama' | 'vllm' | 'llamacpp' | 'lmstudio' | 'other'

/** What the operator's settings and the backend make of a request. */
export interface Terms {
  /** `limits.requestFields`: further names of fields that pass. */
  readonly also: ReadonlySet<string>
  readonly backend: Backend
  readonly media: MediaTerms
}

/** What the operator's settings say of pictures and sound in a prompt. */
export interface MediaTerms {
  /**
   * `media.imageTokens`: the most tokens of one picture. It is the bound of a picture whose size the gate
   * cannot see, and no bound is above it.
   */
  readonly imageTokens: number
  /** `media.remoteUrls`: pictures may be given by URL, which the backend fetches (threats G11). */
  readonly remoteUrls: boolean
}

/** The terms if nothing is known about the backend and the operator changed nothing. */
export const UNKNOWN_TERMS: Terms = {
  also: new Set(),
  backend: 'other',
  media: { imageTokens: 16_384, remoteUrls: false },
}
