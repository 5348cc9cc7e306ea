import { basename, join } from 'node:path'
import type { Diagnostics } from '../diagnostics.ts'
import { type Disk, makeFolder, writeWhole } from '../files/disk.ts'
import { lifetimeOf } from './folder-lifetime.ts'

/** No app gives this name to a folder of its own, so a folder with it is ours, whatever created it. */
const defaultName = '.px-usage'

/** Where manifests for Kubernetes are. */
const manifestsUrl = 'https://github.com/px-usage/px-usage/blob/main/docs/kubernetes.md'

/** Creates the folder of a file store if it is missing. Warns if the folder will not last or if other users can change it. */
export function prepareRoot(disk: Disk, root: string, diagnostics: Diagnostics): void {
  createRoot(disk, root, diagnostics)
  warnOfEnd(disk, root, diagnostics)
}

function createRoot(disk: Disk, root: string, diagnostics: Diagnostics): void {
  const isNew = disk.statSync(root, { throwIfNoEntry: false }) === undefined
  makeFolder(disk, root)
  if (isNew || basename(root) === defaultName) ignoreInGit(disk, root)
  warnOfOthers(disk, root, diagnostics)
}

/**
 * Creates the folder of a store that keeps counts there only until another store has them, as `prepareRoot()` does. An `emptyDir` is
 * enough for it, because that survives the process.
 */
export function prepareShippingRoot(disk: Disk, root: string, diagnostics: Diagnostics): void {
  createRoot(disk, root, diagnostics)
  if (lifetimeOf(disk, root, isInKubernetes()) !== 'container') return
  diagnostics.warn(
    'PXU_WRN_STORE_EPHEMERAL',
    `The folder ${root} lies in the container's own layer, which goes with the container: after a crash, counts that are not in Redis yet are lost. Mount a volume or an emptyDir and give its path as dir. Manifests: ${manifestsUrl}`,
  )
}

/** Kubernetes sets this variable in every container. */
function isInKubernetes(): boolean {
  return process.env.KUBERNETES_SERVICE_HOST !== undefined
}

/** Warns if a deploy removes the folder, with the counts of the open day and the unsent events. */
function warnOfEnd(disk: Disk, root: string, diagnostics: Diagnostics): void {
  const lifetime = lifetimeOf(disk, root, isInKubernetes())
  if (lifetime === 'volume') return
  const where =
    lifetime === 'pod'
      ? 'is on an emptyDir volume, which survives a restart of the container and goes with the pod'
      : "lies in the container's own layer, which goes with the container"
  const cure = isInKubernetes()
    ? `Mount a volume of a StatefulSet, and give its path as dir (PX_USAGE_DIR). If the service runs as several pods, each of them sends events of its own, and PX's Average is wrong: use redisStore() of @px-usage/redis. Manifests: ${manifestsUrl}`
    : 'Mount a volume and give its path as dir (PX_USAGE_DIR).'
  diagnostics.warn(
    'PXU_WRN_STORE_EPHEMERAL',
    `The folder ${root} ${where}: counts and unsent events of a deploy are lost. ${cure}`,
  )
}

/** Keeps the folder out of the repository of the app. An existing `.gitignore` is not changed. */
function ignoreInGit(disk: Disk, root: string): void {
  try {
    const file = disk.openSync(join(root, '.gitignore'), 'wx', 0o600)
    try {
      writeWhole(disk, file, Buffer.from('*\n'), 0)
    } finally {
      disk.closeSync(file)
    }
  } catch {
    // Another process created it, or the disk is full: nothing depends on it.
  }
}

/** Warns if other users can write to the folder and so change the counts. Our own files follow no link that they create. */
function warnOfOthers(disk: Disk, root: string, diagnostics: Diagnostics): void {
  const uid = process.geteuid?.()
  if (uid === undefined) return
  const { uid: owner, mode } = disk.statSync(root)
  const isForeign = owner !== uid && owner !== 0
  const isOpenToAll = (mode & 0o1002) === 0o002
  if (!isForeign && !isOpenToAll) return
  const what = isForeign
    ? `belongs to another user (uid ${owner}; this process has ${uid})`
    : 'can be written to by every user'
  diagnostics.warn(
    'PXU_WRN_STORE_FOREIGN_FOLDER',
    `The folder ${root} ${what}, so counts can be changed or removed there. Give a dir (PX_USAGE_DIR) that only the user of this process can write to.`,
  )
}
