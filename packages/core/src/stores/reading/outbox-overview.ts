import { join } from 'node:path'
import type { Disk } from '../../files/disk.ts'
import { withFile } from '../../files/held-file.ts'
import type { UsageDay } from '../../model/series.ts'
import type { LinesOfDay, OutboxOverview } from '../../model/store-reader.ts'
import { linesLeft } from '../../outbox/inbox.ts'
import { outboxFolder, readLineFile } from '../../outbox/line-file.ts'
import { type FileRecord, newestStateLog } from '../../outbox/outbox-log.ts'
import { lineFilesIn, linesIn, replayLog } from '../../outbox/read-outbox.ts'
import { readRejectedLines } from '../../outbox/rejected-lines.ts'

/** How often the outbox is read until the sending process changed nothing meanwhile. */
const mostTries = 20

type Count = { -readonly [K in keyof LinesOfDay]: LinesOfDay[K] }

/**
 * Counts the lines of an outbox by day and state, without reading those of a closed day one by one.
 *
 * A sending process settles lines and empties files meanwhile. Numbers of two moments would not add up, so it reads again until the
 * log of that process is the same after it as before it.
 */
export async function readOutboxOverview(disk: Disk, dir: string): Promise<OutboxOverview> {
  const folder = outboxFolder(dir)
  for (let attempt = 1; ; attempt++) {
    const before = stateOfLog(disk, folder)
    const overview = await readOnce(disk, dir)
    if (stateOfLog(disk, folder) === before || attempt === mostTries) return overview
  }
}

function stateOfLog(disk: Disk, folder: string): string {
  const path = newestStateLog(disk, folder)
  if (path === undefined) return ''
  return `${path} ${disk.statSync(path, { throwIfNoEntry: false })?.size}`
}

async function readOnce(disk: Disk, dir: string): Promise<OutboxOverview> {
  const folder = outboxFolder(dir)
  const days = new Map<UsageDay, Count>()
  const of = (day: UsageDay): Count => {
    const count = days.get(day) ?? { day, pending: 0, unconfirmed: 0, rejected: 0, delivered: 0 }
    days.set(day, count)
    return count
  }
  // The inbox is read first, so that no line is missed that moves to the outbox meanwhile.
  const left = new Map([...linesLeft(disk, dir)].map(({ id, day }) => [id, day]))
  const replay = await replayLog(disk, folder)
  for await (const { day } of readRejectedLines(disk, folder)) of(day).rejected += 1
  for (const name of lineFilesIn(disk, folder)) {
    const record = replay.of(name)
    const path = join(folder, name)
    const file = await withFile(disk, path, (file) => readLineFile(disk, file))
    if (file.end !== undefined && file.header.day !== undefined) {
      const { day } = file.header
      // Only its header is left of a day that is sent.
      if (file.end.lines > 0) addWhole(of(day), file.end.lines, record)
      else of(day).delivered = undefined
      continue
    }
    for await (const { line, index } of linesIn(disk, path)) {
      left.delete(line.id)
      const state = record.touched.get(index)?.state ?? (record.isUnconfirmed ? 'unconfirmed' : 'pending')
      if (record.done.has(index)) of(line.day).delivered = plus(of(line.day).delivered, 1)
      else of(line.day)[state] += 1
    }
  }
  for (const day of left.values()) of(day).pending += 1
  const found = [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1))
  const pending = found.reduce((sum, count) => sum + count.pending, 0)
  const unconfirmed = found.reduce((sum, count) => sum + count.unconfirmed, 0)
  const { delivered, rejected } = replay
  const closed = delivered + pending + unconfirmed + rejected
  // What is done of a day was delivered or rejected.
  for (const count of found) {
    if (count.delivered !== undefined) count.delivered = Math.max(0, count.delivered - count.rejected)
  }
  return { counts: { closed, delivered, pending, unconfirmed, rejected }, days: found }
}

/** Adds the lines of a closed day. The record has the lines with an attempt; all others are as the record says of the whole file. */
function addWhole(count: Count, lines: number, { done, touched, isUnconfirmed }: FileRecord): void {
  const open = Math.max(0, lines - done.size)
  let unconfirmed = isUnconfirmed ? open - touched.size : 0
  for (const { state } of touched.values()) if (state === 'unconfirmed') unconfirmed += 1
  count.unconfirmed += unconfirmed
  count.pending += open - unconfirmed
  count.delivered = plus(count.delivered, done.size)
}

function plus(count: number | undefined, more: number): number | undefined {
  return count === undefined ? undefined : count + more
}
