import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { type FolderLifetime, lifetimeOf, mountOf } from '@px-usage/core/adapter'

/** What is known of the folder of a file store. */
export interface FolderFacts {
  readonly dir: string
  /** `undefined`: there is no such folder. */
  readonly owner: { readonly uid: number; readonly mode: number } | undefined
  /** The user of this process; `undefined` on Windows. */
  readonly uid: number | undefined
  /** The code of the error with which a file could not be written, synced and removed; `undefined` if it could. */
  readonly writeError: string | undefined
  /** How the file system is mounted; empty where the system does not list mounts. */
  readonly fileSystem: string
  readonly lifetime: FolderLifetime
  readonly freeBytes: number | undefined
}

/** Reads the facts of a folder. It writes one small file there and removes it, which no process of px-usage looks at. */
export function readFolderFacts(
  dir: string,
  { env }: { env: Readonly<Record<string, string | undefined>> },
): FolderFacts {
  const found = fs.statSync(dir, { throwIfNoEntry: false })
  const owner = found?.isDirectory() === true ? { uid: found.uid, mode: found.mode } : undefined
  const place = nearestFolder(dir)
  return {
    dir,
    owner,
    uid: process.geteuid?.(),
    writeError: found !== undefined && owner === undefined ? 'ENOTDIR' : writeErrorOf(place),
    fileSystem: mountOf(fs, place).type,
    lifetime: lifetimeOf(fs, place, env.KUBERNETES_SERVICE_HOST !== undefined),
    freeBytes: freeBytesOf(place),
  }
}

/** The folder itself, or the nearest one above it in which it would be created. */
function nearestFolder(dir: string): string {
  let place = dir
  while (fs.statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true && dirname(place) !== place) {
    place = dirname(place)
  }
  return place
}

function writeErrorOf(place: string): string | undefined {
  const path = join(place, `.px-usage-doctor.${randomBytes(6).toString('hex')}.tmp`)
  let file: number | undefined
  try {
    file = fs.openSync(path, 'wx', 0o600)
    fs.writeSync(file, 'px-usage doctor\n')
    fs.fsyncSync(file)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  } finally {
    if (file !== undefined) fs.closeSync(file)
    if (file !== undefined) fs.rmSync(path, { force: true })
  }
}

function freeBytesOf(place: string): number | undefined {
  try {
    const { bavail, bsize } = fs.statfsSync(place)
    return bavail * bsize
  } catch {
    return undefined
  }
}
