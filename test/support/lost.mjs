/** Loaded into a gate by a test: each signal leaves an error that nobody handles. */
const SECRET = 'sk-secret lnbc10n1secret L402 mac:preimage'
process.on('SIGUSR2', () => {
  // biome-ignore lint/nursery/noFloatingPromises: it is what the test is about
  Promise.reject(new Error(SECRET))
})
process.on('SIGWINCH', () => {
  setImmediate(() => {
    throw new TypeError(SECRET)
  })
})
