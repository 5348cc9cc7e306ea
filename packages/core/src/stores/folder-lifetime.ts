import { join, sep } from 'node:path'
import type { Disk } from '../files/disk.ts'

/**
 * How long a folder lasts in a container: as long as a volume, until the pod of Kubernetes is replaced (`emptyDir`), or until the
 * container is.
 */
export type FolderLifetime = 'volume' | 'pod' | 'container'

/** File systems on which container runtimes put the layer of a container. */
const layerTypes = ['overlay', 'aufs', 'fuse-overlayfs']
/** File systems in memory, which Kubernetes mounts for an `emptyDir` with the medium `Memory`. */
const memoryTypes = ['tmpfs', 'ramfs']
/** What the kubelet names the folder on the node that holds the `emptyDir` volumes of a pod. */
const emptyDirFolder = '/kubernetes.io~empty-dir/'

/** Where a path is mounted. */
export interface Mount {
  /** What of its file system is mounted. */
  root: string
  point: string
  type: string
}

/**
 * Returns how long a folder lasts. Reads `/proc/self/mountinfo` (proc(5)); returns `'volume'` on systems without that file. In
 * Kubernetes a folder below no mount is in the layer of the container whatever its file system is: runtimes also use ext4, ZFS and 9p.
 */
export function lifetimeOf(
  disk: Pick<Disk, 'readFileSync'>,
  path: string,
  isInKubernetes: boolean,
): FolderLifetime {
  const { root, point, type } = mountOf(disk, path)
  if (layerTypes.includes(type)) return 'container'
  if (root.includes(emptyDirFolder)) return 'pod'
  if (!isInKubernetes) return 'volume'
  if (point === '/') return 'container'
  return memoryTypes.includes(type) ? 'pod' : 'volume'
}

/** Returns the mount that a path is in, with empty texts on systems that list no mounts. */
export function mountOf(disk: Pick<Disk, 'readFileSync'>, path: string): Mount {
  let longest: Mount = { root: '', point: '', type: '' }
  try {
    const mounts = disk.readFileSync('/proc/self/mountinfo').toString().trim().split('\n')
    for (const mount of mounts) {
      const [fields = '', source = ''] = mount.split(' - ')
      const [, , , root = '', point = ''] = fields.split(' ').map(unescaped)
      const isAbove = point === path || path.startsWith(point.endsWith(sep) ? point : join(point, sep))
      // The later of two mounts at one path hides the other.
      if (isAbove && point.length >= longest.point.length)
        longest = { root, point, type: source.split(' ')[0] ?? '' }
    }
  } catch {
    // Not Linux, or a /proc that this process may not read.
  }
  return longest
}

/** Replaces the octal escapes with which the file writes spaces and similar characters. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
