import type { Clock } from '../clock.ts'
import { DamagedFiles } from './damaged-files.ts'
import { DayJournals } from './day-journals.ts'
import type { Disk } from './disk.ts'
import { journalDays, journalsOf } from './journal-files.ts'
import { journalOwner } from './journal-owner.ts'
import { mayAdopt, type NamespaceName, namespacesIn } from './namespace-folder.ts'
import { readWaitingLines } from './waiting-lines.ts'

/**
 * Namespaces that a process of `own` may close and send, in which earlier processes left counts or lines and no living process
 * counts now.
 */
export async function leftoverFolders(
  disk: Disk,
  root: string,
  own: NamespaceName,
  clock: Clock,
): Promise<Array<NamespaceName & { dir: string }>> {
  const found: Array<NamespaceName & { dir: string }> = []
  for (const other of namespacesIn(disk, root)) {
    const { dir } = other
    if (!mayAdopt(own, other) || (await hasLivingWriter(disk, dir, clock.now()))) continue
    const ignore = () => {}
    const journals = new DayJournals({
      ...{ disk, dir, now: clock.now },
      damaged: new DamagedFiles({ disk, dir, now: clock.now, onDamage: ignore }),
      ...{ onNewer: ignore, onUnseen: ignore },
    })
    if ((await journals.openDays()).length > 0 || (await hasWaitingLines(disk, dir))) found.push(other)
  }
  return found
}

async function hasLivingWriter(disk: Disk, dir: string, nowMs: number): Promise<boolean> {
  for (const day of journalDays(disk, dir)) {
    for (const files of journalsOf(disk, dir, day).values()) {
      if ((await journalOwner(disk, dir, files, nowMs)).state !== 'done') return true
    }
  }
  return false
}

async function hasWaitingLines(disk: Disk, dir: string): Promise<boolean> {
  for await (const _ of readWaitingLines(disk, dir)) return true
  return false
}
