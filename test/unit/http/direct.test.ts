import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { type Mode, pattern, type Route, Routes } from '../../../src/gate/route.ts'
import { directRoutes } from '../../../src/http/direct.ts'
import { plainHttp } from '../../plug/plain-http.ts'
import { everySlot } from '../../support/slots.ts'

const route = (method: string, path: string, mode: Mode = 'charge'): Route => ({
  ...{ method, path: pattern(path), dialect: plainHttp, mode, targets: everySlot },
  ...{ price: { by: 'model' }, query: true, tellsPrice: true },
})
const CHAT = route('POST', '/v1/chat/completions')
const FILES = route('GET', '/files/**')
const LATER = route('POST', '/files/a')
const HIDDEN = route('POST', '/v1/models/x')
const OWN = ['/', '/create-invoice', '/v1/models', '/v1/models/:id{.+}', '*']

const find = directRoutes(new Routes([CHAT, FILES, LATER, HIDDEN]), OWN)
const of = (method: string, url: string, host: string | undefined = 'gate.example') =>
  find({ method, url, headers: { host } } as IncomingMessage)

describe('a request that does not pass through Hono', () => {
  it.each([
    ['POST', '/v1/chat/completions', 'gate.example'],
    ['POST', '/v1/chat/completions?a=%00', 'gate.example:3000'],
    ['POST', '/v1/chat/completions', '127.0.0.1'],
  ])('%s %s at %s reaches its route', (method, url, host) => {
    expect(of(method, url, host)).toBe(CHAT)
  })

  it('is one of a later route with one path, if no earlier one matches its method', () => {
    expect(of('POST', '/files/a')).toBe(LATER)
  })

  it.each([
    ['POST', '/v1/chat/completions', 'GATE.example'],
    ['POST', '/v1/chat/completions', '[::1]:3000'],
    ['POST', '/v1/chat/completions', ''],
    ['GET', '/v1/chat/completions', 'gate.example'],
    ['HEAD', '/v1/chat/completions', 'gate.example'],
    ['OPTIONS', '/v1/chat/completions', 'gate.example'],
    ['POST', '/v1/chat/completions/', 'gate.example'],
    ['POST', '/V1/chat/completions', 'gate.example'],
    ['POST', 'http://gate.example/v1/chat/completions', 'gate.example'],
    ['GET', '/files/a', 'gate.example'],
    ['POST', '/v1/models/x', 'gate.example'],
    ['POST', '/', 'gate.example'],
  ])('%s %s at %s does', (method, url, host) => {
    expect(of(method, url, host)).toBe(null)
  })
})
