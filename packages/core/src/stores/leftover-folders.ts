import type { Clock } from '../clock.ts'
import { DamagedFiles } from '../files/damaged-files.ts'
import type { Disk } from '../files/disk.ts'
import { journalDays, journalsOf } from '../journal/journal-files.ts'
import { readWaitingLines } from '../outbox/read-outbox.ts'
import { DayJournals } from './day-journals.ts'
import { journalOwner } from './journal-owner.ts'
import { mayAdopt, type NamespaceName, namespacesIn } from './namespace-folder.ts'
import type { Silence } from './silence.ts'

/**
 * Returns the namespaces in which earlier processes left counts or lines, in which no living process counts, and which a process
 * of `own` may close and send.
 */
export async function leftoverFolders(
  disk: Disk,
  root: string,
  own: NamespaceName,
  { clock, silence }: { clock: Clock; silence: Silence },
): Promise<Array<NamespaceName & { dir: string }>> {
  const found: Array<NamespaceName & { dir: string }> = []
  for (const other of namespacesIn(disk, root)) {
    const { dir } = other
    if (!mayAdopt(own, other) || (await hasLivingWriter({ disk, dir, silence, now: clock.now }))) continue
    const ignore = () => {}
    const journals = new DayJournals({
      ...{ disk, dir, silence, now: clock.now },
      damaged: new DamagedFiles({ disk, dir, now: clock.now, onDamage: ignore }),
      ...{ onNewer: ignore, onUnseen: ignore },
    })
    if ((await journals.openDays()).length > 0 || (await hasWaitingLines(disk, dir))) found.push(other)
  }
  return found
}

async function hasLivingWriter(look: Parameters<typeof journalOwner>[0]): Promise<boolean> {
  const { disk, dir } = look
  for (const day of journalDays(disk, dir)) {
    for (const files of journalsOf(disk, dir, day).values()) {
      if ((await journalOwner(look, files)).state !== 'done') return true
    }
  }
  return false
}

async function hasWaitingLines(disk: Disk, dir: string): Promise<boolean> {
  for await (const _ of readWaitingLines(disk, dir)) return true
  return false
}
