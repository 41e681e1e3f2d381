/**
 * Dollars as a balance of their own (threats L5, I1). `ledger-script.ts` explains the lines. Dollars are in
 * µ$. At a rate of 60,000 a msat is 0.6 µ$, at 100,000 it is one, at 200,000 it is two.
 */

type Cases = Readonly<Record<string, string>>

export const DOLLARS: Cases = {
  'L5 dollars_do_not_leave_as_sats: they pay for a price in sats last, at the rate of the hold': `
    deposit p1 ann 30                           → ok, 30 left
    deposit x1 ann 1000 usd                     → ok, 30 left and 1000 µ$
    deposit g1 ann 20 bonus                     → ok, 50 left and 1000 µ$
    outstanding                                 → 1000 µ$
    hold h1 ann 1..100 rate=60000               → 100 tokens for 100
    balance ann                                 → paid 0, bonus 0, held 100, 970 µ$
    outstanding                                 → 1000 µ$
    settle h1 60                                → 60 charged, 1656 left
    balance ann                                 → paid 0, bonus 0, held 0, 994 µ$
    outstanding                                 → 994 µ$
    usage ann charged=yes                       → h1:60`,

  'L5 a hold that settles gives back in the reverse order: dollars, bonus, paid-in credit': `
    deposit p1 ann 30                           → ok, 30 left
    deposit g1 ann 20 bonus                     → ok, 50 left
    deposit x1 ann 100 usd                      → ok, 50 left and 100 µ$
    hold h1 ann 1..100 rate=60000               → 100 tokens for 100
    settle h1 25                                → 25 charged, 191 left
    balance ann                                 → paid 5, bonus 20, held 0, 100 µ$
    hold h2 ann 1..100 rate=60000               → 100 tokens for 100
    release h2                                  → 0 charged, 191 left
    balance ann                                 → paid 5, bonus 20, held 0, 100 µ$`,

  'L5 dollars_do_not_leave_as_sats: I1 nothing of them may be withdrawn, even if sats paid beside them': `
    deposit p1 ann 500000 source=lnd            → ok, 500000 left
    deposit x1 ann 9000000 usd                  → ok, 500000 left and 9000000 µ$
    withdrawable ann                            → lnd 500000
    hold h1 ann 1..900000 rate=60000            → 900000 tokens for 900000
    withdrawable ann                            → nothing
    settle h1 450000                            → 450000 charged, 15050000 left
    withdrawable ann                            → lnd 50000
    withdraw w1 ann lnd 50001                   → insufficient_funds, 50000 may leave
    withdraw w1 ann lnd 50000                   → ok, 0 left
    sent w1 0                                   → sent 50000 for 0, 0 left
    balance ann                                 → paid 0, bonus 0, held 0, 9000000 µ$`,

  'L5 without a rate dollars pay for nothing': `
    deposit x1 ann 1000 usd                     → ok, 0 left and 1000 µ$
    hold h1 ann 1..100                          → insufficient_funds, needs 1 of 0
    deposit p1 ann 50                           → ok, 50 left and 1000 µ$
    hold h1 ann 1..100                          → 50 tokens for 50
    settle h1 80                                → 50 charged, 30 overrun, 0 left
    balance ann                                 → paid 0, bonus 0, held 0, 1000 µ$`,

  'L5 the greatest number of units is held that dollars pay for, to the last µ$': `
    deposit x1 ann 1000 usd                     → ok, 0 left and 1000 µ$
    hold h1 ann 1..5000000 rate=60000           → 1666 tokens for 1666
    balance ann                                 → paid 0, bonus 0, held 1666
    release h1                                  → 0 charged, 1666 left
    hold h2 ann 1..5000000 rate=59963           → 1667 tokens for 1667
    release h2                                  → 0 charged, 1667 left
    hold h3 ann 1..5000000 rate=200001          → 499 tokens for 499
    balance ann                                 → paid 0, bonus 0, held 499, 1 µ$
    release h3                                  → 0 charged, 499 left
    hold h4 ann 1..5000000 rate=1234567         → 81 tokens for 81
    balance ann                                 → paid 0, bonus 0, held 81
    release h4                                  → 0 charged, 81 left
    hold h5 ann 1..5000000 rate=9000 price=2+0.25 → 44436 tokens for 11111
    release h5                                  → 0 charged, 11111 left`,

  'L5 the operator is never short: dollars are rounded up when they are charged': `
    deposit x1 ann 3 usd                        → ok, 0 left and 3 µ$
    hold h1 ann 11..11 rate=9000                → 11 tokens for 11
    balance ann                                 → paid 0, bonus 0, held 11, 2 µ$
    settle h1 1                                 → 1 charged, 22 left
    balance ann                                 → paid 0, bonus 0, held 0, 2 µ$
    hold h2 ann 1..1 rate=200000                → 1 tokens for 1
    balance ann                                 → paid 0, bonus 0, held 1
    settle h2 1                                 → 1 charged, 0 left
    hold h3 ann 1..1 rate=200000                → insufficient_funds, needs 1 of 0`,

  'L5 a charge above the hold takes paid-in credit, then dollars, at the rate of the hold': `
    deposit x1 ann 100 usd                      → ok, 0 left and 100 µ$
    hold h1 ann 50..50 rate=60000               → 50 tokens for 50
    deposit p1 ann 20                           → ok, 20 left and 70 µ$
    settle h1 100                               → 100 charged, 86 left
    balance ann                                 → paid 0, bonus 0, held 0, 52 µ$
    hold h2 ann 50..50 rate=60000               → 50 tokens for 50
    settle h2 100                               → 86 charged, 14 overrun, 0 left
    balance ann                                 → paid 0, bonus 0, held 0`,

  'L5 a price in dollars is charged at par, whatever the rate': `
    deposit x1 ann 1000 usd                     → ok, 0 left and 1000 µ$
    hold h1 ann 1..100 rate=60000 price=0+1 usd=0+0.6 → 100 tokens for 100
    balance ann                                 → paid 0, bonus 0, held 100, 940 µ$
    settle h1 40 usd=24                         → 40 charged, 1626 left
    balance ann                                 → paid 0, bonus 0, held 0, 976 µ$
    hold h2 ann 1..5 rate=200000 price=0+0.3 usd=0+0.6 → 5 tokens for 2
    balance ann                                 → paid 0, bonus 0, held 2, 973 µ$
    settle h2 2 usd=3                           → 2 charged, 486 left
    balance ann                                 → paid 0, bonus 0, held 0, 973 µ$
    hold h3 ann 1..500 rate=9000 price=0+6.666667 usd=0+0.6 → 500 tokens for 3334
    balance ann                                 → paid 0, bonus 0, held 3334, 673 µ$
    settle h3 667 usd=60                        → 667 charged, 10144 left
    balance ann                                 → paid 0, bonus 0, held 0, 913 µ$
    hold h4 ann 1..5000000 rate=1234567 price=0+0.048600 usd=0+0.6 → 1521 tokens for 74
    settle h4 74 usd=913                        → 74 charged, 0 left
    balance ann                                 → paid 0, bonus 0, held 0`,

  'L5 a price in dollars takes dollars first, and sats for what is missing': `
    deposit p1 ann 30                           → ok, 30 left
    deposit g1 ann 20 bonus                     → ok, 50 left
    deposit x1 ann 60 usd                       → ok, 50 left and 60 µ$
    hold h1 ann 1..500 rate=60000 price=0+1 usd=0+0.6 → 150 tokens for 150
    balance ann                                 → paid 0, bonus 0, held 150
    settle h1 120 usd=72                        → 120 charged, 30 left
    balance ann                                 → paid 10, bonus 20, held 0
    deposit x2 ann 60 usd                       → ok, 30 left and 60 µ$
    hold h2 ann 1..110 rate=60000 price=0+1 usd=0+0.6 → 110 tokens for 110
    balance ann                                 → paid 0, bonus 20, held 110
    settle h2 90 usd=54                         → 90 charged, 40 left
    balance ann                                 → paid 10, bonus 20, held 0, 6 µ$`,

  'L5 a charge in dollars above the hold takes more dollars at par, then sats': `
    deposit x1 ann 100 usd                      → ok, 0 left and 100 µ$
    hold h1 ann 50..50 rate=60000 price=0+1 usd=0+0.6 → 50 tokens for 50
    deposit p1 ann 20                           → ok, 20 left and 70 µ$
    settle h1 100 usd=60                        → 100 charged, 86 left
    balance ann                                 → paid 20, bonus 0, held 0, 40 µ$
    hold h2 ann 50..50 rate=60000 price=0+1 usd=0+0.6 → 50 tokens for 50
    settle h2 100 usd=60                        → 86 charged, 14 overrun, 0 left
    balance ann                                 → paid 0, bonus 0, held 0`,

  'L5 dollars below one msat stay where they are': `
    deposit p1 ann 5                            → ok, 5 left
    deposit x1 ann 7 usd                        → ok, 5 left and 7 µ$
    hold h1 ann 1..5 rate=1000000 price=0+0.8 usd=0+8 → 5 tokens for 4
    balance ann                                 → paid 1, bonus 0, held 4, 7 µ$
    settle h1 4 usd=40                          → 4 charged, 1 left`,

  'L5 a price in dollars that expired is charged as the journal says, at the price of its hold': `
    deposit x1 ann 100 usd                      → ok, 0 left and 100 µ$
    hold h1 ann 50..50 rate=60000 price=0+1 usd=0+0.6 → 50 tokens for 50
    extend h1 25                                → ok
    expire                                      → h1: 25 charged, 141 left
    balance ann                                 → paid 0, bonus 0, held 0, 85 µ$
    settle h1 30 usd=18                         → 30 charged, 136 left
    balance ann                                 → paid 0, bonus 0, held 0, 82 µ$
    hold h2 ann 5..5 rate=200000 price=0+0.3 usd=0+0.6 → 5 tokens for 2
    extend h2 2                                 → ok
    expire                                      → h2: 2 charged, 39 left
    balance ann                                 → paid 0, bonus 0, held 0, 79 µ$
    release h2                                  → 0 charged, 41 left
    balance ann                                 → paid 0, bonus 0, held 0, 82 µ$`,

  'L5 B2 a charge in dollars never takes what another request holds; the rest is owed in msat': `
    deposit x1 ann 60 usd                       → ok, 0 left and 60 µ$
    hold h1 ann 50..50 rate=60000               → 50 tokens for 50
    hold h2 ann 50..50 rate=60000               → 50 tokens for 50
    settle h1 80                                → 50 charged, 30 owed, 0 left
    balance ann                                 → paid 0, bonus 0, held 50, owed 30
    settle h2 30                                → 30 charged, 10 overrun, 0 left
    balance ann                                 → paid 0, bonus 0, held 0
    usage ann charged=yes                       → h2:30 h1:70`,

  'L5 no rate is known for the debt of a hold without one, and while it waits dollars pay for nothing new': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 50..50                          → 50 tokens for 50
    hold h2 ann 50..50                          → 50 tokens for 50
    settle h1 80                                → 50 charged, 30 owed, 0 left
    deposit x1 ann 100 usd                      → ok, 0 left and 100 µ$
    balance ann                                 → paid 0, bonus 0, held 50, owed 30, 100 µ$
    hold h3 ann 10..10 rate=60000               → held, needs 10, has 0 free
    settle h2 20                                → 20 charged, 0 left
    balance ann                                 → paid 0, bonus 0, held 0, 100 µ$
    hold h3 ann 10..10 rate=60000               → 10 tokens for 10`,

  'L5 limits count what dollars pay as any other charge, in msat': `
    deposit x1 ann 1000 usd                     → ok, 0 left and 1000 µ$
    hold h1 ann 1..500 rate=60000 m:spend<=100/day → 100 tokens for 100
    settle h1 70                                → 70 charged, 1596 left
    left m:spend<=100/day                       → 30
    hold h2 ann 1..500 rate=60000 price=0+1 usd=0+0.6 m:spend<=100/day → 30 tokens for 30
    settle h2 30 usd=18                         → 30 charged, 1566 left
    hold h3 ann 1..500 rate=60000 m:spend<=100/day → limit_reached at m, 0 left, until 2026-11-22T00:00:00.000Z`,

  'L5 a refusal says what the account has, with its dollars at the rate': `
    deposit p1 ann 20                           → ok, 20 left
    deposit x1 ann 60 usd                       → ok, 20 left and 60 µ$
    hold h1 ann 121..200 rate=60000             → insufficient_funds, needs 121 of 120
    hold h1 ann 100..100 rate=60000             → 100 tokens for 100
    hold h2 ann 50..100 rate=60000              → held, needs 50, has 20 free
    hold h2 ann 121..200 rate=60000             → insufficient_funds, needs 121 of 120
    hold h2 ann 241..241 rate=30000             → insufficient_funds, needs 241 of 220
    hold h2 ann 1..100 rate=60000 patient=yes   → held, needs 1, has 20 free
    settle h1 50                                → 50 charged, 70 left
    hold h2 ann 1..100 rate=60000 patient=yes   → 70 tokens for 70`,

  'L5 the book keeps both units side by side, and no posting connects them': `
    deposit p1 ann 30                           → ok, 30 left
    deposit x1 ann 1000 usd                     → ok, 30 left and 1000 µ$
    hold h1 ann 1..100 rate=60000 m:spend<=900/day → 100 tokens for 100
    settle h1 60                                → 60 charged, 1636 left
    hold h2 ann 1..100 rate=60000               → 100 tokens for 100
    settle h2 130                               → 130 charged, 1506 left
    postings h1                                 → settle held:ann>revenue:llama3 60, held:ann>exchange:usd 40, usd-spent:exchange>usd:ann 24 | hold paid:ann>held:ann 30, exchange:usd>held:ann 70, usd:ann>usd-spent:exchange 42
    postings h2                                 → settle exchange:usd>revenue:llama3 130, usd:ann>usd-spent:exchange 78
    postings x1                                 → deposit usd-rail:l402>usd:ann 1000`,

  'L5 what a hold with dollars sets aside is released and removed without a trace': `
    deposit x1 ann 1000 usd                     → ok, 0 left and 1000 µ$
    hold h1 ann 1..100 rate=60000 m:spend<=900/day → 100 tokens for 100
    release h1                                  → 0 charged, 1666 left
    prune 12:00:30Z                             → 1 left
    entries                                     → deposit x1`,
}

/** The same through restarts. */
export const DOLLARS_REOPENED: Cases = {
  'L5 what expired is charged at the rate of its hold, and what is settled later too': `
    deposit x1 ann 100 usd                      → ok, 0 left and 100 µ$
    hold h1 ann 50..50 rate=60000               → 50 tokens for 50
    extend h1 20                                → ok
    reopen
    balance ann                                 → paid 0, bonus 0, held 50, 70 µ$
    outstanding                                 → 100 µ$
    expire                                      → h1: 20 charged, 146 left
    balance ann                                 → paid 0, bonus 0, held 0, 88 µ$
    settle h1 40                                → 40 charged, 126 left
    balance ann                                 → paid 0, bonus 0, held 0, 76 µ$
    reopen
    outstanding                                 → 76 µ$`,

  'L5 a deposit in dollars pays debts, at the rate of the hold that owes': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 50..50 rate=60000               → 50 tokens for 50
    hold h2 ann 50..50                          → 50 tokens for 50
    settle h1 80                                → 50 charged, 30 owed, 0 left
    deposit x1 ann 10 usd                       → ok, 0 left and 0 µ$
    balance ann                                 → paid 0, bonus 0, held 50, owed 14
    reopen
    deposit x2 ann 10 usd                       → ok, 0 left and 2 µ$
    balance ann                                 → paid 0, bonus 0, held 50, 2 µ$
    usage ann charged=yes                       → h1:80
    settle h2 50                                → 50 charged, 0 left`,

  'L5 one payment in dollars is credited once': `
    deposit x1 ann 1000 usd                     → ok, 0 left and 1000 µ$
    deposit x1 ann 1000 usd                     → already_deposited
    deposit x1 bob 1000 usd                     → deposited_elsewhere
    deposit x1 ann 1000                         → already_deposited
    reopen
    deposit x1 ann 1000 usd                     → already_deposited
    outstanding                                 → 1000 µ$
    deposit x2 bob 500 usd                      → ok, 0 left and 500 µ$
    outstanding                                 → 1500 µ$`,
}
