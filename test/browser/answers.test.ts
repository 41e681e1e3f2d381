import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGate, type TestGate } from '../support/gate.ts'
import { browserMissing, launch } from './chromium.ts'
import { buy, send, visit } from './visit.ts'

/** Texts that have run code in some page, as an answer might contain them. */
const HOSTILE = [
  '<script>window.owned = 1</script>',
  '<img src=x onerror="window.owned = 1">',
  '<svg onload="window.owned = 1"><a xlink:href="javascript:window.owned=1">x</a></svg>',
  '<iframe srcdoc="<script>parent.owned = 1</script>"></iframe>',
  '<a href="javascript:window.owned=1" onmouseover="window.owned=1">x</a>',
  '<style>*{display:none}</style><link rel=stylesheet href=http://127.0.0.1:9/x>',
  '<math><mtext></form><form><mglyph><style></math><img src onerror=window.owned=1>',
  '<form action=javascript:window.owned=1><button>x</button></form>',
  '[x](javascript:window.owned=1)',
  '[x](JaVaScRiPt:window.owned=1)',
  '[x](javascript&#58;window.owned=1)',
  '[x](javascript&colon;window.owned=1)',
  '[x](&#x6A;&#x61;vascript:window.owned=1)',
  '[x](java\\script:window.owned=1)',
  '[x](<java\tscript:window.owned=1>)',
  '[x](\u0001javascript:window.owned=1)',
  '[x](data:text/html,<script>opener.owned=1</script>)',
  '[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)',
  '[x](vbscript:window.owned=1)',
  '[x](file:///etc/passwd)',
  '[x](blob:http://127.0.0.1/1)',
  '[x](/create-invoice)',
  '[x](//127.0.0.1:9/x)',
  '[x](https://bank.example@127.0.0.1:9/)',
  '[x][y]\n\n[y]: javascript:window.owned=1',
  '<javascript:window.owned=1>',
  '[a[b[c](javascript:window.owned=1)](javascript:window.owned=1)](https://example.com)',
  '[![x](javascript:window.owned=1)](javascript:window.owned=1)',
  '![x](javascript:window.owned=1)',
  '![x](http://127.0.0.1:9/x.png)',
  '![x](data:image/svg+xml,<svg onload=window.owned=1>)',
  '[x](https://example.com "title\' onclick=\'window.owned=1")',
  '[x](https://example.com/"onmouseover="window.owned=1)',
  '`<img src=x onerror=window.owned=1>`',
  '```"><img src=x onerror=window.owned=1>\n</code></pre><script>window.owned=1</script>\n```',
  '|<img src=x onerror=window.owned=1>|\n|-|\n|<script>window.owned=1</script>|',
  '# <script>window.owned=1</script>',
  '- <img src=x onerror=window.owned=1>',
  '&lt;script&gt;window.owned=1&lt;/script&gt;',
  '&#60;img src=x onerror=window.owned=1&#62;',
  '<!--><script>window.owned=1</script-->',
  '<![CDATA[<script>window.owned=1</script>]]>',
  '<?php window.owned=1 ?>',
  '[x](https://example.com)<script>window.owned=1</script>',
  'https://example.com/<script>window.owned=1</script>',
  '{{constructor.constructor("window.owned=1")()}}',
]

/** Elements and attributes of an answer that are not on the short list of allowed ones. */
const FOREIGN = `[...document.querySelectorAll('.assistant .text *')].flatMap((one) => [
  ...(/^(?:P|H[3-6]|UL|OL|LI|BLOCKQUOTE|TABLE|THEAD|TBODY|TR|TH|TD|STRONG|EM|S|A|PRE|CODE|BR|HR|DIV|SPAN|BUTTON)$/
    .test(one.tagName) ? [] : [one.tagName]),
  ...[...one.attributes].filter(({ name }) =>
    !/^(?:class|role|tabindex|aria-label|type|start|href|target|rel)$/.test(name)).map(({ name }) => name),
  ...(one.tagName !== 'A' || (/^https?:$/.test(one.protocol) && one.target === '_blank' &&
    one.rel === 'noopener noreferrer') ? [] : [one.outerHTML]),
])`

const MARKDOWN = `Two ways:

| Way | Fee |
|:--|--:|
| Lightning | 1 |

1. Buy
2. Use
   - it

\`\`\`sh
echo "$HOME"
\`\`\`

See [the docs](https://example.com/docs).`

const eventsOf = (deltas: readonly string[]): string =>
  deltas
    .map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`)
    .join('')

const bought = async (browser: Browser, gate: TestGate, options = {}) => {
  const seen = await visit(browser, gate.url, options)
  await buy(seen.page, '100')
  return seen
}

/** Waits until the answer is complete. */
const answered = (page: Page) => page.locator('#doing', { hasText: /^Cost/ }).waitFor()

describe.skipIf(browserMissing !== null)('an answer on the page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  it('is drawn from its markdown, with code that can be copied', async () => {
    const gate = await startGate({ script: { deltas: MARKDOWN.match(/[\s\S]{1,5}/g) ?? [] } })
    const { page, context } = await bought(browser, gate)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await send(page, 'Which ways?')
    await answered(page)
    const text = page.locator('.assistant .text')
    expect(await text.locator('th').allTextContents()).toEqual(['Way', 'Fee'])
    expect(await text.locator('ol > li > ul > li').allTextContents()).toEqual(['it'])
    const link = text.getByRole('link', { name: 'the docs' })
    expect(await link.getAttribute('href')).toBe('https://example.com/docs')
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer')
    expect(await link.getAttribute('target')).toBe('_blank')
    await text.getByRole('button', { name: 'Copy the code' }).click()
    await text.getByText('Copied', { exact: true }).waitFor()
    const clipboard = () => page.evaluate<string>('navigator.clipboard.readText()')
    await expect.poll(clipboard).toBe('echo "$HOME"\n')
    // The model gets its own text, not what was drawn of it.
    await send(page, 'And?')
    const told = () => gate.fake.seen.at(-1)?.json?.messages as { content: string }[] | undefined
    await expect.poll(() => told()?.[1]?.content).toBe(MARKDOWN)
  })

  it('H6 runs nothing, fetches nothing and leads nowhere else, whatever the model writes', async () => {
    const text = HOSTILE.join('\n\n')
    const gate = await startGate({ script: { deltas: text.match(/[\s\S]{1,40}/g) ?? [] } })
    // When a visit ends, no other origin may have been asked and no policy violated.
    const { page } = await bought(browser, gate)
    await send(page, 'Attack')
    await answered(page)
    await page.locator('.assistant .text', { hasText: 'constructor.constructor' }).waitFor()
    expect(await page.evaluate(FOREIGN)).toEqual([])
    for (const one of await page.locator('.assistant .text a').all()) {
      await one.dispatchEvent('mouseover')
    }
    expect(await page.evaluate('window.owned')).toBeUndefined()
    const shown = await page.locator('.assistant .text').textContent()
    expect(shown).toContain('<script>window.owned = 1</script>')
  })

  it('grows without taking from the reader what was there', async () => {
    const paragraphs = Array.from({ length: 300 }, (_, at) => `Paragraph **${at}** of it.\n\n`)
    const gate = await startGate({ script: { deltas: paragraphs, paceMs: 5 } })
    const { page } = await bought(browser, gate)
    await send(page, 'Write')
    await page.locator('.assistant .text > p:nth-child(60)').waitFor()
    await page.evaluate(`{
      const first = document.querySelector('.assistant .text > p')
      first.kept = true
      getSelection().selectAllChildren(first)
      document.getElementById('log').scrollTop = 0
    }`)
    await answered(page)
    await page.getByText('Paragraph 299 of it.').waitFor()
    expect(await page.locator('.assistant .text > p').count()).toBe(300)
    expect(await page.evaluate(`document.querySelector('.assistant .text > p').kept`)).toBe(true)
    expect(await page.evaluate('String(getSelection())')).toBe('Paragraph 0 of it.')
    expect(await page.evaluate(`document.getElementById('log').scrollTop`)).toBe(0)
  })

  it('may be long, or made to be slow: the page stays alive, and all of it is shown', async () => {
    const slow = [
      `${'a|'.repeat(300)}\n${'-|'.repeat(300)}\n${'x\n'.repeat(3_000)}\n\n`,
      `${'[a]('.repeat(5_000)}\n\n`,
      `${'*a **a '.repeat(5_000)}\n\n`,
      `${'> '.repeat(3_000)}\n\n`,
      `\`\`\`\n${'code\n'.repeat(10_000)}\`\`\`\n\n`,
      `${'1. item\n'.repeat(3_000)}\n\n`,
    ]
    const gate = await startGate()
    const { page } = await bought(browser, gate)
    // The gate would end an answer of that length.
    await page.route('**/v1/chat/completions', (route) =>
      route.fulfill({ contentType: 'text/event-stream', body: eventsOf([...slow, 'The end.']) }),
    )
    await page.evaluate(`{
      window.frames = 0
      const count = () => { window.frames += 1; requestAnimationFrame(count) }
      count()
    }`)
    await send(page, 'Write')
    await page.getByText('The end.', { exact: true }).waitFor()
    // At least one frame for each step: a step does not wait for the one before it.
    expect(await page.evaluate('window.frames')).toBeGreaterThan(20)
    expect(await page.locator('.assistant .text li').count()).toBe(3_000)
    expect(await page.locator('.assistant .text .code').count()).toBe(1)
  })

  it('scrolls in a box of its own: no later answer makes the page longer', async () => {
    const deltas = Array.from({ length: 100 }, (_, at) => `${at}. A line of a list\n`)
    const gate = await startGate({ script: { deltas } })
    const { page } = await bought(browser, gate)
    for (const asked of ['List', 'Again']) {
      await send(page, asked)
      await answered(page)
    }
    expect(await page.locator('.assistant').count()).toBe(2)
    const below = 'document.documentElement.scrollHeight - document.body.offsetHeight'
    expect(await page.evaluate(below)).toBe(0)
  })

  it('is shown as it came where its parser cannot be had, a part of it at a time', async () => {
    const text = `a${'\u0301'.repeat(500)} ${'word '.repeat(5_000)}`
    const gate = await startGate()
    const { page } = await bought(browser, gate)
    await page.route('**/assets/blocks-*', (route) => route.abort())
    await page.route('**/v1/chat/completions', (route) =>
      route.fulfill({ contentType: 'text/event-stream', body: eventsOf([text, '**The end.**']) }),
    )
    await send(page, 'Write')
    await page.getByText('**The end.**').waitFor()
    const parts = await page.locator('.assistant .text > .plain').allTextContents()
    expect(parts.join('')).toBe(`a${'\u0301'.repeat(16)} ${'word '.repeat(5_000)}**The end.**`)
    // No element is so long that the browser hangs while it grows.
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThanOrEqual(4_000)
  })

  it.each([
    ['a desk', 1280, 800],
    ['a phone', 360, 740],
    ['a small phone', 320, 568],
  ])('has its state and its cost in view on %s, however long it is', async (_, width, height) => {
    const deltas = Array.from({ length: 200 }, (_, at) => `${at}. A line of a list\n`)
    const gate = await startGate({ script: { deltas, paceMs: 10 } })
    const { page } = await bought(browser, gate, {
      viewport: { width, height },
      reducedMotion: 'reduce',
    })
    const inView = `(() => {
      const { top, bottom } = document.getElementById('doing').getBoundingClientRect()
      return top >= document.getElementById('worthless').getBoundingClientRect().bottom && bottom <= innerHeight
    })()`
    await send(page, 'List')
    await page.locator('#doing', { hasText: /^Writing… [\d,]{4,} characters so far$/ }).waitFor()
    await expect.poll(() => page.evaluate(inView)).toBe(true)
    await answered(page)
    await page.locator('#left', { hasText: /^99\.\d+ play sat left$/ }).waitFor()
    await page.getByText('A line of a list').last().waitFor()
    await expect.poll(() => page.evaluate(inView)).toBe(true)
  })

  it('tells a screen reader of itself once, at its end', async () => {
    const deltas = Array.from({ length: 60 }, (_, at) => `word${at} `)
    const gate = await startGate({ script: { deltas, paceMs: 5 } })
    const { page } = await bought(browser, gate)
    await page.evaluate(`{
      window.told = []
      new MutationObserver(() => window.told.push(document.getElementById('live').textContent))
        .observe(document.getElementById('live'), { childList: true })
    }`)
    await send(page, 'Talk')
    await answered(page)
    const told = await page.evaluate<string[]>('window.told')
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(/^word0 word1 .*Cost [\d.]+ play sat$/)
  })

  it('has room for the ring around whatever has the focus in it', async () => {
    const gate = await startGate({ script: { deltas: [`${MARKDOWN}\n\n${'long '.repeat(90)}`] } })
    const { page } = await bought(browser, gate, { viewport: { width: 360, height: 740 } })
    await send(page, 'Write')
    await answered(page)
    await page.locator('.assistant .text a').waitFor()
    const clipped = await page.evaluate(`(() => {
      const log = document.getElementById('log')
      return [...log.querySelectorAll('a, button, [tabindex="0"]')].flatMap((one) => {
        one.focus()
        const style = getComputedStyle(one)
        const ring = parseFloat(style.outlineWidth) + parseFloat(style.outlineOffset)
        const [inner, outer] = [one.getBoundingClientRect(), log.getBoundingClientRect()]
        return inner.left - ring < outer.left || inner.right + ring > outer.right ? [one.outerHTML] : []
      })
    })()`)
    expect(clipped).toEqual([])
  })
})
