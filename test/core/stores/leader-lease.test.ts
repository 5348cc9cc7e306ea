import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Disk } from '../../../packages/core/src/files/disk.ts'
import type { Store } from '../../../packages/core/src/model/store.ts'
import { line } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
const leaderFolder = () => join(folder.dir, 'leader')
const another = { journalId: 'ffffffffffffffff-0', host: 'another', boot: 'another' }
const wait = (ms: number) => folder.clock.advance(ms)

/** @returns how many of the stores send after they had time to recover, in the last round in which no call failed */
async function sendersAfter(stores: readonly Store[], rounds = 6): Promise<number> {
  let senders = 0
  for (let round = 0; round < rounds; round++) {
    await wait(1_100)
    const answers = await Promise.allSettled(stores.map((store) => store.isSender()))
    const isQuiet = answers.every(({ status }) => status === 'fulfilled')
    if (isQuiet) senders = answers.filter((answer) => 'value' in answer && answer.value).length
    expect(senders).toBeLessThan(2)
  }
  return senders
}

/** A disk whose nth call in `leader/` fails once. */
function failingAt(nth: number): { disk: Disk; readonly call: string } {
  let count = 0
  const state = {
    call: '',
    disk: diskWith((call, [path]) => {
      if (!String(path).includes(leaderFolder())) return
      count += 1
      if (count !== nth) return
      state.call = call
      throw errno('EMFILE')
    }),
  }
  return state
}

describe('the lead after one failed call', () => {
  it('is held by exactly one of two processes, whichever call in `leader/` failed', async () => {
    for (let nth = 1; nth < 60; nth++) {
      fs.rmSync(folder.dir, { recursive: true, force: true })
      const before = await folder.open()
      await before.close()
      const failing = failingAt(nth)
      const first = folder.make({}, failing.disk)
      await folder.openStore(first).catch(() => {})
      const second = await folder.open()
      expect(await sendersAfter([first, second]), `call ${nth}: ${failing.call}`).toBe(1)
      await first.close().catch(() => {})
      expect(await sendersAfter([second]), `after the close, call ${nth}: ${failing.call}`).toBe(1)
      await second.close()
    }
  }, 60_000)

  it('goes to another process at the close, although the file could not be released', async () => {
    const disk = diskWith((call, args) => {
      if (call === 'openSync' && args[1] === 'r+' && String(args[0]).includes('leader')) throw errno('EIO')
    })
    const first = await folder.open({}, disk)
    const second = await folder.open()
    await first.close()
    expect(await sendersAfter([second])).toBe(1)
  })

  it('goes on by a new epoch when its own file cannot be read any more', async () => {
    let isBroken = false
    const disk = diskWith((call, [path]) => {
      if (isBroken && call === 'readFileSync' && String(path).endsWith('leader/1')) throw errno('EIO')
    })
    const store = await folder.open({}, disk)
    isBroken = true
    expect(await sendersAfter([store])).toBe(1)
    expect(fs.readdirSync(leaderFolder())).toEqual(['2'])
  })
})

describe('the lead on a file system without hard links', () => {
  it.each(['EPERM', 'ENOTSUP', 'ENOSYS'])('is held by one of two processes (%s)', async (code) => {
    const linkless = diskWith((call) => {
      if (call === 'linkSync') throw errno(code)
    })
    const first = await folder.open({}, linkless)
    const second = await folder.open({}, linkless)
    expect([await first.isSender(), await second.isSender()]).toEqual([true, false])
    await first.close()
    expect(await sendersAfter([second])).toBe(1)
  })
})

describe('damage in the folder `leader`', () => {
  it.each([
    ['null', 'null'],
    ['zeros', '\0'.repeat(200)],
    ['garbage', '{"journalId":7}'],
    ['nothing', ''],
  ])('%s in the file of an epoch is passed over', async (_, content) => {
    fs.mkdirSync(leaderFolder(), { recursive: true })
    fs.writeFileSync(join(leaderFolder(), '7'), content)
    fs.writeFileSync(join(leaderFolder(), '6.0123456789abcdef-0'), 'left by a crash')
    fs.writeFileSync(join(leaderFolder(), '9'.repeat(20)), 'no epoch')
    const store = await folder.open()
    expect(await sendersAfter([store])).toBe(1)
    expect(fs.readdirSync(leaderFolder())).toEqual(expect.arrayContaining(['8']))
    expect(fs.readdirSync(leaderFolder())).not.toContain('6.0123456789abcdef-0')
  })

  it('a folder in place of the file of an epoch is passed over', async () => {
    fs.mkdirSync(join(leaderFolder(), '7'), { recursive: true })
    expect(await sendersAfter([await folder.open()])).toBe(1)
  })

  it.each(['leader', 's'])('a file in place of the folder `%s` is set aside', async (name) => {
    fs.writeFileSync(join(folder.dir, name), 'a file')
    expect(await sendersAfter([await folder.open()])).toBe(1)
    expect(fs.readdirSync(join(folder.dir, 'damaged'))).toHaveLength(1)
  })

  it('an epoch is not used twice after the folder was lost', async () => {
    const first = await folder.open()
    await first.close()
    fs.rmSync(leaderFolder(), { recursive: true })
    expect(await sendersAfter([await folder.open()])).toBe(1)
    expect(fs.readdirSync(leaderFolder())).toEqual(['2'])
  })
})

describe('a leader that cannot be seen', () => {
  it('loses the lead after ten minutes without a change, also if its file is dated next year', async () => {
    fs.mkdirSync(leaderFolder(), { recursive: true })
    const path = join(leaderFolder(), '1')
    fs.writeFileSync(path, JSON.stringify(another))
    const nextYear = folder.clock.now() / 1_000 + 365 * 86_400
    fs.utimesSync(path, nextYear, nextYear)
    const store = await folder.open()
    expect(await store.isSender()).toBe(false)
    await wait(300_000)
    expect(await store.isSender()).toBe(false)
    fs.utimesSync(path, nextYear + 30, nextYear + 30)
    await wait(400_000)
    expect(await store.isSender()).toBe(false)
    await wait(610_000)
    expect(await store.isSender()).toBe(true)
  })

  it('is not dead because neither host has a boot id', async () => {
    fs.mkdirSync(leaderFolder(), { recursive: true })
    fs.writeFileSync(join(leaderFolder(), '1'), JSON.stringify({ ...another, boot: '' }))
    expect(await (await folder.open()).isSender()).toBe(false)
    expect(folder.warnings).toContain('PXU_WRN_STORE_FOREIGN_WRITER')
  })
})

describe('a leader that cannot send', () => {
  it('gives up the lead to another process that asks for it, and does not take it back', async () => {
    const first = await folder.open()
    await first.cannotSend?.()
    expect(await sendersAfter([first])).toBe(1)
    const second = await folder.open()
    expect([await first.isSender(), await second.isSender()]).toEqual([true, false])
    await first.cannotSend?.()
    expect([await first.isSender(), await second.isSender()]).toEqual([false, false])
    await wait(1_100)
    expect([await first.isSender(), await second.isSender()]).toEqual([false, true])
    await wait(1_800_000)
    expect([await first.isSender(), await second.isSender()]).toEqual([false, true])
  })

  it('keeps the lead for an hour when the other process could not send either', async () => {
    const stores = [await folder.open(), await folder.open()] as const
    let changes = 0
    let before = 0
    for (let minute = 0; minute < 180; minute++) {
      for (const store of stores) if (await store.isSender()) await store.cannotSend?.()
      await wait(60_000)
      const leads = [await stores[0].isSender(), await stores[1].isSender()]
      const now = leads.indexOf(true)
      if (now !== before && now !== -1) changes += 1
      if (now !== -1) before = now
    }
    expect(changes).toBeGreaterThan(0)
    expect(changes).toBeLessThanOrEqual(3)
  })

  it('leads again when the process that asked for the lead has gone', async () => {
    const first = await folder.open()
    const second = await folder.open()
    expect(await second.isSender()).toBe(false)
    await wait(1_100)
    expect(await second.isSender()).toBe(false)
    await second.close()
    await first.cannotSend?.()
    expect(await first.isSender()).toBe(false)
    await wait(61_100)
    expect(await first.isSender()).toBe(true)
  })

  it('keeps the lead while one of its own steps goes on', async () => {
    const first = await folder.open()
    const second = await folder.open()
    await wait(1_100)
    expect(await second.isSender()).toBe(false)
    const putting = first.put([line('a')])
    await first.cannotSend?.()
    await putting
    expect(await first.isSender()).toBe(true)
    expect((await first.claim(9)).lines).toHaveLength(1)
  })
})
