import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeClock, fakeClock } from '@px-usage/core/testing'
import type { Diagnostics } from '../../packages/core/src/diagnostics.ts'
import { type UsageError, type UsageErrorCode, usageError } from '../../packages/core/src/errors.ts'
import { type Disk, realDisk } from '../../packages/core/src/files/disk.ts'
import type { Store } from '../../packages/core/src/model/store.ts'
import { type FileStoreOptions, fileStoreOn } from '../../packages/core/src/stores/file-store.ts'

/** A folder for file stores that lasts one test, and the errors that they reported. */
export interface StoreFolder {
  readonly dir: string
  readonly clock: FakeClock
  readonly told: string[]
  readonly errors: UsageError[]
  readonly warnings: UsageErrorCode[]
  /** The messages of the warnings. */
  readonly warned: string[]
  make(options?: Partial<FileStoreOptions>, disk?: Disk): Store
  openStore(store: Store): Promise<Store>
  open(options?: Partial<FileStoreOptions>, disk?: Disk): Promise<Store>
  /** Every file, by its path in the folder. */
  files(): string[]
  /** A copy of the folder as a process that is killed now leaves it. */
  afterKill(): string
}

type Hook = (task: () => void | Promise<void>) => void

export function diskOf(beforeEach: Hook, afterEach: Hook): StoreFolder {
  const opened: Store[] = []
  const copies: string[] = []
  const folder = { dir: '', told: [], errors: [], warnings: [] } as unknown as {
    -readonly [K in keyof StoreFolder]: StoreFolder[K]
  }
  const diagnostics: Diagnostics = {
    publish: (happening) => void folder.told.push(happening),
    warn(code, message) {
      folder.warnings.push(code)
      folder.warned.push(message)
    },
    report: (failure) => void folder.errors.push(usageError(failure)),
  }

  beforeEach(() => {
    folder.dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-'))
    folder.clock = fakeClock('2026-11-23T10:00:00Z')
    folder.told = []
    folder.errors = []
    folder.warnings = []
    folder.warned = []
  })
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close().catch(() => {})
    for (const dir of [folder.dir, ...copies.splice(0)]) fs.rmSync(dir, { recursive: true, force: true })
  })

  return Object.assign(folder, {
    make: (options: Partial<FileStoreOptions> = {}, disk: Disk = realDisk) =>
      fileStoreOn(disk, { dir: folder.dir, ...options }),
    async openStore(store: Store) {
      opened.push(store)
      await store.open({ clock: folder.clock, diagnostics, timeZone: 'UTC' })
      return store
    },
    open: (options?: Partial<FileStoreOptions>, disk?: Disk) => folder.openStore(folder.make(options, disk)),
    files: () =>
      fs
        .readdirSync(folder.dir, { recursive: true, encoding: 'utf8' })
        .filter((name) => !fs.statSync(join(folder.dir, name)).isDirectory())
        .sort(),
    afterKill() {
      const copy = fs.mkdtempSync(join(tmpdir(), 'px-usage-'))
      copies.push(copy)
      fs.cpSync(folder.dir, copy, { recursive: true, filter: (path) => !fs.statSync(path).isSocket() })
      return copy
    },
  })
}
