const PLAIN_PATH = /^\/[A-Za-z0-9._~:@!$&'()+=;/-]*$/
const STEPS = /\/\.{0,2}\/|\/\.{1,2}$/

/**
 * Whether a path has no escapes, no `..`, no empty segment, no `?` and no `#`. With one of them a
 * path could match the pattern of a caveat by its letters and still lead somewhere else.
 */
export const isPlainPath = (path: string): boolean => PLAIN_PATH.test(path) && !STEPS.test(path)
