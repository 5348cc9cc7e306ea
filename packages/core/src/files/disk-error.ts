import { storeError, type UsageError } from '../errors.ts'
import { codeOf } from './disk.ts'

const noPermission =
  'Give the user of this process permission to read and write there, or give another dir (PX_USAGE_DIR).'
const notAPlace = 'Give a dir (PX_USAGE_DIR) where this process can create a folder.'
const tooManyOpen = 'Too many files are open: raise the limit (ulimit -n), or close files that the app leaks.'

/** What the user can do about each error of a disk. */
const cures: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space on that disk.',
  EDQUOT: 'Raise the disk quota of the user of this process, or free some space.',
  EACCES: noPermission,
  EPERM: noPermission,
  EROFS: 'The file system is read-only: mount it writable, or give another dir (PX_USAGE_DIR).',
  ERR_ACCESS_DENIED:
    "Node's permission model denies it: start Node with --allow-fs-read and --allow-fs-write for that folder.",
  EMFILE: tooManyOpen,
  ENFILE: tooManyOpen,
  ENOENT: notAPlace,
  ENOTDIR: notAPlace,
  EEXIST: notAPlace,
  ELOOP: notAPlace,
  EINVAL: notAPlace,
  ENAMETOOLONG: notAPlace,
  ERR_INVALID_ARG_VALUE: notAPlace,
  EIO: 'Check that disk: it reports a hardware error.',
  ESTALE: 'Check the network file system: it lost the folder.',
}

/** Returns a sentence that says what the user can do about an error of a disk. */
function cureOf(error: unknown): string {
  return cures[codeOf(error) ?? ''] ?? 'Check that disk and its mount.'
}

/** Creates the error for a disk that failed, with the reason and a remedy; any other error is returned unchanged. */
export function diskError(message: string, cause: unknown): UsageError {
  if (codeOf(cause) === undefined) return cause as UsageError
  const text = `${message} The reason: ${(cause as Error).message.replace(/[.]$/, '')}. ${cureOf(cause)}`
  return storeError(text, cause)
}
