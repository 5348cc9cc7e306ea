import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type Disk, realDisk } from '../../packages/core/src/files/disk.ts'

export interface LosingDisk {
  readonly disk: Disk
  /** Resolves when no sync is under way. */
  idle(): Promise<void>
  /**
   * A copy of the folder as a machine finds it after its power came back: files have what was in them at their last sync, and
   * folders the files that they had at theirs, also those that were removed since. What was written since is gone, or zeros
   * where the file had grown already.
   */
  cut(how: { zeros: boolean }): string
  /** Removes all copies. */
  release(): void
}

/** The disk of this machine, of which it is known what was synced. */
export function diskThatLosesPower(root: string): LosingDisk {
  /** By inode, as a file may be renamed. Each is held open, or its number could be given to another file. */
  const synced = new Map<number, { held: number; content: Buffer }>()
  /** By folder: inodes by name. */
  const names = new Map<string, Map<string, number>>()
  const copies = fs.mkdtempSync(join(tmpdir(), 'px-usage-cuts-'))
  let syncing = 0

  function note(file: number): void {
    const path = fs.readlinkSync(`/proc/self/fd/${file}`)
    const stat = fs.fstatSync(file)
    if (stat.isDirectory()) {
      const files = fs.readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isFile())
      names.set(path, new Map(files.map(({ name }) => [name, fs.statSync(join(path, name)).ino])))
    } else if (stat.nlink > 0) {
      const held = synced.get(stat.ino)?.held ?? fs.openSync(path, 'r')
      synced.set(stat.ino, { held, content: fs.readFileSync(path) })
    }
  }

  function syncWith(sync: typeof fs.fsync): typeof fs.fsync {
    const noting = (file: number, done: (error: NodeJS.ErrnoException | null) => void) => {
      // What is written while it syncs may be lost.
      note(file)
      syncing += 1
      sync(file, (error) => {
        syncing -= 1
        done(error)
      })
    }
    return noting as typeof fs.fsync
  }

  return {
    disk: { ...realDisk, fsync: syncWith(fs.fsync), fdatasync: syncWith(fs.fdatasync) },
    async idle() {
      do await new Promise((resolve) => setImmediate(resolve))
      while (syncing > 0)
    },
    cut({ zeros }) {
      const to = fs.mkdtempSync(join(copies, 'cut-'))
      for (const [folder, files] of names) {
        fs.mkdirSync(join(to, relative(root, folder)), { recursive: true })
        for (const [name, ino] of files) {
          const { held, content } = synced.get(ino) ?? { held: undefined, content: Buffer.alloc(0) }
          const grown = zeros && held !== undefined ? fs.fstatSync(held).size - content.length : 0
          const bytes = Buffer.concat([content, Buffer.alloc(Math.max(0, grown))])
          fs.writeFileSync(join(to, relative(root, folder), name), bytes)
        }
      }
      return to
    },
    release() {
      for (const { held } of synced.values()) fs.closeSync(held)
      fs.rmSync(copies, { recursive: true })
    },
  }
}
