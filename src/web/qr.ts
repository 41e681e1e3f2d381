import { encodeQR } from 'qr'

const SVG = 'http://www.w3.org/2000/svg'
/** Modules of white around the code, as ISO/IEC 18004 asks. */
const QUIET = 4
/** The most bytes that the largest code holds at the lowest error correction (ISO/IEC 18004). */
const MOST_BYTES = 2_953

/** Whether a text of ASCII fits into one QR code. */
export const fitsQr = (text: string): boolean => text.length <= MOST_BYTES

/** A QR code, black on white in every colour scheme: many scanners fail at white on black. */
export function qrCode(text: string, label: string): SVGSVGElement {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: QUIET })
  const size = rows.length
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`)
  svg.setAttribute('shape-rendering', 'crispEdges')
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', label)
  const ground = document.createElementNS(SVG, 'rect')
  ground.setAttribute('width', `${size}`)
  ground.setAttribute('height', `${size}`)
  ground.setAttribute('fill', '#fff')
  const dark = document.createElementNS(SVG, 'path')
  dark.setAttribute('fill', '#000')
  dark.setAttribute('d', rows.flatMap((row, y) => row.map((on, x) => cell(on, x, y))).join(''))
  svg.append(ground, dark)
  return svg
}

const cell = (on: boolean, x: number, y: number): string => (on ? `M${x} ${y}h1v1h-1z` : '')
