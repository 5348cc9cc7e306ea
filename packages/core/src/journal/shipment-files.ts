import { join } from 'node:path'
import { codeOf, type Disk, namesIn } from '../files/disk.ts'
import { FrameReader } from '../files/frame-file.ts'
import { frameSeed, frameTypes } from '../files/frames.ts'
import { closeQuietly, openToRead, withFile } from '../files/held-file.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import { decodeLine, readLineFile } from '../outbox/line-file.ts'
import { journalDays, journalsOf } from './journal-files.ts'
import { readJournalHeader } from './journal-reader.ts'

/** The process that counts, or counted, in a journal. */
export interface JournalWriterId {
  readonly host: string
  readonly boot: string
}

const fileName = /^([0-9a-f]{16}-[0-9a-z]+)\.(\d+)\.lines$/
/** Returns the folder with the shipments of all journals of a store. */
export function shipmentFolder(dir: string): string {
  return join(dir, 'shipments')
}

/** Returns the name of a shipment. */
export function shipmentName(journalId: string, number: number): string {
  return `${journalId}.${number}.lines`
}

/** Returns the journal and the number in the name of a shipment, or `undefined` for another file. */
export function parseShipmentName(name: string): { journalId: string; number: number } | undefined {
  const [, journalId, number] = fileName.exec(name) ?? []
  return journalId === undefined ? undefined : { journalId, number: Number(number) }
}

/** Returns the journals in a folder that have counts or shipments. */
export function shippedJournals(disk: Disk, dir: string): string[] {
  const found = new Set<string>()
  for (const name of namesIn(disk, shipmentFolder(dir))) {
    const journalId = parseShipmentName(name)?.journalId
    if (journalId !== undefined) found.add(journalId)
  }
  for (const day of journalDays(disk, dir)) {
    for (const journalId of journalsOf(disk, dir, day).keys()) found.add(journalId)
  }
  return [...found]
}

/**
 * Returns who wrote a journal.
 *
 * @returns `undefined` if no file of it has an intact header
 * @throws what the disk throws
 */
export async function writerOf(
  disk: Disk,
  dir: string,
  journalId: string,
): Promise<JournalWriterId | undefined> {
  for (const day of journalDays(disk, dir)) {
    for (const { path } of journalsOf(disk, dir, day).get(journalId) ?? []) {
      const header = await readJournalHeader(disk, path).catch(unlessDamaged)
      if (header !== undefined) return { host: header.host, boot: header.boot }
    }
  }
  for (const name of namesIn(disk, shipmentFolder(dir))) {
    if (parseShipmentName(name)?.journalId !== journalId) continue
    const path = join(shipmentFolder(dir), name)
    const read = withFile(disk, path, async (file) => (await readLineFile(disk, file)).header.writer)
    const writer = await read.catch(unlessDamaged)
    if (writer !== undefined) return writer
  }
  return undefined
}

function unlessDamaged(error: unknown): undefined {
  if (codeOf(error) !== undefined && codeOf(error) !== 'ENOENT') throw error
  return undefined
}

/** Yields the lines of a shipment. @returns the offset at which damage begins, if there is any @throws what the disk throws */
export async function* readShipment(
  disk: Disk,
  path: string,
): AsyncGenerator<OutboxLine, number | undefined> {
  const file = openToRead(disk, path)
  try {
    const { header, headerEnd } = await readLineFile(disk, file)
    const reader = new FrameReader(disk, file, { from: headerEnd, seed: frameSeed(header.id) })
    let isWhole = false
    while (await reader.readOn()) {
      for (let frame = reader.take(); frame; frame = reader.take()) {
        if (frame.type === frameTypes.line) yield decodeLine(frame.payload).line
        else if (frame.type === frameTypes.end) isWhole = true
      }
    }
    return isWhole ? undefined : reader.at
  } finally {
    closeQuietly(disk, file)
  }
}
