import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The user of the process, as in the manifests of docs/kubernetes.md. */
const uid = 10_001
const root = join(import.meta.dirname, '../..')

/**
 * Runs a command as a container of the "restricted" profile does: in its own mounts, with a root file system that is read-only, as a
 * user without capabilities. The process that is spawned becomes the command, so that signals reach it.
 */
const confine = `
  mount --make-rprivate / &&
  mount --bind "$1" "$2/app" && mount -o remount,bind,ro "$2/app" &&
  mount --bind "$2/tmp" "$2/tmp" && mount --bind "$2/volume" "$2/volume" &&
  mount -o "remount,bind,$3" "$2/volume" &&
  mount -o remount,bind,ro / &&
  cd "$2/app" && shift 3 &&
  exec setpriv --reuid ${uid} --regid ${uid} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
`

export interface ContainerOptions {
  /** Whether the volume can be written to. @default true */
  readonly isWritable?: boolean
  readonly env?: Readonly<Record<string, string>>
}

/** The machine of a container: its volume outlives it. */
export interface ContainerHost {
  /** The path of the volume, within the container and outside. */
  readonly volume: string
  /** Starts a TypeScript file of the repository as a container. */
  start(script: string, args: readonly string[], options?: ContainerOptions): ChildProcess
  /** Puts a file system of this size under the volume. */
  limitVolume(size: string): void
  remove(): void
}

/** Returns whether this machine lets a process change its mounts and its user; warns that tests are skipped where it does not. */
export async function canConfine(): Promise<boolean> {
  const host = await createContainerHost()
  const tried = spawnSync('unshare', [...host.confined('rw'), process.execPath, '--version'])
  host.remove()
  if (tried.status !== 0) {
    console.warn(`Skipped: this machine cannot confine a process (unshare, mount, setpriv): ${tried.stderr}`)
  }
  return tried.status === 0
}

export async function createContainerHost(): Promise<
  ContainerHost & { confined(volumeMode: 'rw' | 'ro'): string[] }
> {
  const base = mkdtempSync(join(tmpdir(), 'px-usage-container-'))
  const volume = join(base, 'volume')
  const temporary = join(base, 'tmp')
  // The process has another user than the folder of the test, and must get through it.
  spawnSync('chmod', ['755', base])
  for (const folder of [volume, temporary, join(base, 'app')]) mkdirSync(folder)
  for (const folder of [volume, temporary]) await chown(folder, uid, uid).catch(() => {})
  const children: ChildProcess[] = []
  let isLimited = false

  function confined(volumeMode: 'rw' | 'ro'): string[] {
    return ['--mount', 'sh', '-c', confine, 'sh', root, base, volumeMode]
  }

  return {
    volume,
    confined,
    start(script, args, { isWritable = true, env = {} } = {}) {
      const node = [process.execPath, '--conditions=@px-usage/source', '--import', 'tsx', script, ...args]
      const child = spawn('unshare', [...confined(isWritable ? 'rw' : 'ro'), ...node], {
        env: { ...process.env, TMPDIR: temporary, ...env },
      })
      children.push(child)
      return child
    },
    limitVolume(size) {
      const options = `size=${size},uid=${uid},gid=${uid},mode=700`
      const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', volume])
      if (status !== 0) throw new Error(`No file system of ${size}: ${stderr}`)
      isLimited = true
    },
    remove() {
      for (const child of children) child.kill('SIGKILL')
      if (isLimited) spawnSync('umount', ['--lazy', volume])
      rmSync(base, { recursive: true, force: true })
    },
  }
}
