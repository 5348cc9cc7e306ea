import { join } from 'node:path'
import type { Disk } from '../../files/disk.ts'
import type { UsageDay } from '../../model/series.ts'
import type { KnownLine } from '../../model/store-reader.ts'
import { closedDayOf } from '../../outbox/closed-days.ts'
import { linesLeft } from '../../outbox/inbox.ts'
import { outboxFolder } from '../../outbox/line-file.ts'
import { unattempted } from '../../outbox/line-states.ts'
import { lineFilesIn, linesIn, replayLog } from '../../outbox/read-outbox.ts'
import { readRejectedLines } from '../../outbox/rejected-lines.ts'
import { readSentLines } from '../../outbox/sent/read-sent-lines.ts'

/** Yields the lines of some days that are in the folder, each once: those that wait, were delivered, or were rejected. */
export async function* readKnownLines(
  disk: Disk,
  dir: string,
  { first, last }: { first: UsageDay; last: UsageDay },
): AsyncGenerator<KnownLine> {
  const isWanted = (day: UsageDay) => day >= first && day <= last
  const folder = outboxFolder(dir)
  const left = new Map([...linesLeft(disk, dir)].map((line) => [line.id, line]))
  const replay = await replayLog(disk, folder)
  const rejected = new Set<string>()
  for await (const line of readRejectedLines(disk, folder)) {
    if (!isWanted(line.day)) continue
    rejected.add(line.id)
    const { reason: _, rejectedAtMs: __, ...known } = line
    yield { ...known, state: 'rejected' }
  }
  // The last lines may leave the outbox while it is read, and are then in both places.
  const found = new Set<string>()
  for (const name of lineFilesIn(disk, folder)) {
    const closed = closedDayOf(name)
    if (closed !== undefined && !isWanted(closed.day)) continue
    const { done, undelivered, touched, isUnconfirmed } = replay.of(name)
    for await (const { line, index } of linesIn(disk, join(folder, name))) {
      left.delete(line.id)
      if (!isWanted(line.day) || rejected.has(line.id) || undelivered.has(index)) continue
      found.add(line.id)
      const state = done.has(index) ? 'delivered' : (touched.get(index) ?? unattempted(isUnconfirmed)).state
      yield { ...line, state }
    }
  }
  for (const line of left.values()) if (isWanted(line.day)) yield { ...line, state: 'pending' }
  for await (const line of readSentLines(disk, dir, { first, last })) {
    if (!found.has(line.id)) yield { ...line, state: 'delivered' }
  }
}
