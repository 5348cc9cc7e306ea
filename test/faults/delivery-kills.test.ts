import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileStore } from '@px-usage/core'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../packages/core/src/clock.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import { eventLine } from '../support/px-sender.ts'
import { type Exchange, startScriptedPx } from '../support/scripted-px.ts'

/** `SOAK=long` for the full version. */
const [lineCount, killCount, rate] = process.env.SOAK === 'long' ? [20_000, 60, 3_000] : [1_000, 6, 500]
/** What a sender without look-ups attempts between two writes to its store. */
const linesAtOnce = 8
const child = join(import.meta.dirname, '../support/delivery-child.ts')

async function fillOutbox(dir: string): Promise<void> {
  const store = fileStore({ dir })
  await store.open({ clock: systemClock, diagnostics: createDiagnostics(), timeZone: 'UTC' })
  await store.put(Array.from({ length: lineCount }, (_, index) => eventLine(`line-${index}`)))
  await store.close()
}

/** One request in fifty ends in a way that leaves its fate open: half of them kept, half not. */
function ambiguous(random: () => number): (exchange: Exchange) => void {
  return (exchange) => {
    if (exchange.method === 'GET' || random() > 0.02) return exchange.work()
    if (random() < 0.5) exchange.store()
    const way = random()
    if (way < 0.4) exchange.answer(503)
    else if (way < 0.8) exchange.req.socket.resetAndDestroy()
  }
}

/** A generator of numbers between 0 and 1 that are the same in each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Report {
  delivered: number
  rejected: number
  possibleDuplicates: number
}

async function run(lookUp: boolean) {
  const random = seeded(20_261_124)
  const dir = await mkdtemp(join(tmpdir(), 'px-usage-kills-'))
  const px = await startScriptedPx()
  px.lagMs = () => random() * 200
  const answer = ambiguous(random)
  let posted = 0
  px.script = (exchange) => {
    if (exchange.method === 'POST') posted += 1
    answer(exchange)
  }
  await fillOutbox(dir)
  let kills = 0
  let report: Report | undefined
  try {
    while (report === undefined) {
      const sender = spawn(
        process.execPath,
        [
          '--conditions=@px-usage/source',
          '--import',
          'tsx',
          child,
          dir,
          px.url,
          String(lookUp),
          String(rate),
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      report = await live(
        sender,
        kills < killCount ? random() * (lineCount / rate / killCount) * 1_800 : undefined,
      )
      if (report === undefined) kills += 1
    }
    const arrived = new Set(px.ids())
    const duplicated = px.events.length - arrived.size
    return {
      report,
      kills,
      lost: lineCount - arrived.size,
      duplicated,
      notKept: posted - px.events.length,
      posts: px.count('POST'),
      gets: px.count('GET'),
    }
  } finally {
    await px.close()
    await rm(dir, { recursive: true, force: true })
  }
}

/** @param killAfterMs how long after it began to send; `undefined`: it may finish */
async function live(sender: ChildProcess, killAfterMs: number | undefined): Promise<Report | undefined> {
  const exited = once(sender, 'exit')
  let report: Report | undefined
  for await (const text of createInterface({ input: sender.stdout as NodeJS.ReadableStream })) {
    if (text.startsWith('done ')) report = JSON.parse(text.slice(5)) as Report
    else if (killAfterMs !== undefined) {
      await setTimeout(killAfterMs)
      sender.kill('SIGKILL')
    }
  }
  await exited
  return report
}

describe(`${lineCount} lines, 2 % unconfirmed requests and ${killCount} kills of the sender`, () => {
  it('lose no line and send none twice with look-ups', {
    timeout: 600_000,
  }, async () => {
    const { report, ...result } = await run(true)
    console.log('with look-ups', { ...result, possibleDuplicates: report.possibleDuplicates })
    expect(result).toMatchObject({ kills: killCount, lost: 0, duplicated: 0 })
    expect(report).toMatchObject({ pending: 0, unconfirmed: 0, rejected: 0, possibleDuplicates: 0 })
  })

  it('lose no line without look-ups, and duplicates are reported with few false alarms', {
    timeout: 600_000,
  }, async () => {
    const { report, ...result } = await run(false)
    const { possibleDuplicates } = report
    const { duplicated, notKept, kills } = result
    const neverLeft = possibleDuplicates - duplicated - notKept
    console.log('without look-ups', { ...result, possibleDuplicates, neverLeft })
    expect(result).toMatchObject({ kills: killCount, lost: 0 })
    expect(duplicated).toBeGreaterThan(0)
    // Only the receiver knows which of them it kept. Lines that were about to leave at a kill are not known at all.
    expect(neverLeft).toBeGreaterThanOrEqual(0)
    expect(neverLeft).toBeLessThanOrEqual(kills * linesAtOnce)
    expect(report).toMatchObject({ pending: 0, unconfirmed: 0, rejected: 0 })
  })
})
