import fs from 'node:fs'
import { join } from 'node:path'
import { DamagedFiles } from '../../packages/core/src/files/damaged-files.ts'
import { type Disk, realDisk } from '../../packages/core/src/files/disk.ts'
import type { OutboxLine } from '../../packages/core/src/model/outbox-line.ts'
import { closedDayName } from '../../packages/core/src/outbox/closed-days.ts'
import { newHeader, outboxFolder, writeLineFile } from '../../packages/core/src/outbox/line-file.ts'
import { day } from './count-batch.ts'
import { diskOf, type StoreFolder } from './store-folder.ts'

/** A folder for an outbox that lasts one test, and the damage that was reported. */
export interface OutboxFolder extends StoreFolder {
  readonly damages: Array<{ path: string; what: string; copy: string | undefined }>
  /** The folder with the files of lines. */
  readonly outbox: string
  damagedOn(disk?: Disk): DamagedFiles
  /** Writes the file of a closed day, and returns its name. */
  writeDay(
    lines: readonly OutboxLine[],
    closed?: { revision?: number; contained?: Record<string, number>; onDay?: string },
  ): Promise<string>
  path(name: string): string
}

type Hook = (task: () => void | Promise<void>) => void

export function outboxOf(beforeEach: Hook, afterEach: Hook): OutboxFolder {
  const folder = diskOf(beforeEach, afterEach)
  const damages: OutboxFolder['damages'] = []
  beforeEach(() => {
    damages.length = 0
    fs.mkdirSync(outboxFolder(folder.dir))
  })
  const path = (name: string) => join(outboxFolder(folder.dir), name)
  return Object.create(folder, {
    damages: { value: damages },
    outbox: { get: () => outboxFolder(folder.dir) },
    path: { value: path },
    damagedOn: {
      value: (disk: Disk = realDisk) =>
        new DamagedFiles({
          ...{ disk, dir: folder.dir, now: folder.clock.now },
          onDamage: (path, what, copy) => void damages.push({ path, what, copy }),
        }),
    },
    writeDay: {
      async value(
        lines: readonly OutboxLine[],
        { revision = 0, contained = {}, onDay = day }: Parameters<OutboxFolder['writeDay']>[1] = {},
      ) {
        const name = closedDayName(onDay, revision)
        const header = newHeader({ day: onDay, revision, contained })
        await writeLineFile(realDisk, path(name), header, each(lines), () => true)
        return name
      },
    },
  }) as OutboxFolder
}

/** Yields lines as a roll-up makes them. */
export async function* each(lines: readonly OutboxLine[]): AsyncGenerator<OutboxLine> {
  yield* lines
}
