import fs from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import { ClosedDays, closedDayName, closedDayOf } from '../../../packages/core/src/outbox/closed-days.ts'
import { day, line } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { outboxOf } from '../../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)
const dayMs = 24 * 3_600_000

const closedDays = (disk: Disk = realDisk) => new ClosedDays(disk, folder.dir, folder.damagedOn(disk))

describe('the name of a closed day', () => {
  it('has its day and its revision', () => {
    expect(closedDayName('2026-11-23', 12)).toBe('2026-11-23.12.lines')
    expect(closedDayOf('2026-11-23.12.lines')).toEqual({ day: '2026-11-23', revision: 12 })
  })

  it.each(['put.3f9a.lines', '2026-11-23.lines', '2026-11-23.0.lines.tmp', 'state.1-1.log'])(
    'is not %s',
    (name) => {
      expect(closedDayOf(name)).toBeUndefined()
    },
  )
})

describe('what a closed day contains', () => {
  it('is nothing before the first close', async () => {
    expect(await closedDays().of(day)).toEqual({ revision: 0, contained: {} })
  })

  it('is what the last revision says, by number and not by name', async () => {
    for (const revision of [2, 9, 10]) await folder.writeDay([], { revision, contained: { a: revision } })
    await folder.writeDay([], { revision: 40, contained: { b: 1 }, onDay: '2026-11-24' })
    expect(await closedDays().of(day)).toEqual({ revision: 11, contained: { a: 10 } })
  })

  it('is what the revision before says if the last one, whose number stays used, is damaged', async () => {
    await folder.writeDay([], { revision: 0, contained: { a: 3 } })
    const damaged = await folder.writeDay([], { revision: 1, contained: { a: 5 } })
    fs.truncateSync(folder.path(damaged), 10)
    expect(await closedDays().of(day)).toEqual({ revision: 2, contained: { a: 3 } })
  })

  it('is not guessed while the disk cannot read it', async () => {
    const name = await folder.writeDay([], { contained: { a: 3 } })
    const disk = diskWith((call, [path]) => {
      if (call === 'openSync' && path === folder.path(name)) throw errno('EMFILE')
    })
    await expect(closedDays(disk).of(day)).rejects.toThrow('EMFILE')
  })

  it('is read once, and again when the file was replaced', async () => {
    const name = await folder.writeDay([], { contained: { a: 3 } })
    let opened = 0
    const days = closedDays(
      diskWith((call) => {
        if (call === 'openSync') opened += 1
      }),
    )
    await days.of(day)
    await days.of(day)
    expect(opened).toBe(1)
    fs.renameSync(folder.path(name), folder.path('before'))
    await folder.writeDay([], { contained: { a: 4 } })
    expect(await days.of(day)).toEqual({ revision: 1, contained: { a: 4 } })
  })
})

describe('an old closed day', () => {
  const nowMs = Date.parse(day) + 40 * dayMs

  it('is forgotten after 40 days if it is finished', async () => {
    await folder.writeDay([line('a')])
    await folder.writeDay([line('b')], { onDay: '2026-11-24' })
    closedDays().forgetOld(nowMs, () => true)
    expect(fs.readdirSync(folder.outbox)).toEqual(['2026-11-24.0.lines'])
  })

  it('stays while lines of it wait or journals of it exist', async () => {
    const name = await folder.writeDay([line('a')])
    const asked: string[] = []
    closedDays().forgetOld(nowMs, (name, day) => {
      asked.push(`${name} ${day}`)
      return false
    })
    expect(asked).toEqual([`${name} ${day}`])
    expect(fs.existsSync(folder.path(name))).toBe(true)
  })

  it('that cannot be removed is tried again at the next close', async () => {
    const name = await folder.writeDay([line('a')])
    const disk = diskWith((call) => {
      if (call === 'rmSync') throw errno('EPERM')
    })
    expect(() => closedDays(disk).forgetOld(nowMs, () => true)).not.toThrow()
    expect(fs.existsSync(folder.path(name))).toBe(true)
  })
})
