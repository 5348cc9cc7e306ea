import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMeter, fileStore } from '@px-usage/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type ContainerHost,
  type ContainerOptions,
  canConfine,
  createContainerHost,
} from '../support/container.ts'
import { send } from '../support/http-client.ts'

const script = 'test/support/signal-child.ts'
/** Long enough that a few calls need a page of memory more. */
const longId = 'x'.repeat(500)

/** Waits for the end of the event-loop turn that responded, in which the process writes the counts. */
const written = () => new Promise((resolve) => setTimeout(resolve, 100))

interface Container {
  readonly child: ChildProcess
  call(times: number): Promise<void>
  /** What the process wrote to stderr so far. */
  warnings(): string
  end(signal: NodeJS.Signals): Promise<number>
}

describe.skipIf(!(await canConfine()))('a container with a read-only root', () => {
  let host: ContainerHost
  let dir: string
  beforeEach(async () => {
    // The files in the folder belong to another user than that of the test.
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    host = await createContainerHost()
    dir = join(host.volume, 'data')
  })
  afterEach(() => {
    vi.restoreAllMocks()
    host.remove()
  })

  async function start(folder = dir, options: ContainerOptions = {}): Promise<Container> {
    const child = host.start(script, [folder], options)
    let warnings = ''
    child.stderr?.on('data', (chunk) => {
      warnings += chunk
    })
    const port = await new Promise<string>((resolve, reject) => {
      child.stdout?.on('data', (chunk) => resolve(/port (\d+)/.exec(String(chunk))?.[1] ?? ''))
      child.once('exit', () => reject(new Error(`The container ended before it served: ${warnings}`)))
    })
    return {
      child,
      warnings: () => warnings,
      async call(times) {
        for (let call = 0; call < times; call++) {
          const headers = { 'x-user': `${longId} ${call}` }
          expect((await send(`http://127.0.0.1:${port}/`, { headers })).status).toBe(200)
        }
      },
      async end(signal) {
        const startMs = performance.now()
        const exit = once(child, 'exit')
        child.kill(signal)
        expect((await exit)[1]).toBe(signal)
        return performance.now() - startMs
      },
    }
  }

  async function counted(): Promise<number> {
    const px = { apiKey: 'key', productKey: 'AP-TEST-2', baseUrl: 'http://127.0.0.1:9' }
    const meter = createMeter({ ...px, store: fileStore({ dir }) })
    const events = await meter.preview()
    await meter.close()
    const totals = events.filter(({ eventName }) => eventName === 'dailyApiCalls')
    return totals.reduce((sum, { attributes }) => sum + Number(attributes.apiCalls), 0)
  }

  it('keeps its counts on a volume over SIGTERM and an OOM kill, and the next one goes on', async () => {
    const first = await start()
    await first.call(20)
    // Kubernetes waits 30 s before it kills.
    expect(await first.end('SIGTERM')).toBeLessThan(30_000)
    expect(first.warnings()).toBe('')
    const second = await start()
    await second.call(10)
    await written()
    // The kernel ends a process that is out of memory with this signal.
    await second.end('SIGKILL')
    const third = await start()
    await third.call(1)
    await third.end('SIGTERM')
    expect(third.warnings()).toBe('')
    expect(await counted()).toBe(31)
  })

  it('without a volume responds, and reports what it cannot keep', async () => {
    const container = await start('.px-usage')
    await container.call(5)
    await vi.waitFor(() => expect(container.warnings()).toMatch(/PXU_ERR_STORE_UNAVAILABLE.*EROFS/))
    await container.end('SIGTERM')
    expect(container.warnings()).toMatch(/PXU_ERR_METER_LOST.*5 calls/)
  })

  it('with a volume that is read-only responds, and reports what it cannot keep', async () => {
    const container = await start(dir, { isWritable: false })
    await container.call(5)
    await vi.waitFor(() => expect(container.warnings()).toMatch(/PXU_ERR_STORE_UNAVAILABLE.*EROFS/))
    await container.end('SIGTERM')
    expect(existsSync(dir)).toBe(false)
  })

  it('with a full volume responds, and stores the counts once there is space', async () => {
    host.limitVolume('512k')
    const container = await start()
    await container.call(10)
    const filler = join(host.volume, 'filler')
    expect(() => writeFileSync(filler, Buffer.alloc(1_000_000))).toThrow('ENOSPC')
    await container.call(50)
    await vi.waitFor(() => expect(container.warnings()).toContain('ENOSPC'), { timeout: 10_000 })
    rmSync(filler)
    await vi.waitFor(async () => expect(await counted()).toBe(60), { timeout: 60_000, interval: 500 })
    await container.end('SIGKILL')
    expect(await counted()).toBe(60)
  })

  it('warns in Kubernetes of an emptyDir in memory, and goes on after an OOM kill', async () => {
    host.limitVolume('8m')
    const inKubernetes = { env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } }
    const first = await start(dir, inKubernetes)
    await first.call(3)
    await vi.waitFor(() => expect(first.warnings()).toMatch(/PXU_WRN_STORE_EPHEMERAL.*emptyDir/))
    await written()
    await first.end('SIGKILL')
    const second = await start(dir, inKubernetes)
    await second.call(1)
    await second.end('SIGTERM')
    expect(await counted()).toBe(4)
  })
})
