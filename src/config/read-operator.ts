import { onLine } from '../floor/printable.ts'
import { err, ok, type Result } from '../floor/result.ts'
import { type Reader, scalar, webAddress } from './reader.ts'

/** Characters of each of `operator.name`, `operator.contact` and `operator.terms`. */
const MOST = 200

/**
 * One line of text for buyers, without spaces around it. It is shown on the page, on a terminal and
 * in Markdown.
 */
export const shortLine: Reader<string> = scalar((text) => line(text))

/** An e-mail address, an `http://` or `https://` URL, or a Nostr key (`npub1…`). */
export const contact: Reader<string> = scalar((text) => {
  const said = line(text)
  if (!said.ok || isContact(said.value)) return said
  return err('is not an e-mail address, an http:// or https:// URL, or a Nostr key (npub1…)')
})

/**
 * A URL or a short text. A text that looks like a URL must be one that a browser opens as a page.
 */
export const urlOrText: Reader<string> = scalar((text) => {
  const said = line(text)
  const isUrl = said.ok && /^[a-z][a-z\d+.-]*:\S+$/i.test(said.value)
  if (!isUrl || webAddress(said.value) !== null) return said
  return err('is not an http:// or https:// URL, nor a short text')
})

function line(text: string): Result<string, string> {
  const trimmed = text.trim()
  if (trimmed === '') return err('is empty: leave the setting out instead')
  if (trimmed.length > MOST) return err(`is longer than ${MOST} characters`)
  if (onLine(trimmed) === trimmed) return ok(trimmed)
  return err('has line breaks or invisible characters in it: write it as one line of plain text')
}

const EMAIL = /^[^\s@<>()[\]:;,"\\]+@[^\s@<>()[\]:;,"\\]+\.[^\s@<>()[\]:;,"\\.]+$/
const NPUB = /^npub1[02-9ac-hj-np-z]{58}$/

const isContact = (text: string): boolean =>
  EMAIL.test(text) || NPUB.test(text) || webAddress(text) !== null
