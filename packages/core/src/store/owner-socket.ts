import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { codeOf, type Disk, makeFolder } from './disk.ts'

/** Shows to other processes that the owner of a journal is alive, and to nobody that it is when it has died. */
export interface OwnerSign {
  /** Makes the sign anew if somebody removed it. */
  renew(): Promise<void>
  release(): Promise<void>
}

/** `unseen`: its host is not this one, so only the time that has passed can tell. */
export type OwnerState = 'alive' | 'dead' | 'unseen'

export interface Owner {
  readonly journalId: string
  readonly host: string
  readonly boot: string
}

/** A longer path is cut off by Node 20 and 22 without a word, and another's socket is taken for ours. */
const maxPathBytes = 100
/** An owner without a socket touches its lease so often. */
const leaseBeatMs = 30_000
/** After so much silence an owner that cannot be asked is taken for dead. */
export const silenceMs: number = 24 * 3_600_000

export const thisHost: Readonly<{ host: string; boot: string }> = { host: hostname(), boot: bootId() }

/**
 * Listens on a socket named by the journal. It lives in the kernel: it ends with the process however that ends, a stopped
 * process still has it, and it needs no pid, which other containers have as well.
 *
 * Where no socket can be made (some network disks), a lease file is touched instead.
 */
export async function showOwner(
  disk: Disk,
  dir: string,
  journalId: string,
  clock: Clock,
): Promise<OwnerSign> {
  let server: Server | undefined
  let stopBeating = () => {}

  async function show(): Promise<void> {
    makeFolder(disk, join(dir, 's'))
    try {
      server = await listen(socketPath(dir, journalId))
    } catch (error) {
      if (codeOf(error) === 'EADDRINUSE') throw error
      beat()
    }
  }

  function beat(): void {
    const path = leasePath(dir, journalId)
    const now = new Date(clock.now())
    disk.closeSync(disk.openSync(path, 'a', 0o600))
    disk.utimesSync(path, now, now)
    stopBeating = clock.setTimer(() => {
      try {
        beat()
      } catch {
        // Without the folder there is nothing to own.
      }
    }, leaseBeatMs)
  }

  async function hide(): Promise<void> {
    stopBeating()
    disk.rmSync(leasePath(dir, journalId), { force: true })
    const closing = server
    server = undefined
    if (closing !== undefined) await new Promise((resolve) => closing.close(resolve))
  }

  await show()
  return {
    async renew() {
      if ((await probe(socketPath(dir, journalId))) === 'alive') return
      await hide()
      await show()
    },
    release: hide,
  }
}

/** Asks the owner, or its lease, whether it is alive. */
export async function ownerState(disk: Disk, dir: string, owner: Owner, nowMs: number): Promise<OwnerState> {
  if ((await probe(socketPath(dir, owner.journalId))) === 'alive') return 'alive'
  const lease = disk.statSync(leasePath(dir, owner.journalId), { throwIfNoEntry: false })
  if (lease !== undefined) return nowMs - lease.mtimeMs > silenceMs ? 'dead' : 'alive'
  // After a restart of this host its old processes are dead; of another host nothing is known from here.
  return owner.boot === thisHost.boot || owner.host === thisHost.host ? 'dead' : 'unseen'
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    // Without `exclusive` a worker of node:cluster would listen in its primary, and seem alive after its death.
    server.listen({ path, exclusive: true }, () => {
      server.unref()
      server.on('error', () => {})
      resolve(server)
    })
  })
}

function probe(path: string): Promise<'alive' | 'dead'> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve('alive')
    })
    socket.once('error', (error) => {
      // Anything else, such as a full backlog of a stopped process, is no proof of death.
      resolve(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(codeOf(error) ?? '') ? 'dead' : 'alive')
    })
  })
}

export function socketPath(dir: string, journalId: string): string {
  const name = journalId.slice(0, 12)
  if (process.platform === 'win32') return `\\\\.\\pipe\\px-usage-${shortHash(dir)}-${name}`
  const path = join(dir, 's', name)
  return Buffer.byteLength(path) < maxPathBytes
    ? path
    : join(tmpdir(), `px-usage-${shortHash(`${dir}\0${name}`)}`)
}

function leasePath(dir: string, journalId: string): string {
  return join(dir, 's', `${journalId}.lease`)
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** Another one after each start of the kernel, the same in all its containers. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}
