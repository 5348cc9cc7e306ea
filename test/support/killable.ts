import type { Disk } from '../../packages/core/src/files/disk.ts'
import type { Store } from '../../packages/core/src/model/store.ts'
import type { SendCommand } from '../../packages/redis/src/options.ts'
import { diskWith, errno, isChange, writeShare } from './failing-disk.ts'

/** What a process has of a disk and of Redis, and how it dies: at that moment it changes nothing any more. */
export interface Killable {
  readonly disk: Disk
  readonly sendCommand: SendCommand
  readonly isDead: boolean
  /** Dies at its nth change of the disk or command, which may be done in part, or be done without its reply. */
  dieAt(step: number): void
  /** Dies now. Other processes in the folder find it dead as after SIGKILL. */
  kill(store: Store): Promise<void>
}

export function killable(send: SendCommand): Killable {
  let isDead = false
  let steps = 0
  let deadAt = Number.POSITIVE_INFINITY
  const step = () => {
    steps += 1
    isDead ||= steps >= deadAt
  }
  return {
    disk: diskWith((call, args) => {
      if (!isChange(call, args)) return
      const wasDead = isDead
      step()
      if (!isDead) return
      if (!wasDead && (call === 'writeSync' || call === 'write')) writeShare(args)
      throw errno('EIO')
    }),
    async sendCommand(args, key) {
      const wasDead = isDead
      step()
      const reply = wasDead || (isDead && steps % 2 === 1) ? undefined : await send(args, key)
      if (isDead) throw new Error('This process is dead.')
      return reply
    },
    get isDead() {
      return isDead
    },
    dieAt(nth) {
      deadAt = nth
    },
    async kill(store) {
      isDead = true
      await store.close().catch(() => {})
    },
  }
}
