import { getEncodedToken, type Proof, Wallet } from '@cashu/cashu-ts'
import { until } from './buyer.ts'

/** A buyer with a wallet of the library that most ecash wallets are made of. */
export class EcashBuyer {
  readonly #wallet: Wallet

  constructor(wallet: Wallet) {
    this.#wallet = wallet
  }

  static async at(mint: string): Promise<EcashBuyer> {
    const wallet = new Wallet(mint, { unit: 'sat' })
    await wallet.loadMint()
    return new EcashBuyer(wallet)
  }

  /** Coins of that many sats. The mint of the lab pays its own invoices. */
  async coins(sats: number, pay: (bolt11: string) => Promise<unknown> = async () => {}) {
    const quote = await this.#wallet.createMintQuoteBolt11(sats)
    await pay(quote.request)
    const paid = async () =>
      String((await this.#wallet.checkMintQuoteBolt11(quote.quote)).state) === 'PAID'
    await until(paid, 30_000)
    return this.#wallet.mintProofsBolt11(sats, quote)
  }

  async token(sats: number): Promise<string> {
    return this.write(await this.coins(sats))
  }

  write(proofs: readonly Proof[]): string {
    return getEncodedToken({ mint: this.#wallet.mint.mintUrl, unit: 'sat', proofs: [...proofs] })
  }

  /** Takes a token of this mint, and spends it with that. Rejects if it is spent or forged. */
  async receive(token: string): Promise<void> {
    await this.#wallet.receive(token)
  }

  /** Spends coins elsewhere. */
  async spend(proofs: readonly Proof[]): Promise<void> {
    await this.#wallet.receive(this.write(proofs))
  }
}
