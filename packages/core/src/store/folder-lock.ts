import { randomUUID } from 'node:crypto'
import {
  linkSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimes,
  writeFileSync,
} from 'node:fs'
import type { Clock } from '../clock.ts'
import { quoted, UsageError } from '../errors.ts'

/** The right of one process to write in a folder. */
export interface FolderLock {
  /** Shows those who cannot see this process (another container, another host) that it is alive. Call it each second. */
  beat(): void
  /**
   * Takes the folder again after its files have gone.
   *
   * @throws {UsageError} `PXU_ERR_STORE_IN_USE` if somebody else has taken it meanwhile
   */
  retake(): void
  release(): void
}

/** Longer than two beats: whoever is silent for so long is taken for dead. */
const silenceMs = 2_500

/**
 * Takes the folder for this process, from a dead owner too. An owner whose process cannot be seen from here is listened
 * to for some seconds.
 *
 * A live owner taken for dead (a stopped process) does no harm: its file is replaced, which it notices before it writes.
 *
 * @throws {UsageError} `PXU_ERR_STORE_IN_USE`
 */
export async function lockFolder(path: string, clock: Clock): Promise<FolderLock> {
  const self = ownerText()
  for (;;) {
    const owner = take(path, self)
    if (owner === undefined) break
    const state = owner === self ? 'alive' : ownerState(owner)
    if (state === 'alive' || (state === 'unseen' && (await beats(path, clock)))) throw inUse(path, owner)
    removeStale(path, owner)
  }
  return {
    beat() {
      const now = new Date(clock.now())
      utimes(path, now, now, () => {})
    },
    retake() {
      const owner = take(path, self)
      if (owner !== undefined && owner !== self) throw inUse(path, owner)
    },
    release() {
      if (readLock(path) === self) rmSync(path, { force: true })
    },
  }
}

/** Makes the lock, whole or not at all. @returns the owner if there is one */
function take(path: string, self: string): string | undefined {
  const whole = `${path}.${randomUUID()}`
  try {
    writeFileSync(whole, self, { mode: 0o600 })
    linkSync(whole, path)
    return undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return readLock(path) ?? ''
  } finally {
    rmSync(whole, { force: true })
  }
}

/** Of several who find the same dead owner, one moves its lock away; who moves a newer lock by mistake puts it back. */
function removeStale(path: string, owner: string): void {
  const moved = `${path}.${randomUUID()}`
  try {
    renameSync(path, moved)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    if (readLock(moved) !== owner) linkSync(moved, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(moved, { force: true })
  }
}

async function beats(path: string, clock: Clock): Promise<boolean> {
  const before = lastBeat(path)
  await new Promise<void>((resolve) => void clock.setTimer(resolve, silenceMs))
  return lastBeat(path) !== before
}

function lastBeat(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}

/** A pid alone tells little: it is reused, and it is 1 in every container. */
function ownerText(): string {
  return [process.pid, startOf(process.pid), pidNamespace(), procText('sys/kernel/random/boot_id')].join(' ')
}

function ownerState(owner: string): 'alive' | 'dead' | 'unseen' {
  const [pid = '', start = '', namespace = '', boot = ''] = owner.split(' ')
  if (namespace !== pidNamespace() || boot !== procText('sys/kernel/random/boot_id')) return 'unseen'
  if (start !== '') return startOf(Number(pid)) === start ? 'alive' : 'dead'
  try {
    process.kill(Number(pid), 0)
    return 'unseen'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'dead' : 'unseen'
  }
}

/** Field 22 of proc_pid_stat(5): when the process started, in ticks since boot. Empty where there is no such file. */
function startOf(pid: number): string {
  const stat = procText(`${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

function procText(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'utf8').trim()
  } catch {
    return ''
  }
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function inUse(path: string, owner: string): UsageError {
  return new UsageError(
    'PXU_ERR_STORE_IN_USE',
    `The folder of ${path} belongs to process ${quoted(owner.split(' ')[0])}, which is alive. Give each process its own dir (PX_USAGE_DIR).`,
  )
}
