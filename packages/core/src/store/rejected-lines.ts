import { join } from 'node:path'
import { frameSeed, frameTypes } from '../counting/journal-frames.ts'
import { type Disk, namesIn, writeWhole } from './disk.ts'
import { readFrames } from './frame-file.ts'
import { decodeLine, encodeHeader, encodeLine, newHeader } from './line-file.ts'
import type { OutboxLine } from './store.ts'

/** Lines that PX refused, with its answer. They stay until somebody removes the files. */
export class RejectedLines {
  readonly #disk: Disk
  readonly #folder: string
  readonly #path: string
  #open: { file: number; size: number; seed: number } | undefined

  constructor(disk: Disk, folder: string, epoch: number) {
    this.#disk = disk
    this.#folder = folder
    this.#path = join(folder, `rejected.${epoch}.log`)
  }

  add(lines: ReadonlyArray<{ line: OutboxLine; reason: string }>): void {
    if (lines.length === 0) return
    const disk = this.#disk
    if (this.#open === undefined) {
      const header = newHeader({})
      const bytes = encodeHeader(header)
      const file = disk.openSync(this.#path, 'w', 0o600)
      try {
        writeWhole(disk, file, bytes, 0)
      } catch (error) {
        disk.closeSync(file)
        throw error
      }
      this.#open = { file, size: bytes.length, seed: frameSeed(header.id) }
    }
    const open = this.#open
    const bytes = Buffer.concat(lines.map(({ line, reason }) => encodeLine(line, open.seed, reason)))
    writeWhole(disk, open.file, bytes, open.size)
    open.size += bytes.length
  }

  async *read(): AsyncGenerator<OutboxLine & { reason: string }> {
    const seen = new Set<string>()
    for (const name of namesIn(this.#disk, this.#folder)) {
      if (!/^rejected\.\d+\.log$/.test(name)) continue
      const file = this.#disk.openSync(join(this.#folder, name), 'r')
      const found: Array<OutboxLine & { reason: string }> = []
      try {
        await readFrames(this.#disk, file, ({ type, payload }) => {
          if (type !== frameTypes.line) return
          const { line, more } = decodeLine(payload)
          // After a crash between the two writes of a refusal it stands here twice.
          if (!seen.has(line.id)) found.push({ ...line, reason: more ?? '' })
          seen.add(line.id)
        })
      } finally {
        this.#disk.closeSync(file)
      }
      yield* found
    }
  }

  close(): void {
    if (this.#open !== undefined) this.#disk.closeSync(this.#open.file)
    this.#open = undefined
  }
}
