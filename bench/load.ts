/** The load: plain sockets in a process of its own, which does one job at a time for `bench.ts`. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { AnswerReader } from './answers.ts'
import type { Figures, Job } from './work.ts'

interface Tally {
  readonly whole: number[]
  readonly first: number[]
  errors: number
  /** Whole answers, also those of the ramp. */
  answered: number
  /** Answers count between these times, by `performance.now()`. */
  readonly from: number
  readonly until: number
  /** Called when the job has its number of requests. */
  enough: () => void
}

interface Connection {
  readonly socket: Socket
  readonly reader: AnswerReader
  asked: number
  spoke: boolean
  onBytes: (bytes: Buffer) => void
}

process.on('message', (job: Job) => void run(job))
process.once('disconnect', () => process.exit())

/** Sends `began` when it begins to measure, and the figures when it has ended. */
async function run(job: Job): Promise<void> {
  const request = Buffer.from(job.request, 'latin1')
  const open = await Promise.all(Array.from({ length: job.connections }, () => dial(job.port)))
  const from = performance.now() + job.rampMs
  const until = from + job.seconds * 1000
  const tally: Tally = { whole: [], first: [], errors: 0, answered: 0, from, until, enough() {} }
  const idle = [...open]
  const owed: number[] = []
  for (const one of open) {
    one.onBytes = (bytes) => {
      if (!hear(one, bytes, { job, tally })) return
      const late = owed.shift()
      if (job.rate === null) ask(one, request)
      else if (late === undefined) idle.push(one)
      else ask(one, request, late)
    }
    one.socket.on('close', () => tally.errors++).on('error', () => {})
  }
  const closed = job.rate === null
  const starter = closed ? ramp(open, request, job.rampMs) : pace(idle, owed, { job, request })
  const telling = setTimeout(() => process.send?.('began'), job.rampMs)
  await new Promise<void>((done) => {
    tally.enough = done
    setTimeout(done, tally.until - performance.now())
  })
  clearInterval(starter)
  clearTimeout(telling)
  process.send?.(figuresOf(tally))
  for (const { socket } of open)
    socket
      .removeAllListeners()
      .on('error', () => {})
      .destroy()
}

function figuresOf({ whole, first, errors, from, until }: Tally): Figures {
  return {
    perSecond: whole.length / ((Math.min(performance.now(), until) - from) / 1000),
    count: whole.length,
    ...{ p50: percentile(whole, 50), p99: percentile(whole, 99) },
    ...{ firstP50: percentile(first, 50), firstP99: percentile(first, 99) },
    errors,
  }
}

/** Starts the connections one after another, evenly over the ramp. */
function ramp(open: readonly Connection[], request: Buffer, rampMs: number): NodeJS.Timeout {
  const began = performance.now()
  let started = 0
  return setInterval(() => {
    const due = Math.min(open.length, ((performance.now() - began) / (rampMs || 1)) * open.length)
    for (; started < due; started++) ask(open[started]!, request)
  }, 1)
}

/**
 * Sends at the given rate on idle connections, whether earlier requests were answered or not. So a
 * slow target gets no fewer requests. If no connection is idle, the request waits in `owed`, and its
 * time counts from the moment when it should have been sent.
 */
function pace(
  idle: Connection[],
  owed: number[],
  { job, request }: { job: Job; request: Buffer },
): NodeJS.Timeout {
  const began = performance.now()
  let sent = 0
  return setInterval(() => {
    const now = performance.now()
    const due = ((now - began) / 1000) * (job.rate ?? 1)
    for (; sent < due; sent++) {
      const next = idle.pop()
      if (next) ask(next, request)
      else owed.push(now)
    }
  }, 1)
}

function ask(one: Connection, request: Buffer, from = performance.now()): void {
  one.reader.reset()
  one.spoke = false
  one.asked = from
  one.socket.write(request)
}

/** Times the answer to which these bytes belong. Returns true if they end it. */
function hear(one: Connection, bytes: Buffer, { job, tally }: { job: Job; tally: Tally }): boolean {
  const ended = one.reader.feed(bytes)
  if (one.reader.event && !one.spoke) {
    one.spoke = true
    if (one.asked >= tally.from) tally.first.push(performance.now() - one.asked)
  }
  if (!ended) return false
  const now = performance.now()
  if (++tally.answered === job.requests) tally.enough()
  if (one.reader.status !== job.status) tally.errors++
  else if (now >= tally.from && now < tally.until) tally.whole.push(now - one.asked)
  return true
}

/** All connections read into this one buffer. What one has read is handled before the next one reads. */
const READ = Buffer.alloc(65_536)

async function dial(port: number): Promise<Connection> {
  const callback = (length: number): boolean => {
    one.onBytes(READ.subarray(0, length))
    return true
  }
  const socket = connect({ port, host: '127.0.0.1', onread: { buffer: READ, callback } })
  const reader = new AnswerReader()
  const one: Connection = { socket, reader, asked: 0, spoke: false, onBytes: () => {} }
  socket.setNoDelay(true)
  await once(socket, 'connect')
  return one
}

/** By nearest rank. Null if there are no samples, because a message carries no NaN. */
function percentile(samples: readonly number[], percent: number): number | null {
  const sorted = Float64Array.from(samples).sort()
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? null
}
