import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import { newJournalId } from '../../../packages/core/src/journal/journal-files.ts'
import { LeaderOutbox, requireLeader } from '../../../packages/core/src/stores/leader-outbox.ts'
import { type LivenessMark, showAlive, thisHost } from '../../../packages/core/src/stores/liveness.ts'
import { createSilence } from '../../../packages/core/src/stores/silence.ts'
import { line } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { outboxOf } from '../../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)
const processes: Array<{ leader: LeaderOutbox; mark: LivenessMark }> = []
let missing: number[]
beforeEach(() => {
  missing = []
})
afterEach(async () => {
  for (const { leader, mark } of processes.splice(0)) {
    leader.close()
    await mark.release()
  }
})

/** Starts what a process of the folder uses to send. */
async function start(disk: Disk = realDisk): Promise<LeaderOutbox> {
  const { dir, clock } = folder
  const journalId = newJournalId(clock)
  const settings = { disk, dir, clock, silence: createSilence(clock), onDamage() {} }
  const leader = new LeaderOutbox(
    {
      ...settings,
      damaged: folder.damagedOn(disk),
      onUnseenLeader() {},
      onReplaced: (lines) => void missing.push(lines),
    },
    { journalId, ...thisHost },
  )
  processes.push({ leader, mark: await showAlive({ ...settings, disk: realDisk }, journalId) })
  return leader
}

const epochs = () => fs.readdirSync(join(folder.dir, 'leader'))
const takeEpochTwo = () =>
  fs.writeFileSync(
    join(folder.dir, 'leader', '2'),
    JSON.stringify({ journalId: 'ffffffffffffffff-0', ...thisHost }),
  )

const leads = async (leader: LeaderOutbox) => (await leader.outbox()) !== undefined

describe('the outbox of a folder', () => {
  it('belongs to one of its processes, and stays with it', async () => {
    const [first, second] = [await start(), await start()]
    expect([await leads(first), await leads(second)]).toEqual([true, false])
    await folder.clock.advance(1_000)
    expect([await leads(second), await leads(first)]).toEqual([false, true])
    expect([first.holds(), second.holds()]).toEqual([true, false])
    expect(second.current).toBeUndefined()
  })

  it('is read once by callers that come at the same time', async () => {
    const leader = await start()
    const [first, second] = await Promise.all([leader.outbox(), leader.outbox()])
    expect(first).toBeDefined()
    expect(second).toBe(first)
  })

  it('goes to another process at the close, which looks for the leader once a second', async () => {
    const [first, second] = [await start(), await start()]
    await first.outbox()
    expect(await leads(second)).toBe(false)
    first.close()
    expect(await leads(second)).toBe(false)
    await folder.clock.advance(1_000)
    expect(await leads(second)).toBe(true)
  })

  it('is required for what only the leader may do', () => {
    expect(() => requireLeader(undefined)).toThrow('Another process sends the lines of this folder now.')
    expect(requireLeader('outbox')).toBe('outbox')
  })

  it('that cannot be opened is left to another process, which may be a newer version', async () => {
    const disk = diskWith((call, [path]) => {
      if (call === 'openSync' && String(path).includes('state.')) throw errno('EROFS')
    })
    const [first, second] = [await start(disk), await start()]
    await expect(first.outbox()).rejects.toThrow('EROFS')
    expect(await leads(second)).toBe(true)
  })
})

describe('the leader', () => {
  it('takes the next epoch when a process took the lease that has died since', async () => {
    const leader = await start()
    await leader.outbox()
    takeEpochTwo()
    await leader.markAttempts([], 5)
    expect(epochs()).toEqual(['3'])
  })

  it('sends nothing when the lease was lost while an attempt was recorded', async () => {
    let isMarking = false
    const leader = await start(
      diskWith((call) => {
        if (isMarking && call === 'fdatasync') takeEpochTwo()
      }),
    )
    const outbox = requireLeader(await leader.outbox())
    await outbox.put([line('a')])
    await outbox.claim(1)
    isMarking = true
    await expect(leader.markAttempts(['a'], 5)).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    expect(outbox.counts()).toMatchObject({ unconfirmed: 1 })
  })

  it('stays the leader over two checks that fail, and takes the next epoch at the third', async () => {
    let isBroken = false
    const leader = await start(
      diskWith((call, [path]) => {
        if (isBroken && call === 'readFileSync' && String(path).endsWith(join('leader', '1')))
          throw errno('EIO')
      }),
    )
    const before = await leader.outbox()
    isBroken = true
    await expect(leader.outbox()).rejects.toThrow('EIO')
    await expect(leader.outbox()).rejects.toThrow('EIO')
    expect(leader.current).toBe(before)
    expect(await leads(leader)).toBe(true)
    expect(epochs()).toEqual(['2'])
  })

  it('reads a folder that was replaced again, and says how many waiting lines are missing', async () => {
    const leader = await start()
    await (await leader.outbox())?.put([line('a'), line('b')])
    const copy = folder.afterKill()
    await (await leader.outbox())?.put([line('c')])
    fs.rmSync(folder.outbox, { recursive: true })
    fs.cpSync(join(copy, 'outbox'), folder.outbox, { recursive: true })
    const { lines } = await requireLeader(await leader.outbox()).claim(9)
    expect(lines.map(({ id, state }) => `${id} ${state}`)).toEqual(['a unconfirmed', 'b unconfirmed'])
    expect(missing).toEqual([1])
  })
})

describe('a leader that cannot send', () => {
  it('stays the leader while no other process wants the lease, so that days are closed', async () => {
    const leader = await start()
    await leader.outbox()
    leader.cannotSend()
    expect(leader.holds()).toBe(true)
  })

  it('gives the lease to a process that wants it, and leaves it there for a minute', async () => {
    const [first, second] = [await start(), await start()]
    await first.outbox()
    await second.outbox()
    first.cannotSend()
    expect(first.holds()).toBe(false)
    await folder.clock.advance(1_000)
    expect([await leads(first), await leads(second)]).toEqual([false, true])
    second.close()
    await folder.clock.advance(58_000)
    expect(await leads(first)).toBe(false)
    await folder.clock.advance(61_000)
    expect(await leads(first)).toBe(true)
  })

  it('keeps the lease while a task uses the outbox, so that no claimed line is sent twice', async () => {
    const [first, second] = [await start(), await start()]
    await first.outbox()
    await second.outbox()
    let end = () => {}
    const task = first.during(new Promise<void>((resolve) => (end = resolve)))
    first.cannotSend()
    expect(first.holds()).toBe(true)
    end()
    await task
    first.cannotSend()
    expect(first.holds()).toBe(false)
  })
})
