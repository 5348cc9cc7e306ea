import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Diagnostics } from '../../../packages/core/src/diagnostics.ts'
import type { UsageError } from '../../../packages/core/src/errors.ts'
import { fileStore } from '../../../packages/core/src/store/file-store.ts'
import type { Store } from '../../../packages/core/src/store/store.ts'
import { storeContract } from '../../contracts/store-contract.ts'
import { batches, callsOf, line } from '../../support/count-batch.ts'

const fault = vi.hoisted(() => ({ halfWrite: false }))
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>()
  return {
    ...real,
    writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number) {
      if (!fault.halfWrite) return real.writeSync(fd, bytes, offset, length, position)
      if (length < 50) {
        fault.halfWrite = false
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
      }
      return real.writeSync(fd, bytes, offset, length >> 1, position)
    },
  }
})

let dir: string
let file: string
let clock: ReturnType<typeof fakeClock>
let told: string[]
let errors: UsageError[]
const opened: Store[] = []

const diagnostics: Diagnostics = {
  publish: (happening) => void told.push(happening),
  warn() {},
  error: (error) => void errors.push(error),
}

beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-'))
  file = join(dir, 'usage.jsonl')
  clock = fakeClock('2026-11-23T10:00:00Z')
  told = []
  errors = []
})
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  fs.rmSync(dir, { recursive: true, force: true })
})

async function open(at: string = dir): Promise<Store> {
  const store = fileStore({ dir: at })
  await store.open({ clock, diagnostics, timeZone: 'UTC' })
  opened.push(store)
  return store
}

/** The folder as a process that was killed leaves it. */
function copyOf(folder: string): string {
  const copy = join(folder, 'copy')
  fs.mkdirSync(copy)
  fs.copyFileSync(join(folder, 'usage.jsonl'), join(copy, 'usage.jsonl'))
  return copy
}

storeContract('fileStore()', () => fileStore({ dir }))

describe('the file of a file store', () => {
  it('has no hole and no rest after a write that failed half-way', async () => {
    const store = await open()
    const batch = batches()
    await store.add(batch({ ada: 1 }))
    const failing = batch({ ada: 2 })
    fault.halfWrite = true
    expect(() => store.add(failing)).toThrow(expect.objectContaining({ code: 'PXU_ERR_STORE_UNAVAILABLE' }))
    await store.add(failing)
    await store.add(batch({ ada: 4 }))
    expect(await callsOf(await open(copyOf(dir)))).toEqual({ ada: 7 })
    expect(errors).toEqual([])
    expect(fs.readFileSync(file).includes(0)).toBe(false)
  })

  it('keeps what came before a torn last line', async () => {
    const store = await open()
    const batch = batches()
    await store.add(batch({ ada: 1 }))
    await store.add(batch({ ada: 2 }))
    await store.close()
    fs.appendFileSync(file, '{"type":"counted","day":"2026-1')
    expect(await callsOf(await open())).toEqual({ ada: 3 })
    expect(errors).toEqual([])
  })

  it('keeps what stood before a damaged line, sets the whole file aside, and says so', async () => {
    const store = await open()
    await store.add(batches()({ ada: 1 }))
    await store.put([line('a')])
    await store.close()
    const damaged = `${fs.readFileSync(file, 'utf8')}#\n{"type":"noted","name":"late","value":"1"}\n`
    fs.writeFileSync(file, damaged)
    const reopened = await open()
    expect(await callsOf(reopened)).toEqual({ ada: 1 })
    expect(await reopened.readNote('late')).toBeUndefined()
    expect(reopened.outboxCounts()).toMatchObject({ closed: 1, unknown: 1, pending: 0 })
    expect(fs.readFileSync(`${file}.bad-${clock.now()}`, 'utf8')).toBe(damaged)
    expect(told).toContain('store:quarantined')
    expect(errors).toMatchObject([{ code: 'PXU_ERR_STORE_UNREADABLE' }])
  })

  it('is set aside when counts stand in it for a series that was never described', async () => {
    await (await open()).close()
    fs.appendFileSync(file, '{"type":"counted","day":"2026-11-23","series":[],"gained":[[9,1,0,0,0]]}\n')
    expect(await (await open()).openDays()).toEqual([])
    expect(told).toContain('store:quarantined')
  })

  it('is left untouched when a newer px-usage wrote it, and the folder stays free', async () => {
    const newer = '{"type":"usage-file","version":2}\n{"type":"new"}\n'
    fs.writeFileSync(file, newer)
    await expect(open()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNREADABLE' })
    expect(fs.readFileSync(file, 'utf8')).toBe(newer)
    expect(fs.readdirSync(dir)).toEqual(['usage.jsonl'])
  })

  it('is written anew when the folder is deleted while running', async () => {
    const store = await open()
    const batch = batches()
    await store.add(batch({ ada: 1 }))
    fs.rmSync(dir, { recursive: true })
    await store.add(batch({ ada: 2 }))
    expect(await callsOf(await open(copyOf(dir)))).toEqual({ ada: 3 })
    expect(told).toContain('store:degraded')
  })

  it('is written anew by close() when the folder was deleted after the last count', async () => {
    const store = await open()
    await store.add(batches()({ ada: 1 }))
    fs.rmSync(dir, { recursive: true })
    await store.close()
    expect(await callsOf(await open())).toEqual({ ada: 1 })
  })

  it('is not written by a process whose file was replaced', async () => {
    const store = await open()
    const batch = batches()
    await store.add(batch({ ada: 1 }))
    fs.writeFileSync(`${file}.other`, 'of another process')
    fs.renameSync(`${file}.other`, file)
    expect(() => store.add(batch({ ada: 2 }))).toThrow(
      expect.objectContaining({ code: 'PXU_ERR_STORE_IN_USE' }),
    )
    expect(fs.readFileSync(file, 'utf8')).toBe('of another process')
    fs.rmSync(file)
  })

  it('takes the batch even when the rewriting after it fails', async () => {
    const store = await open()
    const batch = batches()
    await store.add(batch({ ada: 1 }))
    fs.mkdirSync(`${file}.next`)
    await store.writeNote('large', 'x'.repeat(65 * 1024 * 1024))
    expect(told).toContain('store:degraded')
    await store.add(batch({ ada: 2 }))
    fs.rmdirSync(`${file}.next`)
    expect(await callsOf(await open(copyOf(dir)))).toEqual({ ada: 3 })
  })

  it('says which folder cannot be used and what to do', async () => {
    fs.writeFileSync(join(dir, 'plain'), '')
    await expect(open(join(dir, 'plain', 'usage'))).rejects.toThrow(/plain.*PX_USAGE_DIR.*ENOTDIR/)
    await expect(open(join(dir, 'plain', 'usage'))).rejects.toMatchObject({
      code: 'PXU_ERR_STORE_UNAVAILABLE',
    })
  })
})

describe('the lock of a file store', () => {
  const lockPath = () => join(dir, 'lock')

  it('keeps a second meter of the same process out', async () => {
    await open()
    await expect(open()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_IN_USE' })
  })

  it('is taken from a dead process whose pid lives on in another one', async () => {
    await (await open()).close()
    await open()
    const [pid, , ...rest] = fs.readFileSync(lockPath(), 'utf8').split(' ')
    await opened.pop()?.close()
    fs.writeFileSync(lockPath(), [pid, '1', ...rest].join(' '))
    await open()
    expect(fs.readdirSync(dir).sort()).toEqual(['lock', 'usage.jsonl'])
  })

  it('is taken from an owner in another container with our pid only if it is silent', async () => {
    const foreign = `${process.pid} 1 pid:[1] elsewhere`
    fs.writeFileSync(lockPath(), foreign)
    const alive = expect(open()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_IN_USE' })
    await clock.advance(1_000)
    fs.utimesSync(lockPath(), 1, 1)
    await clock.advance(2_000)
    await alive
    expect(fs.readFileSync(lockPath(), 'utf8')).toBe(foreign)

    const silent = open()
    await clock.advance(3_000)
    await (await silent).add(batches()({ ada: 1 }))
    expect(fs.readFileSync(lockPath(), 'utf8')).not.toBe(foreign)
  })
})

it('has every call that was said to be stored after kill -9, five times over', async () => {
  let said = 0
  let kept = 0
  for (let round = 0; round < 5; round++) {
    const child = spawn(
      process.execPath,
      [
        '--conditions=@px-usage/source',
        '--import',
        'tsx',
        join(import.meta.dirname, '../../support/store-child.ts'),
        dir,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output.length > 500 * (round + 1)) child.kill('SIGKILL')
    })
    await once(child, 'close')
    expect(child.signalCode).toBe('SIGKILL')
    said += Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1))
    const store = await open()
    kept = (await callsOf(store)).ada ?? 0
    expect(kept).toBeGreaterThanOrEqual(said)
    said = kept
    await store.close()
  }
  expect(kept).toBeGreaterThan(500)
  expect(errors).toEqual([])
}, 60_000)
