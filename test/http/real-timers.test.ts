import { afterEach, expect, it, vi } from 'vitest'
import { nextTick, setImmediate, setTimeout } from '../../packages/http/src/real-timers.ts'

afterEach(() => {
  vi.useRealTimers()
})

it('timers run while a test kit has replaced the global ones', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate'] })
  await new Promise<void>((resolve) => nextTick(resolve))
  await new Promise<void>((resolve) => void setImmediate(resolve))
  await new Promise<void>((resolve) => void setTimeout(resolve, 1))
  expect(vi.getTimerCount()).toBe(0)
})
