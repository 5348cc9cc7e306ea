import { join, sep } from 'node:path'
import type { Disk } from '../files/disk.ts'

/** File systems that container runtimes put an image's own layer on. */
const layerTypes = ['overlay', 'aufs', 'fuse-overlayfs']

/**
 * Whether a folder lies in the own layer of a container, which the next deploy throws away, and not on a volume. From
 * `/proc/self/mountinfo` (proc(5)); `false` where there is no such file.
 */
export function isInContainerLayer(disk: Disk, path: string): boolean {
  try {
    const mounts = disk.readFileSync('/proc/self/mountinfo').toString().trim().split('\n')
    let longest = { point: '', type: '' }
    for (const mount of mounts) {
      const [fields = '', source = ''] = mount.split(' - ')
      const point = unescaped(fields.split(' ')[4] ?? '')
      const isAbove = point === path || path.startsWith(point.endsWith(sep) ? point : join(point, sep))
      // Of two mounts at one point the later one covers the other.
      if (isAbove && point.length >= longest.point.length)
        longest = { point, type: source.split(' ')[0] ?? '' }
    }
    return layerTypes.includes(longest.type)
  } catch {
    return false
  }
}

/** Spaces and the like stand there as three octal digits. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
