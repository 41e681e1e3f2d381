import type { Command } from './command.ts'

export const demo: Command = {
  name: 'demo',
  does: 'See the whole story with play money: 402, payment, answer, balance.',
  more: 'Needs no backend, no wallet and no network: a toy model answers and play money pays, which is worth nothing. The gate stays up until you stop it, so that you can be the buyer.',
  examples: [
    ['satgate demo', 'with the toy model'],
    ['satgate demo --upstream http://localhost:11434', 'with your own models'],
  ],
  settings: [
    ...['upstream', 'upstreamKey', 'port', 'host', 'pricing.default', 'pricing.models'],
    ...['log.level'],
  ],
  showsSettings: true,
  async run({ host, flags, load }) {
    const { runDemo } = await import('../demo.ts')
    return runDemo(host, load, flags)
  },
}
