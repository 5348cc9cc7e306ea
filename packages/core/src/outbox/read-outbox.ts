import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import type { DamagedFiles } from '../files/damaged-files.ts'
import { codeOf, type Disk, namesIn } from '../files/disk.ts'
import { readFrames } from '../files/frame-file.ts'
import { frameSeed, frameTypes } from '../files/frames.ts'
import { closeQuietly, openToRead } from '../files/held-file.ts'
import type { OutboxLine, WaitingLine } from '../model/outbox-line.ts'
import { linesLeft } from './inbox.ts'
import { decodeLine, outboxFolder, readLineFile } from './line-file.ts'
import { unattempted } from './line-states.ts'
import { newerOutbox } from './open-line-file.ts'
import { newestStateLog, OutboxReplay, readStateLog } from './outbox-log.ts'

const linesPerPage = 1_000
const what = 'which of the waiting events were sent, so px-usage looks them up in PX before it resends them'

/** Returns the names of the files of lines in a folder. */
export function lineFilesIn(disk: Disk, folder: string): string[] {
  return namesIn(disk, folder).filter((name) => name.endsWith('.lines'))
}

/**
 * Reads what became of the lines in a folder. If the log is damaged or missing, the lines without a recorded attempt count as
 * unconfirmed.
 *
 * @param damaged sets a log aside that can never be read; without it, damage is left to the process that sends
 * @throws {UsageError} if a newer px-usage wrote the log and this process sends
 * @throws what the disk throws, if the log may be readable later
 */
export async function replayLog(disk: Disk, folder: string, damaged?: DamagedFiles): Promise<OutboxReplay> {
  const replay = new OutboxReplay()
  const log = newestStateLog(disk, folder)
  if (log === undefined) {
    replay.isLost = lineFilesIn(disk, folder).length > 0
    if (replay.isLost) damaged?.reportMissing(join(folder, 'state.*.log'), what)
    return replay
  }
  try {
    const { how, path } = await readStateLog(disk, folder, (change) => replay.apply(change))
    if (how === 'newer' && damaged !== undefined) throw newerOutbox(path)
    replay.isLost = how === 'damaged' || how === 'missing'
    if (how === 'damaged') await damaged?.copyFrom(path, 0, what)
  } catch (error) {
    if (damaged === undefined) unlessDamaged(error)
    else if (error instanceof UsageError || !damaged.isLasting(log, error)) throw error
    damaged?.setAside(log, what)
    replay.isLost = true
  }
  return replay
}

/** Yields the lines that wait in a folder, those in the inbox last. It reads the files of the sending process, which continues. */
export async function* readWaitingLines(disk: Disk, dir: string): AsyncGenerator<WaitingLine> {
  // The inbox is read first, so that no line is missed that moves to the outbox meanwhile.
  const left = new Map<string, OutboxLine>()
  for (const line of linesLeft(disk, dir)) left.set(line.id, line)
  const folder = outboxFolder(dir)
  const replay = await replayLog(disk, folder)
  for (const name of lineFilesIn(disk, folder)) {
    const { done, touched, isUnconfirmed } = replay.of(name)
    for await (const { line, index } of linesIn(disk, join(folder, name))) {
      left.delete(line.id)
      const { state } = touched.get(index) ?? unattempted(isUnconfirmed)
      if (!done.has(index)) yield { ...line, state }
    }
  }
  for (const line of left.values()) yield { ...line, state: 'pending' }
}

/**
 * Yields the lines of a file with their index; nothing if the file is gone or damaged.
 *
 * @param perTurn the most lines that are decoded in one turn of the event loop
 */
export async function* linesIn(
  disk: Disk,
  path: string,
  perTurn: number = linesPerPage,
): AsyncGenerator<ReturnType<typeof decodeLine> & { index: number }> {
  const file = openIfThere(disk, path)
  if (file === undefined) return
  try {
    const found = await readLineFile(disk, file).catch(unlessDamaged)
    if (found === 'damaged') return
    const { header, headerEnd } = found
    const seed = frameSeed(header.id)
    let from = headerEnd
    let index = 0
    for (let isFull = true; isFull; ) {
      const lines: Array<ReturnType<typeof decodeLine> & { index: number }> = []
      const { at } = await readFrames(
        disk,
        file,
        ({ type, payload }) => {
          if (lines.length === perTurn) return false
          if (type === frameTypes.line) lines.push({ ...decodeLine(payload), index: index++ })
          return true
        },
        { from, seed },
      )
      yield* lines
      from = at
      isFull = lines.length === perTurn
    }
  } finally {
    closeQuietly(disk, file)
  }
}

/** Opens a file; returns `undefined` if it was removed because its lines are settled. */
function openIfThere(disk: Disk, path: string): number | undefined {
  try {
    return openToRead(disk, path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') unlessDamaged(error)
    return undefined
  }
}

/** Ignores damage, which the sending process sets aside. @throws what the disk throws */
function unlessDamaged(error: unknown): 'damaged' {
  if (codeOf(error) !== undefined) throw error
  return 'damaged'
}
