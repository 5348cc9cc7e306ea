import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import type { OutboxLine } from '../../../packages/core/src/model/outbox-line.ts'
import { Inbox, isCommandLeft } from '../../../packages/core/src/outbox/inbox.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
const line = { id: 'one' } as OutboxLine
let damages: string[]
beforeEach(() => {
  damages = []
})

function inboxOn(disk: Disk): Inbox {
  const settings = {
    disk,
    dir: folder.dir,
    now: folder.clock.now,
    onDamage: (path: string, what: string) => void damages.push(`${path}: ${what}`),
  }
  return new Inbox(settings, 'journal')
}

async function idsTaken(inbox: Inbox): Promise<string[]> {
  const ids: string[] = []
  await inbox.takeOut(async (lines) => void ids.push(...lines.map(({ id }) => id)))
  return ids
}

function replace(path: string, make: () => void): void {
  fs.rmSync(path)
  make()
}

describe('the inbox', () => {
  it('that cannot be listed stops nothing, is reported once, and is read when it can be', async () => {
    let isBroken = true
    const inbox = inboxOn(
      diskWith((call, [path]) => {
        if (isBroken && call === 'readdirSync' && String(path).endsWith('inbox')) throw errno('EACCES')
      }),
    )
    await inbox.leave([line])
    expect(await idsTaken(inbox)).toEqual([])
    expect(await idsTaken(inbox)).toEqual([])
    expect(damages).toEqual([expect.stringContaining('EACCES')])
    isBroken = false
    expect(await idsTaken(inbox)).toEqual(['one'])
  })

  it('gives lines once when their file cannot be removed', async () => {
    let isBroken = true
    const inbox = inboxOn(
      diskWith((call) => {
        if (isBroken && call === 'rmSync') throw errno('EPERM')
      }),
    )
    await inbox.leave([line])
    expect(await idsTaken(inbox)).toEqual(['one'])
    expect(await idsTaken(inbox)).toEqual([])
    expect(damages).toEqual([expect.stringContaining('cannot be removed')])
    isBroken = false
    expect(await idsTaken(inbox)).toEqual([])
    expect(fs.readdirSync(join(folder.dir, 'inbox'))).toEqual([])
  })

  it.each<[string, (path: string) => void]>([
    ['zeros', (path) => fs.writeFileSync(path, Buffer.alloc(50))],
    ['nothing', (path) => fs.truncateSync(path)],
    ['half of it', (path) => fs.truncateSync(path, 20)],
    ['other bytes', (path) => fs.writeFileSync(path, Buffer.from([0xff, 1, 2]))],
    ['JSON that was not written by px-usage', (path) => fs.writeFileSync(path, '[{"id":"false"}]')],
    ['a folder in its place', (path) => replace(path, () => fs.mkdirSync(path))],
    ['a link in its place', (path) => replace(path, () => fs.symlinkSync('/etc/hostname', path))],
  ])('with %s in one file gives the lines of all others', async (_what, damage) => {
    const inbox = inboxOn(realDisk)
    await inbox.leave([{ ...line, id: 'damaged' }])
    await inbox.leave([line])
    damage(join(folder.dir, 'inbox', 'journal.000000001.json'))
    expect(await idsTaken(inbox)).toEqual(['one'])
    expect(await idsTaken(inbox)).toEqual([])
    expect(damages).toHaveLength(1)
    expect(fs.readdirSync(join(folder.dir, 'damaged'))).toHaveLength(1)
    expect(fs.readdirSync(join(folder.dir, 'inbox'))).toEqual([])
  })
})

describe('commands of operators', () => {
  const command = { id: 'c', kind: 'discard', lines: ['a'] } as const

  it('are passed on once each, and are no lines', async () => {
    const inbox = inboxOn(realDisk)
    await inbox.leaveCommand(command)
    expect(await idsTaken(inbox)).toEqual([])
    expect(isCommandLeft(realDisk, folder.dir, 'c')).toBe(true)
    const ran: unknown[] = []
    const run = async (one: unknown) => void ran.push(one)
    await inbox.takeCommands(run)
    await inbox.takeCommands(run)
    expect(ran).toEqual([command])
    expect(isCommandLeft(realDisk, folder.dir, 'c')).toBe(false)
  })

  it('that fail stay and are reported, and damaged ones are set aside', async () => {
    const inbox = inboxOn(realDisk)
    await inbox.leaveCommand(command)
    fs.writeFileSync(join(folder.dir, 'inbox/x.command'), 'damaged')
    await inbox.takeCommands(() => Promise.reject(new Error('full')))
    expect(damages).toEqual([
      expect.stringContaining('its command failed (full), and is tried again'),
      expect.stringContaining('x.command: its content is damaged. It was moved to'),
    ])
    expect(fs.readdirSync(join(folder.dir, 'inbox'))).toHaveLength(1)
  })
})
