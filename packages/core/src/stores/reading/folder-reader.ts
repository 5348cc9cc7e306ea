import { join } from 'node:path'
import { systemClock } from '../../clock.ts'
import { DamagedFiles } from '../../files/damaged-files.ts'
import { codeOf, type Disk, readIfThere } from '../../files/disk.ts'
import { diskError } from '../../files/disk-error.ts'
import { type JournalFile, journalsOf } from '../../journal/journal-files.ts'
import { oneByOne, readJournalHeader } from '../../journal/journal-reader.ts'
import type { UsageDay } from '../../model/series.ts'
import type { DayWriter, OpenDay, ReadNamespace, StoreReader } from '../../model/store-reader.ts'
import { outboxFolder } from '../../outbox/line-file.ts'
import { readWaitingLines } from '../../outbox/read-outbox.ts'
import { readRejectedLines } from '../../outbox/rejected-lines.ts'
import { incompleteUpTo } from '../../outbox/sent/sent-files.ts'
import { DayJournals } from '../day-journals.ts'
import { journalOwner } from '../journal-owner.ts'
import { readLeader } from '../leader-lease.ts'
import { ownerState } from '../liveness.ts'
import type { Silence } from '../silence.ts'
import { readKnownLines } from './known-lines.ts'
import { readOutboxOverview } from './outbox-overview.ts'

/** How often a read is repeated that a file of a running service made fail, because it was removed or replaced meanwhile. */
const mostTries = 10

/** Creates a reader of one namespace of a file store. */
export function createFolderReader(disk: Disk, dir: string, namespace: ReadNamespace): StoreReader {
  const silence = silenceByTime()
  const look = { disk, dir, silence, now: systemClock.now }
  const ignore = () => {}
  const journals = new DayJournals({
    ...look,
    // It sets nothing aside while days are only read.
    damaged: new DamagedFiles({ disk, dir, now: systemClock.now, onDamage: ignore }),
    onNewer: ignore,
    onUnseen: ignore,
  })

  /** Runs a read again if a file disappeared during it. @throws {UsageError} */
  async function reading<T>(read: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await read()
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || attempt === mostTries) throw failed(error)
      }
    }
  }

  async function* yielding<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* items
    } catch (error) {
      throw failed(error)
    }
  }

  function failed(error: unknown) {
    return diskError(`Cannot read ${dir}.`, error)
  }

  async function writerOf(id: string, files: readonly JournalFile[]): Promise<DayWriter> {
    const { state } = await journalOwner(look, files)
    const header = await readJournalHeader(disk, (files.at(-1) as JournalFile).path)
    const stats = files.map(({ path }) => disk.statSync(path))
    return {
      id,
      host: header?.host,
      state: state === 'alive' ? 'counting' : state,
      seenAtMs: Math.max(...stats.map(({ mtimeMs }) => mtimeMs)),
      bytes: stats.reduce((sum, { size }) => sum + size, 0),
    }
  }

  async function openDay(day: UsageDay): Promise<OpenDay> {
    const { revision } = await journals.closed.of(day)
    const writers: DayWriter[] = []
    for (const [id, files] of journalsOf(disk, dir, day)) writers.push(await writerOf(id, files))
    return { day, revision, writers }
  }

  return {
    namespace,
    place: dir,
    openDays: () =>
      reading(async () => {
        const days: OpenDay[] = []
        for (const day of await journals.openDays()) days.push(await openDay(day))
        return days
      }),
    revisionOf: (day) => reading(async () => (await journals.closed.of(day)).revision),
    totals: (day) => yielding(oneByOne(journals.totals(day))),
    sender: () =>
      reading(async () => {
        const leader = readLeader(disk, dir)
        if (leader === undefined) return undefined
        return { id: leader.journalId, host: leader.host, state: await ownerState(look, leader) }
      }),
    outbox: () => reading(() => readOutboxOverview(disk, dir)),
    lines: (first, last = first) => yielding(readKnownLines(disk, dir, { first, last })),
    incompleteUpTo: () => reading(async () => incompleteUpTo(disk, dir)),
    waiting: () => yielding(readWaitingLines(disk, dir)),
    rejected: () => yielding(readRejectedLines(disk, outboxFolder(dir))),
    readNote: (name) =>
      reading(async () => readIfThere(disk, join(dir, 'notes', encodeURIComponent(name)))?.toString()),
  }
}

/** How long a file has not changed, by its time: a command that runs once cannot watch files as a process does. */
function silenceByTime(): Silence {
  return {
    of(disk, path) {
      const stats = disk.statSync(path, { throwIfNoEntry: false })
      return stats === undefined ? 0 : Math.max(0, systemClock.now() - stats.mtimeMs)
    },
  }
}
