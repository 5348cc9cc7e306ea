import { join, sep } from 'node:path'
import type { Disk } from '../files/disk.ts'

/** File systems on which container runtimes put the layer of a container. */
const layerTypes = ['overlay', 'aufs', 'fuse-overlayfs']

/**
 * Returns whether a folder is in the container's own layer, which the next deploy removes, instead of on a volume. Reads
 * `/proc/self/mountinfo` (proc(5)); `false` on systems without that file.
 */
export function isInContainerLayer(disk: Disk, path: string): boolean {
  try {
    const mounts = disk.readFileSync('/proc/self/mountinfo').toString().trim().split('\n')
    let longest = { point: '', type: '' }
    for (const mount of mounts) {
      const [fields = '', source = ''] = mount.split(' - ')
      const point = unescaped(fields.split(' ')[4] ?? '')
      const isAbove = point === path || path.startsWith(point.endsWith(sep) ? point : join(point, sep))
      // The later of two mounts at one path hides the other.
      if (isAbove && point.length >= longest.point.length)
        longest = { point, type: source.split(' ')[0] ?? '' }
    }
    return layerTypes.includes(longest.type)
  } catch {
    return false
  }
}

/** Replaces the octal escapes with which the file writes spaces and similar characters. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
