import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import type { MakeShipment } from '../../../packages/core/src/journal/shipments.ts'
import {
  openShippingFolder,
  type ShippingFolder,
} from '../../../packages/core/src/journal/shipping-folder.ts'
import { batches, line } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { journalId } from '../../support/journal-file.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'

let dir: string
const opened: ShippingFolder[] = []
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-shipping-'))
})
afterEach(async () => {
  for (const folder of opened.splice(0)) await folder.close()
  fs.rmSync(dir, { recursive: true, force: true })
})

const writer = { host: 'host', boot: 'boot' }

function open(disk: Disk = realDisk, id = journalId): ShippingFolder {
  const folder = openShippingFolder({
    ...{ disk, dir, journalId: id, writer, timeZone: 'UTC', clock: fakeClock('2026-11-23T10:00:00Z') },
    ...{ diagnostics: recordingDiagnostics().diagnostics, onRescue() {} },
  })
  opened.push(folder)
  return folder
}

const oneLine: MakeShipment = async function* (counts) {
  let calls = 0
  for await (const { totals } of counts) for (const { values } of totals) calls += values[0] ?? 0
  yield { ...line('sum'), calls }
}

async function shipped({ own }: ShippingFolder): Promise<number[]> {
  const found: number[] = []
  for (const shipment of await own.list())
    for await (const { calls } of own.lines(shipment)) found.push(calls)
  return found
}

it('writes a batch at once, and ships what was written before', async () => {
  const folder = open()
  const batch = batches()
  expect(folder.add(batch({ ada: 1 }))).toBeUndefined()
  folder.add(batch({ ada: 2 }, '2026-11-24'))
  await folder.freeze(oneLine)
  folder.add(batch({ ada: 4 }))
  await folder.freeze(oneLine)
  await folder.freeze(oneLine)
  expect(await shipped(folder)).toEqual([3, 4])
})

it('has counts of a dead process, and says whose they are', async () => {
  const other = '00000000000000bb-m0'
  const dead = open(realDisk, other)
  dead.add(batches()({ ada: 1 }))
  await dead.close()
  const folder = open()
  expect(folder.others()).toEqual([other])
  expect(await folder.writerOf(other)).toEqual(writer)
  const adopted = folder.shipmentsOf(other, writer)
  expect(await adopted.freeze(oneLine)).toMatchObject({ number: 1 })
  for (const shipment of await adopted.list()) await adopted.remove(shipment)
  expect(folder.others()).toEqual([])
})

it('removes what crashes left: temporary files, and empty folders of past days', () => {
  const names = ['journals/2026-11-19', 'journals/2026-11-22', 'shipments']
  for (const name of names) fs.mkdirSync(join(dir, name), { recursive: true })
  const left = join(dir, 'shipments', 'x.lines.01.tmp')
  fs.writeFileSync(left, '')
  fs.utimesSync(left, new Date('2026-11-23T08:00:00Z'), new Date('2026-11-23T08:00:00Z'))
  open()
  expect(fs.readdirSync(join(dir, 'journals'))).toEqual(['2026-11-22'])
  expect(fs.existsSync(left)).toBe(false)
})

it('says whether a batch that failed is written in part', async () => {
  let isFull = true
  let writes = 0
  const disk = diskWith((call) => {
    if (call === 'writeSync' && isFull && ++writes > 2) throw errno('ENOSPC')
  })
  const folder = open(disk)
  const batch = batches()
  const users = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`user ${at}`, 1]))
  const long = batch(users)
  await expect((async () => folder.add(long))()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
  expect(folder.hasBegun(long)).toBe(true)
  const next = batch({ ada: 1 }, '2026-11-24')
  expect(() => folder.add(next)).toThrow('Free some space')
  expect(folder.hasBegun(next)).toBe(false)
  isFull = false
  await folder.add(long)
  await folder.freeze(oneLine)
  expect(await shipped(folder)).toEqual([600])
})
