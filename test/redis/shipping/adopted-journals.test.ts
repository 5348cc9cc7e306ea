import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import {
  openShippingFolder,
  type ShippingFolder,
} from '../../../packages/core/src/journal/shipping-folder.ts'
import { showAlive } from '../../../packages/core/src/stores/liveness.ts'
import { createSeriesEncoder } from '../../../packages/redis/src/counting/series-fields.ts'
import { createFleet } from '../../../packages/redis/src/fleet.ts'
import { AdoptedJournals, placeOf } from '../../../packages/redis/src/shipping/adopted-journals.ts'
import { batches, day } from '../../support/count-batch.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

const [dead, one, two] = ['00000000000000aa-m0', '00000000000000bb-m0', '00000000000000cc-m0'] as const

let dir: string
const ends: (() => Promise<unknown>)[] = []
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-adopted-'))
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  fs.rmSync(dir, { recursive: true, force: true })
})

describe.skipIf(!hasRedis())('a journal', () => {
  const redis = redisOfTests()
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const { diagnostics } = recordingDiagnostics()

  function folderOf(journalId: string, boot = placeOf(realDisk, dir)): ShippingFolder {
    const folder = openShippingFolder({
      ...{ disk: realDisk, dir, clock, diagnostics, timeZone: 'UTC', journalId, onRescue() {} },
      writer: { host: 'host', boot },
    })
    ends.push(() => folder.close())
    return folder
  }

  async function alive(journalId: string): Promise<() => Promise<void>> {
    const mark = await showAlive({ disk: realDisk, dir, clock, onDamage() {} }, journalId)
    ends.push(mark.release)
    return mark.release
  }

  /** A process that may adopt, and what it declared in the fleet. */
  function adopter(me: string, { isSilent = false } = {}) {
    const { connection, keys } = redis
    const notes: string[] = []
    const fleet = createFleet({
      ...{ connection, keys, shards: 1, me },
      context: { clock, diagnostics, timeZone: 'UTC' },
    })
    const members = {
      countsOn: async () => {},
      isSilent: async () => isSilent,
      note: async (...given: string[]) => void notes.push(given.join(' ')),
    }
    const folder = folderOf(me)
    const journals = new AdoptedJournals({
      ...{ disk: realDisk, dir, folder, clock, me, place: placeOf(realDisk, dir) },
    })
    const ship = () => journals.ship({ fleet, members, encoder: createSeriesEncoder(1), onLoss() {} })
    return { ship, notes, journals, folder }
  }

  const counting = (boot?: string) => {
    const folder = folderOf(dead, boot)
    folder.add(batches()({ ada: 1 }))
  }

  it('of a process that died here is adopted at once, and its days are declared and sealed', async () => {
    counting()
    const { ship, notes } = adopter(one)
    await ship()
    expect(notes).toEqual([`${dead} ${day} open`, `${dead} ${day} sealed`])
    await ship()
    expect(notes).toHaveLength(2)
  })

  it('of a process that is alive is never adopted', async () => {
    counting()
    await alive(dead)
    const { ship, notes } = adopter(one, { isSilent: true })
    await ship()
    expect(notes).toEqual([])
  })

  it('of a copied folder or a clone is adopted only when its process is silent in Redis', async () => {
    counting('another boot#1')
    const early = adopter(one)
    await early.ship()
    expect(early.notes).toEqual([])
    const late = adopter(two, { isSilent: true })
    await late.ship()
    expect(late.notes).toHaveLength(2)
  })

  it('belongs to one adopter, until that one is dead', async () => {
    counting()
    const release = await alive(one)
    const first = adopter(one)
    await first.ship()
    const second = adopter(two)
    await second.ship()
    expect(second.notes).toEqual([])
    await release()
    await second.ship()
    // What the first one had sent is not added again.
    expect(second.notes).toHaveLength(2)
  })

  it('is gone once Redis has had its counts for five minutes', async () => {
    counting()
    const { ship, journals, folder } = adopter(one)
    await ship()
    expect(folder.others()).toEqual([dead])
    await clock.advance(300_000)
    await journals.check()
    expect(folder.others()).toEqual([])
  })
})
