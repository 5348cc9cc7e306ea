import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { atEndOfTurn, createPacedTask, eventLoopTurn, systemClock } from '../../packages/core/src/clock.ts'

it('runs at the end of the turn, and with a pause after the run before', async () => {
  const runs: number[] = []
  const task = createPacedTask(() => void runs.push(performance.now()), 50)
  task.runSoon()
  expect(runs).toHaveLength(0)
  await eventLoopTurn()
  expect(runs).toHaveLength(1)
  task.runSoon()
  await eventLoopTurn()
  await eventLoopTurn()
  expect(runs).toHaveLength(1)
  await wait(120)
  expect(runs).toHaveLength(2)
  expect((runs[1] as number) - (runs[0] as number)).toBeGreaterThan(49)
  task.runSoon()
  await wait(120)
  task.runSoon()
  await eventLoopTurn()
  expect(runs).toHaveLength(4)
})

it('does not run once it is cancelled, neither at the end of the turn nor after the pause', async () => {
  let runs = 0
  const task = createPacedTask(() => void runs++, 20)
  task.runSoon()()
  await eventLoopTurn()
  expect(runs).toBe(0)
  task.runSoon()
  await eventLoopTurn()
  task.runSoon()()
  await wait(60)
  expect(runs).toBe(1)
})

it('a timer that a request sets has no store of that request', async () => {
  const user = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const note = () => void seen.push(user.getStore())
  const paced = createPacedTask(note, 5)
  user.run('ann', () => {
    systemClock.setTimer(note, 1, true)
    atEndOfTurn(note)
    paced.runSoon()
  })
  await eventLoopTurn()
  user.run('ann', () => paced.runSoon())
  await wait(50)
  expect(seen).toEqual([undefined, undefined, undefined, undefined])
})
