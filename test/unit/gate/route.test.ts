import { describe, expect, it } from 'vitest'
import { openaiChat } from '../../../src/dialects/openai/chat.ts'
import { pattern, type Route, Routes } from '../../../src/gate/route.ts'
import { plainHttp } from '../../plug/plain-http.ts'
import { everySlot } from '../../support/slots.ts'

const route = (method: string, path: string, parts: Partial<Route> = {}): Route => ({
  ...{ method, path: pattern(path), dialect: plainHttp, mode: 'charge', targets: everySlot },
  ...{ price: { by: 'model' }, query: false, tellsPrice: false },
  ...parts,
})

describe('a pattern', () => {
  it.each([
    ['/a', ['/a'], ['/', '/a/', '/A', '/ab', '/a/b']],
    ['/a/*', ['/a/b', '/a/.x', '/a/b.txt'], ['/a', '/a/', '/a/b/c']],
    ['/a/*.txt', ['/a/b.txt', '/a/b.c.txt'], ['/a/.txt', '/a/btxt', '/a/b.txt.gz']],
    ['/a/**', ['/a', '/a/b', '/a/b/c'], ['/ab', '/b/a']],
    ['/a/**/z', ['/a/z', '/a/b/c/z'], ['/a', '/a/b']],
    ['/a/b-*', ['/a/b-1'], ['/a/b-', '/a/b1']],
  ])('%s', (text, these, others) => {
    const { matches } = pattern(text)
    expect(these.filter((path) => !matches(path))).toEqual([])
    expect(others.filter((path) => matches(path))).toEqual([])
  })

  it.each(['a', '/', '/a?b', '/a[b]', '/{a}', '/a//b', ''])('%j is none', (text) => {
    expect(() => pattern(text)).toThrow(/no pattern/)
  })
})

describe('routes', () => {
  const chat = route('POST', '/v1/chat', { dialect: openaiChat, tellsPrice: true })
  const [get, put, all] = [route('GET', '/f/*'), route('PUT', '/f/*'), route('GET', '/**')]
  const routes = new Routes([chat, get, put, all])

  it.each([
    ['POST', '/v1/chat', chat],
    ['GET', '/v1/chat', all],
    ['DELETE', '/v1/chat', chat],
    ['GET', '/f/x', get],
    ['PUT', '/f/x', put],
    ['GET', '/f/x/y', all],
  ] as const)('%s %s', (method, path, route) => {
    expect(routes.find(method, path)).toEqual({ is: 'route', route })
  })

  it('for a method that no route of the path has, the methods that they have are named', () => {
    expect(routes.find('POST', '/f/x')).toEqual({ is: 'method', allowed: ['GET', 'PUT'] })
  })

  it('capital letters lead to no other route and price', () => {
    expect(routes.find('GET', '/V1/chat')).toEqual({ is: 'nothing' })
    expect(routes.find('GET', '/F/x')).toEqual({ is: 'nothing' })
  })

  it('a free route has no price, and no dialect sees a credential', () => {
    expect(() => new Routes([route('GET', '/a', { mode: 'free' })])).toThrow(/free/)
    const nosy = { ...plainHttp, headers: ['authorization'] }
    expect(() => new Routes([route('GET', '/a', { dialect: nosy })])).toThrow(/credential/)
  })
})
