import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { codeOf, type Disk, namesIn, readIfThere, writeWhole } from '../files/disk.ts'
import { makeSubfolder } from '../files/set-aside.ts'
import { type Owner, ownerState } from './liveness.ts'
import { type Silence, silentAfterMs } from './silence.ts'

/** The right to close the days of a folder and to send its lines, which one process has at a time. */
export interface Lead {
  /** Rises with every change of the leader. */
  readonly epoch: number
  /** Whether no other process took it over meanwhile. Checked before each step that cannot be undone. @throws when the disk fails */
  holds(): boolean
  /** Shows other hosts, which cannot see this process, that it is alive. */
  beat(): void
  /** Whether another process asks for the lead, in case this one cannot send. @throws when the disk fails */
  isWanted(): boolean
  /** Lets another process take it at once. @throws when the disk fails: then the lead is still held */
  release(): void
}

export interface LeadSettings {
  disk: Disk
  dir: string
  clock: Clock
  silence: Silence
  onDamage(path: string, what: string): void
  /** The leader cannot be seen from here: it runs, or ran, on another host. */
  onUnseenLeader(host: string): void
}

export interface Claimant {
  readonly self: Owner
  /** The epoch in which this process led last. */
  readonly lastEpoch: number | undefined
  /** Whether this process can send, as far as it knows: then it asks for the lead, which a leader that cannot send gives up. */
  readonly canSend: boolean
}

const beatMs = 30_000
/** Beyond it a number in the name of a file is no epoch: the next ones must stay exact. */
const maxEpoch = 9e14
/** Codes of file systems without hard links: vfat, SMB, some FUSE file systems. EISDIR is how Windows refuses one on FAT. */
const linkless = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR']
/** A living leader touches its file more often: one that cannot be read and does not change has no leader. */
const unreadableAfterMs = 180_000
const wantedEnd = '.wanted'

/**
 * Takes the lead if no process has it, or if the process that has it is dead.
 *
 * Each epoch is a file that one process alone can make. It stays when its owner goes, so that no epoch comes twice. A process
 * that finds a higher epoch than its own has lost the lead. A process that finds itself in the file of the highest epoch leads,
 * whatever it remembers: otherwise one failed call leaves a leader on the disk that does not lead.
 */
export async function takeLead(settings: LeadSettings, claimant: Claimant): Promise<Lead | undefined> {
  const { disk, dir, clock } = settings
  const { self } = claimant
  const folder = join(dir, 'leader')
  makeSubfolder({ disk, dir, now: clock.now, onDamage: settings.onDamage }, 'leader')
  const last = epochs(disk, folder).at(-1)
  if (last !== undefined) {
    const standing = await standingOf(settings, claimant, last)
    if (standing === 'me') return leadOf(settings, self, last)
    if (standing === 'taken') {
      if (claimant.canSend) askFor(disk, join(folder, String(last) + wantedEnd))
      return undefined
    }
  }
  const epoch = Math.max(last ?? 0, lastLogEpoch(disk, dir)) + 1
  if (!make(disk, join(folder, String(epoch)), self)) return undefined
  const lead = leadOf(settings, self, epoch)
  if (!lead.holds()) return undefined
  removeOlder(disk, folder, epoch)
  return lead
}

function leadOf({ disk, dir, clock }: LeadSettings, self: Owner, epoch: number): Lead {
  const folder = join(dir, 'leader')
  const path = join(folder, String(epoch))
  let beatAtMs = clock.elapsed()
  const lead: Lead = {
    epoch,
    beat() {
      if (clock.elapsed() - beatAtMs < beatMs) return
      try {
        disk.utimesSync(path, new Date(clock.now()), new Date(clock.now()))
        beatAtMs = clock.elapsed()
      } catch {
        // Tried again at the next call. Until then the process leads as before.
      }
    },
    isWanted: () => disk.lstatSync(path + wantedEnd, { throwIfNoEntry: false }) !== undefined,
    release() {
      if (!lead.holds()) return
      const file = disk.openSync(path, 'r+')
      try {
        disk.ftruncateSync(file, 0)
      } finally {
        disk.closeSync(file)
      }
    },
    holds: () => epochs(disk, folder).at(-1) === epoch && readOwner(disk, path)?.journalId === self.journalId,
  }
  return lead
}

/** Whether the lead of this epoch is this process's, another one's, or to be had. */
async function standingOf(
  { disk, dir, silence, onUnseenLeader }: LeadSettings,
  { self, lastEpoch }: Claimant,
  epoch: number,
): Promise<'me' | 'taken' | 'free'> {
  const path = join(dir, 'leader', String(epoch))
  let owner: Owner | undefined
  try {
    owner = readOwner(disk, path)
  } catch (error) {
    // An owner that cannot be read is not a missing one: it may live. It shows so by touching the file.
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

/** The leader looks for the file when it cannot send. */
function askFor(disk: Disk, path: string): void {
  try {
    if (disk.lstatSync(path, { throwIfNoEntry: false }) !== undefined) return
    disk.closeSync(disk.openSync(path, 'wx', 0o600))
  } catch {
    // Tried again a second later.
  }
}

/** Makes the file with its content as one step. @returns whether this process was the one */
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
    // A crash in between leaves a file that names no owner: the next process takes the next epoch.
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

/** Removes what earlier leaders left, also temporary files of processes that died while they took the lead. */
function removeOlder(disk: Disk, folder: string, epoch: number): void {
  for (const name of namesOf(disk, folder)) {
    const number = Number(/^\d+/.exec(name)?.[0] ?? Number.NaN)
    if (number < epoch) removeQuietly(disk, join(folder, name))
  }
}

/** What cannot be removed does no harm: the next leader tries it again. */
function removeQuietly(disk: Disk, path: string): void {
  try {
    disk.rmSync(path, { force: true })
  } catch {
    // See above.
  }
}

/** For the removal only, which may wait. */
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

/** Without the folder `leader` the logs of the outbox still say how many epochs there were: no epoch may come twice. */
function lastLogEpoch(disk: Disk, dir: string): number {
  const numbers = namesIn(disk, join(dir, 'outbox')).map((name) =>
    Number(/^state\.(\d+)-/.exec(name)?.[1] ?? 0),
  )
  return Math.max(0, ...numbers.filter((epoch) => epoch < maxEpoch))
}

/** @returns `undefined` for a file that names no owner: released, damaged, or not a file at all */
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
