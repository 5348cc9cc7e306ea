import { randomBytes } from 'node:crypto'
import { systemClock } from '../../clock.ts'
import { DamagedFiles } from '../../files/damaged-files.ts'
import { type Disk, realDisk } from '../../files/disk.ts'
import { diskError } from '../../files/disk-error.ts'
import { newJournalId } from '../../journal/journal-files.ts'
import type { RejectedCommand } from '../../model/outbox-line.ts'
import { Inbox, isCommandLeft } from '../../outbox/inbox.ts'
import { LeaderOutbox } from '../leader-outbox.ts'
import { showAlive, thisHost } from '../liveness.ts'
import { createSilence } from '../silence.ts'

/** How often it is checked whether the process that sends has executed a command, 200 ms. */
const checkEveryMs = 200

/**
 * Sends lines again that PX refused, or discards them. The process that sends executes it: the service, or this process while
 * no other one has the lease of the folder.
 *
 * @param dir the folder of the namespace
 * @param waitMs how long to wait for the service, which reads its inbox at its next run
 * @returns `left` if the service has not executed it yet; the command waits in the folder then
 * @throws {UsageError} if the folder cannot be written
 */
export async function changeRejected(
  dir: string,
  given: Omit<RejectedCommand, 'id'>,
  { waitMs = 15_000, disk = realDisk }: { waitMs?: number; disk?: Disk } = {},
): Promise<'done' | 'left'> {
  const clock = systemClock
  const journalId = newJournalId(clock)
  const ignore = () => {}
  const settings = { disk, dir, clock, now: clock.now, silence: createSilence(clock), onDamage: ignore }
  const inbox = new Inbox(settings, journalId)
  const command: RejectedCommand = { ...given, id: randomBytes(8).toString('hex') }
  try {
    await inbox.leaveCommand(command)
    // Others see by the mark that this process is alive while it has the lease.
    const mark = await showAlive(settings, journalId)
    const leader = new LeaderOutbox(
      {
        ...settings,
        damaged: new DamagedFiles({ ...settings, onDamage: ignore }),
        ...{ onReplaced: ignore, onUnseenLeader: ignore },
      },
      { journalId, ...thisHost },
    )
    const until = clock.elapsed() + waitMs
    try {
      for (;;) {
        const outbox = await leader.outbox()
        if (outbox !== undefined) await inbox.takeCommands((one) => outbox.changeRejected(one))
        if (!isCommandLeft(disk, dir, command.id)) return 'done'
        if (clock.elapsed() >= until) return 'left'
        await new Promise<void>((resolve) => clock.setTimer(resolve, checkEveryMs, true))
      }
    } finally {
      leader.close()
      await mark.release()
    }
  } catch (error) {
    throw diskError(`Cannot read or write in ${dir}.`, error)
  }
}
