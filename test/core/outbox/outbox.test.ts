import fs from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import { Outbox } from '../../../packages/core/src/outbox/outbox.ts'
import { day, line } from '../../support/count-batch.ts'
import { diskWith, errno, writeShare } from '../../support/failing-disk.ts'
import { outboxOf } from '../../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)
const opened: Outbox[] = []
afterEach(() => {
  for (const outbox of opened.splice(0)) outbox.close()
})

async function open({ disk = realDisk, epoch = 1, isReplaced = false } = {}): Promise<Outbox> {
  const { dir, clock } = folder
  const damaged = folder.damagedOn(disk)
  const outbox = await Outbox.open({ disk, dir, epoch, clock, damaged, isReplaced })
  opened.push(outbox)
  return outbox
}

const claimed = async (outbox: Outbox, limit = 9) =>
  (await outbox.claim(limit)).lines.map(({ id, state, attempts }) => `${id} ${state} ${attempts}`)
const namesLike = (pattern: RegExp) => fs.readdirSync(folder.outbox).filter((name) => pattern.test(name))

/** A disk that fails at a call while `isBroken`. */
function breakable(isHit: (call: keyof Disk, args: readonly unknown[]) => boolean) {
  const state = {
    isBroken: false,
    disk: diskWith((call, args) => {
      if (!state.isBroken || !isHit(call, args)) return
      if (call === 'writeSync') writeShare(args)
      throw errno('EIO')
    }),
  }
  return state
}

describe('the outbox on a disk', () => {
  it('counts the lines of a closed day without reading them, and claims them', async () => {
    const outbox = await open()
    await outbox.addFile(await folder.writeDay([line('b', day, 'detail'), line('a')]))
    expect(outbox.counts()).toEqual({ closed: 2, delivered: 0, pending: 2, unconfirmed: 0, rejected: 0 })
    expect(await claimed(outbox)).toEqual(['a pending 0', 'b pending 0'])
  })

  it('has after a kill what it had, attempts included', async () => {
    const outbox = await open()
    await outbox.addFile(await folder.writeDay([line('a'), line('b')]))
    await outbox.put([line('c'), line('d')])
    await outbox.claim(9)
    await outbox.markAttempts(['a', 'b', 'c'], 5)
    await outbox.settle([
      { id: 'a', state: 'delivered' },
      { id: 'c', state: 'rejected', reason: 'bad date' },
    ])
    const before = outbox.counts()
    const next = await open({ epoch: 2 })
    expect(next.counts()).toEqual(before)
    expect(await claimed(next)).toEqual(['b unconfirmed 1', 'd pending 0'])
  })

  it('counts every line as unconfirmed when its folder was replaced by an older copy', async () => {
    const outbox = await open()
    await outbox.put([line('a')])
    outbox.close()
    expect(await claimed(await open({ isReplaced: true }))).toEqual(['a unconfirmed 1'])
  })

  it('resends nothing when its log is lost, before PX was asked', async () => {
    const outbox = await open()
    await outbox.put([line('a')])
    outbox.close()
    for (const name of namesLike(/^state/)) fs.rmSync(folder.path(name))
    expect(await claimed(await open())).toEqual(['a unconfirmed 1'])
    expect(folder.damages).toMatchObject([{ copy: undefined }])
  })
})

describe('an attempt', () => {
  it('is on the disk before it counts, so a failure leaves the line pending', async () => {
    const broken = breakable((call) => call === 'fdatasync')
    const outbox = await open({ disk: broken.disk })
    await outbox.put([line('a')])
    await outbox.claim(9)
    broken.isBroken = true
    await expect(outbox.markAttempts(['a'], 5)).rejects.toThrow('EIO')
    expect(outbox.counts()).toMatchObject({ pending: 1, unconfirmed: 0 })
  })
})

describe('a single line', () => {
  it('is put once in a call, once over calls and once over restarts', async () => {
    const outbox = await open()
    await outbox.put([line('a'), line('a')])
    await outbox.put([line('a')])
    outbox.close()
    const next = await open()
    await next.put([line('a'), line('b')])
    expect(next.counts().closed).toBe(2)
  })

  it('is not in the outbox after a write that failed halfway, and can be put again', async () => {
    const broken = breakable((call) => call === 'writeSync')
    const outbox = await open({ disk: broken.disk })
    await outbox.put([line('a')])
    broken.isBroken = true
    await expect(outbox.put([line('b')])).rejects.toThrow('EIO')
    broken.isBroken = false
    expect(outbox.counts().closed).toBe(1)
    await outbox.put([line('b')])
    outbox.close()
    expect(await claimed(await open())).toEqual(['a pending 0', 'b pending 0'])
  })
})

describe('a settlement', () => {
  it('does not happen when it cannot be recorded', async () => {
    const broken = breakable((call) => call === 'writeSync')
    const outbox = await open({ disk: broken.disk })
    await outbox.put([line('a')])
    await outbox.claim(9)
    await outbox.markAttempts(['a'], 5)
    broken.isBroken = true
    await expect(outbox.settle([{ id: 'a', state: 'delivered' }])).rejects.toThrow('EIO')
    broken.isBroken = false
    expect(outbox.counts()).toMatchObject({ delivered: 0, unconfirmed: 1 })
    await outbox.settle([{ id: 'a', state: 'delivered' }])
    expect(outbox.counts()).toMatchObject({ delivered: 1, unconfirmed: 0 })
  })

  it('that only releases lines does not grow the log during an outage', async () => {
    const outbox = await open()
    await outbox.put([line('a'), line('b')])
    await outbox.claim(9)
    await outbox.markAttempts(['b'], 5)
    const log = folder.path(namesLike(/^state/)[0] as string)
    const { size } = fs.statSync(log)
    await outbox.settle([
      { id: 'a', state: 'pending', waitMs: 0 },
      { id: 'b', state: 'unconfirmed', waitMs: 60_000 },
    ])
    expect(fs.statSync(log).size).toBe(size)
  })

  it('of the last line of a day leaves only its header', async () => {
    const outbox = await open()
    const name = await folder.writeDay([line('a')], { contained: { x: 3 } })
    const { size } = fs.statSync(folder.path(name))
    await outbox.addFile(name)
    await outbox.claim(9)
    expect(outbox.needs(name)).toBe(true)
    await outbox.settle([{ id: 'a', state: 'delivered' }])
    expect(outbox.needs(name)).toBe(false)
    expect(fs.statSync(folder.path(name)).size).toBeLessThan(size)
    outbox.close()
    expect((await open()).counts()).toMatchObject({ closed: 1, delivered: 1 })
  })

  it('of the last of an earlier process’s single lines removes their file with the next log', async () => {
    const first = await open()
    await first.put([line('a')])
    first.close()
    const outbox = await open()
    await outbox.claim(9)
    await outbox.settle([{ id: 'a', state: 'delivered' }])
    expect(namesLike(/^put/)).toEqual([])
    await outbox.put([line('a')])
    expect(outbox.counts()).toMatchObject({ closed: 1, delivered: 1 })
  })
})

describe('the log', () => {
  it('is begun again once it has grown by a megabyte', async () => {
    const outbox = await open()
    const lines = Array.from({ length: 3_000 }, (_, index) => line(`line ${index}`))
    await outbox.put(lines)
    const ids = (await outbox.claim(3_000)).lines.map(({ id }) => id)
    for (let attempt = 0; attempt < 40; attempt++) await outbox.markAttempts(ids, attempt)
    await outbox.settle(ids.map((id) => ({ id, state: 'pending', waitMs: 1 })))
    expect(namesLike(/^state/)).toEqual(['state.1-2.log'])
    outbox.close()
    expect((await open()).counts()).toMatchObject({ pending: 3_000 })
  })

  it('is gone with its folder', async () => {
    const outbox = await open()
    expect(outbox.isGone).toBe(false)
    fs.renameSync(folder.outbox, `${folder.outbox}-moved`)
    expect(outbox.isGone).toBe(true)
  })
})

it('what a crash left half written is removed at the start', async () => {
  fs.writeFileSync(folder.path('2026-11-23.0.lines.3f9a.tmp'), 'half')
  fs.mkdirSync(folder.path('state.1-1.log.tmp'))
  await open()
  expect(namesLike(/tmp/)).toEqual([])
})

describe('a command of an operator', () => {
  it.each([1, 2, 3])(
    'has its effect once, although write %i of it fails and it runs again',
    async (failing) => {
      let writes = Number.NEGATIVE_INFINITY
      const disk = diskWith((call) => {
        if (call !== 'writeSync') return
        writes += 1
        if (writes === failing) throw errno('EIO')
      })
      const outbox = await open({ disk })
      await outbox.put([line('a')])
      await outbox.claim(1)
      await outbox.markAttempts(['a'], 1)
      await outbox.settle([{ id: 'a', state: 'rejected', reason: 'no' }])
      const command = { id: 'one', kind: 'redeliver', lines: ['a', 'unknown'] } as const
      writes = 0
      await expect(outbox.changeRejected(command)).rejects.toThrow('EIO')
      outbox.close()
      const next = await open({ epoch: 2 })
      await next.changeRejected(command)
      await next.changeRejected(command)
      const counts = { closed: 1, delivered: 0, pending: 1, unconfirmed: 0, rejected: 0 }
      expect(next.counts()).toEqual(counts)
      next.close()
      const last = await open({ epoch: 3 })
      await last.changeRejected(command)
      expect(last.counts()).toEqual(counts)
      expect(await claimed(last)).toEqual(['a pending 0'])
    },
  )
})
