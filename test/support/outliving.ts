import type { Source } from './tidy.ts'

/**
 * Finds the collections that may outlive a request: fields of classes, constants of modules that
 * begin empty, and variables that a function hands on to functions which it leaves behind. The
 * formatter indents all files in one way, so indentation says what is inside of what.
 */

const MAKES = /\bnew (?:Map|Set|WeakMap|WeakSet|Cache)\b/
const NAMED =
  /^(\s*)(?:export )?(?:(?:const|let|readonly|static|protected) )*(#?\w+)(?:: [^=]+)? = /
/** Contents that are written down or come from elsewhere at once: `new Set([…])`, `new Map(list)`. */
const FILLED = /\bnew (?:Map|Set|WeakSet)(?:<.*>)?\((?!\))/

/** Each as `path name`, in the order in which they stand in the file. */
export function outliving({ path, text }: Source): readonly string[] {
  const lines = text.split('\n')
  return lines.flatMap((line, at) => {
    if (!MAKES.test(line) || /^\s*(?:\/?\*|\/\/)/.test(line)) return []
    const [, indent = '', name = ''] = NAMED.exec(line) ?? []
    if (name === '') return []
    const local = /^\s*(?:export )?(?:const|let) /.test(line)
    const outlives = local ? indent === '' || handedOn(lines, at, name) : isField(line)
    return outlives && !(local && indent === '' && FILLED.test(line)) ? [`${path} ${name}`] : []
  })
}

/** A field stands in a class, two spaces deep. What is assigned elsewhere is a field already. */
const isField = (line: string): boolean => /^ {2}(?! )/.test(line) && !/^\s*this\./.test(line)

const depth = (line: string): number => line.search(/\S/)

/** Whether a function that stays behind uses the local variable which line `at` declares. */
function handedOn(lines: readonly string[], at: number, name: string): boolean {
  const own = depth(lines[at] ?? '')
  const uses = new RegExp(`(?<![.\\w#])${name}\\b`)
  /** The lines that the current one stands in. */
  const within: string[] = []
  for (const line of lines.slice(at + 1)) {
    if (line.trim() === '') continue
    if (depth(line) < own) return false
    while (within.length > 0 && depth(within.at(-1) ?? '') >= depth(line)) within.pop()
    if (uses.test(line) && [...within, line].some((one) => STAYS.test(one))) return true
    within.push(line)
  }
  return false
}

/** The beginning of a function with a name: declared, assigned, or a property or method. */
const STAYS =
  /^\s*(?:(?:async )?function \w|(?:const|let) \w+ = (?:async )?(?:\([^)]*\)|\w+)(?:: [^=]+)? =>|\w+: (?:async )?(?:\([^)]*\)|\w+)(?:: [^=]+)? =>|(?:async )?(?!if|for|while|switch|catch\b)#?\w+\(.*\)(?:: .+)? \{$|return (?:async )?(?:\([^)]*\)|\w+)(?:: [^=]+)? =>)/

/**
 * The collections of `src` that may outlive a request, each with the reason why finished requests do
 * not stay alive in it. Use `Roster` or `TransientMap` (`src/floor`) for what comes and goes with
 * requests; `TransientMap` says why.
 */
export const ALLOWED: Readonly<Record<string, string>> = {
  'src/cli/log.ts #told': 'a problem that is not over',
  'src/config/load.ts NOTHING': 'stays empty',
  'src/rails/lightning/lightning.ts #settlements': 'the wallets of the settings',
  'src/wallets/cln/outgoing.ts parts': 'a payment that the node said has failed',
  'src/daemon/wallet-tests.ts facts': 'one test of play money',
  'src/wallets/ecash/mint-parts.ts quotes': 'one test of a mint, whose invoice is asked for twice',
  'src/wallets/wallet-list.ts #late': 'the wallets of the settings',
  'src/daemon/compose.ts also': 'settings',
  'src/daemon/counted-facilitator.ts settlements': 'four answers of a facilitator',
  'src/daemon/control.ts asking': 'a command of the operator',
  'src/daemon/short-mints.ts #short': 'a mint',
  'src/daemon/short-mints.ts #told': 'a mint',
  'src/dialects/audio/speech.ts PASSING': 'stays empty',
  'src/dialects/audio/transcriptions.ts NONE': 'stays empty',
  'src/dialects/images/generations.ts PASSING': 'stays empty',
  'src/dialects/openai/dialect.ts NONE': 'stays empty',
  'src/dialects/anthropic/spelling.ts #open': 'lives as long as one answer',
  'src/dialects/anthropic/usage.ts #known': 'lives as long as one answer',
  'src/dialects/kit/response-usage.ts #counters': 'lives as long as one answer',
  'src/dialects/kit/response-usage.ts #finished': 'lives as long as one answer',
  'src/dialects/responses/counted-texts.ts #places': 'lives as long as one answer',
  'src/dialects/responses/counted-texts.ts #known': 'lives as long as one answer',
  'src/dialects/responses/output-so-far.ts texts': 'lives as long as one answer',
  'src/dialects/responses/output-so-far.ts #byIndex': 'lives as long as one answer',
  'src/dialects/responses/output-so-far.ts #byId': 'lives as long as one answer',
  'src/dialects/responses/request.ts out': 'lives as long as one request',
  'src/dialects/translate/chat-pieces.ts #calls': 'lives as long as one answer',
  'src/dialects/translate/saying.ts leftOut': 'lives as long as a request is read',
  'src/floor/background.ts #failing': 'a kind of work that fails',
  'src/floor/cache.ts #old': 'facts by key, replaced whole and never emptied entry by entry',
  'src/floor/cache.ts #young': 'facts by key, replaced whole and never emptied entry by entry',
  'src/gate/account-name.ts NAMES': 'an account',
  'src/gate/counts.ts requests': 'a number for each end and status',
  'src/gate/deposits.ts #running': 'a payment that is being credited',
  'src/gate/own-prompts.ts #known':
    'hashes of the last 8 prompts of each account, 4,000 accounts at most',
  'src/gate/respelling.ts NOTHING': 'stays empty',
  'src/gate/respelling.ts #known': 'a model of a backend',
  'src/gate/translating.ts #lacking': 'a route of the settings',
  'src/gate/speeds.ts #seen': 'a model of a backend',
  'src/http/clients.ts direct': 'a connection, held weakly',
  'src/http/connections.ts #fresh': 'a connection without a request so far',
  'src/http/connections.ts #lines': 'a connection, held weakly',
  'src/http/direct.ts direct': 'a path of a route',
  'src/http/holders.ts #byName': 'a client, a pass or a site',
  'src/http/models.ts #reached': 'a name of a model, until the models are listed again',
  'src/http/not-found.ts methods': 'a path of a route',
  'src/http/server.ts connectionsOf': 'a server',
  'src/http/upstream.ts #known': 'a path that was asked for, replaced whole',
  'src/http/upstream-connections.ts #all': 'a connection to the backend',
  'src/ledger/memory-store.ts accounts': 'an account',
  'src/ledger/memory-store.ts deposits':
    'a payment; for tests, and emptied at once where requests are observed',
  'src/ledger/memory-store.ts holds':
    'closed holds, for tests; where requests are observed, those that owe',
  'src/ledger/memory-store.ts meters': 'a limit in its window',
  'src/ledger/sqlite/revocations.ts #counts': 'an account that ended passes',
  'src/ledger/sqlite/revocations.ts #names': 'a pass that has ended',
  'src/ledger/sqlite/revocations.ts #rotations': 'an account that was rotated',
  'src/ledger/memory-store.ts withdrawals':
    'a withdrawal, for tests; nothing leaves where requests are observed',
  'src/ledger/sqlite/cached-rows.ts #cache': 'a pass or an invoice that somebody asked for',
  'src/ledger/sqlite/owed-by-source.ts sums': 'a wallet or a mint, for one question',
  'src/ledger/sqlite/withdrawal-store.ts rows': 'a deposit on its way, for one question',
  'src/ledger/sqlite/store.ts #accounts': 'an account',
  'src/ledger/sqlite/store.ts #meters': 'a limit in its window',
  'src/ledger/sqlite/reads.ts #expected': 'a drawer of an account in memory, for one proof',
  'src/ledger/sqlite/statement.ts #long': 'a proof that is being made',
  'src/ledger/sqlite/verify-sums.ts #meters': 'a meter, for one part of one proof',
  'src/ledger/sqlite/verify-sums.ts earnings': 'a day and a model, for one proof',
  'src/ledger/sqlite/verify-drawers.ts kinds': 'a kind of drawer',
  'src/money/counter.ts #clients': 'a stranger whose long prompt is being counted',
  'src/money/counter.ts #shares': 'an account whose long prompts are being counted',
  'src/money/lessons.ts #lessons': 'a model, or a buyer and a model',
  'src/money/lessons.ts #templates': 'a model',
  'src/money/pricing.ts folded': 'a way of comparing names',
  'src/passes/verify.ts known': 'a pass',
  'src/rails/lightning/invoice-maker.ts #making': 'an account whose invoice is being made',
  'src/rails/lightning/invoice-quota.ts #shared': 'an amount',
  'src/rails/lightning/lightning-offers.ts #offered': 'a 402 that is being made; it goes with it',
  'src/rails/lightning/lightning.ts #learning': 'a payment that is being looked up',
  'src/rails/lightning/lightning.ts #preimages': 'a payment',
  'src/rails/lightning/settlements.ts #awake': 'an invoice whose page is open',
  'src/rails/lightning/settlements.ts #reported':
    'a paid invoice that could not be looked up yet, at most fifty',
  'src/rails/lightning/shared-offers.ts #kept': 'an amount',
  'src/rails/lightning/shared-offers.ts #making': 'an amount',
  'src/wallets/ecash/ecash.ts watchers': 'a rail',
  'src/wallets/ecash/mint-tokens.ts #looked': 'an unpaid invoice that was looked up',
  'src/wallets/ecash/mint-tokens.ts #retries': 'a paid invoice whose coins are missing',
  'src/wallets/ecash/mint-tokens.ts #running': 'a paid invoice whose coins are being made',
  'src/wallets/ecash/mint/mint-info.ts keysById': 'a keyset of a mint',
  'src/wallets/ecash/mint/socket.ts open': 'a list of invoices that a mint watches',
  'src/wallets/ecash/mints.ts #payless': 'a mint',
  'src/wallets/ecash/mints.ts #solved': 'a mint',
  'src/wallets/ecash/mints.ts #troubles': 'a mint',
  'src/wallets/ecash/quote-poller.ts #awake': 'an invoice whose page is open',
  'src/wallets/ecash/quote-poller.ts #pauses': 'a mint',
  'src/wallets/ecash/quote-poller.ts #watched': 'a mint, and its invoices that are watched',
  'src/wallets/ecash/quote-poller.ts #watches': 'a mint',
  'src/wallets/ecash/quote-poller.ts hashes': 'lives as long as one watch',
  'src/wallets/ecash/quote-poller.ts watched': 'see #watched',
  'src/wallets/ecash/quote-poller.ts watches': 'see #watches',
  'src/wallets/ecash/receive/accepted-mints.ts #anew': 'a mint',
  'src/wallets/ecash/receive/accepted-mints.ts #terms': 'a mint',
  'src/wallets/ecash/receive/receiver.ts #refused': 'a token that is never taken',
  'src/http/key-path.ts keys': 'weakly, a request whose path had a pass in it',
  'src/wallets/ecash/receive/receiver.ts #spent':
    'hashes of secrets, at most twice REFUSED: a spent token in another text is not asked for again',
  'src/wallets/ecash/receive/receiver.ts #running': 'a token that is being taken',
  'src/wallets/ecash/receive/receiver.ts #taken': 'a token that was taken',
  'src/wallets/ecash/receive/token-requests.ts #made': 'an amount',
  'src/wallets/ecash/receive/token-swaps.ts #running': 'a token that is being swapped',
  'src/wallets/ecash/spend/buyer-payments.ts #asked': 'a payment whose end is not known',
  'src/wallets/ecash/spend/fees.ts ppk': 'a keyset of a mint',
  'src/wallets/ecash/spend/seed-check.ts #passed': 'a mint',
  'src/wallets/ecash/store/store.ts #statements': 'a text of SQL',
  'src/wallets/lightning-address/lightning-address.ts asking': 'an invoice that is being looked up',
  'src/wallets/lightning-address/lnurl.ts known': 'a Lightning address',
  'src/wallets/lightning-address/watch.ts old': 'an invoice whose page is open',
  'src/wallets/lightning-address/watch.ts open': 'an unpaid invoice',
  'src/wallets/lightning-address/watch.ts tellers': 'a rail',
  'src/wallets/settled-since.ts told':
    'the newest settlements that a listener was told of, bounded',
  'src/wallets/nwc/client.ts waiting': 'requests to a wallet without a reply, until their deadline',
  'src/wallets/nwc/nwc.ts asked': 'amounts of the newest invoices, bounded',
  'src/wallets/nwc/outgoing.ts unanswered':
    'payments of withdrawals without a reply, a day at most',
  'src/wallets/nwc/outgoing.ts late': 'how the newest payments ended, bounded',
  'src/wallets/nwc/relay.ts waiting': 'what was asked of a relay, until its deadline',
  'src/wallets/nwc/watch.ts all': 'the listeners of a wallet',
  'src/withdrawals/flights.ts #flying': 'a withdrawal that is not over',
  'src/withdrawals/restore-check.ts #clear': 'a wallet or mint',
  'src/wallets/pay-once.ts doubts': 'a payment of a withdrawal whose call got no answer',
  'src/wallets/pay-once.ts running': 'a payment of a withdrawal that is being made',
  'src/wallets/play/play.ts watchers': 'a rail',
}
