import { createNote, type Notes, readNote } from '../files/note.ts'
import type { WaitingLine } from '../model/outbox-line.ts'
import type { Store } from '../model/store.ts'
import { backfillOf } from '../px/px-event.ts'

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string')
}

const noteName = 'withdrawn backfills'

function withdrawnNames(store: Notes) {
  return createNote(store, noteName, isNames)
}

/**
 * Withdraws a backfill: its lines that were not sent are removed instead of sent, by whichever process sends. Lines that were
 * sent, or may have been, stay.
 */
export async function withdrawBackfill(store: Notes, name: string): Promise<void> {
  const note = withdrawnNames(store)
  const names = new Set(await note.read())
  await note.write([...names.add(name)])
}

/** Returns the names of the withdrawn backfills of a store that is only read. */
export async function readWithdrawn(reader: Pick<Notes, 'readNote'>): Promise<ReadonlySet<string>> {
  return new Set(await readNote(reader, noteName, isNames))
}

/**
 * Removes the lines of withdrawn backfills among claimed ones from the store. The note is read only if a line comes from a backfill.
 *
 * @returns the other lines
 */
export async function withoutWithdrawn<L extends WaitingLine>(
  store: Notes & Pick<Store, 'settle'>,
  lines: L[],
  onRemoved: (id: string) => void,
): Promise<L[]> {
  const isBackfilled = ({ state, body }: L) => state === 'pending' && backfillOf(body) !== undefined
  if (!lines.some(isBackfilled)) return lines
  const names = (await withdrawnNames(store).read()) ?? []
  const withdrawn = new Set(
    lines.filter((line) => isBackfilled(line) && names.includes(backfillOf(line.body) as string)),
  )
  if (withdrawn.size === 0) return lines
  await store.settle([...withdrawn].map(({ id }) => ({ id, state: 'withdrawn' })))
  for (const { id } of withdrawn) onRemoved(id)
  return lines.filter((line) => !withdrawn.has(line))
}
