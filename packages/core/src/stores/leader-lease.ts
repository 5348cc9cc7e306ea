import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { codeOf, type Disk, namesIn, readIfThere, writeWhole } from '../files/disk.ts'
import { removeQuietly } from '../files/held-file.ts'
import { makeSubfolder } from '../files/set-aside.ts'
import { type Owner, ownerState } from './liveness.ts'
import { type Silence, silentAfterMs } from './silence.ts'

/** The right to close the days of a folder and to send its lines, which one process has at a time. */
export interface Lease {
  /** Rises with every change of the leader. */
  readonly epoch: number
  /** Returns whether no other process took over meanwhile. Called before each step that cannot be undone. @throws when the disk fails */
  holds(): boolean
  /** Proves to other hosts, which cannot see this process, that it is alive. */
  beat(): void
  /** Returns whether another process wants the lease, in case this one cannot send. @throws when the disk fails */
  isWanted(): boolean
  /** Gives the lease up, so that another process can take it at once. @throws when the disk fails: then the lease is still held */
  release(): void
}

export interface LeaseSettings {
  disk: Disk
  dir: string
  clock: Clock
  silence: Silence
  onDamage(path: string, what: string): void
  /** Called when the leader cannot be seen from here, because it runs, or ran, on another host. */
  onUnseenLeader(host: string): void
}

export interface Claimant {
  readonly self: Owner
  /** The last epoch in which this process was the leader. */
  readonly lastEpoch: number | undefined
  /** Whether this process can send, as far as it knows. If so, it requests the lease from a leader that cannot. */
  readonly canSend: boolean
}

const beatMs = 30_000
/** A file with a larger number in its name is no epoch: the numbers of the next epochs must stay exact. */
const maxEpoch = 9e14
/** Codes of file systems without hard links: vfat, SMB, some FUSE file systems. Windows returns EISDIR on FAT. */
const linkless = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR']
/** A living leader touches its file more often. A file that cannot be read and does not change for 180000 ms (3 minutes) has no leader. */
const unreadableAfterMs = 180_000
const wantedEnd = '.wanted'

/**
 * Takes the lease of a folder if no process holds it, or if its holder is dead.
 *
 * Each epoch is a file that only one process can create. It stays when its owner ends, so that no epoch comes twice. A process
 * that finds a higher epoch than its own has lost the lease. A process that finds itself in the file of the highest epoch is the
 * leader, whatever it remembers: otherwise one failed call would leave a folder whose leader does not act as one.
 */
export async function takeLease(settings: LeaseSettings, claimant: Claimant): Promise<Lease | undefined> {
  const { disk, dir, clock } = settings
  const { self } = claimant
  const folder = join(dir, 'leader')
  makeSubfolder({ disk, dir, now: clock.now, onDamage: settings.onDamage }, 'leader')
  const last = epochs(disk, folder).at(-1)
  if (last !== undefined) {
    const standing = await standingOf(settings, claimant, last)
    if (standing === 'me') return leaseOf(settings, self, last)
    if (standing === 'taken') {
      if (claimant.canSend) askFor(disk, join(folder, String(last) + wantedEnd))
      return undefined
    }
  }
  const epoch = Math.max(last ?? 0, lastLogEpoch(disk, dir)) + 1
  if (!make(disk, join(folder, String(epoch)), self)) return undefined
  const lease = leaseOf(settings, self, epoch)
  if (!lease.holds()) return undefined
  removeOlder(disk, folder, epoch)
  return lease
}

function leaseOf({ disk, dir, clock }: LeaseSettings, self: Owner, epoch: number): Lease {
  const folder = join(dir, 'leader')
  const path = join(folder, String(epoch))
  let beatAtMs = clock.elapsed()
  const lease: Lease = {
    epoch,
    beat() {
      if (clock.elapsed() - beatAtMs < beatMs) return
      try {
        disk.utimesSync(path, new Date(clock.now()), new Date(clock.now()))
        beatAtMs = clock.elapsed()
      } catch {
        // The next call tries again. Until then the process is still the leader.
      }
    },
    isWanted: () => disk.lstatSync(path + wantedEnd, { throwIfNoEntry: false }) !== undefined,
    release() {
      if (!lease.holds()) return
      const file = disk.openSync(path, 'r+')
      try {
        disk.ftruncateSync(file, 0)
      } finally {
        disk.closeSync(file)
      }
    },
    holds: () => epochs(disk, folder).at(-1) === epoch && readOwner(disk, path)?.journalId === self.journalId,
  }
  return lease
}

/** Returns whether this process holds the lease of an epoch, another process does, or the lease is free. */
async function standingOf(
  { disk, dir, silence, onUnseenLeader }: LeaseSettings,
  { self, lastEpoch }: Claimant,
  epoch: number,
): Promise<'me' | 'taken' | 'free'> {
  const path = join(dir, 'leader', String(epoch))
  let owner: Owner | undefined
  try {
    owner = readOwner(disk, path)
  } catch (error) {
    // A file that cannot be read may belong to a living leader, which proves it by touching the file.
    if (epoch === lastEpoch) return 'free'
    if (silence.of(disk, path) >= unreadableAfterMs) return 'free'
    throw error
  }
  if (owner === undefined) return 'free'
  if (owner.journalId === self.journalId) return 'me'
  const state = await ownerState({ disk, dir, silence }, owner)
  if (state === 'dead') return 'free'
  if (state === 'alive') return 'taken'
  onUnseenLeader(owner.host)
  return silence.of(disk, path) >= silentAfterMs ? 'free' : 'taken'
}

/** Returns the process that has the lease, or had it when it ended; `undefined` if no process has it. Changes nothing. */
export function readLeader(disk: Disk, dir: string): Owner | undefined {
  const folder = join(dir, 'leader')
  const epoch = epochs(disk, folder).at(-1)
  return epoch === undefined ? undefined : readOwner(disk, join(folder, String(epoch)))
}

/** Creates the file for which a leader looks when it cannot send. */
function askFor(disk: Disk, path: string): void {
  try {
    if (disk.lstatSync(path, { throwIfNoEntry: false }) !== undefined) return
    disk.closeSync(disk.openSync(path, 'wx', 0o600))
  } catch {
    // The next call, a second later, tries again.
  }
}

/** Creates the file with its content in one step. @returns whether this process created it */
function make(disk: Disk, path: string, self: Owner): boolean {
  const content = Buffer.from(JSON.stringify(self))
  const aside = `${path}.${self.journalId}`
  try {
    writeNew(disk, aside, 'w', content)
    disk.linkSync(aside, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (!linkless.includes(codeOf(error) ?? '')) throw error
  } finally {
    removeQuietly(disk, aside)
  }
  try {
    // A crash during the write leaves a file without an owner, and the next process takes the next epoch.
    writeNew(disk, path, 'wx', content)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function writeNew(disk: Disk, path: string, flags: 'w' | 'wx', content: Buffer): void {
  const file = disk.openSync(path, flags, 0o600)
  try {
    writeWhole(disk, file, content, 0)
  } finally {
    disk.closeSync(file)
  }
}

/** Removes the files of earlier epochs, and temporary files of processes that died while they took the lease. */
function removeOlder(disk: Disk, folder: string, epoch: number): void {
  for (const name of namesOf(disk, folder)) {
    const number = Number(/^\d+/.exec(name)?.[0] ?? Number.NaN)
    if (number < epoch) removeQuietly(disk, join(folder, name))
  }
}

/** Returns the names in a folder, or none if it cannot be read: a removal can wait. */
function namesOf(disk: Disk, folder: string): string[] {
  try {
    return namesIn(disk, folder)
  } catch {
    return []
  }
}

function epochs(disk: Disk, folder: string): number[] {
  return namesIn(disk, folder)
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .filter((epoch) => epoch < maxEpoch)
    .sort((a, b) => a - b)
}

/** Returns the last epoch in the names of the outbox logs, so that no epoch comes twice if the folder `leader` is lost. */
function lastLogEpoch(disk: Disk, dir: string): number {
  const numbers = namesIn(disk, join(dir, 'outbox')).map((name) =>
    Number(/^state\.(\d+)-/.exec(name)?.[1] ?? 0),
  )
  return Math.max(0, ...numbers.filter((epoch) => epoch < maxEpoch))
}

/** Reads the owner of an epoch. @returns `undefined` if the lease was released, or if the file is damaged or not a file */
function readOwner(disk: Disk, path: string): Owner | undefined {
  let text: string | undefined
  try {
    text = readIfThere(disk, path)?.toString()
  } catch (error) {
    if (codeOf(error) === 'EISDIR') return undefined
    throw error
  }
  try {
    const owner = JSON.parse(text ?? '') as Partial<Owner> | null
    const isOwner = [owner?.journalId, owner?.host, owner?.boot].every((part) => typeof part === 'string')
    return isOwner && owner?.journalId !== '' ? (owner as Owner) : undefined
  } catch {
    return undefined
  }
}
