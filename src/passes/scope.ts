/**
 * What the bearer of a credential may do with its account. Everything but paying is asked of the
 * functions below, and each of them names those who may: a scope that is added later may nothing.
 */
export type Scope =
  /** The root pass: it has no caveat but the `preimage=` of lnget. The account is its holder's. */
  | { readonly is: 'root' }
  /**
   * The root narrowed by `only = spend` and nothing else: an API key for a settings field. It spends
   * the whole account, sees its balance and tops it up, and can take nothing out (threats L14).
   */
  | { readonly is: 'spending'; readonly pass: string }
  /** Any other narrowed pass, by its name: sha256 of the signature at its last narrowing caveat. */
  | { readonly is: 'narrowed'; readonly pass: string }
  /**
   * No pass was presented: a payment, or a request that nobody pays for. It pays for its request out
   * of the whole account, and may no more (threats L2).
   */
  | { readonly is: 'request' }

/**
 * Whether the account is the bearer's: money may be taken out, passes may be rotated, and a new
 * macaroon of the account may be made for the bearer.
 */
export const ownsAccount = ({ is }: Scope): boolean => is === 'root'

/** Whether the bearer may see what the whole account has. */
export const seesBalance = ({ is }: Scope): boolean =>
  is === 'root' || is === 'spending' || is === 'request'

/** Whether a 402 offers a top-up of the account to the bearer, and not an account of its own. */
export const topsUp = ({ is }: Scope): boolean =>
  is === 'root' || is === 'spending' || is === 'request'

/** The name of the pass by which charges are counted and listed. Null: those of the whole account. */
export const nameOfPass = (scope: Scope): string | null => ('pass' in scope ? scope.pass : null)

/** The name at which a pass ends: that of its last narrowing caveat, or of its root. */
export const endOf = ({
  names,
  scope,
}: {
  readonly names: readonly string[]
  readonly scope: Scope
}): string => nameOfPass(scope) ?? names[0] ?? ''
