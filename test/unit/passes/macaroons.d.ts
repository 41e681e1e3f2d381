/** The part of macaroons.js that the tests use: it ships no types. */
declare module 'macaroons.js' {
  export class MacaroonsBuilder {
    constructor(location: string, secretKey: string, identifier: string)
    add_first_party_caveat(caveat: string): this
    getMacaroon(): { readonly signature: string }
  }
}
