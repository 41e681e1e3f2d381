/**
 * What a wallet says of itself, for `satgate wallet test`. Texts are for the operator: plain words,
 * no secret, no invoice. Kind of money, network and speed are not in it, because the test reads them
 * from an invoice that it makes.
 */
export interface WalletAbout {
  /** Who has the sats: `your node`, `the mint mint.example`, `the server lnbits.example`. */
  readonly holder: string
  /** How many sats can arrive now. */
  readonly inbound: Inbound
  /**
   * Who sees the preimage of a paid invoice. `payer`: the wallet shows it to us, and others cannot
   * read it. `public`: everybody who has the payment hash can read it. `nobody`: the wallet does not
   * show it.
   */
  readonly preimage: 'payer' | 'public' | 'nobody'
  /** How the gate learns of a payment that nobody presents. */
  readonly learns: 'subscription' | 'polling'
  /** Whether its key may pay invoices, so that buyers can be paid back from it. */
  readonly paysOut: boolean
  /** What the operator should change or know, such as a key that may do more than it needs to. */
  readonly warnings: readonly string[]
}

/**
 * `sat` is the most that can arrive now, or null if it is not known. `says` is a short sentence in
 * addition, such as why it is not known or what happens at the first payment. Null if there is
 * nothing to say.
 */
export interface Inbound {
  readonly sat: number | null
  readonly says: string | null
}
