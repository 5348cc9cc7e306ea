import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { codeOf, type Disk, makeFolder, namesIn, readIfThere, writeWhole } from './disk.ts'
import { type Owner, ownerState } from './owner-socket.ts'

/** The right to close the days of a folder and to send its lines, which one process has at a time. */
export interface Lead {
  /** Rises with every change of the leader. */
  readonly epoch: number
  /** Whether nobody took it over meanwhile. Asked before each step that cannot be taken back. */
  holds(): boolean
  /** Shows other hosts, which cannot see this process, that it is alive. */
  beat(): void
  /** Lets another process take it at once. */
  release(): void
}

const beatMs = 30_000
/** A leader on another host that is silent for so long has lost the lead; should it wake, it finds the higher epoch. */
const foreignSilenceMs = 600_000

/**
 * Takes the lead if nobody has it, or if who has it is dead. `onUnseen` is told the host of one that cannot be seen from here.
 *
 * Each epoch is a file that one process alone can make. It stays when its owner goes, so that no epoch comes twice; who
 * finds a higher one than its own has lost the lead.
 */
export async function takeLead(
  disk: Disk,
  dir: string,
  self: Owner,
  clock: Clock,
  onUnseen: (host: string) => void,
): Promise<Lead | undefined> {
  const folder = join(dir, 'leader')
  makeFolder(disk, folder)
  const last = epochs(disk, folder).at(-1)
  if (last !== undefined) {
    const path = join(folder, String(last))
    const owner = readOwner(disk, path)
    const state = owner === undefined ? 'dead' : await ownerState(disk, dir, owner, clock.now())
    if (state === 'alive') return undefined
    if (state === 'unseen') {
      onUnseen(owner?.host ?? '')
      if (silence(disk, path, clock) < foreignSilenceMs) return undefined
    }
  }
  const epoch = (last ?? 0) + 1
  const path = join(folder, String(epoch))
  if (!make(disk, path, self)) return undefined
  let beatAtMs = clock.elapsed()
  const lead: Lead = {
    epoch,
    beat() {
      if (clock.elapsed() - beatAtMs < beatMs) return
      beatAtMs = clock.elapsed()
      disk.utimesSync(path, new Date(clock.now()), new Date(clock.now()))
    },
    release() {
      if (!lead.holds()) return
      const file = disk.openSync(path, 'r+')
      disk.ftruncateSync(file, 0)
      disk.closeSync(file)
    },
    holds: () => epochs(disk, folder).at(-1) === epoch && readOwner(disk, path)?.journalId === self.journalId,
  }
  if (!lead.holds()) return undefined
  for (const old of epochs(disk, folder)) {
    if (old < epoch) disk.rmSync(join(folder, String(old)), { force: true })
  }
  return lead
}

/** Makes the file with its content as one step. @returns whether this process was the one */
function make(disk: Disk, path: string, self: Owner): boolean {
  const aside = `${path}.${self.journalId}`
  const file = disk.openSync(aside, 'w', 0o600)
  try {
    writeWhole(disk, file, Buffer.from(JSON.stringify(self)), 0)
    disk.linkSync(aside, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    disk.closeSync(file)
    disk.rmSync(aside, { force: true })
  }
}

function silence(disk: Disk, path: string, clock: Clock): number {
  const beatAtMs = disk.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY
  return clock.now() - beatAtMs
}

function epochs(disk: Disk, folder: string): number[] {
  return namesIn(disk, folder)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

function readOwner(disk: Disk, path: string): Owner | undefined {
  try {
    return JSON.parse(readIfThere(disk, path)?.toString() ?? '') as Owner
  } catch {
    return undefined
  }
}
