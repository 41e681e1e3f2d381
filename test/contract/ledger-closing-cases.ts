/** How a ledger closes holds, and what is left afterwards. `ledger-script.ts` explains the lines. */

type Cases = Readonly<Record<string, string>>

export const SETTLING: Cases = {
  'a charge below the hold gives the rest back': `
    deposit p1 ann 1000                         → ok, 1000 left
    hold h1 ann 1..100                          → 100 tokens for 100
    settle h1 40                                → 40 charged, 960 left
    balance ann                                 → paid 960, bonus 0, held 0`,

  'a charge above the hold takes what the account has, and the rest is a loss one can see': `
    deposit p1 ann 100                          → ok, 100 left
    deposit g1 ann 20 bonus                     → ok, 120 left
    hold h1 ann 1..50                           → 50 tokens for 50
    settle h1 90                                → 90 charged, 30 left
    balance ann                                 → paid 10, bonus 20, held 0
    hold h2 ann 1..5                            → 5 tokens for 5
    settle h2 77                                → 30 charged, 47 overrun, 0 left
    balance ann                                 → paid 0, bonus 0, held 0`,

  'B2 an overrun never spends what another request holds': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..50                           → 50 tokens for 50
    hold h2 ann 1..40                           → 40 tokens for 40
    settle h1 80                                → 60 charged, 20 owed, 0 left
    balance ann                                 → paid 0, bonus 0, held 40, owed 20
    settle h2 40                                → 40 charged, 20 overrun, 0 left
    balance ann                                 → paid 0, bonus 0, held 0
    usage ann charged=yes                       → h2:40 h1:60`,

  'J4 limits decide admission, and what flowed is paid whatever they say': `
    deposit p1 ann 1000                         → ok, 1000 left
    hold h1 ann 1..50 m:spend<=70/day n:spend<=60/req → 50 tokens for 50
    hold h2 ann 1..5 m:spend<=70/day            → 5 tokens for 5
    settle h1 90                                → 90 charged, 905 left
    left m:spend<=70/day                        → 0
    hold h3 ann 1..5 m:spend<=70/day            → limit_reached at m, 0 left, until 2026-11-22T00:00:00.000Z
    settle h2 90                                → 90 charged, 820 left
    left m:spend<=70/day                        → 0
    left m:spend<=200/day                       → 20
    clock 2026-11-22T00:00:00.000Z
    hold h3 ann 1..90 m:spend<=70/day           → 70 tokens for 70`,

  'J4 tokens past a limit in tokens are paid for, and fill it': `
    deposit p1 ann 1000                         → ok, 1000 left
    hold h1 ann 1..50 input=10 m:tokens<=60/day → 50 tokens for 50
    settle h1 90 in=10 out=90                   → 90 charged, 910 left
    left m:tokens<=60/day                       → 0
    left m:tokens<=101/day                      → 1`,

  'J4 what other requests hold is owed, and taken as they close, the oldest debt first': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..30                           → 30 tokens for 30
    hold h2 ann 1..30                           → 30 tokens for 30
    hold h3 ann 1..30                           → 30 tokens for 30
    hold h4 ann 1..10                           → 10 tokens for 10
    settle h2 45                                → 30 charged, 15 owed, 0 left
    settle h1 50                                → 30 charged, 20 owed, 0 left
    balance ann                                 → paid 0, bonus 0, held 40, owed 35
    settle h3 3                                 → 3 charged, 0 left
    balance ann                                 → paid 0, bonus 0, held 10, owed 8
    usage ann charged=yes                       → h3:3 h2:37 h1:50
    release h4                                  → 0 charged, 2 left
    balance ann                                 → paid 2, bonus 0, held 0
    usage ann charged=yes                       → h4:0 h3:3 h2:45 h1:50`,

  'J4 what is missing when the last hold has closed is a loss, and is not asked for later': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..60                           → 60 tokens for 60
    hold h2 ann 1..40                           → 40 tokens for 40
    settle h1 500                               → 60 charged, 440 owed, 0 left
    settle h2 30                                → 30 charged, 430 overrun, 0 left
    balance ann                                 → paid 0, bonus 0, held 0
    deposit p2 ann 1000                         → ok, 1000 left
    usage ann charged=yes                       → h2:30 h1:70`,

  'J4 a payment that comes while something is owed pays that first': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..60                           → 60 tokens for 60
    hold h2 ann 1..40                           → 40 tokens for 40
    settle h1 150                               → 60 charged, 90 owed, 0 left
    deposit g1 ann 20 bonus                     → ok, 0 left
    balance ann                                 → paid 0, bonus 0, held 40, owed 70
    deposit p2 ann 100                          → ok, 30 left
    balance ann                                 → paid 30, bonus 0, held 40
    release h2                                  → 0 charged, 70 left
    usage ann charged=yes                       → h2:0 h1:150`,

  'J4 what is owed buys nothing meanwhile': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..50                           → 50 tokens for 50
    hold h2 ann 1..50                           → 50 tokens for 50
    settle h1 70                                → 50 charged, 20 owed, 0 left
    hold h3 ann 31..31                          → insufficient_funds, needs 31 of 30
    hold h3 ann 30..30                          → held, needs 30, has 0 free
    hold h4 ann 1..9 price=0+0                  → 9 tokens for 0
    release h2                                  → 0 charged, 30 left
    hold h3 ann 30..30                          → 30 tokens for 30`,

  'J4 an expired hold that owes is settled anew, for more or for less': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..40 until=1000 m:spend<=50/day → 40 tokens for 40
    hold h2 ann 1..60                           → 60 tokens for 60
    extend h1 70 until=1000                     → ok
    expire 12:00:02Z                            → h1: 40 charged, 30 owed, 0 left
    left m:spend<=90/day                        → 20
    settle h1 55                                → 40 charged, 15 owed, 0 left
    left m:spend<=90/day                        → 35
    balance ann                                 → paid 0, bonus 0, held 60, owed 15
    expire                                      → h2: 0 charged, 45 left
    settle h2 50                                → 45 charged, 5 overrun, 0 left
    balance ann                                 → paid 0, bonus 0, held 0`,

  'B4 a hold is closed once, and the first close stands': `
    deposit p1 ann 100                          → ok, 100 left
    release h0                                  → hold_not_found
    settle h0 1                                 → hold_not_found
    extend h0 1                                 → hold_not_found
    hold h1 ann 1..50                           → 50 tokens for 50
    release h1                                  → 0 charged, 100 left
    release h1                                  → already_released
    settle h1 9                                 → already_released
    extend h1 9                                 → already_released
    hold h2 ann 1..50                           → 50 tokens for 50
    settle h2 9                                 → 9 charged, 91 left
    settle h2 9                                 → already_settled
    release h2                                  → already_settled
    extend h2 9                                 → already_settled
    expire                                      → nothing
    balance ann                                 → paid 91, bonus 0, held 0`,

  'B5 a stream longer than any sweeper keeps its hold as long as it goes on': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..50 until=60000               → 50 tokens for 50
    clock 12:00:50Z
    extend h1 10 until=60000                    → ok
    clock 12:01:40Z
    expire 12:01:40Z                            → nothing
    extend h1 20 until=60000                    → ok
    clock 12:02:30Z
    expire 12:02:30Z                            → nothing
    settle h1 30                                → 30 charged, 70 left`,

  'only what is past its deadline expires: what flowed is charged, the rest given back': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..30 until=1000 m:calls<=9/day → 30 tokens for 30
    hold h2 ann 1..30 until=1000 m:calls<=9/day → 30 tokens for 30
    hold h3 ann 1..30 until=9000 m:calls<=9/day → 30 tokens for 30
    extend h2 12 until=1000                     → ok
    expire 12:00:01Z                            → nothing
    expire 12:00:02Z                            → h1: 0 charged, 40 left; h2: 12 charged, 58 left
    left m:calls<=9/day                         → 7
    expire                                      → h3: 0 charged, 88 left
    balance ann                                 → paid 88, bonus 0, held 0`,

  'what expired while the machine slept still settles, as far as there is money': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..60 m:spend<=80/day           → 60 tokens for 60
    extend h1 10                                → ok
    expire                                      → h1: 10 charged, 90 left
    extend h1 20                                → already_released
    settle h1 25                                → 25 charged, 75 left
    left m:spend<=80/day                        → 55
    settle h1 25                                → already_settled
    hold h2 ann 1..60                           → 60 tokens for 60
    expire                                      → h2: 0 charged, 75 left
    hold h3 ann 1..50                           → 50 tokens for 50
    settle h2 60                                → 25 charged, 35 owed, 0 left
    balance ann                                 → paid 0, bonus 0, held 50, owed 35
    settle h3 20                                → 20 charged, 5 overrun, 0 left`,

  'what expired is settled for less than was journalled, or for nothing': `
    deposit p1 ann 10                           → ok, 10 left
    deposit g1 ann 90 bonus                     → ok, 100 left
    hold h1 ann 1..60 m:calls<=5/day            → 60 tokens for 60
    extend h1 40                                → ok
    expire                                      → h1: 40 charged, 60 left
    balance ann                                 → paid 0, bonus 60, held 0
    settle h1 5                                 → 5 charged, 95 left
    balance ann                                 → paid 5, bonus 90, held 0
    hold h2 ann 1..60 m:calls<=5/day            → 60 tokens for 60
    extend h2 150                               → ok
    expire                                      → h2: 95 charged, 55 overrun, 0 left
    release h2                                  → 0 charged, 95 left
    release h2                                  → already_released
    left m:calls<=5/day                         → 4
    balance ann                                 → paid 5, bonus 90, held 0`,

  'usage shows closed holds, newest first, a pass its own': `
    deposit p1 ann 1000                         → ok, 1000 left
    hold h1 ann 1..9 pass=x                     → 9 tokens for 9
    hold h2 ann 1..9                            → 9 tokens for 9
    hold h3 ann 1..9 pass=x                     → 9 tokens for 9
    hold h4 ann 1..9 pass=y                     → 9 tokens for 9
    usage ann                                   → nothing
    settle h3 9                                 → 9 charged, 964 left
    release h1                                  → 0 charged, 973 left
    settle h2 9                                 → 9 charged, 973 left
    usage ann                                   → h3 h2 h1
    usage ann limit=2                           → h3 h2
    usage ann before=h2                         → h1
    usage ann pass=x                            → h3 h1
    usage ann pass=x before=h3                  → h1
    usage ann pass=y                            → nothing
    usage bob                                   → nothing
    usage bob pass=x                            → nothing
    usage ann before=h9                         → nothing`,
}

/** What the book is told of a hold (ADR 49). Asking for entries posts the holds that are open. */
export const POSTED: Cases = {
  'a hold without limits is posted as it closes, and only what it cost': `
    deposit p1 ann 100                          → ok, 100 left
    deposit g1 ann 50 bonus                     → ok, 150 left
    hold h1 ann 1..120                          → 120 tokens for 120
    balance ann                                 → paid 0, bonus 30, held 120
    settle h1 110                               → 110 charged, 40 left
    balance ann                                 → paid 0, bonus 40, held 0
    entries                                     → settle h1, deposit g1, deposit p1`,

  'a free request of an account leaves no entry, and is on the usage page': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..40                           → 40 tokens for 40
    hold h2 ann 1..40 until=1000                → 40 tokens for 40
    hold h3 ann 1..9 price=0+0                  → 9 tokens for 0
    release h1                                  → 0 charged, 60 left
    expire 12:00:02Z                            → h2: 0 charged, 100 left
    settle h3 0                                 → 0 charged, 100 left
    entries                                     → deposit p1
    usage ann charged=yes                       → h3:0 h2:0 h1:0`,

  'a hold is posted with its first journal, once': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..40                           → 40 tokens for 40
    hold h2 ann 1..40                           → 40 tokens for 40
    extend h1 3                                 → ok
    extend h1 5                                 → ok
    settle h2 1                                 → 1 charged, 59 left
    settle h1 9                                 → 9 charged, 90 left
    entries                                     → settle h1, settle h2, hold h1, deposit p1`,

  'a hold that counts at a meter is posted at once, one with a limit in a request is not': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..20 m:spend<=50/day           → 20 tokens for 20
    hold h2 ann 1..20 m:spend<=50/req           → 20 tokens for 20
    settle h1 9                                 → 9 charged, 71 left
    settle h2 9                                 → 9 charged, 82 left
    entries                                     → settle h2, settle h1, hold h1, deposit p1`,

  'J4 a hold that was never posted owes as any other, and pays what others owe': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..60                           → 60 tokens for 60
    hold h2 ann 1..40                           → 40 tokens for 40
    settle h1 75                                → 60 charged, 15 owed, 0 left
    settle h2 30                                → 30 charged, 5 overrun, 0 left
    entries                                     → collect h1, settle h2, settle h1, deposit p1`,

  'what expired without being posted is settled as any other': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..60 until=1000                → 60 tokens for 60
    expire 12:00:02Z                            → h1: 0 charged, 100 left
    settle h1 25                                → 25 charged, 75 left
    settle h1 25                                → already_settled
    entries                                     → settle h1, deposit p1`,
}

export const PRUNED: Cases = {
  'J20 released holds leave with their postings, and nothing else does': `
    deposit p1 ann 1000                         → ok, 1000 left
    deposit g1 ann 50 bonus                     → ok, 1050 left
    hold h1 ann 1..9 m:calls<=5/day             → 9 tokens for 9
    hold h2 ann 1..1020 n:spend<=2000/day       → 1020 tokens for 1020
    release h1                                  → 0 charged, 30 left
    release h2                                  → 0 charged, 1050 left
    hold h3 ann 1..9 m:calls<=5/day             → 9 tokens for 9
    settle h3 0                                 → 0 charged, 1050 left
    hold h4 ann 1..9                            → 9 tokens for 9
    hold h5 ann 1..9 until=1000                 → 9 tokens for 9
    hold h6 ann 1..9                            → 9 tokens for 9
    expire 12:00:02Z                            → h5: 0 charged, 1032 left
    clock 12:00:10Z
    release h6                                  → 0 charged, 1041 left
    prune 12:00:10Z                             → 2 left
    usage ann                                   → h6 h5 h3
    entries                                     → hold h4, settle h3, hold h3, deposit g1, deposit p1
    balance ann                                 → paid 991, bonus 50, held 9
    left m:calls<=5/day                         → 4
    left n:spend<=2000/day                      → 2000
    prune 12:00:10Z                             → 0 left
    release h1                                  → hold_not_found
    settle h5 3                                 → 3 charged, 1038 left
    settle h4 9                                 → 9 charged, 1038 left
    prune 12:00:11Z                             → 1 left
    usage ann                                   → h5 h4 h3
    deposit p1 ann 1000                         → already_deposited`,

  'J20 one that expired and owed before it was released leaves all the same': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..40 until=1000 m:spend<=50/day → 40 tokens for 40
    hold h2 ann 1..60                           → 60 tokens for 60
    extend h1 70 until=1000                     → ok
    expire 12:00:02Z                            → h1: 40 charged, 30 owed, 0 left
    deposit p2 ann 10                           → ok, 0 left
    settle h2 60                                → 60 charged, 20 overrun, 0 left
    prune 12:00:30Z                             → 0 left
    release h1                                  → 0 charged, 50 left
    prune 12:00:30Z                             → 1 left
    balance ann                                 → paid 50, bonus 0, held 0
    entries                                     → settle h2, deposit p2, deposit p1`,
}

export const REOPENED: Cases = {
  'J4 what is owed is owed after a restart, and is given up when nothing is held any more': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..30                           → 30 tokens for 30
    hold h2 ann 1..30                           → 30 tokens for 30
    hold h3 ann 1..40                           → 40 tokens for 40
    settle h1 100                               → 30 charged, 70 owed, 0 left
    reopen
    balance ann                                 → paid 0, bonus 0, held 70, owed 70
    settle h1 100                               → already_settled
    release h2                                  → 0 charged, 0 left
    reopen
    balance ann                                 → paid 0, bonus 0, held 40, owed 40
    expire                                      → h3: 0 charged, 0 left
    balance ann                                 → paid 0, bonus 0, held 0
    usage ann charged=yes                       → h3:0 h2:0 h1:100
    reopen
    deposit p2 ann 5                            → ok, 5 left`,

  'balances, payments, meters and closed holds are there after a restart': `
    deposit p1 ann 1000                         → ok, 1000 left
    deposit g1 ann 50 bonus                     → ok, 1050 left
    hold h1 ann 1..100 m:spend<=100/day         → 100 tokens for 100
    settle h1 60                                → 60 charged, 990 left
    reopen
    balance ann                                 → paid 940, bonus 50, held 0
    left m:spend<=100/day                       → 40
    deposit p1 ann 1000                         → already_deposited
    deposit p1 bob 1000                         → deposited_elsewhere
    hold h1 ann 1..100                          → hold_exists
    settle h1 60                                → already_settled
    usage ann                                   → h1
    deposit p2 ann 5                            → ok, 995 left
    hold h2 ann 1..100 m:spend<=100/day         → 40 tokens for 40
    reopen
    balance ann                                 → paid 905, bonus 50, held 40`,

  'B6 on start open holds are resolved: what was journalled is charged, the rest given back': `
    deposit p1 ann 1000                         → ok, 1000 left
    hold h1 ann 1..100 m:spend<=500/day         → 100 tokens for 100
    hold h2 ann 1..100 m:spend<=500/day         → 100 tokens for 100
    extend h2 30                                → ok
    reopen
    balance ann                                 → paid 800, bonus 0, held 200
    expire                                      → h1: 0 charged, 900 left; h2: 30 charged, 970 left
    left m:spend<=500/day                       → 470
    expire                                      → nothing
    reopen
    settle h2 40                                → 40 charged, 960 left
    left m:spend<=500/day                       → 460
    reopen
    settle h2 40                                → already_settled
    balance ann                                 → paid 960, bonus 0, held 0`,
}
