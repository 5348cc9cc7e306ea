import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import type { Store } from '../../../packages/core/src/model/store.ts'
import { batches, callsOf, day, line, oneLinePerUser } from '../../support/count-batch.ts'
import { diskWith } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)

async function ids(store: Store): Promise<string[]> {
  return (await store.claim(99)).lines.map(({ id }) => id)
}

describe('several stores on one folder', () => {
  test('have an exact sum over eight writers, of which one closes and sends', async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, () => folder.open()))
    for (const [place, store] of stores.entries()) {
      const batch = batches()
      for (let call = 0; call < 5; call++) await store.add(batch({ ada: 1, [`only ${place}`]: 2 }))
    }
    expect((await callsOf(stores[3] as Store)).ada).toBe(40)
    for (const store of stores) await store.seal(day)
    const outcomes = await Promise.all(stores.map((store) => store.closeDay(day, oneLinePerUser())))
    expect(outcomes.filter(({ outcome }) => outcome === 'closed')).toMatchObject([
      { revision: 0, calls: 120 },
    ])
    expect(outcomes.filter(({ outcome }) => outcome === 'notLeader')).toHaveLength(7)
    const claimed = await Promise.all(stores.map(ids))
    expect(claimed.filter((lines) => lines.length > 0)).toHaveLength(1)
  })

  it('waits for a writer that lives and has not sealed the day, and not for one that has died', async () => {
    const first = await folder.open()
    const second = await folder.open()
    await first.add(batches()({ ada: 1 }))
    await second.add(batches()({ ada: 2 }))
    await first.seal(day)
    expect(await first.closeDay(day, oneLinePerUser())).toEqual({ outcome: 'waiting', writers: 1 })
    await second.close()
    expect(await first.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 3 })
  })

  it('makes a revision of what a writer counts after it sealed the day', async () => {
    const first = await folder.open()
    const second = await folder.open()
    const batch = batches()
    await second.add(batch({ ada: 2, bob: 1 }))
    await second.seal(day)
    expect(await first.closeDay(day, oneLinePerUser())).toMatchObject({ revision: 0, calls: 3 })
    await second.add(batch({ ada: 1 }))
    expect(await first.openDays()).toEqual([day])
    expect(await first.closeDay(day, oneLinePerUser())).toEqual({ outcome: 'waiting', writers: 1 })
    await second.seal(day)
    expect(await first.closeDay(day, oneLinePerUser())).toMatchObject({ revision: 1, calls: 1 })
    expect(await first.openDays()).toEqual([])
  })

  it('closes by force what a living writer has written so far, and counts the rest once, later', async () => {
    const first = await folder.open()
    const second = await folder.open()
    const batch = batches()
    await second.add(batch({ ada: 2 }))
    expect(await first.closeDay(day, oneLinePerUser(), { force: true })).toMatchObject({ calls: 2 })
    expect(await first.openDays()).toEqual([])
    await second.add(batch({ ada: 5 }))
    expect(await first.openDays()).toEqual([day])
    await second.seal(day)
    expect(await first.closeDay(day, oneLinePerUser())).toMatchObject({ revision: 1, calls: 5 })
  })

  it('has another sender within a second after the one before has gone', async () => {
    const first = await folder.open()
    const second = await folder.open()
    await first.put([line('a')])
    expect(await second.claim(9)).toEqual({
      lines: [],
      nextDueInMs: 1_000,
      notLeader: true,
    })
    expect(await second.closeDay(day, oneLinePerUser())).toEqual({ outcome: 'notLeader' })
    expect([await first.isSender(), await second.isSender()]).toEqual([true, false])
    await first.close()
    await folder.clock.advance(1_000)
    expect(await second.isSender()).toBe(true)
    expect(second.outboxCounts()).toMatchObject({ pending: 1 })
    expect(await ids(second)).toEqual(['a'])
  })

  it('shows thousands of waiting lines also to a process that does not send, while another sends', async () => {
    const first = await folder.open()
    const second = await folder.open()
    const names = Array.from({ length: 2_500 }, (_, index) => `line-${index}`)
    await first.put(names.map((id) => line(id)))
    const claimed = await ids(first)
    await first.settle(claimed.map((id) => ({ id, state: 'delivered' })))
    const shown = []
    for await (const { id } of second.waiting()) shown.push(id)
    expect(shown).toEqual(names.filter((id) => !claimed.includes(id)))
  })

  it('sends the lines that a process puts which does not send, once', async () => {
    const first = await folder.open()
    const second = await folder.open()
    await second.put([line('a'), line('b')])
    await second.put([line('b'), line('c')])
    expect(first.outboxCounts().closed).toBe(0)
    expect((await ids(first)).sort()).toEqual(['a', 'b', 'c'])
    expect(fs.readdirSync(join(folder.dir, 'inbox'))).toEqual([])
  })

  it('shows waiting lines that are still in the inbox, each once, and no settled line', async () => {
    const first = await folder.open()
    const second = await folder.open()
    const shown = async (store: Store) => {
      const lines = []
      for await (const { id, state } of store.waiting()) lines.push(`${id} ${state}`)
      return lines
    }
    await first.put([line('a'), line('b'), line('c')])
    await first.claim(3)
    await first.markAttempts(['a', 'b'], folder.clock.now())
    await first.settle([{ id: 'a', state: 'delivered' }])
    await second.put([line('d'), line('e')])
    // As after a crash between taking lines out and removing what was left.
    await second.put([line('a'), line('b'), line('c')])
    const all = ['b unconfirmed', 'c pending', 'd pending', 'e pending']
    expect(await shown(first)).toEqual(all)
    expect(await shown(second)).toEqual(all)
    await first.claim(9)
    expect(fs.readdirSync(join(folder.dir, 'inbox'))).toEqual([])
    expect(await shown(second)).toEqual(all)
  })

  it('shows the lines of an inbox that is emptied while the lines are read, each once', async () => {
    const first = await folder.open()
    const second = await folder.open()
    await first.put([line('a')])
    await second.put([line('b'), line('c')])
    const lines = []
    for await (const { id } of second.waiting()) {
      lines.push(id)
      if (id === 'a') expect((await first.claim(9)).lines).toHaveLength(3)
    }
    expect(lines).toEqual(['a', 'b', 'c'])
  })

  test('counts the journal of a writer once that was taken for dead and wakes, with what it adds', async () => {
    const first = await folder.open()
    const asleep = await folder.open()
    const batch = batches()
    await asleep.add(batch({ ada: 2 }))
    const before = fs.readdirSync(join(folder.dir, 's'))
    // Somebody cleans up the sockets while the process is stopped: nobody can see any more that it lives.
    for (const name of before) fs.rmSync(join(folder.dir, 's', name))
    expect(await first.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 2 })
    await asleep.add(batch({ ada: 3 }))
    await asleep.seal(day)
    expect(await first.closeDay(day, oneLinePerUser())).toMatchObject({ revision: 1, calls: 3 })
  })

  it('does not count a journal again that comes back after its day was closed', async () => {
    const writer = await folder.open()
    await writer.add(batches()({ ada: 2 }))
    const copy = folder.afterKill()
    await writer.closeDay(day, oneLinePerUser())
    fs.cpSync(join(copy, 'journals'), join(folder.dir, 'journals'), { recursive: true })
    expect(await writer.openDays()).toEqual([])
    expect(await writer.closeDay(day, oneLinePerUser())).toEqual({ outcome: 'empty' })
    await writer.close()
    const next = await folder.open()
    expect(fs.readdirSync(join(folder.dir, 'journals'))).toEqual([])
    expect(next.outboxCounts()).toMatchObject({ closed: 1 })
  })

  it.each([
    ['of a day that was never closed', 0],
    ['of late counts', 1],
  ])(
    'takes a journal %s that the leader removes during a read for no failure of the folder',
    async (_, revisions) => {
      const leader = await folder.open()
      const batch = batches()
      await leader.add(batch({ ada: 1 }))
      for (let revision = 0; revision < revisions; revision++) {
        await leader.closeDay(day, oneLinePerUser())
        await leader.add(batch({ ada: 1 }))
      }
      const disk = diskWith((call, [path]) => {
        if (call === 'openSync' && String(path).includes('journals')) fs.rmSync(String(path), { force: true })
      })
      const looking = await folder.open({}, disk)
      expect(await looking.openDays()).toEqual([])
      expect(folder.errors).toEqual([])
    },
  )

  it('a sender that lost the lead marks and settles nothing any more', async () => {
    const first = await folder.open()
    await first.put([line('a')])
    expect(await ids(first)).toEqual(['a'])
    const [epoch] = fs.readdirSync(join(folder.dir, 'leader'))
    const next = join(folder.dir, 'leader', String(Number(epoch) + 1))
    fs.writeFileSync(
      next,
      JSON.stringify({ journalId: 'ffffffffffffffff-0', host: 'another', boot: 'another' }),
    )
    fs.utimesSync(next, folder.clock.now() / 1_000, folder.clock.now() / 1_000)
    await expect(first.markAttempts(['a'], 1)).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    expect(await ids(first)).toEqual([])
    expect(first.outboxCounts().closed).toBe(0)
  })

  it('takes lines for possibly sent when the log of their sending is lost, and says so', async () => {
    const store = await folder.open()
    await store.add(batches()({ ada: 1, bob: 1 }))
    await store.closeDay(day, oneLinePerUser())
    await store.put([line('a')])
    await store.close()
    for (const name of fs.readdirSync(join(folder.dir, 'outbox'))) {
      if (name.startsWith('state.')) fs.rmSync(join(folder.dir, 'outbox', name))
    }
    for (let round = 0; round < 2; round++) {
      const next = await folder.open()
      expect(next.outboxCounts()).toMatchObject({ closed: 3, pending: 0, unconfirmed: 3 })
      const { lines } = await next.claim(9)
      expect(lines.map(({ state }) => state)).toEqual(['unconfirmed', 'unconfirmed', 'unconfirmed'])
      await next.close()
    }
    expect(folder.errors).toMatchObject([{ code: 'PXU_ERR_STORE_UNREADABLE' }])
  })

  it('sends the lines of a closed day before the damage, and says what is lost', async () => {
    const store = await folder.open()
    await store.add(batches()(Object.fromEntries(['a', 'b', 'c', 'd'].map((user) => [user, 1]))))
    await store.closeDay(day, oneLinePerUser())
    await store.close()
    const path = join(folder.dir, 'outbox', `${day}.0.lines`)
    fs.truncateSync(path, fs.statSync(path).size - 60)
    const next = await folder.open()
    expect(next.outboxCounts()).toMatchObject({ closed: 3, pending: 3 })
    expect(await ids(next)).toHaveLength(3)
    expect(folder.errors).toMatchObject([{ code: 'PXU_ERR_STORE_UNREADABLE' }])
  })
})
