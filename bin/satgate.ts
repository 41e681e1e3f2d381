#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(
    `satgate needs Node 22.13 or newer, this is ${process.versions.node}. Run it with: npx -p node@24 node "${process.argv[1]}"\n`,
  )
  process.exitCode = 1
} else {
  const [{ main }, { thisHost }] = await Promise.all([
    import('../src/cli/main.ts'),
    import('../src/cli/host.ts'),
  ])
  process.exitCode = await main(thisHost())
  if (process.exitCode !== 0) process.exit()
}
