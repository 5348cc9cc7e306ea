import { join } from 'node:path'
import { codeOf, readIfThere, replaceFile, writeWhole } from './disk.ts'
import { makeSubfolder, type StoreFolder, setAside } from './set-aside.ts'

/** A read can fail for a moment, so px-usage takes a file for damaged only after this many failures. */
const readsUntilDamage = 2
/** Codes that one damaged or replaced file can cause. */
const damageCodes = ['EISDIR', 'EACCES', 'EPERM', 'EIO', 'ELOOP', 'ENXIO']

/** Stores the notes of a store as one file each. An unreadable file costs only the fact that it contained. */
export class NoteFiles {
  readonly #settings: StoreFolder
  readonly #failedReads = new Map<string, number>()

  constructor(settings: StoreFolder) {
    this.#settings = settings
  }

  /** Returns the content of a note; `undefined` if there is none or it was set aside. @throws if the disk fails */
  read(name: string): string | undefined {
    const path = this.#path(name)
    try {
      const text = readIfThere(this.#settings.disk, path)?.toString()
      this.#failedReads.delete(name)
      return text
    } catch (error) {
      if (codeOf(error) === 'ENOTDIR') {
        makeSubfolder(this.#settings, 'notes')
        return undefined
      }
      const failures = (this.#failedReads.get(name) ?? 0) + 1
      this.#failedReads.set(name, failures)
      if (!damageCodes.includes(codeOf(error) ?? '') || failures < readsUntilDamage) throw error
      this.#setAside(path, (error as Error).message)
      return undefined
    }
  }

  /** Replaces the content of a note in one step. */
  async write(name: string, value: string): Promise<void> {
    const { disk } = this.#settings
    makeSubfolder(this.#settings, 'notes')
    const path = this.#path(name)
    try {
      await replaceFile(disk, path, Buffer.from(value))
    } catch (error) {
      if (!['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) throw error
      this.#setAside(path, (error as Error).message)
      await replaceFile(disk, path, Buffer.from(value))
    }
  }

  /**
   * Reserves a task for its owner. Two processes that find the reservation of a dead one at the same moment may both get it.
   *
   * @returns whether no other owner has reserved it, or its time is over
   */
  async reserve(task: string, owner: string, forMs: number): Promise<boolean> {
    const { disk, now } = this.#settings
    const name = `reserved ${task}`
    const nowMs = now()
    makeSubfolder(this.#settings, 'notes')
    try {
      const file = disk.openSync(this.#path(name), 'wx', 0o600)
      try {
        writeWhole(disk, file, Buffer.from(`${owner} ${nowMs + forMs}`), 0)
      } finally {
        disk.closeSync(file)
      }
      return true
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    const [by, untilMs] = (this.read(name) ?? '').split(' ')
    const leftMs = Number(untilMs) - nowMs
    // A reservation that lasts longer than any comes from a clock that was ahead.
    if (by !== owner && leftMs > 0 && leftMs <= forMs) return false
    await this.write(name, `${owner} ${nowMs + forMs}`)
    return true
  }

  /** Sets a note aside because its content is damaged. */
  discard(name: string): void {
    this.#setAside(this.#path(name), 'its content is damaged')
  }

  #setAside(path: string, what: string): void {
    const { disk, dir, now, onDamage } = this.#settings
    const moved = setAside(disk, dir, path, now())
    onDamage(path, `${what}. It was moved to ${moved ?? 'nowhere, as that failed as well'}`)
  }

  #path(name: string): string {
    return join(this.#settings.dir, 'notes', encodeURIComponent(name))
  }
}
