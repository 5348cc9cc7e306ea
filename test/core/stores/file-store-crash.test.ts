import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { compactJournal } from '../../../packages/core/src/journal/compact-journal.ts'
import { type JournalFile, journalsOf } from '../../../packages/core/src/journal/journal-files.ts'
import { fileStoreOn } from '../../../packages/core/src/stores/file-store.ts'
import { batches, callsInLines, day, line, oneLinePerUserOnce } from '../../support/count-batch.ts'
import { cutOffAt } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)

/** Two processes counted on the day and died; what is in the folder then. */
async function twoDeadJournals(): Promise<string> {
  for (const user of ['ada', 'bob']) {
    const store = await folder.open()
    const batch = batches()
    for (let call = 0; call < 3; call++) await store.add(batch({ [user]: 1, both: 1 }))
  }
  return folder.afterKill()
}

/** Errors of files that cannot be read. What a process tells of the disk that was cut off is no matter. */
const damages = () => folder.errors.filter(({ code }) => code !== 'PXU_ERR_STORE_UNAVAILABLE')

describe('a process that is killed at any change it makes to the disk', () => {
  test('takes over dead journals and closes their day with exact totals and each line once', async () => {
    const before = await twoDeadJournals()
    let steps = 0
    for (let isOver = false; !isOver; ) {
      steps += 1
      fs.rmSync(folder.dir, { recursive: true })
      fs.cpSync(before, folder.dir, { recursive: true })
      const cut = cutOffAt(steps)
      const store = folder.make({}, cut.disk)
      let acknowledged = 0
      try {
        await folder.openStore(store)
        await store.add(batches()({ cy: 1 }))
        acknowledged = 1
        await store.closeDay(day, oneLinePerUserOnce())
      } catch {}
      isOver = !cut.isCutOff
      const third = await folder.open({ dir: folder.afterKill() })
      const { cy = 0, ...calls } = await callsInLines(third)
      expect(calls, `killed at change ${steps}`).toEqual({ ada: 3, bob: 3, both: 6 })
      expect(cy, `killed at change ${steps}`).toBeGreaterThanOrEqual(acknowledged)
      expect(cy).toBeLessThanOrEqual(1)
      expect(fs.readdirSync(join(folder.dir, 'outbox')).filter((name) => name.endsWith('.bad'))).toEqual([])
      await third.close()
      await store.close().catch(() => {})
    }
    expect(steps).toBeGreaterThan(20)
    expect(damages()).toEqual([])
  })

  test.each([
    ['half of the write', 0.5],
    ['the whole write', 1],
  ])('counts once what was killed after %s of counts, before the acknowledgement', async (_, share) => {
    for (let step = 1; ; step++) {
      fs.rmSync(folder.dir, { recursive: true, force: true })
      fs.mkdirSync(folder.dir)
      const cut = cutOffAt(step, share)
      const store = folder.make({}, cut.disk)
      const batch = batches()
      let acknowledged = 0
      try {
        await folder.openStore(store)
        for (; acknowledged < 4; acknowledged++) await store.add(batch({ ada: 1 }))
      } catch {}
      const next = await folder.open({ dir: folder.afterKill() })
      const { ada = 0 } = await callsInLines(next)
      expect(ada).toBeGreaterThanOrEqual(acknowledged)
      expect(ada).toBeLessThanOrEqual(Math.min(acknowledged + 1, 4))
      await next.close()
      await store.close().catch(() => {})
      if (!cut.isCutOff) break
    }
  })

  test('keeps totals exact while full files of a journal are joined', async () => {
    const writer = await folder.openStore(fileStoreOn(realDisk, { dir: folder.dir }, 2_000))
    const batch = batches()
    const truth: Record<string, number> = {}
    for (let call = 0; call < 600; call++) {
      const user = `user ${call % 7}`
      truth[user] = (truth[user] ?? 0) + call
      await writer.add(batch({ [user]: call }))
      await new Promise((resolve) => setImmediate(resolve))
    }
    const [journalId, files] = await vi.waitFor(
      () => {
        const [[journalId, files]] = [...journalsOf(realDisk, folder.dir, day)] as [[string, JournalFile[]]]
        expect(files[0]?.last, 'files are joined by themselves').toBeGreaterThan(1)
        return [journalId, files] as const
      },
      { timeout: 30_000 },
    )
    expect(files.length).toBeGreaterThan(1)
    const lastSegment = (files.at(-1)?.last ?? 0) - 1
    const before = folder.afterKill()
    let joined = false
    for (let step = 1; !joined; step++) {
      fs.rmSync(folder.dir, { recursive: true })
      fs.cpSync(before, folder.dir, { recursive: true })
      const cut = cutOffAt(step)
      await compactJournal(cut.disk, folder.dir, { day, journalId, lastSegment }).catch(() => {})
      joined = !cut.isCutOff
      const next = await folder.open({ dir: folder.afterKill() })
      expect(await callsInLines(next), `killed at change ${step}`).toEqual(truth)
      await next.close()
    }
    expect(journalsOf(realDisk, folder.dir, day).get(journalId)).toHaveLength(2)
    expect(fs.readdirSync(join(folder.dir, 'journals', day))).toHaveLength(2)
  }, 60_000)

  test('knows the state of each line and its age after many rounds of an outage', async () => {
    const store = await folder.open()
    const { clock } = folder
    const ids = ['given back', 'not sent', 'later', 'unconfirmed', 'absent']
    await store.put(ids.map((id) => line(id)))
    const attemptedAtMs = clock.now()
    await store.claim(9)
    await store.markAttempts(ids.slice(1), attemptedAtMs)
    const hourMs = 3_600_000
    for (let hour = 0; hour < 3; hour++) {
      await store.settle([
        { id: 'given back', state: 'pending', waitMs: 0 },
        { id: 'not sent', state: 'pending', waitMs: 0 },
        { id: 'later', state: 'pending', waitMs: hourMs },
        { id: 'unconfirmed', state: 'unconfirmed', waitMs: hourMs },
        { id: 'absent', state: hour < 1 ? 'unconfirmed' : 'pending', waitMs: 0 },
      ])
      if (hour === 2) break
      await clock.advance(hourMs)
      expect((await store.claim(9)).lines).toHaveLength(5)
    }
    const next = await folder.open({ dir: folder.afterKill() })
    expect(next.outboxCounts()).toMatchObject({ closed: 5, pending: 4, unconfirmed: 1 })
    const { lines, nextDueInMs } = await next.claim(9)
    expect(lines.map(({ id, state, attempts, attemptedAtMs: at }) => [id, state, attempts, at])).toEqual([
      ['given back', 'pending', 0, undefined],
      ['not sent', 'pending', 1, attemptedAtMs],
      ['unconfirmed', 'unconfirmed', 1, attemptedAtMs],
      ['absent', 'pending', 1, attemptedAtMs],
    ])
    expect(nextDueInMs, 'of "later"').toBeGreaterThan(0)
  })

  test('leaves lines that may have been sent unconfirmed at any step of sending, and loses none', async () => {
    for (let step = 1; ; step++) {
      fs.rmSync(folder.dir, { recursive: true, force: true })
      fs.mkdirSync(folder.dir)
      const cut = cutOffAt(step)
      const store = folder.make({}, cut.disk)
      let isPut = false
      const sent = new Set<string>()
      const settled = new Set<string>()
      try {
        await folder.openStore(store)
        await store.put([line('a'), line('b'), line('c')])
        isPut = true
        for (let claim = 0; claim < 3; claim++) {
          const [next] = (await store.claim(1)).lines
          const { id } = next as { id: string }
          await store.markAttempts([id], 1)
          sent.add(id)
          if (id === 'b') await store.settle([{ id, state: 'rejected', reason: 'no' }])
          else await store.settle([{ id, state: 'delivered' }])
          settled.add(id)
        }
      } catch {}
      const next = await folder.open({ dir: folder.afterKill() })
      const { closed, pending } = next.outboxCounts()
      const { lines } = await next.claim(9)
      for (const id of settled)
        expect(
          lines.map((line) => line.id),
          `killed at ${step}`,
        ).not.toContain(id)
      for (const { id, state } of lines)
        if (sent.has(id)) expect(state, `killed at ${step}`).toBe('unconfirmed')
      expect(closed).toBeLessThanOrEqual(3)
      if (isPut) expect(closed, `killed at ${step}`).toBe(3)
      expect(pending).toBe(lines.filter(({ state }) => state === 'pending').length)
      if (settled.has('b')) {
        const refused = []
        for await (const { id } of next.rejected()) refused.push(id)
        expect(refused).toEqual(['b'])
      }
      await next.close()
      await store.close().catch(() => {})
      if (!cut.isCutOff) break
    }
    expect(damages()).toEqual([])
  })
})
