/** Money that leaves, case by case. `ledger-script.ts` and `withdrawal-script.ts` explain the lines. */

type Cases = Readonly<Record<string, string>>

export const WITHDRAWABLE: Cases = {
  'L11 one_function_says_what_may_leave: unspent paid-in credit by source, the oldest is spent first': `
    deposit p1 ann 300 source=mint              → ok, 300 left
    deposit p2 ann 500 source=lnd               → ok, 800 left
    deposit p3 ann 200 source=mint              → ok, 1000 left
    withdrawable ann                            → mint 500, lnd 500
    hold h1 ann 400..400                        → 400 tokens for 400
    withdrawable ann                            → mint 200, lnd 400
    settle h1 350                               → 350 charged, 650 left
    withdrawable ann                            → mint 200, lnd 450
    hold h2 ann 460..460                        → 460 tokens for 460
    withdrawable ann                            → mint 190
    release h2                                  → 0 charged, 650 left
    withdrawable ann                            → mint 200, lnd 450
    withdrawable bob                            → none`,

  'L11 what is held, given, owed or without a source never leaves': `
    deposit g1 ann 100 bonus                    → ok, 100 left
    withdrawable ann                            → nothing
    deposit p1 ann 100                          → ok, 200 left
    withdrawable ann                            → nothing
    deposit p2 ann 100 source=lnd               → ok, 300 left
    withdrawable ann                            → lnd 100
    hold h1 ann 250..250                        → 250 tokens for 250
    withdrawable ann                            → nothing
    settle h1 120                               → 120 charged, 180 left
    withdrawable ann                            → lnd 80
    withdraw w1 ann lnd 81                      → insufficient_funds, 80 may leave`,

  'L9 money_leaves_as_it_came: never more out of a source than came into it': `
    deposit p1 ann 300 source=dying             → ok, 300 left
    deposit p2 ann 300 source=lnd               → ok, 600 left
    withdraw w1 ann lnd 301                     → insufficient_funds, 300 may leave
    withdraw w1 ann lnd 299 fee=2               → insufficient_funds, 300 may leave
    withdraw w1 ann elsewhere 1                 → insufficient_funds, 0 may leave
    withdraw w1 ann lnd 299 fee=1               → ok, 300 left
    sent w1 1                                   → sent 299 for 1, 300 left
    withdraw w2 ann lnd 1                       → insufficient_funds, 0 may leave
    withdrawable ann                            → dying 300
    withdraw w2 ann dying 300                   → ok, 0 left
    sent w2 0                                   → sent 300 for 0, 0 left`,

  'I1 withdraw_never_exceeds_paid_in: no tier bonus, no gift': `
    deposit g1 ann 5000 bonus                   → ok, 5000 left
    deposit p1 ann 1000 source=lnd tier=300     → ok, 6300 left
    withdraw w1 ann lnd 1001                    → insufficient_funds, 1000 may leave
    withdraw w1 ann lnd 1000                    → ok, 5000 left
    balance ann                                 → paid 0, bonus 5000, held 0, leaving 1000
    sent w1 0                                   → sent 1000 for 0, 5000 left
    withdrawable ann                            → nothing`,

  'an account that nobody opened has nothing to withdraw': `
    withdraw w1 ann lnd 1                       → account_not_found
    sent w1 0                                   → withdrawal_not_found
    withdrawal w1                               → none`,
}

export const WITHDRAWING: Cases = {
  'L12 withdraw_is_a_hold of amount and fee: what is over of the fee comes back': `
    deposit p1 ann 1000 source=lnd              → ok, 1000 left
    withdraw w1 ann lnd 500 fee=50              → ok, 450 left
    balance ann                                 → paid 450, bonus 0, held 0, leaving 550
    withdrawable ann                            → lnd 450
    withdrawal w1                               → open 500 for 50 of lnd
    in-flight                                   → w1
    owed-by-source                              → lnd 1000
    sent w1 7                                   → sent 500 for 7, 493 left
    withdrawable ann                            → lnd 493
    withdrawal w1                               → sent 500 for 7 of lnd
    in-flight                                   → nothing
    owed-by-source                              → lnd 493
    outgo                                       → 2026-11-21 lnd: 1 for 507, 7 of it fees
    entries                                     → send w1, withdraw w1, deposit p1`,

  'L12 one that failed leaves everything as it was': `
    deposit p1 ann 400 source=mint tier=40      → ok, 440 left
    deposit p2 ann 600 source=lnd tier=60       → ok, 1100 left
    withdraw w1 ann mint 300 fee=30             → ok, 737 left
    balance ann                                 → paid 670, bonus 67, held 0, leaving 330
    failed w1                                   → failed, 1100 left
    balance ann                                 → paid 1000, bonus 100, held 0
    withdrawable ann                            → lnd 600, mint 400
    withdrawal w1                               → failed 300 for 30 of mint
    outgo                                       → nothing
    entries                                     → return w1, withdraw w1, deposit p2, deposit p1`,

  'L12 the refusals come in their order': `
    deposit p1 ann 1000 source=lnd              → ok, 1000 left
    hold h1 ann 10..10                          → 10 tokens for 10
    withdraw w1 ann lnd 5000                    → held
    release h1                                  → 0 charged, 1000 left
    withdraw w1 ann lnd 5000                    → insufficient_funds, 1000 may leave
    withdraw w1 ann lnd 100                     → ok, 900 left
    hold h2 ann 10..10                          → 10 tokens for 10
    withdraw w1 ann lnd 100                     → exists
    withdraw w1 bob lnd 100                     → exists
    withdraw w2 ann lnd 5000                    → in_flight
    withdraw w2 bob lnd 100                     → account_not_found
    release h2                                  → 0 charged, 900 left
    sent w1 0                                   → sent 100 for 0, 900 left
    withdraw w1 ann lnd 100                     → exists
    withdraw w2 ann lnd 900                     → ok, 0 left
    failed w2                                   → failed, 900 left
    withdraw w2 ann lnd 900                     → exists`,

  'L12 only the first close counts': `
    deposit p1 ann 1000 source=lnd              → ok, 1000 left
    withdraw w1 ann lnd 500 fee=50              → ok, 450 left
    sent w1 10                                  → sent 500 for 10, 490 left
    failed w1                                   → already_closed
    sent w1 0                                   → already_closed
    withdraw w2 ann lnd 100                     → ok, 390 left
    failed w2                                   → failed, 490 left
    sent w2 0                                   → already_closed
    failed w2                                   → already_closed
    balance ann                                 → paid 490, bonus 0, held 0`,

  'L12 no timer and no start closes one': `
    deposit p1 ann 1000 source=lnd              → ok, 1000 left
    withdraw w1 ann lnd 500 fee=50              → ok, 450 left
    clock 2036-11-21T12:00:00Z
    expire 2036-11-21T12:00:00Z                 → nothing
    expire                                      → nothing
    prune 2036-11-21T12:00:00Z                  → 0 left
    balance ann                                 → paid 450, bonus 0, held 0, leaving 550
    in-flight                                   → w1
    failed w1                                   → failed, 1000 left`,

  'L12 a fee above what was set aside is taken from what may leave, and what is missing is a loss': `
    deposit p1 ann 1000 source=lnd              → ok, 1000 left
    deposit p2 ann 100 source=mint              → ok, 1100 left
    withdraw w1 ann lnd 500 fee=10              → ok, 590 left
    sent w1 30                                  → sent 500 for 30, 570 left
    withdrawable ann                            → mint 100, lnd 470
    withdraw w2 ann lnd 460 fee=10              → ok, 100 left
    sent w2 45                                  → sent 460 for 45, 100 left
    withdrawable ann                            → mint 100
    outgo                                       → 2026-11-21 lnd: 2 for 1035, 75 of it fees`,

  'the account goes on buying with the rest, and all of it comes to what it would without the withdrawal': `
    deposit p1 ann 100 source=mint              → ok, 100 left
    deposit p2 ann 100 source=lnd               → ok, 200 left
    withdraw w1 ann mint 100                    → ok, 100 left
    hold h1 ann 50..50                          → 50 tokens for 50
    settle h1 50                                → 50 charged, 50 left
    withdrawable ann                            → lnd 50
    failed w1                                   → failed, 150 left
    withdrawable ann                            → lnd 100, mint 50`,

  'L11 a debt waits for a withdrawal as for running requests, and takes what comes back': `
    deposit p1 ann 1000 source=lnd              → ok, 1000 left
    withdraw w1 ann lnd 900 fee=50              → ok, 50 left
    hold h1 ann 50..50                          → 50 tokens for 50
    settle h1 80                                → 50 charged, 30 owed, 0 left
    balance ann                                 → paid 0, bonus 0, held 0, leaving 950, owed 30
    expire                                      → nothing
    balance ann                                 → paid 0, bonus 0, held 0, leaving 950, owed 30
    sent w1 40                                  → sent 900 for 40, 0 left
    balance ann                                 → paid 0, bonus 0, held 0
    withdrawable ann                            → nothing
    usage ann charged=yes                       → h1:60`,

  'a debt is paid in full when the withdrawal fails': `
    deposit p1 ann 1000 source=lnd              → ok, 1000 left
    withdraw w1 ann lnd 950                     → ok, 50 left
    hold h1 ann 50..50                          → 50 tokens for 50
    settle h1 80                                → 50 charged, 30 owed, 0 left
    failed w1                                   → failed, 920 left
    withdrawable ann                            → lnd 920
    usage ann charged=yes                       → h1:80`,

  'change of a payment leaves from the account that it opened': `
    deposit cashu:aa eve 64000 source=mint      → ok, 64000 left
    hold h1 eve 100..60000                      → 60000 tokens for 60000
    settle h1 1500                              → 1500 charged, 62500 left
    withdraw c1 eve mint 62000                  → ok, 500 left
    sent c1 0                                   → sent 62000 for 0, 500 left
    withdrawable eve                            → mint 500`,
}

export const VESTING: Cases = {
  'a tier adds bonus credit in the same entry': `
    deposit p1 ann 1000 source=lnd tier=100     → ok, 1100 left
    balance ann                                 → paid 1000, bonus 100, held 0
    entries                                     → deposit p1
    deposit p1 ann 1000 source=lnd tier=100     → already_deposited
    balance ann                                 → paid 1000, bonus 100, held 0`,

  'L10 bonus_vests as its own deposit is spent: the rest goes with what leaves, rounded up': `
    deposit p1 ann 1000 source=lnd tier=100     → ok, 1100 left
    hold h1 ann 600..600                        → 600 tokens for 600
    settle h1 600                               → 600 charged, 500 left
    balance ann                                 → paid 400, bonus 100, held 0
    withdraw w1 ann lnd 399                     → ok, 61 left
    balance ann                                 → paid 1, bonus 60, held 0, leaving 399
    sent w1 0                                   → sent 399 for 0, 61 left
    withdraw w2 ann lnd 1                       → ok, 60 left
    sent w2 0                                   → sent 1 for 0, 60 left
    balance ann                                 → paid 0, bonus 60, held 0`,

  'L10 in parts or at once, what is taken back is the same': `
    deposit p1 ann 1000 source=lnd tier=7       → ok, 1007 left
    withdraw w1 ann lnd 1                       → ok, 1005 left
    sent w1 0                                   → sent 1 for 0, 1005 left
    withdraw w2 ann lnd 1                       → ok, 1004 left
    sent w2 0                                   → sent 1 for 0, 1004 left
    withdraw w3 ann lnd 998                     → ok, 0 left
    sent w3 0                                   → sent 998 for 0, 0 left
    balance ann                                 → paid 0, bonus 0, held 0`,

  'L10 each deposit has its own tier: only what leaves loses its bonus': `
    deposit p1 ann 1000 source=lnd tier=100     → ok, 1100 left
    deposit p2 ann 1000 source=lnd tier=300     → ok, 2400 left
    deposit p3 ann 1000 source=mint             → ok, 3400 left
    withdraw w1 ann mint 1000                   → ok, 2400 left
    sent w1 0                                   → sent 1000 for 0, 2400 left
    withdraw w2 ann lnd 500                     → ok, 1750 left
    sent w2 0                                   → sent 500 for 0, 1750 left
    balance ann                                 → paid 1500, bonus 250, held 0`,

  'L10 what comes back of the fee brings its bonus back': `
    deposit p1 ann 1000 source=lnd tier=100     → ok, 1100 left
    withdraw w1 ann lnd 400 fee=100             → ok, 550 left
    balance ann                                 → paid 500, bonus 50, held 0, leaving 500
    sent w1 0                                   → sent 400 for 0, 660 left
    balance ann                                 → paid 600, bonus 60, held 0`,

  'L10 bonus that was spent while the paid-in credit was held stays paid for': `
    deposit p1 ann 100 source=lnd tier=30       → ok, 130 left
    hold h1 ann 100..100                        → 100 tokens for 100
    hold h2 ann 30..30                          → 30 tokens for 30
    settle h2 30                                → 30 charged, 0 left
    release h1                                  → 0 charged, 100 left
    balance ann                                 → paid 100, bonus 0, held 0
    withdrawable ann                            → lnd 76
    withdraw w1 ann lnd 77                      → insufficient_funds, 76 may leave
    withdraw w1 ann lnd 76                      → ok, 1 left
    balance ann                                 → paid 1, bonus 0, held 0, leaving 76
    withdrawable ann                            → nothing
    failed w1                                   → failed, 100 left
    withdrawable ann                            → lnd 76
    withdraw w2 ann lnd 46 fee=30               → ok, 1 left
    sent w2 0                                   → sent 46 for 0, 40 left
    withdrawable ann                            → lnd 30
    deposit g1 ann 50 bonus                     → ok, 90 left
    withdrawable ann                            → lnd 40`,
}

export const LOST: Cases = {
  'L13 what left before a restore is debited, and the same id changes nothing': `
    deposit p1 ann 1000 source=lnd tier=100     → ok, 1100 left
    lost w1 ann lnd 300 fee=10                  → sent 300 for 10, 759 left
    balance ann                                 → paid 690, bonus 69, held 0
    lost w1 ann lnd 300 fee=10                  → sent 300 for 10, 759 left
    sent w1 0                                   → already_closed
    withdraw w1 ann lnd 10                      → exists
    withdrawable ann                            → lnd 690
    outgo                                       → 2026-11-21 lnd: 1 for 310, 10 of it fees
    entries                                     → send w1, deposit p1`,

  'L13 what the account does not have any more is a loss': `
    deposit p1 ann 100 source=lnd               → ok, 100 left
    deposit p2 ann 500 source=mint              → ok, 600 left
    lost w1 ann lnd 300 fee=10                  → sent 300 for 10, 500 left
    withdrawable ann                            → mint 500
    lost w2 bob lnd 50                          → sent 50 for 0, 0 left
    withdrawal w2                               → sent 50 for 0 of lnd`,
}

export const SOURCES: Cases = {
  'L9 what is owed is known by source, with what is held and leaving': `
    deposit p1 ann 300 source=mint              → ok, 300 left
    deposit p2 ann 500 source=lnd               → ok, 800 left
    deposit p3 bob 70 source=lnd                → ok, 70 left
    deposit p4 cyd 20                           → ok, 20 left
    deposit g1 cyd 20 bonus                     → ok, 40 left
    owed-by-source                              → (none) 20, lnd 570, mint 300
    hold h1 ann 400..400                        → 400 tokens for 400
    withdraw w1 bob lnd 60 fee=5                → ok, 5 left
    owed-by-source                              → (none) 20, lnd 570, mint 300
    settle h1 350                               → 350 charged, 450 left
    sent w1 5                                   → sent 60 for 5, 5 left
    owed-by-source                              → (none) 20, lnd 455`,

  'a source can be named afterwards': `
    deposit p1 ann 300 source=ecash             → ok, 300 left
    deposit p2 ann 500 source=ecash             → ok, 800 left
    deposit p3 bob 500 source=lnd               → ok, 500 left
    payments-of ecash                           → p2 p1
    payments-of ecash limit=1                   → p2
    payments-of ecash limit=1 before=p2         → p1
    name p1 mint
    name unknown mint
    payments-of ecash                           → p2
    withdrawable ann                            → ecash 500, mint 300`,
}

export const RESTARTED: Cases = {
  'L12 an open withdrawal is there after a restart, and stays open': `
    deposit p1 ann 1000 source=lnd tier=100     → ok, 1100 left
    withdraw w1 ann lnd 500 fee=50              → ok, 495 left
    reopen
    balance ann                                 → paid 450, bonus 45, held 0, leaving 550
    expire                                      → nothing
    in-flight                                   → w1
    withdraw w2 ann lnd 10                      → in_flight
    withdraw w1 ann lnd 10                      → exists
    sent w1 5                                   → sent 500 for 5, 544 left
    reopen
    withdrawal w1                               → sent 500 for 5 of lnd
    withdrawable ann                            → lnd 495
    withdraw w2 ann lnd 495                     → ok, 0 left
    reopen
    failed w2                                   → failed, 544 left
    balance ann                                 → paid 495, bonus 49, held 0`,

  'a debt that waits for a withdrawal waits through a restart': `
    deposit p1 ann 1000 source=lnd              → ok, 1000 left
    withdraw w1 ann lnd 950                     → ok, 50 left
    hold h1 ann 50..50                          → 50 tokens for 50
    settle h1 80                                → 50 charged, 30 owed, 0 left
    reopen
    expire                                      → nothing
    balance ann                                 → paid 0, bonus 0, held 0, leaving 950, owed 30
    failed w1                                   → failed, 920 left`,

  'many deposits, on disk and not': `
    deposit p1 ann 10 source=lnd                → ok, 10 left
    deposit p2 ann 10 source=mint               → ok, 20 left
    reopen
    deposit p3 ann 10 source=lnd                → ok, 30 left
    withdraw w1 ann lnd 15                      → ok, 15 left
    reopen
    deposit p4 ann 10 source=mint               → ok, 25 left
    withdrawable ann                            → mint 20, lnd 5
    failed w1                                   → failed, 40 left
    withdrawable ann                            → mint 20, lnd 20`,
}
