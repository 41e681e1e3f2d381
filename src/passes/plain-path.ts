const PLAIN_PATH = /^\/[A-Za-z0-9._~:@!$&'()+=;/-]*$/
const STEPS = /\/\.{0,2}\/|\/\.{1,2}$/

/**
 * A path that means what it says: no escapes, no `..`, no empty segment, nothing behind `?` or `#`.
 * Another one could be inside `/v1/chat/*` by its letters and elsewhere by its meaning.
 */
export const isPlainPath = (path: string): boolean => PLAIN_PATH.test(path) && !STEPS.test(path)
