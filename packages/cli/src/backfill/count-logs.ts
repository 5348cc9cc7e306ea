import type { Readable } from 'node:stream'
import type { UsageDay } from '@px-usage/core'
import type { PastDays, Scratch } from '@px-usage/core/adapter'
import { failedError } from '../exit-codes.ts'
import type { JunkReason, LogFormat, LogLine } from '../logs/log-line.ts'
import { readLog } from '../logs/read-log.ts'
import type { RouteMatcher } from '../routes/route-matcher.ts'
import type { IdentifyLine } from './log-identity.ts'
import { type DayMark, emptyReconciliation, type Reconciliation } from './reconciliation.ts'

/** How the lines of logs are counted. */
export interface CountSettings {
  readonly past: PastDays
  /** Holds the counts of days that do not fit into memory. */
  readonly scratch: Scratch
  /** How many series stay in memory. @default 250_000, about 25 MB */
  readonly seriesInMemory?: number
  readonly identify: IdentifyLine
  readonly routes: RouteMatcher
  /** Calls of these routes are not counted. */
  readonly ignored: RouteMatcher
  /** The first and last day that are counted. */
  readonly from: UsageDay | undefined
  readonly to: UsageDay | undefined
  /** The first day that PX keeps, and the first day that is not over. */
  readonly oldest: UsageDay
  readonly today: UsageDay
  /** Returns the format of a log that begins with this text. */
  formatOf(sample: string): LogFormat
  readonly signal: AbortSignal
  /** Called after each piece. */
  onProgress?(bytes: number, lines: number): void
}

/** Like the default of live calls: a browser asks with `OPTIONS`, not a user. */
const ignoredMethod = 'OPTIONS'
const junkSamples = 3
const longestSample = 120
const mostPaths = 1_000
/** How many promises of `identify` may be awaited together. */
const mostPending = 2_000
const defaultSeriesInMemory = 250_000
/** Limit of series in memory, about half a gigabyte, which only logs reach that change the day with nearly every line. */
const mostSeries = 5_000_000
const tooManySeries = `These logs have more than ${mostSeries} series (day, user and endpoint) whose days change all the time. Sort them by time, or give fewer days with --from and --to.`

/**
 * Counts the calls of logs in one pass. Memory has the days that are being read, the other ones are in the scratch file.
 *
 * @returns what became of every line
 * @throws {CommandError} if a log cannot be read
 */
export async function countLogs(
  paths: readonly string[],
  stdin: Readable,
  settings: CountSettings,
): Promise<Reconciliation> {
  const { past, scratch, seriesInMemory = defaultSeriesInMemory } = settings
  const found = emptyReconciliation()
  const take = createLineTaker(settings, found)
  let bytesRead = 0
  for (const path of paths) {
    let format: LogFormat | undefined
    const onBytes = (bytes: number) => {
      bytesRead += bytes
    }
    for await (const { text, tooLong } of readLog({ path, onBytes }, stdin)) {
      format ??= settings.formatOf(text)
      found.lines += tooLong
      found.junk['too long'] += tooLong
      for (let from = 0; from < text.length; ) from = await take(format, text, from)
      settings.onProgress?.(bytesRead, found.lines)
      if (settings.signal.aborted) throw failedError('Interrupted. Nothing was queued.')
      past.park(scratch, seriesInMemory)
      if (past.stats().series > mostSeries) throw failedError(tooManySeries)
    }
  }
  await past.settled()
  const { counted, unattributed } = past.stats()
  found.counted = counted
  Object.assign(found.withoutIdentity, unattributed)
  return found
}

/** Returns a function that counts the lines of a text from a place on, until it has to wait. It returns where to continue. */
function createLineTaker(settings: CountSettings, found: Reconciliation) {
  const { past, identify, routes, ignored, from, to, oldest, today } = settings
  let pending = 0
  let lastDay = ''
  let lastMark: DayMark | undefined

  function junk(reason: JunkReason, text: string, start: number, end: number): void {
    found.junk[reason] += 1
    if (found.junk[reason] > junkSamples) return
    const line = Buffer.from(text.slice(start, Math.min(end, start + longestSample)), 'latin1').toString()
    found.junkSamples.push({ reason, line })
  }

  function mark(day: UsageDay, line: LogLine, length: number): void {
    if (day !== lastDay || lastMark === undefined) {
      lastDay = day
      lastMark = found.marks.get(day) ?? { lines: 0, bytes: 0, checksum: 0 }
      found.marks.set(day, lastMark)
    }
    lastMark.lines += 1
    lastMark.bytes += length
    const hash =
      Math.imul((line.atMs / 1_000) ^ (line.status << 20), 0x9e3779b1) ^ Math.imul(length, 0x85ebca6b)
    lastMark.checksum = (lastMark.checksum + Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)) | 0
  }

  function count(line: LogLine, length: number): void {
    const day = past.dayOf(line.atMs)
    if ((from !== undefined && day < from) || (to !== undefined && day > to)) found.outside += 1
    else if (day < oldest) found.tooOld += 1
    else if (day >= today) found.notOver += 1
    else {
      mark(day, line, length)
      const { method, path } = line
      if (method === ignoredMethod || (ignored.size > 0 && ignored.match(method, path) !== undefined)) {
        found.ignored += 1
        return
      }
      const route = routes.match(method, path)
      if (route === undefined) noteUnmatched(line)
      const identity = identify(line)
      if (identity instanceof Promise) pending += 1
      past.record({ identity, method, route, statusCode: line.status, aborted: line.aborted }, day)
    }
  }

  function noteUnmatched({ path, status }: LogLine): void {
    found.unmatched += 1
    if (status === 404 || status === 0) return
    const known = found.unmatchedPaths.get(path)
    if (known !== undefined) found.unmatchedPaths.set(path, known + 1)
    else if (found.unmatchedPaths.size < mostPaths) {
      found.unmatchedPaths.set(Buffer.from(path, 'latin1').toString('latin1'), 1)
    }
  }

  return async (format: LogFormat, text: string, begin: number): Promise<number> => {
    let start = begin
    while (start < text.length && pending < mostPending) {
      const feed = text.indexOf('\n', start)
      const next = feed === -1 ? text.length : feed
      const end = text.charCodeAt(next - 1) === 13 && next > start ? next - 1 : next
      found.lines += 1
      const line = format.parse(text, start, end)
      if (typeof line === 'object') count(line, end - start)
      else junk(feed === -1 ? 'torn' : line, text, start, end)
      start = next + 1
    }
    if (pending >= mostPending) {
      await past.settled()
      pending = 0
    }
    return start
  }
}
