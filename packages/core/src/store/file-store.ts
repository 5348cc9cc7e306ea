import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Diagnostics } from '../diagnostics.ts'
import { quoted, UsageError } from '../errors.ts'
import { type FolderLock, lockFolder } from './folder-lock.ts'
import { stateStore } from './state-store.ts'
import type { Store, StoreContext } from './store.ts'
import { type Damage, openUsageFile, readUsageFile, type UsageFile } from './usage-file.ts'
import { createUsageState, type UsageState } from './usage-state.ts'

export interface FileStoreOptions {
  /** Folder for the counts and the outbox; made if it is missing. One process at a time. */
  dir: string
}

const syncEveryMs = 1_000
/** The file is rewritten when it has grown by this much, so that settled lines do not stay for ever. */
const rewriteAfterBytes = 64 * 1024 * 1024

interface OpenFolder {
  file: UsageFile
  lock: FolderLock
  state: UsageState
  diagnostics: Diagnostics
  rewriteAt: number
  stopSyncing: () => void
}

/**
 * Keeps counts and outbox in a file of JSON lines, one change each. What was counted is written at the end of the same
 * event-loop turn, so it survives the process (also `kill -9`), and synced each second for the case of a power cut.
 */
export function fileStore({ dir }: FileStoreOptions): Store {
  if (typeof dir !== 'string' || dir === '') {
    throw new UsageError(
      'PXU_ERR_OPTIONS_INVALID',
      `fileStore() got dir ${quoted(dir)}. Give the path of a folder.`,
    )
  }
  const folder = resolve(dir)
  const path = join(folder, 'usage.jsonl')
  let open: OpenFolder | undefined

  async function openFolder({ clock, diagnostics }: StoreContext): Promise<OpenFolder> {
    mkdirSync(folder, { recursive: true })
    const lock = await lockFolder(join(folder, 'lock'), clock)
    try {
      const state = createUsageState()
      const { bytes, damage } = readUsageFile(path, state, clock.now())
      if (damage !== undefined) {
        // What the lost part said of them is not known, so they may have been sent.
        state.apply({ type: 'attempted', ids: state.pendingIds(), atMs: clock.now() })
      }
      const file = openUsageFile(path, state)
      if (bytes > 0) diagnostics.publish('store:recovered', { path, bytes })
      if (damage !== undefined) tellDamage(damage, diagnostics)
      return {
        file,
        lock,
        state,
        diagnostics,
        rewriteAt: nextRewriteAt(file),
        stopSyncing: () => {},
      }
    } catch (error) {
      lock.release()
      throw error
    }
  }

  function tellDamage({ line, copy }: Damage, diagnostics: Diagnostics): void {
    diagnostics.publish('store:quarantined', { path, line, copy })
    diagnostics.error(
      new UsageError(
        'PXU_ERR_STORE_UNREADABLE',
        `Line ${line} of ${path} cannot be read. What stood before it is kept, the rest is lost; the whole file is in ${copy}. Lines that wait may have been sent before, so they are sent as possible duplicates. Check the disk.`,
      ),
    )
  }

  function syncLater(kept: OpenFolder, clock: StoreContext['clock']): void {
    kept.stopSyncing = clock.setTimer(() => {
      kept.lock.beat()
      kept.file.sync((error) => {
        if (open !== kept) return
        if (error !== null) degraded(kept, 'it could not be synced', error)
        syncLater(kept, clock)
      })
    }, syncEveryMs)
  }

  /**
   * The file is not there any more: everything is still in memory, so it is written anew. If another stands in its place,
   * this process was taken for dead, and the folder is no longer its own.
   */
  function restore(kept: OpenFolder): void {
    if (existsSync(path)) {
      throw new UsageError(
        'PXU_ERR_STORE_IN_USE',
        `${path} was taken over by another process. Give each process its own dir (PX_USAGE_DIR).`,
      )
    }
    mkdirSync(folder, { recursive: true })
    kept.lock.retake()
    kept.file.rewrite(kept.state)
    degraded(kept, 'it was removed and is written anew')
  }

  function degraded({ diagnostics }: OpenFolder, reason: string, error?: unknown): void {
    diagnostics.publish('store:degraded', { path, reason, error })
  }

  return stateStore({
    name: 'file',
    durable: true,
    flushAfterMs: 0,
    async open(context) {
      try {
        open = await openFolder(context)
      } catch (error) {
        throw unavailable(
          `The folder ${quoted(folder)} cannot be used. Give a dir (PX_USAGE_DIR) that this process may make and write to.`,
          error,
        )
      }
      syncLater(open, context.clock)
      return open.state
    },
    keep(change) {
      if (open === undefined) throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `${path} is not open.`)
      try {
        if (open.file.isGone()) restore(open)
        open.file.append(change)
      } catch (error) {
        throw unavailable(
          `Writing to ${path} failed; it is tried again. Check the free space and the rights.`,
          error,
        )
      }
    },
    applied() {
      if (open === undefined || open.file.size <= open.rewriteAt) return
      try {
        open.file.rewrite(open.state)
      } catch (error) {
        degraded(open, 'it could not be rewritten', error)
      }
      open.rewriteAt = nextRewriteAt(open.file)
    },
    async close() {
      if (open === undefined) return
      const closing = open
      open = undefined
      closing.stopSyncing()
      try {
        if (closing.file.isGone()) restore(closing)
        closing.file.close()
      } finally {
        closing.lock.release()
      }
    },
  })
}

function nextRewriteAt({ size }: UsageFile): number {
  return size * 2 + rewriteAfterBytes
}

function unavailable(message: string, cause: unknown): UsageError {
  return cause instanceof UsageError
    ? cause
    : new UsageError('PXU_ERR_STORE_UNAVAILABLE', `${message} (${(cause as Error).message})`, { cause })
}
