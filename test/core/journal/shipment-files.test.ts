import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import {
  parseShipmentName,
  readShipment,
  shipmentName,
  shippedJournals,
  writerOf,
} from '../../../packages/core/src/journal/shipment-files.ts'
import { encodeLine, newHeader, writeLineFile } from '../../../packages/core/src/outbox/line-file.ts'
import { line } from '../../support/count-batch.ts'
import { journalId, writeJournalFile } from '../../support/journal-file.ts'

let dir: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-shipments-'))
  fs.mkdirSync(join(dir, 'shipments'))
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

const other = '00000000000000bb-m0'
const writer = { host: 'host', boot: 'boot' }

async function writeShipment(id: string, number: number): Promise<string> {
  const path = join(dir, 'shipments', shipmentName(id, number))
  const lines = (async function* () {
    for (const name of ['a', 'b', 'c']) yield line(name)
  })()
  await writeLineFile(realDisk, path, newHeader({ contained: {}, writer }), lines, () => true)
  return path
}

async function read(path: string): Promise<{ ids: string[]; end: number | undefined }> {
  const lines = readShipment(realDisk, path)
  const ids: string[] = []
  for (;;) {
    const next = await lines.next()
    if (next.done) return { ids, end: next.value }
    ids.push(next.value.id)
  }
}

it('has the journal and a number as its name', () => {
  expect(parseShipmentName(shipmentName(journalId, 12))).toEqual({ journalId, number: 12 })
  expect(parseShipmentName(`${journalId}.12.lines.tmp`)).toBeUndefined()
})

it('shows whose counts it has, as a journal does', async () => {
  await writeJournalFile(dir, { first: 1, batches: [{ ada: 1 }] })
  await writeShipment(other, 3)
  expect(shippedJournals(realDisk, dir).sort()).toEqual([journalId, other])
  expect(await writerOf(realDisk, dir, journalId)).toEqual(writer)
  expect(await writerOf(realDisk, dir, other)).toEqual(writer)
  expect(await writerOf(realDisk, dir, '00000000000000cc-m0')).toBeUndefined()
})

it('has lines up to its damage', async () => {
  const path = await writeShipment(journalId, 1)
  expect(await read(path)).toEqual({ ids: ['a', 'b', 'c'], end: undefined })
  const bytes = fs.readFileSync(path)
  const cut = bytes.length - 34 - encodeLine(line('c'), 0).length + 3
  fs.writeFileSync(path, bytes.subarray(0, cut))
  expect(await read(path)).toEqual({ ids: ['a', 'b'], end: cut - 3 })
})
