import { execFileSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Disk } from '../../packages/core/src/files/disk.ts'
import type { Store } from '../../packages/core/src/model/store.ts'
import { batches, line, oneLinePerUserOnce } from '../support/count-batch.ts'
import { diskWith, errno } from '../support/failing-disk.ts'
import { diskOf } from '../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
const days = ['2026-11-20', '2026-11-21', '2026-11-22', '2026-11-23'] as const
/** A day that a process counted on and did not close, as it died. */
const openDay = '2026-11-22'

/**
 * What a busy process leaves when it is killed: one day closed and sent, one closed and not sent, one counted and not closed,
 * events put singly, a log of what was sent, notes.
 */
async function busyFolder(): Promise<string> {
  const store = await folder.open()
  const batch = batches()
  await store.add(batch({ sent: 1 }, days[0]))
  await store.seal(days[0])
  await store.closeDay(days[0], oneLinePerUserOnce(days[0]))
  const { lines } = await store.claim(9)
  const ids = lines.map(({ id }) => id)
  await store.markAttempts(ids, folder.clock.now())
  await store.settle(ids.map((id) => ({ id, state: 'delivered' as const })))
  await store.add(batch({ waiting: 2 }, days[1]))
  await store.seal(days[1])
  await store.closeDay(days[1], oneLinePerUserOnce(days[1]))
  await store.add(batch({ counted: 3 }, openDay))
  await store.put([line('put')])
  await store.writeNote('a note', 'text')
  return folder.afterKill()
}

/** What each user's calls are known by, once all that waits is sent. */
async function sendAll(store: Store): Promise<Record<string, number>> {
  const sent: Record<string, number> = {}
  for (let round = 0; round < 6; round++) {
    for (const open of await store.openDays().catch(() => [])) {
      await store.closeDay(open, oneLinePerUserOnce(open)).catch(() => {})
    }
    const { lines } = await store.claim(100).catch(() => ({ lines: [] }))
    for (const { id, calls } of lines) sent[id] = (sent[id] ?? 0) + calls
    if (lines.length > 0) await store.settle(lines.map(({ id }) => ({ id, state: 'delivered' as const })))
    await store.readNote('a note').catch(() => {})
    await folder.clock.advance(60_000)
  }
  await store.readNote('a note')
  await store.writeNote('a note', 'new')
  return sent
}

type Damage = (path: string) => void
const damages: Array<[string, Damage]> = [
  ['zeros', (path) => fs.writeFileSync(path, Buffer.alloc(fs.statSync(path).size))],
  ['nothing', (path) => fs.truncateSync(path, 0)],
  ['a part of it', (path) => fs.truncateSync(path, Math.ceil(fs.statSync(path).size / 2))],
  ['random bytes', (path) => fs.writeFileSync(path, randomFillSync(Buffer.alloc(fs.statSync(path).size)))],
  [
    'a flipped bit',
    (path) => {
      const bytes = fs.readFileSync(path)
      const at = bytes.length >> 1
      bytes[at] = (bytes[at] as number) ^ 1
      fs.writeFileSync(path, bytes)
    },
  ],
  [
    'a folder',
    (path) => {
      fs.rmSync(path)
      fs.mkdirSync(join(path, 'with', 'content'), { recursive: true })
    },
  ],
  [
    'a FIFO',
    (path) => {
      fs.rmSync(path)
      execFileSync('mkfifo', [path])
    },
  ],
  [
    'a link to nowhere',
    (path) => {
      fs.rmSync(path)
      fs.symlinkSync('/nowhere/at/all', path)
    },
  ],
]

/** The file, and what is lost with it at most. */
const files: Array<[string, (name: string) => boolean, string[]]> = [
  ['the journal of an open day', (name) => name.startsWith(`journals/${openDay}`), [`${openDay}.0.counted`]],
  ['what is left of a day that was sent', (name) => name.startsWith(`outbox/${days[0]}`), []],
  ['the lines of a day', (name) => name.startsWith(`outbox/${days[1]}`), [`${days[1]}.0.waiting`]],
  ['the lines that were put singly', (name) => name.startsWith('outbox/put.'), ['put']],
  ['the log of what was sent', (name) => name.startsWith('outbox/state.'), []],
  ['the owner of the lead', (name) => name.startsWith('leader/'), []],
  ['the note', (name) => name.startsWith('notes/'), []],
]

const truth = {
  [`${days[1]}.0.waiting`]: 2,
  [`${openDay}.0.counted`]: 3,
  put: 1,
  [`${days[3]}.0.later`]: 4,
}

async function expectTruth(dir: string, held: string[], disk?: Disk): Promise<void> {
  const store = await folder.open({ dir }, disk)
  await folder.clock.advance(2_000)
  await store.add(batches()({ later: 4 }, days[3]))
  const sent = await sendAll(store)
  const rest = Object.fromEntries(Object.entries(truth).filter(([id]) => !held.includes(id)))
  expect(sent).toMatchObject(rest)
  for (const id of held) expect([undefined, truth[id as keyof typeof truth]]).toContain(sent[id])
  for (const id of Object.keys(sent)) expect(Object.keys(truth), 'nothing is sent twice').toContain(id)
  const damaged = fs.existsSync(join(dir, 'damaged')) ? fs.readdirSync(join(dir, 'damaged')) : []
  const told = folder.errors.filter(({ code }) => code === 'PXU_ERR_STORE_UNREADABLE')
  expect(told.length, 'each file is reported once').toBe(damaged.length)
  for (const id of held) if (sent[id] === undefined) expect(damaged.length, 'lost, and kept').toBe(1)
  await store.close()
}

function find(dir: string, isIt: (name: string) => boolean): string {
  const names = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' })
  return join(dir, names.find((name) => isIt(name) && fs.lstatSync(join(dir, name)).isFile()) as string)
}

describe.each(files)('%s', (_, isIt, held) => {
  test.each(damages)('that holds, or is, %s costs only what it held', async (_, damage) => {
    const dir = await busyFolder()
    damage(find(dir, isIt))
    folder.errors.length = 0
    await expectTruth(dir, held)
  })

  test.each(['EIO', 'EACCES'])('that always fails with %s costs only what it held', async (code) => {
    const dir = await busyFolder()
    const path = find(dir, isIt)
    const disk = diskWith((call, args) => {
      if ((call === 'openSync' || call === 'readFileSync') && args[0] === path) throw errno(code)
    })
    folder.errors.length = 0
    await expectTruth(dir, held, disk)
  })
})
