/** A range of `Accept-Payment`, with its weight from 0 to 1: `lightning/*;q=0.5`. */
const RANGE = /^([a-z]+|\*)\/([A-Za-z0-9-]+|\*)(?:\s*;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i
const MOST_RANGES = 32

/**
 * Whether a client refuses this method and intent: `Accept-Payment` names it with the weight 0, and its
 * most specific range counts (draft-httpauth-payment, section 7.1). A client that does not name it at
 * all is offered it nevertheless, because a 402 with challenges must have one of the Payment scheme. A
 * malformed header is ignored.
 */
export function refuses(
  acceptPayment: string | null,
  { method, intent }: { readonly method: string; readonly intent: string },
): boolean {
  if (acceptPayment === null) return false
  const ranges = acceptPayment.split(',', MOST_RANGES + 1).map((range) => RANGE.exec(range.trim()))
  if (ranges.length > MOST_RANGES || ranges.includes(null)) return false
  let best = { specific: -1, weight: 1 }
  for (const [, ofMethod, ofIntent, weight = '1'] of ranges.filter((range) => range !== null)) {
    const fits = [
      [ofMethod, method],
      [ofIntent, intent],
    ].every(([said, own]) => said === '*' || said === own)
    const specific = [ofMethod, ofIntent].filter((said) => said !== '*').length
    if (fits && specific > best.specific) best = { specific, weight: Number(weight) }
  }
  return best.weight === 0
}
