import { join, relative, sep } from 'node:path'
import { type Diagnostics, ReportedSubjects } from '../diagnostics.ts'
import { codeOf, type Disk, makeFolder, readAt, writeLater } from './disk.ts'
import { closeQuietly, openToRead } from './held-file.ts'
import { setAside } from './set-aside.ts'

export interface DamagedFilesSettings {
  disk: Disk
  /** The folder of the store. */
  dir: string
  now(): number
  /** Called once for each file. @param copy path of the moved file or of the copied bytes; `undefined` if the file is missing */
  onDamage(path: string, what: string, copy: string | undefined): void
}

/** Reports what cannot be read in a folder of px-usage. */
export interface DamageReports {
  /** Reports a file or folder, with a message of its own. */
  unreadable(path: string, message: string): void
  /** Reports a part of a file or folder. @param what what is wrong with it */
  onDamage(path: string, what: string): void
  /** Reports what `DamagedFiles` found. */
  onDamagedFile: DamagedFilesSettings['onDamage']
}

export function createDamageReports(diagnostics: Diagnostics): DamageReports {
  function unreadable(path: string, message: string): void {
    diagnostics.report({ code: 'PXU_ERR_STORE_UNREADABLE', message }, { kind: path })
  }
  return {
    unreadable,
    onDamage(path, what) {
      diagnostics.publish('store:quarantined', { path, what })
      unreadable(
        path,
        `A part of ${path} cannot be read: ${what}. px-usage uses everything else. Check the disk.`,
      )
    },
    onDamagedFile(path, what, copy) {
      diagnostics.publish('store:quarantined', { path, what: copy })
      const state =
        copy === undefined
          ? 'is missing'
          : `is damaged or cannot be read; the unusable part is now in ${copy}`
      unreadable(path, `${path} ${state}. Lost: ${what}. px-usage uses everything else. Check the disk.`)
    },
  }
}

/** Codes that say nothing about the file: the process or the disk is short of something, or the file is gone. */
const passingCodes = new Set([
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC', 'EDQUOT', 'EROFS', 'EAGAIN', 'EBUSY', 'EINTR'],
  ...['ESTALE', 'ETIMEDOUT', 'ENOENT', 'ENOTDIR', 'ERR_ACCESS_DENIED'],
])
/** A disk that fails once may work the next time, so px-usage sets a file aside only after this many failures over this time. */
const fewestFailures = 3
const shortestFailureMs = 60_000

/**
 * Handles files that cannot be used as they are. Each one is moved or copied to the folder `damaged`, where an operator can
 * inspect it, and reported once. It costs only what it contained: nothing else waits for it.
 */
export class DamagedFiles {
  readonly #settings: DamagedFilesSettings
  readonly #disk: Disk
  readonly #failures = new Map<string, { sinceMs: number; times: number }>()
  readonly #reported = new ReportedSubjects()

  constructor(settings: DamagedFilesSettings) {
    this.#settings = settings
    this.#disk = settings.disk
  }

  /** Returns whether a read failure is permanent: the path holds no file, the content is invalid, or reading failed repeatedly. */
  isLasting(path: string, error: unknown): boolean {
    const code = codeOf(error)
    if (code === undefined) return true
    if (passingCodes.has(code)) return false
    const nowMs = this.#settings.now()
    const { sinceMs, times } = this.#failures.get(path) ?? { sinceMs: nowMs, times: 0 }
    this.#failures.set(path, { sinceMs: Math.min(sinceMs, nowMs), times: times + 1 })
    return times + 1 >= fewestFailures && nowMs - sinceMs >= shortestFailureMs
  }

  /** Moves whatever is at a path to `damaged`. @param what what it contained @throws if it cannot be moved */
  setAside(path: string, what: string): void {
    const { dir, now } = this.#settings
    const copy = setAside(this.#disk, dir, path, now())
    if (copy === undefined) throw new Error(`${path} could not be moved to ${join(dir, 'damaged')}`)
    this.#failures.delete(path)
    this.#report(path, what, copy)
  }

  /** Copies the bytes of a file from an offset on to `damaged`, once for each file. */
  async copyFrom(path: string, at: number, what: string): Promise<void> {
    if (this.#reported.has(path)) return
    const copy = this.#placeFor(path)
    const from = openToRead(this.#disk, path)
    let to: number | undefined
    try {
      to = this.#disk.openSync(copy, 'w', 0o600)
      for (let done = 0; ; ) {
        const bytes = await readAt(this.#disk, from, at + done, 256 * 1024)
        if (bytes.length === 0) break
        await writeLater(this.#disk, to, bytes, done)
        done += bytes.length
      }
    } finally {
      closeQuietly(this.#disk, from)
      if (to !== undefined) closeQuietly(this.#disk, to)
    }
    this.#report(path, what, copy)
  }

  reportMissing(path: string, what: string): void {
    this.#report(path, what, undefined)
  }

  #placeFor(path: string): string {
    const { dir } = this.#settings
    makeFolder(this.#disk, join(dir, 'damaged'))
    // `journals/2026-11-23/x.log` becomes `2026-11-23.x.log.bad`.
    const [, ...names] = relative(dir, path).split(sep)
    const base = join(dir, 'damaged', names.join('.'))
    for (let number = 1; ; number++) {
      const place = number === 1 ? `${base}.bad` : `${base}.${number}.bad`
      if (this.#isFree(place)) return place
    }
  }

  #isFree(path: string): boolean {
    try {
      this.#disk.lstatSync(path)
      return false
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return true
      throw error
    }
  }

  #report(path: string, what: string, copy: string | undefined): void {
    if (this.#reported.add(path)) this.#settings.onDamage(path, what, copy)
  }
}
