import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { explain } from '../../../src/cli/operator.ts'
import type { Folder } from '../../../src/daemon/folder.ts'
import type { Answer, Host } from '../../../src/daemon/host.ts'
import { rememberTunnel } from '../../../src/daemon/remembered-answers.ts'
import { chooseTunnel, noTunnelNote, type TunnelChance } from '../../../src/daemon/tunnel-choice.ts'

/** The question that `tunnel: auto` asks, and how its answer is stored. */
let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'satgate-choice-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function folderOf(name = 'data'): Folder {
  const path = join(root, name)
  mkdirSync(path)
  const ledger = join(path, 'ledger.db')
  writeFileSync(ledger, 'x')
  return { path, ledger, socket: join(path, 'control.sock'), unlock: () => {} }
}

const AUTO: TunnelChance = { program: '/bin/cloudflared', why: 'auto' }
const YES = { program: '/bin/cloudflared', why: 'answered_yes' }

/** A person who gives these answers one after the other. Null: nobody is at the terminal. */
function hostOf(answers: readonly (string | Answer)[] | null) {
  const asked: string[] = []
  let said = ''
  const host = {
    stderr: { columns: () => 60, write: (text: string) => (said += text) },
    ask:
      answers === null
        ? null
        : async (question: string): Promise<Answer> => {
            const answer = answers[asked.push(question) - 1]
            if (answer === undefined) throw new Error('asked too often')
            const words = answer === 'closed' || answer === 'interrupted'
            return typeof answer === 'string' && !words ? { typed: answer } : (answer as Answer)
          },
  } as unknown as Host
  return { host, asked, said: () => said }
}

const asking = (host: Host, mayAsk: boolean) => ({
  mayAsk,
  explain: (text: string) => explain(host, text),
})

const choose = (
  { host }: { readonly host: Host },
  folder: Folder,
  more: { readonly chance?: TunnelChance; readonly money?: 'real' | 'test'; json?: boolean } = {},
) => {
  const { chance = AUTO, money = 'real', json = false } = more
  return chooseTunnel(host, chance, { folder, money, ...asking(host, !json) })
}

describe('the question about the tunnel', () => {
  it.each(['', 'y', 'Y', 'yes', ' YES '])(
    '%j is a yes, and it is not asked again',
    async (word) => {
      const folder = folderOf()
      const first = hostOf([word])
      expect(await choose(first, folder)).toEqual(YES)
      expect(first.asked).toEqual(['  Put this gate on the internet through Cloudflare? [Y/n] '])
      expect(first.said().replace(/\n +/g, ' ')).toContain('anybody on the internet can reach this')
      for (const line of first.said().split('\n')) expect(line.length).toBeLessThanOrEqual(60)
      expect(await choose(hostOf([]), folder)).toEqual(YES)
    },
  )

  it.each(['n', 'no', 'N'])('%j is a no, which holds off a terminal too', async (word) => {
    const folder = folderOf()
    const none = { program: null, why: 'answered_no' } as const
    expect(await choose(hostOf([word]), folder)).toEqual(none)
    expect(await choose(hostOf([]), folder)).toEqual(none)
    expect(await choose(hostOf(null), folder)).toEqual(none)
    const note = noTunnelNote(none, folder)
    for (const way of [
      '--tunnel',
      '--no-tunnel',
      'tunnel: true',
      join(folder.path, 'answers.json'),
    ]) {
      expect(note).toContain(way)
    }
  })

  it('any other answer leads to the question again, and three of them count as no answer', async () => {
    const folder = folderOf()
    expect(await choose(hostOf(['what?', 'y']), folder)).toEqual(YES)
    const other = folderOf('other')
    const unanswered = { program: null, why: 'not_answered' }
    expect(await choose(hostOf(['a', 'b', 'c']), other)).toEqual(unanswered)
    expect(await choose(hostOf(['closed']), other)).toEqual(unanswered)
    const again = hostOf(['n'])
    await choose(again, other)
    expect(again.asked).toHaveLength(1)
  })

  it('Ctrl+C exits with 130, and nothing is stored', async () => {
    const folder = folderOf()
    await expect(choose(hostOf(['interrupted']), folder)).rejects.toMatchObject({ code: 130 })
    const again = hostOf(['y'])
    await choose(again, folder)
    expect(again.asked).toHaveLength(1)
  })

  it('is not asked if nobody is there, with --json, if the tunnel was asked for, or with test money', async () => {
    const nobody = { program: '/bin/cloudflared', why: 'nobody_to_ask' }
    expect(await choose(hostOf(null), folderOf('a'))).toEqual(nobody)
    expect(await choose(hostOf([]), folderOf('b'), { json: true })).toEqual(nobody)
    const chance = { program: '/bin/cloudflared', why: 'asked_for' } as const
    expect(await choose(hostOf([]), folderOf('c'), { chance })).toEqual(chance)
    expect(await choose(hostOf([]), folderOf('d'), { chance, money: 'test' })).toEqual(chance)
    const test = await choose(hostOf([]), folderOf('e'), { money: 'test' })
    expect(test).toEqual({ program: null, why: 'test_money' })
  })

  it('play money is never public, whatever the settings say', async () => {
    const { host } = hostOf([])
    const about = { folder: folderOf(), money: 'play', ...asking(host, false) } as const
    for (const why of ['asked_for', 'auto'] as const) {
      const choice = await chooseTunnel(host, { program: '/bin/x', why }, about)
      expect(choice).toEqual({ program: null, why: 'play_money' })
    }
  })
})

describe('the answer', () => {
  const copyOf = (folder: Folder): Folder => {
    const copy = folderOf('copy')
    copyFileSync(join(folder.path, 'answers.json'), join(copy.path, 'answers.json'))
    return copy
  }

  it('yes is asked for again in a copy of the folder', async () => {
    const folder = folderOf()
    await choose(hostOf(['y']), folder)
    const person = hostOf(['n'])
    expect(await choose(person, copyOf(folder))).toMatchObject({ why: 'answered_no' })
    expect(person.asked).toHaveLength(1)
    expect(await choose(hostOf([]), folder)).toEqual(YES)
  })

  it('no is valid in a copy of the folder too', async () => {
    const folder = folderOf()
    await choose(hostOf(['n']), folder)
    expect(await choose(hostOf([]), copyOf(folder))).toMatchObject({ why: 'answered_no' })
  })

  it('is readable only by the owner, and the rest of the file stays', () => {
    const folder = folderOf()
    const path = join(folder.path, 'answers.json')
    writeFileSync(path, '{"another":{"a":1},"tunnel":7}')
    chmodSync(path, 0o644)
    rememberTunnel(folder, 'no')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const kept = JSON.parse(readFileSync(path, 'utf8'))
    expect(kept).toMatchObject({ another: { a: 1 }, tunnel: { answer: 'no' } })
  })

  it.each([
    '',
    '[]',
    'null',
    '{"tunnel":null}',
    '{"tunnel":{"answer":"perhaps"}}',
    '{"tunnel":"yes"}',
    '\u0000',
  ])('that reads %j counts as no answer', async (text) => {
    const folder = folderOf()
    writeFileSync(join(folder.path, 'answers.json'), text)
    const person = hostOf(['y'])
    expect(await choose(person, folder)).toEqual(YES)
    expect(person.asked).toHaveLength(1)
    expect(await choose(hostOf([]), folder)).toEqual(YES)
  })

  it('that cannot be stored counts for this run, and a message says so', async () => {
    const folder = folderOf()
    mkdirSync(join(folder.path, 'answers.json.new'))
    const person = hostOf(['n'])
    expect(await choose(person, folder)).toMatchObject({ why: 'answered_no' })
    expect(person.said()).toContain('the answer is not remembered')
  })
})
