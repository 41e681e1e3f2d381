/**
 * A session at a terminal in a Markdown file. The file has prose and blocks of `console`. A block
 * has lines with `$ command` (`> ` continues the line above), each followed by its output. `console
 * gate` is a second terminal in which one program stays in the foreground: a block without a
 * command shows what it has printed since, and `^C` stops it.
 *
 * In the output, `…` stands for any text within a line, a line `⋮` for any number of lines, and
 * `‹name›` for a value that later commands use by this name.
 */
export interface Step {
  /** Null for the shell. */
  readonly terminal: string | null
  /** The line in the file, counted from 1: of the command, or of the fence above the output. */
  readonly line: number
  /** Null if nothing is typed. `^C` is Ctrl+C. */
  readonly command: string | null
  readonly expected: readonly string[]
  /** The first line of the output in the file, counted from 0. */
  readonly from: number
}

/**
 * Everything that is typed and printed, in order. Throws if there is output before the first
 * command.
 */
export function parseTranscript(text: string): readonly Step[] {
  const lines = text.split('\n')
  const steps: Step[] = []
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^(`{3,})console(?: (\w+))?$/.exec(lines[at] ?? '')
    if (fence === null) continue
    const end = lines.indexOf(fence[1] ?? '', at)
    if (end === -1) throw new Error(`the block of line ${at + 1} has no end`)
    steps.push(...stepsOf(lines.slice(0, end), at + 1, fence[2] ?? null))
    at = end
  }
  return steps
}

function stepsOf(lines: readonly string[], first: number, terminal: string | null): Step[] {
  const isCommand = (line: string) => line.startsWith('$ ') || line === '^C'
  const starts = lines.flatMap((line, at) => (at >= first && isCommand(line) ? [at] : []))
  if (starts[0] !== first) {
    if (terminal === null) throw new Error(`line ${first + 1} is no command`)
    starts.unshift(first - 1)
  }
  return starts.map((start, nth) => {
    let from = start + 1
    while (start >= first && lines[from]?.startsWith('> ')) from += 1
    const typed = lines.slice(start, from).map((line) => line.replace(/^[$>] /, ''))
    const command = start < first ? null : typed.join('\n')
    const expected = lines.slice(from, starts[nth + 1] ?? lines.length)
    return { terminal, line: start + 1, command, expected, from }
  })
}

/** The same file with new output after each command. */
export function withOutputs(
  text: string,
  outputs: readonly { readonly step: Step; readonly lines: readonly string[] }[],
): string {
  const lines = text.split('\n')
  for (const { step, lines: output } of [...outputs].reverse()) {
    lines.splice(step.from, step.expected.length, ...output)
  }
  return lines.join('\n')
}

const ANY_LINES = '⋮'
type Values = Readonly<Record<string, string>>

/** The values of the names in a line. Null if the line is not the expected one. */
function valuesOf(expected: string, actual: string): Values | null {
  const parts = expected.split(/(…|‹\w+›)/)
  const values: Record<string, string> = {}
  let at = 0
  for (let i = 0; i < parts.length; i += 2) {
    const [literal = '', wild] = [parts[i], parts[i - 1]]
    const isLast = i === parts.length - 1
    const found = isLast && wild ? actual.length - literal.length : actual.indexOf(literal, at)
    if (found < at || !actual.startsWith(literal, found) || (!wild && found > 0)) return null
    const between = actual.slice(at, found)
    if (wild?.startsWith('‹')) {
      if (!/^[^\s"',;<>]+$/.test(between)) return null
      values[wild.slice(1, -1)] = between
    }
    at = found + literal.length
  }
  return at === actual.length ? values : null
}

/**
 * The values of the names in an output. Null if it is not the expected one. White space at line
 * ends and the widths of columns do not count.
 */
export function matched(expected: readonly string[], actual: readonly string[]): Values | null {
  const [wanted, got] = [trimmed(expected), trimmed(actual)]
  const failed = new Set<number>()
  const from = (i: number, j: number): Values | null => {
    const key = i * (got.length + 1) + j
    if (failed.has(key)) return null
    const found = step(i, j)
    if (found === null) failed.add(key)
    return found
  }
  const step = (i: number, j: number): Values | null => {
    const [line, mine] = [wanted[i], got[j]]
    if (line === undefined) return mine === undefined ? {} : null
    if (line === ANY_LINES) return from(i + 1, j) ?? (mine === undefined ? null : from(i, j + 1))
    const values = mine === undefined ? null : valuesOf(squeezed(line), squeezed(mine))
    const rest = values === null ? null : from(i + 1, j + 1)
    return rest === null ? null : { ...values, ...rest }
  }
  return from(0, 0)
}

function trimmed(lines: readonly string[]): readonly string[] {
  const isFull = (line: string) => line.trim() !== ''
  return lines.slice(lines.findIndex(isFull), lines.findLastIndex(isFull) + 1)
}

/** In a test ports and folders are longer than in the file, so columns move. */
const squeezed = (line: string): string => line.trimEnd().replace(/(?<=\S) {2,}/g, '  ')

interface Way {
  readonly cost: number
  readonly lines: readonly string[]
}

const COST = { replace: 2, drop: 3, add: 2 }

/**
 * The text for the file that fits the output `actual`. An expected line that still fits stays as it
 * is, with its wildcards. Every other line is replaced by the new one, in which wildcards stand for
 * what differs from run to run.
 */
export function recorded(expected: readonly string[], actual: readonly string[]): string[] {
  const [wanted, got] = [trimmed(expected), trimmed(actual)]
  const cheapest = new Map<number, Way>()
  const from = (i: number, j: number): Way => {
    const key = i * (got.length + 1) + j
    const known = cheapest.get(key)
    if (known !== undefined) return known
    const found = choose(i, j)
    cheapest.set(key, found)
    return found
  }
  const choose = (i: number, j: number): Way => {
    const [line, mine] = [wanted[i], got[j]]
    if (line === undefined && mine === undefined) return { cost: 0, lines: [] }
    const ways: Way[] = []
    const way = (cost: number, [di, dj]: readonly [number, number], ...lines: string[]) => {
      const rest = from(i + di, j + dj)
      ways.push({ cost: cost + rest.cost, lines: [...lines, ...rest.lines] })
    }
    if (line === ANY_LINES) {
      way(0, [1, 0], line)
      if (mine !== undefined) way(0.01, [0, 1])
    } else if (line !== undefined) {
      if (mine !== undefined) {
        const fits = valuesOf(squeezed(line), squeezed(mine)) !== null
        way(fits ? 0 : COST.replace, [1, 1], fits ? line : steady(mine))
      }
      way(COST.drop, [1, 0])
    }
    if (mine !== undefined) way(COST.add, [0, 1], steady(mine))
    return ways.reduce((best, one) => (one.cost < best.cost ? one : best))
  }
  return [...from(0, 0).lines]
}

const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '…'],
  [/\b\d{4}-\d\d-\d\d\b/g, '…'],
  [/\b\d\d:\d\d(?::\d\d)?\b/g, '…'],
  [/[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} … GMT/g, '…'],
  [/\blnbc(?:rt)?\w{40,}/g, 'lnbc…'],
  [/\bAgEHc2F0Z2F0[\w+/=-]{20,}(?::[0-9a-f]{64})?/g, 'AgEHc2F0Z2F0…'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '…'],
  [/\b(?=[0-9a-f]*\d)[0-9a-f]{16,}\b/g, '…'],
  [/\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{8}\b/g, '…'],
  [/"account":"[0-9a-f]{8}"/g, '"account":"…"'],
  [/(?<= {2})[0-9a-f]{8}(?=$| )/g, '…'],
  [/\b\d+\.\d s\b/g, '… s'],
  [/"(ms|ttft_ms|created)":\d+/g, '"$1":…'],
]

/**
 * Replaces the parts of a line that differ in each run. In a table the columns stay where they are.
 */
const steady = (line: string): string =>
  VOLATILE.reduce(
    (text, [what, instead]) =>
      text.replace(what, (found: string, ...rest: unknown[]) => {
        const end = (rest.find((one) => typeof one === 'number') ?? 0) + found.length
        const kept = instead.includes('$')
          ? found.replace(new RegExp(what.source), instead)
          : instead
        return text.startsWith('  ', end) ? kept.padEnd(found.length) : kept
      }),
    line.trimEnd(),
  )
