import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../../packages/core/src/clock.ts'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { ownerState, showAlive, sweepSockets, thisHost } from '../../../packages/core/src/stores/liveness.ts'
import { createSilence } from '../../../packages/core/src/stores/silence.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
const owner = { journalId: '0123456789abcdef-1', ...thisHost }
const look = (dir: string) => ({ disk: realDisk, dir, silence: createSilence(folder.clock) })

it('sees a living process through a symbolic link, another TMPDIR and a path of any length', async () => {
  for (const dir of [join(folder.dir, 'short'), join(folder.dir, 'a'.repeat(60), 'b'.repeat(60))]) {
    fs.mkdirSync(dir, { recursive: true })
    const link = `${folder.dir}/${dir.length}`
    fs.symlinkSync(dir, link)
    const tmpdir = process.env.TMPDIR
    const mark = await showAlive({ disk: realDisk, dir, clock: folder.clock, onDamage() {} }, owner.journalId)
    process.env.TMPDIR = folder.dir
    try {
      expect(await ownerState(look(link), owner)).toBe('alive')
    } finally {
      if (tmpdir === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = tmpdir
    }
    await mark.release()
    expect(await ownerState(look(dir), owner)).toBe('dead')
  }
})

it('goes on touching its lease after a touch failed', async () => {
  // Without a socket: its folder cannot be opened, and its path is too long.
  const dir = join(folder.dir, 'a'.repeat(60), 'b'.repeat(60))
  let isFailing = false
  let touches = 0
  const disk = diskWith((call, args) => {
    if (call === 'openSync' && args[1] === 'r') throw errno('ENOTSUP')
    if (call === 'utimesSync') touches += 1
    if (call === 'utimesSync' && isFailing) throw errno('EIO')
  })
  fs.mkdirSync(dir, { recursive: true })
  const mark = await showAlive({ disk, dir, clock: folder.clock, onDamage() {} }, owner.journalId)
  isFailing = true
  await folder.clock.advance(60_000)
  isFailing = false
  await folder.clock.advance(60_000)
  expect(touches).toBe(5)
  await mark.release()
})

it('takes a process for dead whose lease did not change for ten minutes, whatever its date', async () => {
  fs.mkdirSync(join(folder.dir, 's'))
  const lease = join(folder.dir, 's', `${owner.journalId}.lease`)
  fs.writeFileSync(lease, '')
  const nextYear = folder.clock.now() / 1_000 + 365 * 86_400
  fs.utimesSync(lease, nextYear, nextYear)
  const where = look(folder.dir)
  expect(await ownerState(where, owner)).toBe('alive')
  await folder.clock.advance(600_000)
  expect(await ownerState(where, owner)).toBe('dead')
})

it('sweeps the sockets of dead processes of this host, and no others', async () => {
  const mark = await showAlive(
    { disk: realDisk, dir: folder.dir, clock: systemClock, onDamage() {} },
    owner.journalId,
  )
  const [mine = ''] = fs.readdirSync(join(folder.dir, 's'))
  const dead = mine.replace('0123456789ab', 'ba9876543210')
  await leaveDeadSocket(join(folder.dir, 's', dead))
  await leaveDeadSocket(join(folder.dir, 's', 'ba9876543210-000000'))
  const old = Date.now() / 1_000 - 3_600
  for (const name of fs.readdirSync(join(folder.dir, 's')))
    fs.utimesSync(join(folder.dir, 's', name), old, old)
  await sweepSockets(realDisk, folder.dir, Date.now())
  expect(fs.readdirSync(join(folder.dir, 's')).sort()).toEqual([mine, 'ba9876543210-000000'].sort())
  await mark.release()
})

/** As a process leaves it that is killed: a file of a socket on which nothing listens. */
async function leaveDeadSocket(path: string): Promise<void> {
  const { spawnSync } = await import('node:child_process')
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
}
