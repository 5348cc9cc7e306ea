import { expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { isInContainerLayer } from '../../../packages/core/src/stores/container-layer.ts'

const mounts = [
  '22 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/l,upperdir=/u',
  '30 22 8:1 / /data rw - ext4 /dev/sda1 rw',
  '31 22 8:1 / /my\\040data rw - ext4 /dev/sda1 rw',
  '32 22 0:22 / /database rw - overlay overlay rw',
].join('\n')
const diskWith = (readFileSync: () => unknown) =>
  ({ ...realDisk, readFileSync }) as unknown as typeof realDisk

it.each([
  ['/app/.px-usage', true],
  ['/data/px-usage', false],
  ['/my data/px-usage', false],
  ['/database/px-usage', true],
  ['/data', false],
])('%s of a container is in its own layer: %s', (path, isLayer) => {
  expect(
    isInContainerLayer(
      diskWith(() => Buffer.from(mounts)),
      path,
    ),
  ).toBe(isLayer)
})

it('of two mounts at one place the later one counts', () => {
  const covered = `${mounts}\n33 22 8:1 / / rw - ext4 /dev/sda2 rw`
  expect(
    isInContainerLayer(
      diskWith(() => Buffer.from(covered)),
      '/app',
    ),
  ).toBe(false)
})

it('a machine that shows no mounts is no container', () => {
  const disk = diskWith(() => {
    throw new Error('ENOENT')
  })
  expect(isInContainerLayer(disk, '/app')).toBe(false)
})
