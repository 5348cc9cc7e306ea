import { join } from 'node:path'
import { codeOf, type Disk, readIfThere, replaceFile } from './disk.ts'
import { makeSubfolder, setAside } from './set-aside.ts'

interface NoteFilesSettings {
  disk: Disk
  dir: string
  now(): number
  onDamage(path: string, what: string): void
}

/** Reading a file fails for a moment, too: only what fails again is taken for damage. */
const readsUntilDamage = 2
/** Errors that a single file can cause by what it is. */
const damageCodes = ['EISDIR', 'EACCES', 'EPERM', 'EIO', 'ELOOP', 'ENXIO']

/** The files of the small facts in the folder of a store. One that cannot be read costs only what it held. */
export class NoteFiles {
  readonly #settings: NoteFilesSettings
  readonly #failedReads = new Map<string, number>()

  constructor(settings: NoteFilesSettings) {
    this.#settings = settings
  }

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
      this.#putAside(path, (error as Error).message)
      return undefined
    }
  }

  async write(name: string, value: string): Promise<void> {
    const { disk } = this.#settings
    makeSubfolder(this.#settings, 'notes')
    const path = this.#path(name)
    try {
      await replaceFile(disk, path, Buffer.from(value))
    } catch (error) {
      if (!['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) throw error
      this.#putAside(path, (error as Error).message)
      await replaceFile(disk, path, Buffer.from(value))
    }
  }

  /** Its content is not what was written. */
  discard(name: string): void {
    this.#putAside(this.#path(name), 'its content is damaged')
  }

  #putAside(path: string, what: string): void {
    const { disk, dir, now, onDamage } = this.#settings
    const moved = setAside(disk, dir, path, now())
    onDamage(path, `${what}. It was moved to ${moved ?? 'nowhere, as that failed as well'}`)
  }

  #path(name: string): string {
    return join(this.#settings.dir, 'notes', encodeURIComponent(name))
  }
}
