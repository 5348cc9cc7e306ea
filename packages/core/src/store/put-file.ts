import { join } from 'node:path'
import { type Disk, syncFolder, writeWhole } from './disk.ts'
import { closeQuietly } from './held-file.ts'
import { encodeHeader, newHeader } from './line-file.ts'
import { BitSet, type OutboxFile } from './outbox-file.ts'

/** Begins a file for lines that are put singly. @param note records it; if that fails there is no such file */
export async function beginPutFile(
  disk: Disk,
  folder: string,
  number: number,
  note: (file: { number: number; name: string }) => void,
): Promise<OutboxFile> {
  const header = newHeader({})
  const name = `put.${header.id}.lines`
  const path = join(folder, name)
  const bytes = encodeHeader(header)
  const aside = `${path}.tmp`
  const file = disk.openSync(aside, 'wx+', 0o600)
  try {
    writeWhole(disk, file, bytes, 0)
    disk.renameSync(aside, path)
    await syncFolder(disk, folder)
    note({ number, name })
  } catch (error) {
    closeQuietly(disk, file)
    try {
      for (const left of [aside, path]) disk.rmSync(left, { force: true })
    } catch {
      // It has no lines, so the next process removes it.
    }
    throw error
  }
  return {
    ...{ name, path, file, number, header, headerEnd: bytes.length, size: bytes.length },
    end: { lines: 0, totals: 0, detailsAt: bytes.length },
    open: 0,
    done: new BitSet(),
    touched: new Map(),
    isSuspect: false,
    chunk: Buffer.alloc(0),
    chunkAt: 0,
  }
}
