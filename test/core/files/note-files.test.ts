import fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createNote } from '../../../packages/core/src/files/note.ts'
import type { Store } from '../../../packages/core/src/model/store.ts'
import { diskWith } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
const isNumbers = (value: unknown): value is number[] => Array.isArray(value)
const noteOf = (store: Store) => createNote(store, 'a fact', isNumbers)
const path = () => join(folder.dir, 'notes', 'a%20fact')

const damages: Array<[string, (path: string) => void]> = [
  ['zeros', (path) => fs.writeFileSync(path, Buffer.alloc(fs.statSync(path).size))],
  ['nothing', (path) => fs.truncateSync(path, 0)],
  ['half of it', (path) => fs.truncateSync(path, Math.floor(fs.statSync(path).size / 2))],
  ['a flipped bit', (path) => flip(path, fs.statSync(path).size - 2)],
  ['other bytes', (path) => fs.writeFileSync(path, Buffer.from([0xff, 0xfe, 0, 1, 2, 3]))],
  ['JSON of another shape', (path) => fs.writeFileSync(path, '{"a":1}')],
]

function flip(path: string, at: number): void {
  const bytes = fs.readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  fs.writeFileSync(path, bytes)
}

describe('a note', () => {
  it.each(damages)('that holds %s is set aside, reported once, and written again', async (_what, damage) => {
    const store = await folder.open()
    const note = noteOf(store)
    await note.write([1, 2, 3])
    damage(path())
    expect(await note.read()).toBeUndefined()
    expect(await note.read()).toBeUndefined()
    expect(folder.errors.map(({ code }) => code)).toEqual(['PXU_ERR_STORE_UNREADABLE'])
    expect(fs.readdirSync(join(folder.dir, 'damaged'))).toHaveLength(1)
    await note.write([4])
    expect(await note.read()).toEqual([4])
  })

  it.each<[string, (path: string) => void]>([
    ['a folder', (path) => fs.mkdirSync(join(path, 'more'), { recursive: true })],
    ['a link to another file', (path) => fs.symlinkSync(join(folder.dir, 'target'), path)],
  ])('in whose place is %s is written again, and nothing is followed', async (_what, put) => {
    fs.writeFileSync(join(folder.dir, 'target'), 'precious')
    const store = await folder.open()
    const note = noteOf(store)
    await note.write([1])
    fs.rmSync(path())
    put(path())
    await note.read().catch(() => {})
    expect(await note.read()).toBeUndefined()
    await note.write([2])
    expect(await note.read()).toEqual([2])
    expect(fs.readFileSync(join(folder.dir, 'target'), 'utf8')).toBe('precious')
  })

  it('that a disk fails to read once is not damaged', async () => {
    let failures = 0
    const disk = diskWith((call, [file]) => {
      if (call !== 'readFileSync' || !String(file).includes('notes') || failures++ > 0) return
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    })
    const note = noteOf(await folder.open({}, disk))
    await note.write([1])
    await expect(note.read()).rejects.toThrow('EIO')
    expect(await note.read()).toEqual([1])
  })

  it('of any damaged bytes is never another value', async () => {
    const store = await folder.open()
    const note = noteOf(store)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(), { minLength: 1 }),
        fc.nat(),
        fc.nat(255),
        async (value, at, byte) => {
          await note.write(value)
          const bytes = fs.readFileSync(path())
          bytes[at % bytes.length] = byte
          fs.writeFileSync(path(), bytes)
          expect([undefined, value]).toContainEqual(await note.read())
        },
      ),
      { numRuns: 60 },
    )
  })

  it('that a link in place of the folder of notes would lead elsewhere stays in the store', async () => {
    const elsewhere = fs.mkdtempSync(join(folder.dir, 'elsewhere-'))
    const store = await folder.open()
    fs.symlinkSync(elsewhere, join(folder.dir, 'notes'))
    await noteOf(store).write([1])
    expect(fs.readdirSync(elsewhere)).toEqual([])
    expect(await noteOf(store).read()).toEqual([1])
  })

  it('is absent and can be written when a file has the place of the folder of notes', async () => {
    const store = await folder.open()
    fs.writeFileSync(join(folder.dir, 'notes'), 'x')
    expect(await noteOf(store).read()).toBeUndefined()
    expect(folder.errors.map(({ message }) => message)).toEqual([expect.stringContaining('not a folder')])
    await noteOf(store).write([1])
    expect(await noteOf(store).read()).toEqual([1])
  })
})
