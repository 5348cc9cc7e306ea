import { afterEach, beforeEach, expect, it } from 'vitest'
import { realDisk } from '../../packages/core/src/files/disk.ts'
import { Outbox } from '../../packages/core/src/outbox/outbox.ts'
import { line } from '../support/count-batch.ts'
import { outboxOf } from '../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)

/** Opens the outbox as the next process does after a kill, which leaves no process to close it. */
async function reopen(epoch: number): Promise<Outbox> {
  const { dir, clock } = folder
  return Outbox.open({ disk: realDisk, dir, epoch, clock, damaged: folder.damagedOn(), isReplaced: false })
}

/**
 * A backfill that is killed puts the lines behind its last note again. Each run has a file of its own with a random name, and an older
 * and longer file whose name sorts last had pushed the newest ids out of those that are remembered: 4,000 of 99,990 lines were
 * queued twice after three kills.
 */
it('lines that a killed process put last are known to the next one, beside an older file', async () => {
  let epoch = 1
  let outbox = await reopen(epoch)
  await outbox.put(Array.from({ length: 10_000 }, (_, at) => line(`old-${at}`)))
  for (let run = 1; run <= 20; run++) {
    for (let time = 0; time < 2; time++) {
      outbox.close()
      epoch += 1
      outbox = await reopen(epoch)
      await outbox.put([line(`new-${run}`)])
    }
    expect(outbox.counts().pending).toBe(10_000 + run)
  }
  outbox.close()
})
