import { type Check, failure, ok, unknown, warning } from '../check.ts'
import type { FolderFacts } from './folder-facts.ts'

const folderName = 'folder'
const fileSystemName = 'file system'

/** File systems that several hosts mount. */
const networkTypes =
  /^(nfs\d?|cifs|smb\d?|smbfs|9p|ceph|glusterfs|lustre|afs|beegfs|gpfs|ocfs2|gfs2|fuse\.(sshfs|s3fs|rclone|glusterfs|ceph|gcsfuse|blobfuse2?|mount-s3))$/
const memoryTypes = /^(tmpfs|ramfs)$/
/** Less free space than this is reported: 256 MB. */
const leastFreeBytes = 256 * 1024 * 1024

/** Judges the folder of a file store: whether it can be written, lasts, and is on a local disk. */
export function checkFolder(facts: FolderFacts): Check[] {
  return [...checkAccess(facts), checkFileSystem(facts)]
}

function checkAccess({ dir, owner, uid, writeError, freeBytes }: FolderFacts): Check[] {
  if (writeError !== undefined) {
    const [found, cure] = writeErrors[writeError] ?? [
      'cannot be written',
      'Check the disk and the permissions.',
    ]
    return [failure(folderName, `${dir} ${found} (${writeError}).`, cure)]
  }
  if (owner === undefined) {
    const cure = 'Start the service, or give the folder that it uses with --dir (PX_USAGE_DIR).'
    return [warning(folderName, `${dir} does not exist, so nothing was counted there.`, cure)]
  }
  const checks: Check[] = []
  if (uid !== undefined && owner.uid !== uid && owner.uid !== 0) {
    const cure =
      'Run doctor as the user of the service, or give a folder of its own with --dir (PX_USAGE_DIR).'
    checks.push(
      warning(folderName, `${dir} belongs to user ${owner.uid}, and this process is user ${uid}.`, cure),
    )
  }
  if (uid !== undefined && (owner.mode & 0o1002) === 0o002) {
    const cure = `Run: chmod o-w ${dir}`
    checks.push(warning(folderName, `Every user of the machine can write to ${dir}.`, cure))
  }
  if (freeBytes !== undefined && freeBytes < leastFreeBytes) {
    const found = `${Math.floor(freeBytes / 1024 / 1024)} MB are free on the disk of ${dir}.`
    checks.push(warning(folderName, found, 'Free space, or move the folder to a larger disk.'))
  }
  return checks.length > 0
    ? checks
    : [ok(folderName, `${dir} can be written, and the disk keeps what was written.`)]
}

/** What an error means, and its cure. */
const writeErrors: Readonly<Record<string, readonly [found: string, cure: string]>> = {
  EACCES: [
    'cannot be written by this user',
    'Give the user of the service write permission, or another --dir (PX_USAGE_DIR).',
  ],
  EPERM: [
    'cannot be written by this user',
    'Give the user of the service write permission, or another --dir (PX_USAGE_DIR).',
  ],
  EROFS: [
    'is on a read-only file system',
    'Mount a volume that can be written, and give its path as dir (PX_USAGE_DIR).',
  ],
  ENOSPC: ['is on a full disk', 'Free space on the disk.'],
  EDQUOT: ['is over the quota of its user', 'Raise the quota, or free space.'],
  ENOTDIR: ['is a file', 'Give a folder with --dir (PX_USAGE_DIR).'],
  EIO: ['is on a disk that fails', 'Replace the disk.'],
}

function checkFileSystem({ dir, fileSystem, lifetime }: FolderFacts): Check {
  const volume = 'Mount a volume, and give its path as dir (PX_USAGE_DIR).'
  if (networkTypes.test(fileSystem)) {
    return failure(
      fileSystemName,
      `${dir} is on a network file system (${fileSystem}), on which a process cannot see whether another one lives.`,
      'Give each host a folder on its own disk, or use redisStore() of @px-usage/redis.',
    )
  }
  if (lifetime === 'pod') {
    return failure(fileSystemName, `${dir} is on an emptyDir volume, which goes with the pod.`, volume)
  }
  if (lifetime === 'container') {
    return failure(
      fileSystemName,
      `${dir} lies in the container's own layer (${fileSystem}), which goes with the container.`,
      volume,
    )
  }
  if (memoryTypes.test(fileSystem)) {
    return failure(
      fileSystemName,
      `${dir} is in memory (${fileSystem}), which a restart of the machine empties.`,
      'Give a folder on a disk as dir (PX_USAGE_DIR).',
    )
  }
  if (fileSystem === '') return unknown(fileSystemName, 'this system does not list its mounts')
  return ok(fileSystemName, `${fileSystem}, on this host.`)
}
