import fs from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decodeFrame, encodeFrame, type Frame, frameTypes } from '../../../packages/core/src/files/frames.ts'
import { batches, callsOf, day, line, oneLinePerUser } from '../../support/count-batch.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)

/** The one journal file of the day. */
function journal(dir = folder.dir): string {
  const [name, ...others] = fs.readdirSync(join(dir, 'journals', day))
  expect(others).toEqual([])
  return join(dir, 'journals', day, name as string)
}

/** A journal of five batches whose process has died, and where each of its frames ends. */
async function deadJournal(): Promise<{ dir: string; path: string; bytes: Buffer; ends: number[] }> {
  const store = await folder.open()
  const batch = batches()
  const ends: number[] = []
  for (let call = 1; call <= 5; call++) {
    if (call > 1) ends.push(fs.statSync(journal()).size)
    await store.add(batch({ ada: 1 }))
  }
  ends.push(fs.statSync(journal()).size)
  const dir = folder.afterKill()
  const path = journal(dir)
  return { dir, path, bytes: fs.readFileSync(path), ends }
}

/** The header of a file with other fields, and the offset where the one that it has ends. */
function changedHeader(bytes: Buffer, fields: object): { head: Buffer; end: number } {
  const { payload, end } = decodeFrame(bytes, 0, 0) as Frame
  const header = { ...(JSON.parse(payload.toString()) as object), ...fields }
  return { head: encodeFrame(frameTypes.header, Buffer.from(JSON.stringify(header)), 0), end }
}

describe('a journal whose process was killed', () => {
  test('is read as the exact frame prefix when it is truncated at any byte', async () => {
    const { dir, path, bytes, ends } = await deadJournal()
    const store = await folder.open({ dir })
    for (let cut = 0; cut < bytes.length; cut++) {
      fs.writeFileSync(path, bytes.subarray(0, cut))
      const calls = ends.filter((end) => end <= cut).length
      expect(await callsOf(store), `cut at ${cut}`).toEqual(calls === 0 ? {} : { ada: calls })
    }
    expect(folder.errors).toEqual([])
    expect(folder.told).toEqual([])
  })

  test('is used up to a flipped bit, and its rest is set aside and reported', async () => {
    const { dir, path, bytes, ends } = await deadJournal()
    const at = (ends[1] as number) + 12
    bytes[at] = (bytes[at] as number) ^ 4
    fs.writeFileSync(path, bytes)
    const store = await folder.open({ dir })
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 2 })
    const [bad, ...others] = fs.readdirSync(join(dir, 'damaged'))
    expect(others).toEqual([])
    expect(fs.readFileSync(join(dir, 'damaged', bad as string))).toEqual(bytes.subarray(ends[1]))
    expect(folder.told).toEqual(['store:quarantined'])
    expect(folder.errors).toMatchObject([{ code: 'PXU_ERR_STORE_UNREADABLE' }])
    expect(await store.openDays()).toEqual([])
  })

  test('a bit flip in the length of a frame does not pass for an unfinished write', async () => {
    const { dir, path, bytes, ends } = await deadJournal()
    bytes.writeUInt32LE(100_000, (ends[1] as number) + 6)
    fs.writeFileSync(path, bytes)
    const store = await folder.open({ dir })
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ calls: 2 })
    expect(folder.told).toEqual(['store:quarantined'])
  })

  test('has no damage and no frames in a tail of zeros after a power cut', async () => {
    const { dir, path, bytes, ends } = await deadJournal()
    fs.writeFileSync(path, Buffer.concat([bytes.subarray(0, ends[2]), Buffer.alloc(4_096)]))
    const store = await folder.open({ dir })
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ calls: 3 })
    expect(folder.errors).toEqual([])
  })

  test('frames of an older life of the file that a disk left behind its end are not counted', async () => {
    const { dir, path, bytes, ends } = await deadJournal()
    fs.writeFileSync(path, Buffer.concat([bytes, bytes.subarray(ends[3])]))
    const store = await folder.open({ dir })
    expect(await callsOf(store)).toEqual({ ada: 5 })
  })

  test('of a newer format version is neither changed nor deleted, and reported', async () => {
    const { dir, path, bytes } = await deadJournal()
    const { head } = changedHeader(bytes, { format: 2 })
    const newer = Buffer.concat([head, Buffer.from('what nobody knows yet')])
    fs.writeFileSync(path, newer)
    const store = await folder.open({ dir })
    await store.add(batches()({ bob: 2 }))
    await store.seal(day)
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 2 })
    expect(fs.readFileSync(path)).toEqual(newer)
    expect(folder.errors).toMatchObject([{ code: 'PXU_ERR_STORE_UNREADABLE' }])
    expect(await store.openDays()).toEqual([])
  })

  test('of a newer version is refused by an older version and read again by the newer', async () => {
    const { dir, path, bytes } = await deadJournal()
    const { head, end } = changedHeader(bytes, { format: 2 })
    fs.writeFileSync(path, Buffer.concat([head, bytes.subarray(end)]))
    const older = await folder.open({ dir })
    expect(await callsOf(older)).toEqual({})
    expect(await older.closeDay(day, oneLinePerUser())).toEqual({ outcome: 'empty' })
    await older.close()
    fs.writeFileSync(
      path,
      Buffer.concat([bytes.subarray(0, end), fs.readFileSync(path).subarray(head.length)]),
    )
    expect(await callsOf(await folder.open({ dir }))).toEqual({ ada: 5 })
  })

  test('with a log of lines of a newer version leaves that log as it is', async () => {
    const store = await folder.open()
    await store.put([line('a')])
    await store.close()
    const written = folder.afterKill()
    const name = fs
      .readdirSync(join(folder.dir, 'outbox'))
      .find((name) => name.startsWith('state.')) as string
    const path = join(folder.dir, 'outbox', name)
    const newer = encodeFrame(frameTypes.header, Buffer.from(JSON.stringify({ format: 2, id: name })), 0)
    fs.writeFileSync(path, newer)
    const older = await folder.open()
    expect(folder.errors).toMatchObject([{ code: 'PXU_ERR_STORE_UNREADABLE' }])
    await older.add(batches()({ ada: 2 }))
    const refusal = { code: 'PXU_ERR_STORE_UNREADABLE' }
    for (const ask of [() => older.closeDay(day, oneLinePerUser()), () => older.claim(9)]) {
      await folder.clock.advance(1_000)
      await expect(ask()).rejects.toMatchObject(refusal)
    }
    expect(fs.readFileSync(path)).toEqual(newer)
    expect(await callsOf(older), 'counting goes on').toEqual({ ada: 2 })
    // The version that wrote it finds no leader in its way, though the older one still runs.
    fs.cpSync(join(written, 'outbox', name), path)
    const newerAgain = await folder.open()
    await older.seal(day)
    expect((await newerAgain.claim(9)).lines).toMatchObject([{ id: 'a' }])
    expect(await newerAgain.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 2 })
  })

  test('is taken once by a container that starts again on the same volume', async () => {
    const { dir } = await deadJournal()
    const store = await folder.open({ dir })
    await store.add(batches()({ ada: 2 }))
    expect(await callsOf(store)).toEqual({ ada: 7 })
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 7 })
    await store.close()
    const again = await folder.open({ dir })
    expect(await again.openDays()).toEqual([])
    expect(again.outboxCounts()).toMatchObject({ closed: 2, pending: 2 })
  })

  test('of another host on a cloned volume is not taken for a day, and reported', async () => {
    const { dir, path, bytes } = await deadJournal()
    const { head, end } = changedHeader(bytes, { host: `not ${hostname()}`, boot: 'another boot' })
    fs.writeFileSync(path, Buffer.concat([head, bytes.subarray(end)]))
    fs.utimesSync(path, folder.clock.now() / 1_000, folder.clock.now() / 1_000)
    const store = await folder.open({ dir })
    expect(await store.closeDay(day, oneLinePerUser())).toEqual({ outcome: 'waiting', writers: 1 })
    expect(folder.warnings).toEqual(['PXU_WRN_STORE_FOREIGN_WRITER'])
    await folder.clock.advance(24 * 3_600_000 + 1)
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 5 })
  })

  test('has an id of its own on each of two cloned volumes, so no batch is mistaken for another', async () => {
    const first = await folder.open()
    const batch = batches()
    await first.add(batch({ ada: 2 }))
    const clone = await folder.open({ dir: folder.afterKill() })
    await clone.add(batches()({ ada: 10 }))
    await first.add(batch({ ada: 3 }))
    expect(await callsOf(first)).toEqual({ ada: 5 })
    expect(await callsOf(clone)).toEqual({ ada: 12 })
  })

  test('of a cloned volume is sent after ten minutes of silence of the other host, and reported', async () => {
    const before = await folder.open()
    await before.put([line('a')])
    const dir = folder.afterKill()
    const [epoch = ''] = fs.readdirSync(join(dir, 'leader'))
    const path = join(dir, 'leader', epoch)
    const owner = JSON.parse(fs.readFileSync(path, 'utf8')) as object
    fs.writeFileSync(path, JSON.stringify({ ...owner, host: `not ${hostname()}`, boot: 'another boot' }))
    fs.utimesSync(path, folder.clock.now() / 1_000, folder.clock.now() / 1_000)
    const clone = await folder.open({ dir })
    expect((await clone.claim(9)).lines).toEqual([])
    expect(new Set(folder.warnings)).toEqual(new Set(['PXU_WRN_STORE_FOREIGN_WRITER']))
    await folder.clock.advance(600_001)
    expect((await clone.claim(9)).lines).toMatchObject([{ id: 'a' }])
  })

  test('with lines of a closed day of a newer version leaves them as they are, and reports them', async () => {
    const store = await folder.open()
    await store.add(batches()({ ada: 1 }))
    await store.closeDay(day, oneLinePerUser())
    await store.close()
    const path = join(folder.dir, 'outbox', `${day}.0.lines`)
    const bytes = fs.readFileSync(path)
    const { head, end } = changedHeader(bytes, { format: 2 })
    const newer = Buffer.concat([head, bytes.subarray(end)])
    fs.writeFileSync(path, newer)
    const told = await folder.open().then(
      () => folder.errors.map(({ code }) => code),
      ({ code }: { code: string }) => [code],
    )
    expect(told).toEqual(['PXU_ERR_STORE_UNREADABLE'])
    expect(fs.readFileSync(path)).toEqual(newer)
  })
})

test('a path too long for a socket is replaced by a short one of its own', async () => {
  const long = join(folder.dir, 'a'.repeat(60), 'b'.repeat(60))
  const first = await folder.open({ dir: long })
  const second = await folder.open({ dir: long })
  const batch = batches()
  await first.add(batch({ ada: 1 }))
  await second.add(batches()({ bob: 1 }))
  await first.seal(day)
  expect(await first.closeDay(day, oneLinePerUser())).toEqual({ outcome: 'waiting', writers: 1 })
  expect(fs.readdirSync(join(long, 's'))).toHaveLength(2)
})
