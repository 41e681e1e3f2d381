/** The key holds something other than text. */
export const isMedia = (key: string): boolean =>
  /image|audio|video|media|multi_?modal|embeds|^files?$/.test(key.toLowerCase())
