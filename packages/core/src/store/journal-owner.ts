import type { Disk } from './disk.ts'
import type { JournalFile } from './journal-files.ts'
import { isSealed, readJournalHeader } from './journal-reader.ts'
import { ownerState, silenceMs } from './owner-socket.ts'

/** Whether more counts may come into a journal. `unseen`: its process runs, or ran, on another host. */
export type JournalOwner =
  | { readonly state: 'alive' | 'done' }
  | { readonly state: 'unseen'; readonly host: string }

/** @param files the files of one journal in their order, at least one */
export async function journalOwner(
  disk: Disk,
  dir: string,
  files: readonly JournalFile[],
  nowMs: number,
): Promise<JournalOwner> {
  const last = files.at(-1) as JournalFile
  if (await isSealed(disk, last)) return { state: 'done' }
  const header = await readJournalHeader(disk, last.path)
  const owner = { journalId: last.journalId, host: header?.host ?? '', boot: header?.boot ?? '' }
  const state = await ownerState(disk, dir, owner, nowMs)
  if (state === 'alive') return { state }
  // Without a header nothing was counted in it.
  if (state === 'dead' || header === undefined) return { state: 'done' }
  const { mtimeMs } = disk.statSync(last.path)
  return nowMs - mtimeMs > silenceMs ? { state: 'done' } : { state: 'unseen', host: owner.host }
}
