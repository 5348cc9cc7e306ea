import { join } from 'node:path'
import { codeOf, type Disk, namesIn } from '../files/disk.ts'
import { readFrames } from '../files/frame-file.ts'
import { frameSeed, frameTypes } from '../files/frames.ts'
import { closeQuietly, openToRead } from '../files/held-file.ts'
import type { OutboxLine, WaitingLine } from '../model/outbox-line.ts'
import { linesLeft } from './inbox.ts'
import { decodeLine, outboxFolder, readLineFile } from './line-file.ts'
import { OutboxReplay, readStateLog } from './outbox-log.ts'

const linesPerPage = 1_000

/** Yields the lines that wait in a folder, those in the inbox last. It reads the files of the sending process, which continues. */
export async function* readWaitingLines(disk: Disk, dir: string): AsyncGenerator<WaitingLine> {
  // The inbox is read first, so that no line is missed that moves to the outbox meanwhile.
  const left = new Map<string, OutboxLine>()
  for (const line of linesLeft(disk, dir)) left.set(line.id, line)
  const folder = outboxFolder(dir)
  const history = new OutboxReplay()
  const how = await readStateLog(disk, folder, (change) => history.apply(change)).then(
    (log) => log.how,
    unlessDamaged,
  )
  const isLost = how === 'damaged' || how === 'missing'
  for (const name of namesIn(disk, folder).sort()) {
    if (!name.endsWith('.lines')) continue
    const { done, touched, isUnconfirmed } = history.of(name)
    const unless = isLost || isUnconfirmed ? 'unconfirmed' : 'pending'
    for await (const { line, index } of linesIn(disk, join(folder, name))) {
      left.delete(line.id)
      if (!done.has(index)) yield { ...line, state: touched.get(index)?.state ?? unless }
    }
  }
  for (const line of left.values()) yield { ...line, state: 'pending' }
}

async function* linesIn(disk: Disk, path: string) {
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
          if (lines.length === linesPerPage) return false
          if (type === frameTypes.line) lines.push({ ...decodeLine(payload), index: index++ })
          return true
        },
        { from, seed },
      )
      yield* lines
      from = at
      isFull = lines.length === linesPerPage
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
