import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DamagedFiles } from '../../../packages/core/src/files/damaged-files.ts'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import { formatVersion } from '../../../packages/core/src/files/frames.ts'
import { journalFolder } from '../../../packages/core/src/journal/journal-files.ts'
import { type MakeShipment, Shipments } from '../../../packages/core/src/journal/shipments.ts'
import { day, line } from '../../support/count-batch.ts'
import { cutOffAt } from '../../support/failing-disk.ts'
import { journalId, writeJournalFile } from '../../support/journal-file.ts'

let dir: string
let damage: string[]
let newer: string[]
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-shipments-'))
  damage = []
  newer = []
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

function shipmentsOn(disk: Disk = realDisk): Shipments {
  return new Shipments({
    ...{ disk, dir, journalId, writer: { host: 'host', boot: 'boot' } },
    damaged: new DamagedFiles({ disk, dir, now: Date.now, onDamage: (_, what) => void damage.push(what) }),
    onNewer: (path) => void newer.push(path),
  })
}

/** One line for each user of a slice. */
const linePerUser: MakeShipment = async function* (counts) {
  for await (const { day, totals } of counts) {
    for (const { series, values } of totals) {
      yield { ...line(series.identity.userId, day), calls: values[0] ?? 0 }
    }
  }
}

/** The calls of all shipments. */
async function shipped(shipments: Shipments): Promise<Record<string, number>> {
  const sum: Record<string, number> = {}
  for (const shipment of await shipments.list()) {
    for await (const { id, calls } of shipments.lines(shipment)) sum[id] = (sum[id] ?? 0) + calls
  }
  return sum
}

const journalNames = () => fs.readdirSync(journalFolder(dir, day)).sort()
const shipmentNames = () => fs.readdirSync(join(dir, 'shipments')).sort()

it('contains all counts of a journal, whose files are gone then', async () => {
  await writeJournalFile(dir, { first: 1, batches: [{ ada: 1 }, { ada: 2, bob: 1 }] })
  await writeJournalFile(dir, { first: 2, header: { firstSequence: 3 }, batches: [{ ada: 4 }] })
  const shipments = shipmentsOn()
  expect(await shipments.hasCounts()).toBe(true)
  expect(await shipments.freeze(linePerUser)).toMatchObject({ number: 1 })
  expect(await shipped(shipments)).toEqual({ ada: 7, bob: 1 })
  expect(journalNames()).toEqual([])
  expect(await shipments.hasCounts()).toBe(false)
  expect(await shipments.freeze(linePerUser)).toBeUndefined()
})

it('contains what was complete before the seal, and the next one has what came during it', async () => {
  await writeJournalFile(dir, { first: 1, batches: [{ ada: 1 }] })
  const shipments = shipmentsOn()
  await shipments.freeze(linePerUser, async () => {
    await writeJournalFile(dir, { first: 2, header: { firstSequence: 2 }, batches: [{ ada: 2 }] })
  })
  expect(await shipped(shipments)).toEqual({ ada: 1 })
  await shipments.freeze(linePerUser)
  expect(await shipped(shipments)).toEqual({ ada: 3 })
  const [first] = await shipments.list()
  await shipments.remove(first as NonNullable<typeof first>)
  expect(shipmentNames()).toEqual([`${journalId}.2.lines`])
})

it('is written by one of two processes that take over the same journal', async () => {
  await writeJournalFile(dir, { first: 1, batches: [{ ada: 1 }] })
  const [one, two] = [shipmentsOn(), shipmentsOn()]
  await two.list()
  let isTaken = false
  const late: MakeShipment = async function* (counts) {
    yield* linePerUser(counts)
    if (!isTaken) await two.freeze(linePerUser)
    isTaken = true
  }
  expect(await one.freeze(late)).toBeUndefined()
  expect(await shipped(one)).toEqual({ ada: 1 })
})

it('doubles and loses nothing, at whichever change of the disk the process dies', async () => {
  for (let nth = 1, isOver = false; !isOver; nth++) {
    await writeJournalFile(dir, { first: 1, batches: [{ ada: 1 }] })
    const { disk } = cutOffAt(nth)
    const before = await shipmentsOn(disk)
      .freeze(linePerUser)
      .catch(() => undefined)
    isOver = before !== undefined && fs.readdirSync(journalFolder(dir, day)).length === 0
    const next = shipmentsOn()
    await next.freeze(linePerUser)
    expect(await shipped(next), `dead at change ${nth}`).toEqual({ ada: 1 })
    expect(journalNames()).toEqual([])
    fs.rmSync(dir, { recursive: true })
    fs.mkdirSync(dir)
  }
})

it('is replaced together with the others, at whichever change of the disk the process dies', async () => {
  for (let nth = 1, isOver = false; !isOver; nth++) {
    const made = shipmentsOn()
    for (const [at, calls] of [1, 2].entries()) {
      await writeJournalFile(dir, {
        first: at + 1,
        header: { firstSequence: at + 1 },
        batches: [{ ada: calls }],
      })
      await made.freeze(linePerUser)
    }
    const cut = cutOffAt(nth)
    await shipmentsOn(cut.disk)
      .rewrite(async function* (lines) {
        for await (const one of lines) yield { ...one, id: `again ${one.id}` }
      })
      .catch(() => {})
    isOver = !cut.isCutOff
    const found = await shipped(shipmentsOn())
    expect([{ ada: 3 }, { 'again ada': 3 }], `dead at change ${nth}`).toContainEqual(found)
    fs.rmSync(dir, { recursive: true })
    fs.mkdirSync(dir)
  }
})

it('has what precedes damage in a journal, and reports the rest', async () => {
  const file = await writeJournalFile(dir, { first: 1, batches: [{ ada: 1 }, { ada: 2 }, { ada: 4 }] })
  const bytes = fs.readFileSync(file.path)
  bytes[bytes.length - 16] = 0xff - (bytes[bytes.length - 16] ?? 0)
  fs.writeFileSync(file.path, Buffer.concat([bytes, bytes.subarray(-20)]))
  const shipments = shipmentsOn()
  await shipments.freeze(linePerUser)
  expect((await shipped(shipments)).ada).toBeGreaterThan(0)
  expect(damage).toEqual(['the counts behind the damage'])
})

it('is set aside if it cannot be read, and costs only what it contained', async () => {
  const shipments = shipmentsOn()
  await writeJournalFile(dir, { first: 1, batches: [{ ada: 1 }] })
  const first = await shipments.freeze(linePerUser)
  await writeJournalFile(dir, { first: 2, header: { firstSequence: 2 }, batches: [{ ada: 2 }] })
  await shipments.freeze(linePerUser)
  fs.writeFileSync(first?.path ?? '', 'nothing that can be read')
  expect(await shipped(shipmentsOn())).toEqual({ ada: 2 })
  expect(damage).toEqual(['its counts'])
})

it('leaves a journal of a newer px-usage as it is', async () => {
  await writeJournalFile(dir, { first: 1, header: { format: formatVersion + 1 }, batches: [{ ada: 1 }] })
  const shipments = shipmentsOn()
  expect(await shipments.freeze(linePerUser)).toBeUndefined()
  expect(newer).toHaveLength(1)
  expect(journalNames()).toHaveLength(1)
})
