import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { prepareShippingRoot } from '../../../packages/core/src/stores/prepare-root.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'
import { diskOf } from '../../support/store-folder.ts'

describe('the folder of a store', () => {
  const folder = diskOf(beforeEach, afterEach)

  afterEach(() => void vi.unstubAllEnvs())

  it('keeps itself out of a repository when px-usage makes it', async () => {
    await folder.open({ dir: join(folder.dir, 'new') })
    expect(fs.readFileSync(join(folder.dir, 'new/.gitignore'), 'utf8')).toBe('*\n')
  })

  it('with the name of the default gets a .gitignore also when it was there, but never another', async () => {
    const dir = join(folder.dir, '.px-usage')
    fs.mkdirSync(dir)
    await folder.open({ dir })
    expect(fs.readFileSync(join(dir, '.gitignore'), 'utf8')).toBe('*\n')
    fs.writeFileSync(join(dir, '.gitignore'), 'mine')
    await folder.open({ dir })
    expect(fs.readFileSync(join(dir, '.gitignore'), 'utf8')).toBe('mine')
  })

  it('is left as it is when it was there before', async () => {
    await folder.open()
    expect(fs.existsSync(join(folder.dir, '.gitignore'))).toBe(false)
  })

  it('that cannot be made is an error in bounded time', async () => {
    await expect(folder.open({ dir: '/proc/nope' })).rejects.toThrow(
      expect.objectContaining({
        code: 'PXU_ERR_STORE_UNAVAILABLE',
        message: expect.stringContaining('ENOENT'),
      }),
    )
  })

  it.skipIf(process.getuid?.() !== 0)(
    'of another user, or that every user can write to, is reported',
    async () => {
      fs.chownSync(folder.dir, 12_345, 12_345)
      await folder.open()
      expect(folder.warnings).toEqual(['PXU_WRN_STORE_FOREIGN_FOLDER'])
      fs.chownSync(folder.dir, 0, 0)
      fs.chmodSync(folder.dir, 0o777)
      await folder.open()
      expect(folder.warnings).toHaveLength(2)
    },
  )

  it('loses the temporary files that a crash left an hour ago', async () => {
    fs.mkdirSync(join(folder.dir, 'notes'))
    const left = join(folder.dir, 'notes', 'fact.0123.tmp')
    fs.writeFileSync(left, 'x')
    fs.utimesSync(left, new Date('2026-11-23T08:00:00Z'), new Date('2026-11-23T08:00:00Z'))
    await folder.open()
    expect(fs.readdirSync(join(folder.dir, 'notes'))).toEqual([])
  })

  const mountinfo = [
    '22 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/l,upperdir=/u',
    '30 22 8:1 / /data rw - ext4 /dev/sda1 rw',
    '31 22 8:1 / /my\\040data rw - ext4 /dev/sda1 rw',
    '32 22 0:22 / /database rw - overlay overlay rw',
  ].join('\n')
  it('in the own layer of a container is reported', async () => {
    const messages = await warningsOf(mountinfo)
    expect(messages).toEqual([expect.stringMatching(/own layer.*Mount a volume and give its path as dir/)])
  })

  it('that Kubernetes removes with the pod or the container is reported, with what to do', async () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.0.0.1')
    const emptyDir = '/var/lib/kubelet/pods/0f1e/volumes/kubernetes.io~empty-dir/usage'
    const onEmptyDir = `${mountinfo}\n33 22 8:1 ${emptyDir} ${folder.dir} rw - ext4 /dev/sda1 rw`
    const cure = 'Mount a volume of a StatefulSet.*several pods.*redisStore.*docs/kubernetes.md'
    expect(await warningsOf(onEmptyDir)).toEqual([
      expect.stringMatching(new RegExp(`emptyDir.*goes with the pod.*${cure}`)),
    ])
    expect(await warningsOf(mountinfo.replace('overlay overlay', 'ext4 /dev/sda1'))).toEqual([
      expect.stringMatching(new RegExp(`own layer.*${cure}`)),
    ])
    const onVolume = `${mountinfo}\n33 22 8:1 / ${folder.dir} rw - ext4 /dev/sda1 rw`
    expect(await warningsOf(onVolume)).toEqual([])
  })

  it('for counts that wait for another store may be an emptyDir, and not in the own layer', () => {
    const onEmptyDir = `${mountinfo}\n33 22 8:1 /kubernetes.io~empty-dir/u ${folder.dir} rw - ext4 /dev/sda1 rw`
    const warned: string[] = []
    for (const mounts of [mountinfo, onEmptyDir]) {
      const readFileSync = () => Buffer.from(mounts)
      const { diagnostics } = recordingDiagnostics()
      const warn = (code: string, message: string) => void warned.push(`${code} ${message}`)
      prepareShippingRoot({ ...realDisk, readFileSync } as unknown as typeof realDisk, folder.dir, {
        ...diagnostics,
        warn,
      })
    }
    expect(warned).toEqual([expect.stringMatching(/EPHEMERAL.*own layer.*not in Redis yet.*emptyDir/)])
  })

  async function warningsOf(mounts: string): Promise<string[]> {
    const readFileSync = (path: string) =>
      path === '/proc/self/mountinfo' ? Buffer.from(mounts) : realDisk.readFileSync(path)
    const before = folder.warned.length
    await folder.open({}, { ...realDisk, readFileSync } as unknown as typeof realDisk)
    expect(new Set(folder.warnings.slice(before))).toEqual(
      new Set(folder.warned.length > before ? ['PXU_WRN_STORE_EPHEMERAL'] : []),
    )
    return folder.warned.slice(before)
  }
})
