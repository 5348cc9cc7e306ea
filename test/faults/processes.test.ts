import fs from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CommandedStore, canBeFirst, startStore } from '../support/commanded-store.ts'
import { batches, callsInLines, day, oneLinePerUserOnce } from '../support/count-batch.ts'
import { diskOf } from '../support/store-folder.ts'

/** All steps at which a process can die by `npm run soak`, a few each time in the everyday run. */
const stepsEach = process.env.SOAK_KILLS === undefined ? 3 : Number.POSITIVE_INFINITY

const folder = diskOf(beforeEach, afterEach)
const living: CommandedStore[] = []
afterEach(async () => {
  for (const store of living.splice(0)) if (store.process.exitCode === null) store.process.kill('SIGKILL')
})

async function start(options?: { inNamespace?: boolean }): Promise<CommandedStore> {
  const store = await startStore(folder.dir, options)
  if (store === undefined) throw new Error('The process died before it was ready.')
  living.push(store)
  return store
}

describe('a worker stopped by SIGSTOP for ten minutes', () => {
  it('is not taken for dead while it is stopped, and nothing is counted twice', async () => {
    const here = await folder.open()
    const worker = await start()
    await worker.do('add ada 2')
    await here.add(batches()({ ada: 1 }))
    await here.seal(day)
    worker.process.kill('SIGSTOP')
    for (const ms of [600_000, 48 * 3_600_000]) {
      await folder.clock.advance(ms)
      expect(await here.closeDay(day, oneLinePerUserOnce())).toEqual({ outcome: 'waiting', writers: 1 })
    }
    worker.process.kill('SIGCONT')
    await worker.do('add ada 3')
    await worker.do('seal')
    expect(await here.closeDay(day, oneLinePerUserOnce())).toMatchObject({ revision: 0, lines: 1, calls: 6 })
    expect(await here.openDays()).toEqual([])
  })

  it('keeps the lead while it is stopped, and no other process closes or sends', async () => {
    const worker = await start()
    await worker.do('put a')
    worker.process.kill('SIGSTOP')
    const here = await folder.open()
    await here.add(batches()({ ada: 1 }))
    await folder.clock.advance(48 * 3_600_000)
    expect(await here.closeDay(day, oneLinePerUserOnce())).toEqual({ outcome: 'notLeader' })
    expect((await here.claim(9)).lines).toEqual([])
    worker.process.kill('SIGCONT')
    expect(await worker.do('claim')).toBe('a')
  })
})

describe('a container that restarts as process 1 on the same volume', () => {
  it('takes the old journal once', async ({ skip }) => {
    if (!(await canBeFirst())) skip('this machine lets no process be the first of a namespace (unshare)')
    const before = await start({ inNamespace: true })
    expect(before.pid).toBe(1)
    await before.do('add ada 5')
    await before.kill('SIGKILL')
    const after = await start({ inNamespace: true })
    expect(after.pid).toBe(1)
    await after.do('add ada 2')
    await after.do('seal')
    expect(JSON.parse((await after.do('closeDay')) ?? '')).toMatchObject({ revision: 0, lines: 1, calls: 7 })
    expect(JSON.parse((await after.do('closeDay')) ?? '')).toEqual({ outcome: 'empty' })
  })
})

describe('a process killed by SIGKILL at changes it makes to the disk', () => {
  /** Counts the changes of a run without a kill, then yields the given number of them, spread evenly. */
  async function eachStep(
    commands: readonly string[],
    check: (answers: Array<string | undefined>, step: number) => Promise<void>,
  ): Promise<void> {
    const before = folder.afterKill()
    const whole = await start()
    for (const command of commands) await whole.do(command)
    const count = Number(await whole.do('changes'))
    await whole.kill('SIGKILL')
    const every = Math.max(1, count / stepsEach)
    let deaths = 0
    for (let at = 1 + Math.random() * (every - 1); at <= count; at += every) {
      const step = Math.floor(at)
      fs.rmSync(folder.dir, { recursive: true })
      fs.cpSync(before, folder.dir, { recursive: true })
      const store = await startStore(folder.dir, { killAt: step })
      const answers: Array<string | undefined> = []
      for (const command of commands) answers.push(await store?.do(command))
      if (answers.includes(undefined)) deaths += 1
      else await store?.kill('SIGKILL')
      await check(answers, step)
    }
    expect(deaths).toBeGreaterThan(0)
  }

  it('keeps totals exact while it counts, takes over dead journals and closes their day', async () => {
    for (const user of ['ada', 'bob']) {
      const dead = await start()
      await dead.do(`add ${user} 3`)
      await dead.kill('SIGKILL')
    }
    await eachStep(['add cy 1', 'add cy 1', 'seal', 'closeDay'], async (answers, step) => {
      const counted = answers.slice(0, 2).filter((answer) => answer !== undefined).length
      const next = await folder.open()
      const { cy = 0, ...calls } = await callsInLines(next)
      expect(calls, `killed at change ${step}`).toEqual({ ada: 3, bob: 3 })
      expect(cy, `killed at change ${step}`).toBeGreaterThanOrEqual(counted)
      expect(cy).toBeLessThanOrEqual(Math.min(2, counted + 1))
      await next.close()
    })
    expect(folder.errors).toEqual([])
  }, 600_000)

  it('knows which lines may have been sent, and sends no settled line again', async () => {
    await eachStep(['put a', 'claim', 'mark a', 'settle a'], async (answers, step) => {
      const [put, , marked, settled] = answers.map((answer) => answer !== undefined)
      const next = await folder.open()
      const { lines } = await next.claim(9)
      const where = `killed at change ${step}`
      if (settled) expect(lines, where).toEqual([])
      else if (marked) expect(lines, where).toMatchObject([{ id: 'a', state: 'unconfirmed', attempts: 1 }])
      else if (put) expect(lines, where).toMatchObject([{ id: 'a' }])
      await next.close()
    })
    expect(folder.errors).toEqual([])
  }, 600_000)
})
