import type { Disk } from '../files/disk.ts'
import type { JournalFile } from '../journal/journal-files.ts'
import { isSealed, readJournalHeader } from '../journal/journal-reader.ts'
import { ownerState, silenceMs } from './liveness.ts'
import type { Silence } from './silence.ts'

/** Whether more counts may come into a journal. `unseen`: its process runs, or ran, on another host. */
export type JournalOwner =
  | { readonly state: 'alive' | 'done' }
  | { readonly state: 'unseen'; readonly host: string }

/** @param files the files of one journal in their order, at least one */
export async function journalOwner(
  { disk, dir, silence, now }: { disk: Disk; dir: string; silence: Silence; now(): number },
  files: readonly JournalFile[],
): Promise<JournalOwner> {
  const last = files.at(-1) as JournalFile
  if (await isSealed(disk, last)) return { state: 'done' }
  const header = await readJournalHeader(disk, last.path)
  const owner = { journalId: last.journalId, host: header?.host ?? '', boot: header?.boot ?? '' }
  const state = await ownerState({ disk, dir, silence }, owner)
  if (state === 'alive') return { state }
  // Without a header nothing was counted in it.
  if (state === 'dead' || header === undefined) return { state: 'done' }
  const { mtimeMs } = disk.statSync(last.path)
  // A file that is dated in the future counts from when it was first seen.
  const quietMs = Math.max(now() - mtimeMs, silence.of(disk, last.path))
  return quietMs > silenceMs ? { state: 'done' } : { state: 'unseen', host: owner.host }
}
