/** What a ledger accepts and holds, case by case. `ledger-script.ts` explains the lines. */

type Cases = Readonly<Record<string, string>>

export const DEPOSITS: Cases = {
  'a first deposit opens the account, a second tops it up': `
    balance ann              → none
    deposit p1 ann 1000      → ok, 1000 left
    deposit p2 ann 500       → ok, 1500 left
    deposit g1 ann 30 bonus  → ok, 1530 left
    balance ann              → paid 1500, bonus 30, held 0`,

  'B7 C6 a payment is credited once, whatever is asked of it later': `
    deposit p1 ann 1000      → ok, 1000 left
    deposit p1 ann 1000      → already_deposited
    deposit p1 ann 9999      → already_deposited
    deposit p1 bob 1000      → deposited_elsewhere
    balance ann              → paid 1000, bonus 0, held 0
    balance bob              → none`,

  'a deposit of nothing opens an account with nothing in it': `
    deposit p1 ann 0         → ok, 0 left
    hold h1 ann 1..1         → insufficient_funds, needs 1 of 0
    hold h2 ann 1..9 price=0+0 → 9 tokens for 0`,
}

export const HOLDS: Cases = {
  'a hold sets aside the price of what it grants': `
    deposit p1 ann 1000                         → ok, 1000 left
    hold h1 ann 1..100 price=10+2               → 100 tokens for 210
    balance ann                                 → paid 790, bonus 0, held 210`,

  'a small balance buys a short answer': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..500 price=10+2               → 45 tokens for 100`,

  'a balance that does not buy the least is refused with the numbers': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 46..500 price=10+2              → insufficient_funds, needs 102 of 100
    hold h2 ann 45..500 price=10+2              → 45 tokens for 100`,

  'no output asked for: the input alone is bought': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 0..0 price=101+0 input=7        → insufficient_funds, needs 101 of 100
    hold h2 ann 0..0 price=100+0 input=7        → 0 tokens for 100`,

  'A14 a price below one msat is rounded up once, against the buyer': `
    deposit p1 ann 10                           → ok, 10 left
    hold h1 ann 1..3 price=0.25+0.5             → 3 tokens for 2
    hold h2 ann 1..1000 price=0.25+0.5          → 15 tokens for 8
    balance ann                                 → paid 0, bonus 0, held 10`,

  'paid-in credit is spent first, then the bonus': `
    deposit p1 ann 100                          → ok, 100 left
    deposit g1 ann 100 bonus                    → ok, 200 left
    hold h1 ann 1..150                          → 150 tokens for 150
    balance ann                                 → paid 0, bonus 50, held 150
    settle h1 120                               → 120 charged, 80 left
    balance ann                                 → paid 0, bonus 80, held 0`,

  'what a release gives back goes to where it came from': `
    deposit p1 ann 100                          → ok, 100 left
    deposit g1 ann 100 bonus                    → ok, 200 left
    hold h1 ann 1..150                          → 150 tokens for 150
    hold h2 ann 1..50                           → 50 tokens for 50
    deposit p2 ann 7                            → ok, 7 left
    release h2                                  → 0 charged, 57 left
    balance ann                                 → paid 7, bonus 50, held 150
    release h1                                  → 0 charged, 207 left
    balance ann                                 → paid 107, bonus 100, held 0`,

  'refusals in their order: an id that was used comes first': `
    deposit p1 ann 10                           → ok, 10 left
    hold h1 ann 1..4                            → 4 tokens for 4
    hold h1 ghost 1..4 m:calls<=0/day           → hold_exists
    settle h1 4                                 → 4 charged, 6 left
    hold h1 ghost 1..4 m:calls<=0/day           → hold_exists
    hold h2 ghost 1..4 m:calls<=0/day           → account_not_found
    hold h2 ann 99..99 m:calls<=0/day           → limit_reached at m, 0 left, until 2026-11-22T00:00:00.000Z
    hold h2 ann 99..99                          → insufficient_funds, needs 99 of 6
    hold h3 ann 1..4                            → 4 tokens for 4
    hold h4 ann 6..6                            → held, needs 6, has 2 free`,

  'of several full limits the first one answers': `
    deposit p1 ann 10                           → ok, 10 left
    hold h1 ann 5..5 a:spend<=9/total b:calls<=0/total c:tokens<=0/hour → limit_reached at b, 0 left, for ever`,

  'a refusal changes nothing': `
    deposit p1 ann 10                           → ok, 10 left
    hold h1 ann 11..11 m:calls<=5/day           → insufficient_funds, needs 11 of 10
    hold h1 ann 9..9 m:calls<=5/day n:spend<=8/day → limit_reached at n, 8 left, until 2026-11-22T00:00:00.000Z
    left m:calls<=5/day                         → 5
    balance ann                                 → paid 10, bonus 0, held 0
    hold h1 ann 9..9 m:calls<=5/day             → 9 tokens for 9`,

  'money that one’s own requests hold is waited for, not bought again': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..90                           → 90 tokens for 90
    hold h2 ann 50..50                          → held, needs 50, has 10 free
    hold h2 ann 101..101                        → insufficient_funds, needs 101 of 100
    release h1                                  → 0 charged, 100 left
    hold h2 ann 50..50                          → 50 tokens for 50`,
}

export const LIMITS: Cases = {
  'each unit caps what is granted, and the lowest cap wins': `
    deposit p1 ann 10000                                     → ok, 10000 left
    hold h1 ann 1..900 price=10+2 input=5 s:spend<=100/day   → 45 tokens for 100
    hold h2 ann 1..900 price=10+2 input=5 t:tokens<=100/day  → 95 tokens for 200
    hold h3 ann 1..900 price=10+2 input=5 c:calls<=1/day     → 900 tokens for 1810
    hold h4 ann 1..900 price=10+2 input=5 x:spend<=100/day y:tokens<=20/day z:calls<=9/day → 15 tokens for 40
    left x:spend<=100/day                                    → 60
    left y:tokens<=20/day                                    → 0
    left z:calls<=9/day                                      → 8`,

  'a limit in a request caps that hold alone': `
    deposit p1 ann 1000                                      → ok, 1000 left
    hold h1 ann 1..900 m:spend<=50/req                       → 50 tokens for 50
    hold h2 ann 1..900 m:spend<=50/req                       → 50 tokens for 50
    hold h3 ann 51..900 m:spend<=50/req                      → limit_reached at m, 50 left, for ever
    hold h4 ann 1..1 n:calls<=0/req                          → limit_reached at n, 0 left, for ever
    left m:spend<=50/req                                     → 50`,

  'J4 a limit in a request has no meter: it is judged by the worst that the input may come to': `
    deposit p1 ann 1000                                      → ok, 1000 left
    hold h1 ann 1..900 price=10+1 input=10 worst=50+50 m:spend<=50/req   → limit_reached at m, 50 left, for ever
    hold h1 ann 1..900 price=10+1 input=10 worst=50+50 m:spend<=60/req   → 10 tokens for 20
    hold h2 ann 1..900 price=10+1 input=10 worst=50+50 m:tokens<=50/req  → limit_reached at m, 50 left, for ever
    hold h2 ann 1..900 price=10+1 input=10 worst=50+50 m:tokens<=57/req  → 7 tokens for 17
    hold h3 ann 1..900 price=10+1 input=10 worst=50+50 m:spend<=60/day   → 50 tokens for 60
    hold h4 ann 1..900 price=10+1 input=10 worst=50+50 m:calls<=1/req    → 893 tokens for 903`,

  'who is patient gets all that running requests do not keep for good, or waits': `
    deposit p1 ann 100                                       → ok, 100 left
    hold h1 ann 1..80                                        → 80 tokens for 80
    hold h2 ann 1..90 patient=yes                            → held, needs 1, has 20 free
    hold h2 ann 1..20 patient=yes                            → 20 tokens for 20
    release h1                                               → 0 charged, 80 left
    hold h3 ann 1..90 patient=yes                            → held, needs 1, has 80 free
    settle h2 20                                             → 20 charged, 80 left
    hold h3 ann 1..90 patient=yes                            → 80 tokens for 80
    deposit p2 ann 1000                                      → ok, 1000 left
    hold h4 ann 1..30 m:spend<=50/day                        → 30 tokens for 30
    hold h5 ann 1..90 patient=yes m:spend<=50/day            → held, needs 1, has 970 free
    settle h4 30                                             → 30 charged, 970 left
    hold h5 ann 1..90 patient=yes m:spend<=50/day            → 20 tokens for 20`,

  'a limit that only running requests fill is waited for': `
    deposit p1 ann 1000                                      → ok, 1000 left
    hold h1 ann 1..80 m:spend<=100/day                       → 80 tokens for 80
    hold h2 ann 30..30 m:spend<=100/day                      → held, needs 30, has 920 free
    settle h1 75                                             → 75 charged, 925 left
    hold h2 ann 30..30 m:spend<=100/day                      → limit_reached at m, 25 left, until 2026-11-22T00:00:00.000Z
    hold h2 ann 1..30 m:spend<=100/day                       → 25 tokens for 25`,

  'a call is counted when it was charged, and given back when it was free': `
    deposit p1 ann 1000                                      → ok, 1000 left
    hold h1 ann 1..10 m:calls<=1/total                       → 10 tokens for 10
    hold h2 ann 1..10 m:calls<=1/total                       → held, needs 1, has 990 free
    release h1                                               → 0 charged, 1000 left
    hold h2 ann 1..10 m:calls<=1/total                       → 10 tokens for 10
    settle h2 0                                              → 0 charged, 1000 left
    hold h3 ann 1..10 m:calls<=1/total                       → limit_reached at m, 0 left, for ever`,

  'tokens are counted as they flowed, input and output': `
    deposit p1 ann 1000                                      → ok, 1000 left
    hold h1 ann 1..80 input=20 m:tokens<=100/hour            → 80 tokens for 80
    settle h1 30 in=15 out=30                                → 30 charged, 970 left
    left m:tokens<=100/hour                                  → 55`,

  'B8 a window is fixed in UTC and empty when the next begins': `
    clock 2026-11-21T23:59:59.999Z
    deposit p1 ann 100000                                    → ok, 100000 left
    hold a1 ann 9..9 i:spend<=9/min                          → 9 tokens for 9
    settle a1 9                                              → 9 charged, 99991 left
    hold a2 ann 9..9 i:spend<=9/min                          → limit_reached at i, 0 left, until 2026-11-22T00:00:00.000Z
    hold b1 ann 9..9 h:spend<=9/hour                         → 9 tokens for 9
    hold c1 ann 9..9 d:spend<=9/day                          → 9 tokens for 9
    hold e1 ann 9..9 m:spend<=9/month                        → 9 tokens for 9
    settle e1 9                                              → 9 charged, 99964 left
    hold e2 ann 9..9 m:spend<=9/month                        → limit_reached at m, 0 left, until 2026-12-01T00:00:00.000Z
    hold f1 ann 9..9 t:spend<=9/total                        → 9 tokens for 9
    settle f1 9                                              → 9 charged, 99955 left
    clock 2026-11-22T00:00:00.000Z
    left i:spend<=9/min                                      → 9
    left h:spend<=9/hour                                     → 9
    left d:spend<=9/day                                      → 9
    left m:spend<=9/month                                    → 0
    clock 2026-12-01T00:00:00.000Z
    left m:spend<=9/month                                    → 9
    left t:spend<=9/total                                    → 0`,

  'B8 months end where they end, and summer time moves nothing': `
    clock 2028-02-29T23:30:00Z
    deposit p1 ann 1000                                      → ok, 1000 left
    hold a1 ann 9..9 m:spend<=8/month                        → limit_reached at m, 8 left, until 2028-03-01T00:00:00.000Z
    clock 2028-03-26T01:30:00Z
    hold a2 ann 9..9 d:spend<=8/day                          → limit_reached at d, 8 left, until 2028-03-27T00:00:00.000Z
    clock 2028-12-31T23:59:59Z
    hold a3 ann 9..9 m:spend<=8/month                        → limit_reached at m, 8 left, until 2029-01-01T00:00:00.000Z`,

  'I12 a hold from before midnight is settled in the day it was counted in': `
    clock 2026-11-21T23:59:00Z
    deposit p1 ann 1000                                      → ok, 1000 left
    hold h1 ann 60..60 m:spend<=100/day                      → 60 tokens for 60
    hold h2 ann 40..40 m:spend<=100/day                      → 40 tokens for 40
    clock 2026-11-22T00:01:00Z
    hold h3 ann 1..200 m:spend<=100/day                      → 100 tokens for 100
    release h1                                               → 0 charged, 860 left
    settle h2 40                                             → 40 charged, 860 left
    left m:spend<=100/day                                    → 0
    settle h3 100                                            → 100 charged, 860 left
    left m:spend<=100/day                                    → 0`,

  'I12 a clock that is set back opens no window again': `
    clock 2026-11-22T00:01:00Z
    deposit p1 ann 1000                                      → ok, 1000 left
    hold h1 ann 1..100 m:spend<=100/day                      → 100 tokens for 100
    settle h1 100                                            → 100 charged, 900 left
    clock 2026-11-21T12:00:00Z
    hold h2 ann 1..100 m:spend<=100/day                      → limit_reached at m, 0 left, until 2026-11-23T00:00:00.000Z`,
}

/** A limit counts its own unit, whatever quantity the hold is clamped in. */
export const QUANTITIES = {
  'a hold is clamped in any quantity: as many units as money buys': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..9 of=image price=10+20       → 4 of image for 90
    settle h1 50 image=2                        → 50 charged, 50 left
    hold h2 ann 3..9 of=image price=10+20       → insufficient_funds, needs 70 of 50
    hold h3 ann 1..9 of=second price=0+7        → 7 of second for 49`,

  'a limit of tokens counts tokens, and neither images nor seconds': `
    deposit p1 ann 1000                         → ok, 1000 left
    hold h1 ann 1..9 of=image price=0+20 input=30 m:tokens<=40/day → 9 of image for 180
    left m:tokens<=40/day                       → 10
    settle h1 100 in=25 image=5                 → 100 charged, 900 left
    left m:tokens<=40/day                       → 15
    hold h2 ann 1..9 of=second input=16 m:tokens<=40/day → limit_reached at m, 15 left, until 2026-11-22T00:00:00.000Z
    hold h3 ann 1..9 of=second input=15 m:tokens<=40/day → 9 of second for 9`,

  'a limit of calls counts one for a request, and as many as it says where it says': `
    deposit p1 ann 1000                         → ok, 1000 left
    hold h1 ann 1..9 of=image m:calls<=9/day    → 9 of image for 9
    left m:calls<=9/day                         → 8
    settle h1 3 image=3                         → 3 charged, 997 left
    left m:calls<=9/day                         → 8
    hold h2 ann 2..20 of=call price=0+10 m:calls<=9/day → 8 of call for 80
    left m:calls<=9/day                         → 0
    settle h2 50 call=5                         → 50 charged, 947 left
    left m:calls<=9/day                         → 3
    hold h3 ann 4..9 of=call m:calls<=9/day     → limit_reached at m, 3 left, until 2026-11-22T00:00:00.000Z`,

  'what expires with anything in it counts as it was held, in any quantity': `
    deposit p1 ann 1000                         → ok, 1000 left
    hold h1 ann 1..6 of=call price=0+10 m:calls<=9/day until=1000 → 6 of call for 60
    extend h1 20 until=1000                     → ok
    expire 12:00:02Z                            → h1: 20 charged, 980 left
    left m:calls<=9/day                         → 3`,
}

/** Several gates over one store. Each closes its own holds, and those whose deadline has passed. */
export const OWNERS = {
  'a gate that starts leaves the running holds of others alone': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..30                           → 30 tokens for 30
    extend h1 12                                → ok
    gate b
    expire                                      → nothing
    expire 12:00:59Z                            → nothing
    balance ann                                 → paid 70, bonus 0, held 30
    hold h2 ann 1..30                           → 30 tokens for 30
    gate a
    extend h1 20                                → ok
    settle h1 25                                → 25 charged, 45 left
    hold h3 ann 1..9                            → 9 tokens for 9
    gate b
    expire                                      → h2: 0 charged, 66 left
    gate a
    balance ann                                 → paid 66, bonus 0, held 9`,

  'a hold past its deadline is closed by whichever gate looks, and its owner still settles it': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..30 until=1000                → 30 tokens for 30
    extend h1 12 until=1000                     → ok
    gate b
    expire 12:00:02Z                            → h1: 12 charged, 88 left
    expire 12:00:02Z                            → nothing
    gate a
    expire                                      → nothing
    settle h1 20                                → 20 charged, 80 left`,

  'a gate that starts again closes what it left open, whatever the deadline': `
    deposit p1 ann 100                          → ok, 100 left
    hold h1 ann 1..30                           → 30 tokens for 30
    gate b
    hold h2 ann 1..30                           → 30 tokens for 30
    gate a
    expire                                      → h1: 0 charged, 70 left
    expire                                      → nothing`,
}
