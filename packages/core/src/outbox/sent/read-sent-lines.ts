import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { codeOf, type Disk, readAt } from '../../files/disk.ts'
import { closeQuietly, openToRead } from '../../files/held-file.ts'
import type { OutboxLine } from '../../model/outbox-line.ts'
import type { UsageDay } from '../../model/series.ts'
import { sentFilesIn } from './sent-files.ts'

const readBytes = 256 * 1024

/** Yields the delivered lines of some days that are kept, oldest files first. */
export async function* readSentLines(
  disk: Disk,
  dir: string,
  { first, last }: { first: UsageDay; last: UsageDay },
): AsyncGenerator<OutboxLine> {
  for (const file of sentFilesIn(disk, dir)) {
    if (file.last < first || file.first > last) continue
    for await (const text of textsOf(disk, file.path)) {
      const line = JSON.parse(text) as OutboxLine
      if (line.day >= first && line.day <= last) yield line
    }
  }
}

/** Yields the texts in a compressed file; nothing if it was removed meanwhile because it is old. */
async function* textsOf(disk: Disk, path: string): AsyncGenerator<string> {
  try {
    const file = openToRead(disk, path)
    const bytes = Readable.from(bytesOf(disk, file))
    const content = createGunzip()
    // An error of the disk does not pass through the pipe by itself.
    bytes.on('error', (error) => content.destroy(error))
    let rest = ''
    try {
      for await (const part of bytes.pipe(content).setEncoding('utf8')) {
        const texts = `${rest}${part}`.split('\n')
        rest = texts.pop() ?? ''
        yield* texts
      }
    } finally {
      bytes.destroy()
      closeQuietly(disk, file)
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

async function* bytesOf(disk: Disk, file: number): AsyncGenerator<Buffer> {
  for (let at = 0; ; ) {
    const bytes = await readAt(disk, file, at, readBytes)
    if (bytes.length === 0) return
    at += bytes.length
    yield bytes
  }
}
