import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore } from '@px-usage/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { send } from '../support/http-client.ts'

const root = join(import.meta.dirname, '../..')
const node = [process.execPath, '--conditions=@px-usage/source', '--import', 'tsx']
let dir: string
let child: ChildProcess | undefined

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-signal-'))
})

afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  await rm(dir, { recursive: true })
})

async function start(command: string[]): Promise<{ child: ChildProcess; said: string }> {
  const started = spawn(command[0] as string, command.slice(1), { cwd: root })
  child = started
  const [said] = (await once(started.stdout, 'data')) as [Buffer]
  return { child: started, said: String(said) }
}

/** The one process in the namespace, as it is seen from outside. */
function childOf(pid: number): number {
  return Number(spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }).stdout)
}

const hasNamespaces = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0
if (!hasNamespaces) console.log('Skipped: this machine makes no namespaces of processes (unshare).')

describe.skipIf(!hasNamespaces)('closeOnSignal as process 1, where the kernel drops the signal', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('ends by %s with the code %i, and keeps its counts', async (signal, code) => {
    const unshare = ['unshare', '--pid', '--fork', '--mount-proc']
    const { child, said } = await start([...unshare, ...node, 'test/support/signal-child.ts', dir])
    const port = /port (\d+)/.exec(said)?.[1]
    for (let i = 0; i < 5; i++) await send(`http://127.0.0.1:${port}`, { headers: { 'x-user': 'ann' } })
    process.kill(childOf(child.pid as number), signal)
    expect(await once(child, 'exit')).toEqual([code, null])

    const meter = createMeter({
      productKey: 'AP-TEST-2',
      apiKey: 'key',
      baseUrl: 'http://127.0.0.1:9',
      store: fileStore({ dir }),
    })
    const [event] = await meter.preview()
    await meter.close()
    expect(event?.attributes.apiCalls).toBe(5)
  })
})

it('closeOnSignal beside a listener that ends the process only if it is the last one', async () => {
  const { child } = await start([...node, 'test/support/signal-exit-child.ts'])
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM'])
})
