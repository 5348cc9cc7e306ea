import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { closeOnSignal } from '../../../packages/core/src/meter/close-on-signal.ts'

type Signal = 'SIGTERM' | 'SIGINT'

const kill = vi.spyOn(process, 'kill')
const exit = vi.spyOn(process, 'exit')
/** Listeners of the test runner, which must not see these signals. */
let others: Record<Signal, NodeJS.SignalsListener[]>
const removals: (() => void)[] = []

beforeEach(() => {
  kill.mockReset().mockReturnValue(true)
  exit.mockReset().mockImplementation((() => {}) as never)
  others = { SIGTERM: process.listeners('SIGTERM'), SIGINT: process.listeners('SIGINT') } as typeof others
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.removeAllListeners(signal)
})
afterEach(() => {
  for (const remove of removals.splice(0)) remove()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.removeAllListeners(signal)
    for (const listener of others[signal]) process.on(signal, listener)
  }
})

const listeners = () => [process.listenerCount('SIGTERM'), process.listenerCount('SIGINT')]
const turns = async () => {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A meter whose close resolves when the test says so. */
function meter() {
  let finish = () => {}
  const closed = new Promise<void>((resolve) => (finish = resolve))
  const close = vi.fn(() => closed)
  const remove = closeOnSignal(close)
  removals.push(remove)
  return { close, finish, remove }
}

it('all meters of a process share one listener for each signal, until the last is removed', () => {
  const [one, two] = [meter(), meter()]
  expect(listeners()).toEqual([1, 1])
  one.remove()
  expect(listeners()).toEqual([1, 1])
  two.remove()
  expect(listeners()).toEqual([0, 0])
})

it.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s closes every meter, and then ends the process by the same signal', async (signal, code) => {
  const [one, two] = [meter(), meter()]
  process.emit(signal, signal)
  expect([one.close.mock.calls.length, two.close.mock.calls.length]).toEqual([1, 1])
  one.finish()
  await turns()
  expect(kill).not.toHaveBeenCalled()
  two.finish()
  await turns()
  expect(kill.mock.calls).toEqual([[process.pid, signal]])
  expect(exit.mock.calls).toEqual([[code]])
  expect(listeners()).toEqual([0, 0])
})

it('a second signal awaits the same close', async () => {
  const one = meter()
  process.emit('SIGTERM', 'SIGTERM')
  process.emit('SIGINT', 'SIGINT')
  await turns()
  expect([one.close.mock.calls.length, kill.mock.calls.length]).toEqual([1, 0])
  one.finish()
  await turns()
  expect(kill.mock.calls).toEqual([[process.pid, 'SIGTERM']])
})

it('the listeners stay while a close is running, or the next signal would end the process', async () => {
  const one = meter()
  process.emit('SIGTERM', 'SIGTERM')
  one.remove()
  expect(listeners()).toEqual([1, 1])
  one.finish()
  await turns()
  expect(listeners()).toEqual([0, 0])
})

it('the process ends also if a meter could not be closed', async () => {
  removals.push(closeOnSignal(() => Promise.reject(new Error('disk full'))))
  process.emit('SIGTERM', 'SIGTERM')
  await turns()
  expect(kill).toHaveBeenCalledOnce()
})

it('the end of the process is left to an app that listens for the signal itself', async () => {
  const own = vi.fn()
  process.on('SIGTERM', own)
  const one = meter()
  process.emit('SIGTERM', 'SIGTERM')
  one.finish()
  await turns()
  expect([own.mock.calls.length, kill.mock.calls.length, exit.mock.calls.length]).toEqual([1, 0, 0])
})

it.each(['__signal_exit_emitter__', Symbol.for('signal-exit emitter')])(
  'a listener of signal-exit (%s) does not count as one of the app, because it only watches',
  async (name) => {
    const emitters = process as unknown as Record<string | symbol, unknown>
    emitters[name] = { count: 1 }
    process.on('SIGTERM', () => {})
    const one = meter()
    process.emit('SIGTERM', 'SIGTERM')
    one.finish()
    await turns()
    delete emitters[name]
    expect(kill).toHaveBeenCalledOnce()
  },
)

it('a meter that is created after such a close is closed by the next signal', async () => {
  process.on('SIGTERM', () => {})
  const first = meter()
  process.emit('SIGTERM', 'SIGTERM')
  first.finish()
  await turns()
  const second = meter()
  process.emit('SIGTERM', 'SIGTERM')
  expect([first.close.mock.calls.length, second.close.mock.calls.length]).toEqual([1, 1])
  second.finish()
  await turns()
})
