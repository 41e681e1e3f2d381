import { nearest } from '../floor/nearest.ts'
import { onLine } from '../floor/printable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { canonicalCaveats } from '../passes/caveat.ts'
import { type Refusal, refuse } from './refusal.ts'

/** Sats that one invoice asks for at most. */
export const MOST_SATS = 10_000_000
const USUAL_SATS = 1000

export interface InvoiceAsk {
  readonly sats: number
  /** In their canonical spelling. */
  readonly caveats: readonly string[]
}

/** The fields of a body of `POST /create-invoice`. */
const FIELDS = ['amountSats', 'caveats'] as const

/**
 * Reads the body of `POST /create-invoice`. A field that is not known is refused, so that nobody pays
 * for the usual amount because the name of the field was not right.
 */
export function readInvoiceAsk(body: unknown, now: number): Result<InvoiceAsk, Refusal> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return err(NO_OBJECT)
  const unknown = Object.keys(body).find((name) => !FIELDS.some((field) => field === name))
  if (unknown !== undefined) return err(unknownField(unknown))
  const sats: unknown = Reflect.get(body, 'amountSats') ?? USUAL_SATS
  if (typeof sats !== 'number' || !Number.isInteger(sats) || sats < 1 || sats > MOST_SATS) {
    return err(refuse(400, 'invalid_request_error', wrongAmount(sats), { param: 'amountSats' }))
  }
  const given: unknown = Reflect.get(body, 'caveats') ?? []
  const texts = Array.isArray(given) && given.every((one) => typeof one === 'string') ? given : null
  const caveats = texts === null ? null : canonicalCaveats(texts, now)
  if (caveats?.ok !== true) {
    const detail = caveats === null ? '' : ` What is wrong here: ${caveats.error.detail}.`
    const message = `caveats is a list of texts, for example ["expires = 2030-12-31T00:00:00Z", "spend <= 100 / day"].${detail}`
    return err(refuse(400, 'bad_caveat', message, { param: 'caveats' }))
  }
  return ok({ sats, caveats: caveats.value })
}

const NO_OBJECT = refuse(
  400,
  'invalid_request_error',
  'The body must be a JSON object, for example {"amountSats": 1000}. Send {} or nothing for 1000 sat.',
)

function unknownField(name: string): Refusal {
  const shown = onLine(name, 60)
  const meant = meantField(name)
  const fix =
    meant === null
      ? 'The fields are amountSats and caveats.'
      : `Did you mean ${meant}, as in ${EXAMPLES[meant]}?`
  const message = `There is no field ${JSON.stringify(shown)} in this request. ${fix}`
  return refuse(400, 'unknown_parameter', message, { param: shown })
}

const EXAMPLES = {
  amountSats: '{"amountSats": 1000}',
  caveats: '{"caveats": ["spend <= 100 / day"]}',
} as const

/** The field that was most likely meant: `amount`, `sats` and `amount_sats` are all `amountSats`. */
export function meantField(name: string): (typeof FIELDS)[number] | null {
  const bare = name
    .slice(0, 60)
    .replace(/[^a-z]/gi, '')
    .toLowerCase()
  const part = FIELDS.find((field) => bare.length > 2 && field.toLowerCase().includes(bare))
  const close = nearest(bare, FIELDS)
  return part ?? FIELDS.find((field) => field === close) ?? null
}

function wrongAmount(sats: unknown): string {
  return typeof sats === 'string' && /^[1-9]\d{0,6}$/.test(sats)
    ? `amountSats must be a number and not a text: write {"amountSats": ${sats}}, without quotes around the number.`
    : `amountSats must be a whole number from 1 to ${MOST_SATS}, for example {"amountSats": ${USUAL_SATS}}.`
}
