import { readFileSync } from 'node:fs'
import fc from 'fast-check'

// A `maxLength` is what a test means to reach: by itself fast-check stays at about ten.
fc.configureGlobal({ defaultSizeToMaxWhenMaxSpecified: true })

/** Tests that ran on the machine's own Node would prove nothing about the one that is pinned. */
const pinned: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  .devDependencies.node
if (process.version !== `v${pinned}`) {
  throw new Error(
    `tests run on Node ${process.version}, the pinned one is v${pinned}: install with its scripts allowed (npm ci, no --ignore-scripts) and start them by npm`,
  )
}
