import { readFileSync, realpathSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { codeOf, type Disk, namesIn } from '../files/disk.ts'
import { removeQuietly } from '../files/held-file.ts'
import { makeSubfolder } from '../files/set-aside.ts'
import { shortHash } from '../files/short-hash.ts'
import { type Silence, silentAfterMs } from './silence.ts'

/** Shows other processes that the owner of a journal is alive, and disappears when the owner dies. */
export interface LivenessMark {
  /** Creates the mark again if it was removed. */
  renew(): Promise<void>
  release(): Promise<void>
}

export interface OwnerSettings {
  disk: Disk
  dir: string
  clock: Clock
  onDamage(path: string, what: string): void
}

/** `unseen`: the owner is on another host, so only a long silence shows that it is dead. */
export type OwnerState = 'alive' | 'dead' | 'unseen'

export interface Owner {
  readonly journalId: string
  readonly host: string
  readonly boot: string
}

/** Node 20 and 22 cut off a longer path without an error, and the socket of another process would be taken for ours. */
const maxPathBytes = 100
/** How often an owner without a socket touches its lease file, 30000 ms. */
const leaseBeatMs = 30_000
const leaseEnd = '.lease'
const nameLength = 12
const sweepAfterMs = 60_000
/** A journal of another host counts as done after this time without a write, 86400000 ms (24 hours). */
export const silenceMs: number = 24 * 3_600_000

export const thisHost: Readonly<{ host: string; boot: string }> = { host: hostname(), boot: bootId() }
const hostEnd = `-${shortHash(thisHost.boot || thisHost.host, 6)}`

/**
 * Listens on a socket named by the journal. It lives in the kernel: it ends with the process however that ends, a stopped
 * process still has it, and it needs no pid, which other containers have as well.
 *
 * Where no socket can be made (some network disks), a lease file is touched instead.
 */
export async function showAlive(
  { disk, dir, clock, onDamage }: OwnerSettings,
  journalId: string,
): Promise<LivenessMark> {
  let server: Server | undefined
  let place: SocketPlace | undefined
  let stopBeating = () => {}

  async function show(): Promise<void> {
    makeSubfolder({ disk, dir, now: clock.now, onDamage }, 's')
    try {
      place = socketPlace(disk, dir, socketName(journalId))
      server = await listen(place.path)
    } catch (error) {
      leavePlace()
      if (codeOf(error) === 'EADDRINUSE') throw error
      beat()
    }
  }

  function beat(): void {
    // The timer is set before the touch, so that a failed touch does not end the repetition.
    stopBeating = clock.setTimer(() => {
      try {
        beat()
      } catch {
        // Without the folder there is nothing to keep alive.
      }
    }, leaseBeatMs)
    const path = leasePath(dir, journalId)
    const now = new Date(clock.now())
    disk.closeSync(disk.openSync(path, 'a', 0o600))
    disk.utimesSync(path, now, now)
  }

  function leavePlace(): void {
    try {
      place?.leave()
    } catch {
      // The descriptor cannot be closed, but the socket is gone.
    }
    place = undefined
  }

  async function hide(): Promise<void> {
    stopBeating()
    const closing = server
    server = undefined
    if (closing !== undefined) await new Promise((resolve) => closing.close(resolve))
    leavePlace()
    // If it cannot be removed, it expires, because it is not touched any more.
    removeQuietly(disk, leasePath(dir, journalId))
  }

  try {
    await show()
  } catch (error) {
    stopBeating()
    throw error
  }
  return {
    async renew() {
      if ((await probeSocket(disk, dir, socketName(journalId))) === 'alive') return
      await hide()
      await show()
    },
    release: hide,
  }
}

/**
 * Probes the socket of an owner, or its lease file. An owner that cannot be seen does not count as dead.
 *
 * @throws when the disk fails
 */
export async function ownerState(
  { disk, dir, silence }: { disk: Disk; dir: string; silence: Silence },
  owner: Owner,
): Promise<OwnerState> {
  const isSameBoot = owner.boot !== '' && owner.boot === thisHost.boot
  let isHidden = false
  for (const name of isSameBoot ? [socketName(owner.journalId)] : socketsOf(disk, dir, owner)) {
    const state = await probeSocket(disk, dir, name)
    if (state === 'alive') return 'alive'
    isHidden ||= state === 'unseen'
  }
  const lease = leasePath(dir, owner.journalId)
  if (disk.statSync(lease, { throwIfNoEntry: false }) !== undefined) {
    return silence.of(disk, lease) >= silentAfterMs ? 'dead' : 'alive'
  }
  if (isHidden) return 'unseen'
  // After a restart of this host its old processes are dead. About another host nothing is known from here, nor about one
  // without a boot id, because many containers have the same host name.
  const isRestarted = owner.boot !== '' && thisHost.boot !== '' && owner.host === thisHost.host
  return isSameBoot || isRestarted ? 'dead' : 'unseen'
}

/** Of another kernel they are not alive from here; but a container may not see by its boot id that it is the same kernel. */
function socketsOf(disk: Disk, dir: string, { journalId }: Owner): string[] {
  const start = journalId.slice(0, nameLength)
  return process.platform === 'win32'
    ? [start]
    : socketsIn(disk, dir).filter((name) => name.startsWith(start))
}

/**
 * Removes the sockets of dead processes of this host: a crash leaves one, a crash loop thousands. Those of other hosts stay, as
 * from here all of them seem dead. Never throws.
 */
export async function sweepSockets(disk: Disk, dir: string, nowMs: number): Promise<void> {
  if (process.platform === 'win32') return
  try {
    for (const name of socketsIn(disk, dir).filter((name) => name.endsWith(hostEnd))) {
      const path = join(dir, 's', name)
      const stats = disk.lstatSync(path, { throwIfNoEntry: false })
      // A socket that was created just now may not be listening yet.
      if (!stats?.isSocket() || Math.abs(nowMs - stats.mtimeMs) < sweepAfterMs) continue
      if ((await probeSocket(disk, dir, name)) === 'dead') disk.rmSync(path, { force: true })
    }
  } catch {
    // Leftover sockets only make the list longer.
  }
}

function socketsIn(disk: Disk, dir: string): string[] {
  return namesIn(disk, join(dir, 's')).filter((name) => !name.endsWith(leaseEnd))
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    // Without `exclusive`, a worker of node:cluster would listen in its primary process, and seem alive after its death.
    server.listen({ path, exclusive: true }, () => {
      server.unref()
      server.on('error', () => {})
      resolve(server)
    })
  })
}

function probe(path: string): Promise<OwnerState> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve('alive')
    })
    socket.once('error', (error) => {
      const code = codeOf(error) ?? ''
      if (['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(code)) resolve('dead')
      // The socket belongs to another user, or the folder was replaced: only a long silence shows whether the owner is dead.
      else if (['EACCES', 'EPERM', 'ENOTDIR', 'ELOOP'].includes(code)) resolve('unseen')
      // No other code, such as that of a stopped process with a full backlog, proves that the process is dead.
      else resolve('alive')
    })
  })
}

interface SocketPlace {
  readonly path: string
  /** Releases the path. */
  leave(): void
}

/**
 * A path for a socket in the folder, by the folder itself and not by the name that it was opened with: a symbolic link, another
 * TMPDIR or another container must give the same socket. Linux has a short path to any open folder.
 *
 * @throws an error with the code ENAMETOOLONG on other systems, if the path is too long
 */
function socketPlace(disk: Disk, dir: string, name: string): SocketPlace {
  const leave = () => {}
  const folder = realpathSync(join(dir, 's'))
  if (process.platform === 'win32')
    return { path: `\\\\.\\pipe\\px-usage-${shortHash(folder, 16)}-${name}`, leave }
  const path = join(folder, name)
  if (Buffer.byteLength(path) < maxPathBytes) return { path, leave }
  if (process.platform !== 'linux') {
    throw Object.assign(new Error(`${path} is too long for a socket`), { code: 'ENAMETOOLONG' })
  }
  const file = disk.openSync(folder, 'r')
  return { path: `/proc/self/fd/${file}/${name}`, leave: () => disk.closeSync(file) }
}

async function probeSocket(disk: Disk, dir: string, name: string): Promise<OwnerState> {
  let place: SocketPlace
  try {
    place = socketPlace(disk, dir, name)
  } catch (error) {
    // No process can listen on a socket that cannot be created.
    if (['ENOENT', 'ENAMETOOLONG'].includes(codeOf(error) ?? '')) return 'dead'
    if (['EACCES', 'EPERM', 'ENOTDIR', 'ELOOP'].includes(codeOf(error) ?? '')) return 'unseen'
    throw error
  }
  try {
    return await probe(place.path)
  } finally {
    place.leave()
  }
}

/** Returns the name of a socket. Its end distinguishes sockets of this host from those of others in a shared folder. */
function socketName(journalId: string): string {
  const name = journalId.slice(0, nameLength)
  return process.platform === 'win32' ? name : `${name}${hostEnd}`
}

function leasePath(dir: string, journalId: string): string {
  return join(dir, 's', `${journalId}${leaseEnd}`)
}

/**
 * Returns an id that changes with each start of the kernel and is the same in all its containers. Systems other than Linux have
 * none; there the network cards identify the machine, on which a process without a socket is dead as well. Empty if neither is
 * known.
 */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return process.platform === 'linux' ? '' : machineId()
  }
}

function machineId(): string {
  const cards = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ mac, internal }) => !internal && mac !== '00:00:00:00:00:00')
  return cards.length === 0 ? '' : shortHash([...new Set(cards.map(({ mac }) => mac))].sort().join(), 16)
}
