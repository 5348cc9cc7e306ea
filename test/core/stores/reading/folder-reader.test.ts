import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFolderReader } from '../../../../packages/core/src/stores/reading/folder-reader.ts'
import { batches, day, line, oneLinePerUser } from '../../../support/count-batch.ts'
import { readOnlyDisk } from '../../../support/read-only-disk.ts'
import { diskOf } from '../../../support/store-folder.ts'

const disk = diskOf(beforeEach, afterEach)
const namespace = { product: '', destination: '', timeZone: 'UTC' }
const reader = () => createFolderReader(readOnlyDisk, disk.dir, namespace)

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

async function callsOf(onDay: string): Promise<Record<string, number>> {
  const calls: Record<string, number> = {}
  for (const { series, values } of await all(reader().totals(onDay))) {
    const { userId } = series.identity
    calls[userId] = (calls[userId] ?? 0) + (values[0] ?? 0)
  }
  return calls
}

describe('a reader of a folder that processes use', () => {
  it('returns days, writers, sender, counts and lines, and changes no file', async () => {
    const [one, two] = [await disk.open(), await disk.open()]
    const [first, second] = [batches(), batches()]
    one.add(first({ ann: 2 }))
    two.add(second({ ann: 1, bob: 4 }))
    one.add(first({ ann: 7 }, '2026-11-24'))
    await two.seal(day)
    await one.put([line('single')])
    await one.writeNote('delivery requests', 'x')
    const before = disk.files().map((name) => [name, statSync(join(disk.dir, name)).mtimeMs])

    const days = await reader().openDays()
    expect(days.map(({ day, revision }) => [day, revision])).toEqual([
      [day, 0],
      ['2026-11-24', 0],
    ])
    expect(days[0]?.writers.map(({ state }) => state).sort()).toEqual(['counting', 'done'])
    expect(days[0]?.writers[0]).toMatchObject({ host: expect.any(String), bytes: expect.any(Number) })
    expect(await callsOf(day)).toEqual({ ann: 3, bob: 4 })
    expect(await reader().sender()).toMatchObject({ state: 'alive' })
    expect(await all(reader().waiting())).toMatchObject([{ id: 'single', state: 'pending' }])
    expect(await all(reader().rejected())).toEqual([])
    expect(await reader().readNote('delivery requests')).toBe('x')
    expect(await reader().readNote('none')).toBeUndefined()

    expect(disk.files().map((name) => [name, statSync(join(disk.dir, name)).mtimeMs])).toEqual(before)
  })

  it('counts a closed day with late counts as a revision of its next close', async () => {
    const store = await disk.open()
    const batch = batches()
    store.add(batch({ ann: 2 }))
    await store.closeDay(day, oneLinePerUser())
    expect(await reader().openDays()).toEqual([])
    store.add(batch({ ann: 1 }))
    expect(await reader().openDays()).toMatchObject([{ day, revision: 1 }])
    expect(await callsOf(day)).toEqual({ ann: 1 })
  })

  it('sees that the processes have ended', async () => {
    const store = await disk.open()
    store.add(batches()({ ann: 1 }))
    await store.close()
    expect(await reader().openDays()).toMatchObject([{ day, writers: [{ state: 'done' }] }])
    expect(await reader().sender()).toBeUndefined()
    expect(await callsOf(day)).toEqual({ ann: 1 })
  })

  it('skips a damaged file and leaves it where it is', async () => {
    const store = await disk.open()
    store.add(batches()({ ann: 1 }))
    await store.close()
    const journal = join(disk.dir, disk.files().find((name) => name.startsWith('journals')) as string)
    const bytes = readFileSync(journal)
    bytes.fill(0xff, 0, 8)
    writeFileSync(journal, bytes)
    expect(await reader().openDays()).toMatchObject([{ day }])
    expect(await callsOf(day)).toEqual({})
    expect(readFileSync(journal)).toEqual(bytes)
  })
})
