import { createHash } from 'node:crypto'
import { assert } from '../floor/assert.ts'
import { ClientBucket } from '../floor/client-bucket.ts'
import { err, ok, type Result } from '../floor/result.ts'
import type { World } from '../floor/world.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { MOST_REVOKED, type Revocations, type Rotation } from '../ledger/revocations.ts'
import { formatSat, type Msat, msat } from '../money/msat.ts'
import { decodeBase64 } from '../passes/base64.ts'
import { credentialOf } from '../passes/pair.ts'
import type { Pass, PresentedPass } from '../passes/pass.ts'
import { passAgain, type RotateParts, rotate } from '../passes/rotate.ts'
import { endOf, ownsAccount } from '../passes/scope.ts'
import type { Verify } from '../passes/verify.ts'
import type { Presentation } from '../rails/rail.ts'
import type { Authenticator } from './authenticate.ts'
import type { NotAuthenticated } from './not-authenticated.ts'
import { notGoodHere } from './not-authenticated.ts'
import { passHolder } from './pass-holder.ts'
import type { Payer } from './payer.ts'
import { LEDGER, type Refusal, refuse } from './refusal.ts'

/**
 * ms after a rotation in which the old root pass may ask again, while nobody has used the new one: the
 * answer may have been lost.
 */
const AGAIN_WITHIN = 10 * 60_000
/** Rotations of one account in a minute. Each leaves a row. */
const A_MINUTE = 6

export interface EndingPassesParts extends RotateParts {
  readonly ledger: Pick<Ledger, 'balance'>
  readonly authenticator: Authenticator
  readonly revocations: Revocations
  readonly verify: Verify
  readonly world: World
  /** False while a commit has failed or is late. */
  healthy(): boolean
}

/** How a pass ends before its time: `POST /v1/passes/rotate` and `DELETE /v1/pass`. */
export class EndingPasses {
  readonly #parts: EndingPassesParts
  readonly #bucket: ClientBucket

  constructor(parts: EndingPassesParts) {
    this.#parts = parts
    this.#bucket = new ClientBucket(parts.world)
  }

  /**
   * Gives the holder of a root pass a new one, and ends all other passes of the account. The old root
   * pass can do nothing more, but ask for this again within ten minutes, while nobody has used the new
   * pass. With the same `Idempotency-Key` it is then told the same pass. Without one it gets another,
   * and the one before ends: if it gave the same, a thief with the old pass would be told it too.
   */
  async rotate(
    presented: Presentation,
    idempotencyKey: string | null,
  ): Promise<Result<{ readonly pass: string }, Refusal>> {
    if (!this.#parts.healthy()) return err(LEDGER)
    const found = await passHolder(this.#parts.authenticator, presented, nobody)
    if (!found.ok) return found
    const who = found.value
    if (who.is === 'ended' && who.ended.by === 'revocation') return err(REVOKED)
    const payer = who.is === 'ended' ? who.ended.was : who.payer
    if (!ownsAccount(payer.scope)) return err(ROOT_ONLY)
    const key = idempotencyKey === null ? null : sha256(idempotencyKey)
    const asked = this.#mayRotate(payer)
    if (asked === null) return err(REVOKED)
    if (asked.again !== null && key !== null && key === asked.again.key) {
      const pass = await passAgain(this.#parts, asked.again)
      return pass === null ? err(REVOKED) : ok({ pass })
    }
    const wait = this.#bucket.take(payer.account, A_MINUTE)
    if (wait > 0) return err(tooOften(wait))
    const { from, at } = asked.again ?? { from: payer.generation, at: this.#parts.world.now() }
    return ok({ pass: await rotate(this.#parts, { account: payer.account, from, at, key }) })
  }

  /**
   * Ends a pass and every pass that was made from it: the one that is presented, or with
   * `{"pass": "<macaroon>"}` one that was made from it. The secret of that one is not needed. Ending it
   * again changes nothing. A root pass of an account with credit is ended only with `{"yes": true}`.
   */
  async revoke(presented: Presentation, body: unknown): Promise<Result<RevokedBody, Refusal>> {
    if (!this.#parts.healthy()) return err(LEDGER)
    const asked = readAsk(body)
    if (!asked.ok) return asked
    const found = await passHolder(this.#parts.authenticator, presented, nobody)
    if (!found.ok) return found
    const who = found.value
    const own = passIn(who.presented)
    const target = asked.value.pass === null ? own : this.#read(asked.value.pass)
    if (target === null) return err(BAD_TARGET)
    if (!target.names.includes(endOf(own))) return err(NOT_YOURS)
    const name = endOf(target)
    const { revocations, world } = this.#parts
    if (who.is === 'ended' || revocations.isRevoked([name])) return ok({ revoked: true })
    const { account, scope } = who.payer
    const left = ownsAccount(target.scope) ? await this.#credit(account) : msat(0n)
    if (left > 0n && !asked.value.yes) return err(creditRemains(left))
    if (revocations.count(account) >= this.#most(scope, target)) return err(TOO_MANY)
    await revocations.revoke({ name, account, at: world.now() })
    return ok(left > 0n ? { revoked: true, balance_msat: Number(left) } : { revoked: true })
  }

  /**
   * Whether the holder of this root pass may have a new one. `again`: an earlier rotation of the same
   * pass whose answer may have been lost. Asks no disk, so two at once are decided one after the other.
   */
  #mayRotate({ account, generation }: Payer): { readonly again: Rotation | null } | null {
    const { revocations, world } = this.#parts
    const last = revocations.rotation(account)
    if (generation === (last?.generation ?? 0)) return { again: null }
    if (last?.from !== generation || last.pass === null || last.usedAt !== null) return null
    return world.now() < last.at + AGAIN_WITHIN ? { again: last } : null
  }

  /** Holders of narrowed passes leave half of the room to the owner, who always finds a place for a root pass. */
  #most(scope: Payer['scope'], target: Pass): number {
    if (ownsAccount(target.scope)) return Number.POSITIVE_INFINITY
    return ownsAccount(scope) ? MOST_REVOKED : MOST_REVOKED / 2
  }

  async #credit(account: string): Promise<Msat> {
    const balance = await this.#parts.ledger.balance(account)
    return balance === null ? msat(0n) : msat(balance.available + balance.held)
  }

  /** The pass in a text that may have a secret behind it. Null if this gate did not sign it. */
  #read(text: string): Pass | null {
    const bytes = text.length > LONGEST ? null : decodeBase64(text.replace(/:.*$/s, '').trim())
    const verified = bytes === null ? null : this.#parts.verify(credentialOf(bytes, ''))
    return verified?.ok ? verified.value.pass : null
  }
}

export interface RevokedBody {
  readonly revoked: true
  /** Credit of the account that no pass of this chain reaches any more. */
  readonly balance_msat?: number
}

/** Characters of a pass: the largest macaroon in base64, and its secret. */
const LONGEST = 5_000

function passIn({ verified }: PresentedPass): Pass {
  assert(verified.ok, 'a pass that was authenticated is verified')
  return verified.value.pass
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

function readAsk(
  body: unknown,
): Result<{ readonly pass: string | null; readonly yes: boolean }, Refusal> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return err(NO_ASK)
  const { pass = null, yes = false, ...more } = body as Record<string, unknown>
  if (Object.keys(more).length > 0 || typeof yes !== 'boolean') return err(NO_ASK)
  return pass === null || typeof pass === 'string' ? ok({ pass, yes }) : err(NO_ASK)
}

const NO_ASK = refuse(
  400,
  'invalid_request_error',
  'Send no body to end the pass of this request, or {"pass": "<macaroon>"} to end one that was made from it; {"yes": true} beside it ends a root pass whose account has credit.',
)
const BAD_TARGET = refuse(
  400,
  'invalid_request_error',
  'The pass in this request is no macaroon of this gate, or is cut short. Its secret is not needed.',
  { param: 'pass' },
)
const NOT_YOURS = refuse(
  403,
  'not_your_pass',
  'Only a pass that was made from the pass of this request can be ended with it. To end every pass of the account, send POST /v1/passes/rotate with a root pass.',
)
const NO_PASS = refuse(
  402,
  'insufficient_quota',
  'Send a good pass of this gate: Authorization: Bearer <macaroon>:<secret>.',
)
const ROOT_ONLY = refuse(
  403,
  'root_pass_required',
  'Only the root pass of an account may do this, and this one is narrowed. Send the pass that was bought.',
)
const nobody = (not: NotAuthenticated | null): Refusal =>
  not === null ? NO_PASS : notGoodHere(NO_PASS, not)

const REVOKED = refuse(
  402,
  'insufficient_quota',
  'This pass was revoked: it cannot be used, rotated or brought back.',
  { extra: { payment_state: 'revoked' } },
)
const TOO_MANY = refuse(
  403,
  'too_many_revoked',
  'Too many passes of this account were ended one by one. POST /v1/passes/rotate ends all of them at once.',
)

const creditRemains = (left: Msat): Refusal =>
  refuse(
    409,
    'credit_remains',
    `This is a root pass, and its account has ${formatSat(left)} sat. Without a root pass nobody can reach them. POST /v1/passes/rotate gives you a new pass and ends this one; {"yes": true} in the body ends it and leaves the credit behind.`,
    { extra: { balance_msat: Number(left) } },
  )

const tooOften = (waitMs: number): Refusal =>
  refuse(429, 'rate_limit_exceeded', 'This account was rotated several times just now.', {
    retryAfterSeconds: Math.ceil(waitMs / 1000),
  })
