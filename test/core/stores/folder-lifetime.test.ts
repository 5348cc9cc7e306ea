import { describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { lifetimeOf } from '../../../packages/core/src/stores/folder-lifetime.ts'

const mounts = [
  '22 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/l,upperdir=/u',
  '30 22 8:1 / /data rw - ext4 /dev/sda1 rw',
  '31 22 8:1 / /my\\040data rw - ext4 /dev/sda1 rw',
  '32 22 0:22 / /database rw - overlay overlay rw',
  '33 22 8:1 /var/lib/kubelet/pods/0f1e/volumes/kubernetes.io~empty-dir/usage /scratch rw - ext4 /dev/sda1 rw',
  '34 22 0:40 / /fast rw - tmpfs tmpfs rw,size=65536k',
  '35 22 8:1 /var/lib/kubelet/pods/0f1e/volumes/kubernetes.io~csi/pvc-1/mount /claim rw - ext4 /dev/sdb rw',
]
const onExt4 = ['22 1 8:1 / / rw - ext4 /dev/sda1 rw', ...mounts.slice(1)]

const diskWith = (readFileSync: () => unknown) =>
  ({ ...realDisk, readFileSync }) as unknown as typeof realDisk
const lifetime = (path: string, lines: string[], isInKubernetes: boolean) =>
  lifetimeOf(
    diskWith(() => Buffer.from(lines.join('\n'))),
    path,
    isInKubernetes,
  )

describe('a folder of a container', () => {
  it.each([
    ['/app/.px-usage', 'container'],
    ['/data/px-usage', 'volume'],
    ['/my data/px-usage', 'volume'],
    ['/database/px-usage', 'container'],
    ['/data', 'volume'],
    ['/claim/px-usage', 'volume'],
    ['/scratch/px-usage', 'pod'],
  ])('%s lasts as long as its %s, in Kubernetes or not', (path, expected) => {
    expect(lifetime(path, mounts, true)).toBe(expected)
    expect(lifetime(path, mounts, false)).toBe(expected)
  })

  it('in memory lasts as long as its pod, and is left alone elsewhere', () => {
    expect(lifetime('/fast/px-usage', mounts, true)).toBe('pod')
    expect(lifetime('/fast/px-usage', mounts, false)).toBe('volume')
  })

  it('below no mount is in the layer of the container, whatever its file system is', () => {
    expect(lifetime('/app/.px-usage', onExt4, true)).toBe('container')
    expect(lifetime('/data/px-usage', onExt4, true)).toBe('volume')
    expect(lifetime('/app/.px-usage', onExt4, false)).toBe('volume')
  })
})

it('of two mounts at one place the later one counts', () => {
  const covered = [...mounts, '36 22 8:1 / / rw - ext4 /dev/sda2 rw']
  expect(lifetime('/app', covered, false)).toBe('volume')
})

it('a machine that shows no mounts is no container', () => {
  const disk = diskWith(() => {
    throw new Error('ENOENT')
  })
  expect(lifetimeOf(disk, '/app', true)).toBe('volume')
})
